"""Rows go in once, whole, in the table's own columns, or not at all."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shuzhi.gather.lake import Commit, Lake, LakeSettings, Tx, open_lake
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName

FLIGHTS = DatasetName("flights")


def rows(*ids: int, word: str = "on time") -> pa.Table:
    return pa.table(
        {"id": pa.array(ids, pa.int64()), "word": pa.array([word] * len(ids), pa.string())}
    )


def stored(lake: Lake, name: str = "flights") -> list[dict[str, object]]:
    return sorted(lake.reader(name).read_all().to_pylist(), key=str)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path / "数治 lake")


def test_the_first_append_makes_the_table(lake: Lake) -> None:
    commit = lake.append("flights", rows(1, 2), note={"source": "flights_csv"})
    assert commit == Commit(FLIGHTS, version=0, inserted=2)
    assert stored(lake) == [{"id": 1, "word": "on time"}, {"id": 2, "word": "on time"}]
    assert lake.names() == ("flights",)
    assert lake.history("flights")[0].note == {"source": "flights_csv"}


def test_rows_stream_in_and_the_count_comes_from_the_log(lake: Lake) -> None:
    reader = pa.table({"id": range(10)}).to_reader(max_chunksize=3)
    assert lake.append("flights", reader).inserted == 10
    assert lake.count("flights") == 10


def test_a_tx_is_stored_once(lake: Lake) -> None:
    lake.append("flights", rows(1), tx=Tx("gateway-1", 7))
    again = lake.append("flights", rows(1), tx=Tx("gateway-1", 7))
    older = lake.append("flights", rows(0), tx=Tx("gateway-1", 6))
    other = lake.append("flights", rows(2), tx=Tx("gateway-2", 1))
    assert (again.was_skipped, older.was_skipped, other.was_skipped) == (True, True, False)
    assert lake.count("flights") == 2
    assert lake.committed("flights", "gateway-1") == 7
    assert lake.committed("flights", "gateway-3") is None
    assert lake.committed("weather", "gateway-1") is None


def test_a_tx_with_no_rows_is_remembered(lake: Lake) -> None:
    lake.append("flights", rows(1), tx=Tx("gateway-1", 1))
    assert lake.append("flights", rows(), tx=Tx("gateway-1", 2)).version == 1
    assert lake.committed("flights", "gateway-1") == 2


def test_no_rows_and_no_tx_make_no_version(lake: Lake) -> None:
    lake.append("flights", rows(1))
    assert lake.append("flights", rows()) == Commit(FLIGHTS, version=0)


def test_a_table_may_begin_empty(lake: Lake) -> None:
    lake.append("flights", rows())
    assert lake.count("flights") == 0
    assert lake.reader("flights").read_all().schema == lake.schema("flights")


def test_other_columns_are_refused_one_by_one(lake: Lake) -> None:
    lake.append("flights", rows(1))
    wrong = pa.table({"id": ["1"], "gate": ["B2"]})
    with pytest.raises(RefusedError) as refused:
        lake.append("flights", wrong)
    assert str(refused.value) == (
        "gather.schema_mismatch: These rows do not fit data set 'flights': column 'word' is "
        "missing; column 'gate' is not in the table; column 'id' is string, the table has int64. "
        "Bring the rows into the table's columns, or widen the table for new ones."
    )
    assert lake.version("flights") == 0


def test_columns_may_come_in_another_order_and_in_kin_types(lake: Lake) -> None:
    lake.append("flights", rows(1))
    kin = pa.table({"word": pa.array(["late"], pa.large_string()), "id": [2]})
    lake.append("flights", kin)
    assert stored(lake)[1] == {"id": 2, "word": "late"}
    assert {pq.read_schema(f).names == ["id", "word"] for f in lake.files("flights")} == {True}


def test_instants_are_kept_in_utc_to_the_microsecond(lake: Lake) -> None:
    moment = datetime(2026, 3, 1, 8, 30, 0, 123456, tzinfo=UTC)
    shanghai = pa.array([moment], pa.timestamp("ns", "Asia/Shanghai"))
    lake.append("flights", pa.table({"at": shanghai}))
    assert lake.schema("flights").field("at").type == pa.timestamp("us", "UTC")
    assert stored(lake) == [{"at": moment}]


def test_a_value_that_a_cast_would_change_is_refused(lake: Lake) -> None:
    nanoseconds = pa.table({"at": pa.array([1], pa.timestamp("ns", "UTC"))})
    with pytest.raises(RefusedError, match=r"gather.schema_mismatch.*'at'.*lose data"):
        lake.append("flights", nanoseconds)
    assert not lake.exists("flights")


def test_columns_that_no_table_can_hold_are_refused(lake: Lake) -> None:
    bad = pa.table(
        {
            "at": pa.array([0], pa.timestamp("us")),
            "hour": pa.array([0], pa.time64("us")),
            "a b": [1],
            "Id": [1],
            "id": [1],
        }
    )
    with pytest.raises(RefusedError) as refused:
        lake.append("flights", bad)
    assert refused.value.message == (
        "Data set 'flights' cannot hold these columns: 'id' stands 2 times (case makes no "
        "difference); 'a b' is no name (spaces and , ; { } ( ) = . are not allowed in one); "
        "'at' is a timestamp with no zone, make it an instant in UTC; 'hour' has type "
        "time64[us]."
    )


def test_lists_and_structs_are_held(lake: Lake) -> None:
    reason = {"field": "id", "code": "required"}
    nested = pa.table({"line": [1, 2], "reasons": [[reason], []], "after": ["x", "y"]})
    lake.append("flights", nested)
    lake.append("flights", nested.slice(0, 0))
    assert stored(lake)[0] == {"line": 1, "reasons": [reason], "after": "x"}
    with lake.duck() as duck:
        found = duck.execute("SELECT line, reasons[1].code, after FROM flights ORDER BY line")
        assert found.fetchall() == [(1, "required", "x"), (2, None, "y")]


@pytest.mark.parametrize("name", ["file_row_number", "__lake_file"])
def test_names_that_the_lake_uses_itself_are_refused(lake: Lake, name: str) -> None:
    with pytest.raises(RefusedError, match=f"{name!r} is a name that the lake uses itself"):
        lake.append("flights", pa.table({name: [1]}))


def test_a_bad_name_is_refused(lake: Lake) -> None:
    with pytest.raises(RefusedError, match=r"kernel.bad_name"):
        lake.append("../flights", rows(1))


def test_a_quarantine_has_a_table_of_its_own(lake: Lake) -> None:
    lake.append("flights__quarantine", rows(1))
    assert lake.names() == ("flights__quarantine",)


def test_a_folder_with_signs_of_patterns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"gather.bad_folder"):
        open_lake(tmp_path / "lake[1]")


def test_files_are_cut_at_their_limits(tmp_path: Path) -> None:
    lake = open_lake(tmp_path, settings=LakeSettings(group_rows=10, file_rows=20))
    lake.append("flights", rows(*range(45)))
    footers = [pq.read_metadata(f) for f in lake.files("flights")]
    assert sorted(m.num_rows for m in footers) == [5, 20, 20]
    assert sorted(m.num_row_groups for m in footers) == [1, 2, 2]


def test_small_batches_share_a_row_group(lake: Lake) -> None:
    batches = [b for i in range(50) for b in rows(i).to_batches()]
    reader = pa.RecordBatchReader.from_batches(batches[0].schema, batches)
    lake.append("flights", reader)
    (file,) = lake.files("flights")
    assert pq.read_metadata(file).num_row_groups == 1


def test_a_source_that_breaks_in_the_middle_stores_nothing(lake: Lake, tmp_path: Path) -> None:
    lake.append("flights", rows(1))

    def vanishing() -> object:
        yield from rows(2, 3).to_batches()
        raise ConnectionError("the source went away")

    reader = pa.RecordBatchReader.from_batches(rows().schema, vanishing())
    with pytest.raises(ConnectionError, match="the source went away"):
        lake.append("flights", reader)
    assert lake.count("flights") == 1
    parquet = [p for p in tmp_path.rglob("*.parquet") if "_delta_log" not in p.parts]
    assert [str(p) for p in parquet] == lake.files("flights")


def test_written_files_are_adopted(lake: Lake) -> None:
    staged = lake.staging("flights") / "a.parquet"
    pq.write_table(rows(1, 2), staged)
    commit = lake.append_files("flights", rows().schema, [staged], tx=Tx("load", 1))
    assert commit == Commit(FLIGHTS, version=0, inserted=2)
    assert stored(lake)[0] == {"id": 1, "word": "on time"}
    assert not staged.parent.exists()


def test_adopted_files_of_a_stored_tx_are_dropped(lake: Lake) -> None:
    lake.append("flights", rows(1), tx=Tx("load", 1))
    staged = lake.staging("flights") / "a.parquet"
    pq.write_table(rows(1), staged)
    assert lake.append_files("flights", rows().schema, [staged], tx=Tx("load", 1)).was_skipped
    assert (lake.count("flights"), staged.parent.exists()) == (1, False)


def test_a_file_from_elsewhere_is_not_adopted(lake: Lake, tmp_path: Path) -> None:
    elsewhere = tmp_path / "a.parquet"
    pq.write_table(rows(1), elsewhere)
    with pytest.raises(RefusedError, match=r"gather.not_staged: a.parquet cannot be adopted"):
        lake.append_files("flights", rows().schema, [elsewhere])
    assert elsewhere.exists()


def test_a_staged_file_has_to_be_whole_parquet(lake: Lake) -> None:
    staged = lake.staging("flights") / "a.parquet"
    staged.write_bytes(b"PAR1")
    with pytest.raises(RefusedError, match=r"gather.not_staged"):
        lake.append_files("flights", rows().schema, [staged])


def test_a_staged_file_has_to_have_the_columns_promised(lake: Lake) -> None:
    staged = lake.staging("flights") / "a.parquet"
    pq.write_table(pa.table({"id": [1.5]}), staged)
    with pytest.raises(RefusedError, match=r"column 'word' is missing; column 'id' is double"):
        lake.append_files("flights", rows().schema, [staged])


def test_the_log_tells_least_and_greatest_values(lake: Lake, tmp_path: Path) -> None:
    long = "汉" * 40
    table = pa.table(
        {
            "n": pa.array([3, None, -1], pa.int64()),
            "s": ["a", long, None],
            "d": pa.array([date(2013, 1, 1), date(2013, 12, 31), None]),
            "t": pa.array([datetime(2013, 1, 1, 5, 0, 0, 7, tzinfo=UTC)] * 3),
            "x": pa.array([float("nan"), 1.0, 2.0]),
            "nothing": pa.array([None] * 3, pa.string()),
        }
    )
    lake.append("flights", table)
    (log,) = (tmp_path / "数治 lake" / "flights" / "_delta_log").glob("*.json")
    adds = [json.loads(line) for line in log.read_text().splitlines() if '"add"' in line]
    stats = json.loads(adds[0]["add"]["stats"])
    assert stats == {
        "numRecords": 3,
        "minValues": {"n": -1, "s": "a", "d": "2013-01-01", "t": "2013-01-01T05:00:00.000007Z"},
        "maxValues": {
            "n": 3,
            "s": "汉" * 32 + "\U0010ffff",
            "d": "2013-12-31",
            "t": "2013-01-01T05:00:00.000007Z",
        },
        "nullCount": {"n": 1, "s": 1, "d": 1, "t": 0, "x": 0, "nothing": 3},
    }


def test_a_missing_data_set_is_named(lake: Lake) -> None:
    with pytest.raises(RefusedError) as refused:
        lake.count("weather")
    assert str(refused.value) == (
        "gather.no_such_dataset: There is no data set 'weather' in the lake. Load it with "
        "`shuzhi gather run`, or see the names with `shuzhi gather list`."
    )
