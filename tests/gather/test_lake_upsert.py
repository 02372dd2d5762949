"""An upsert inserts new keys, updates changed rows, leaves the others and counts all three."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from shuzhi.gather.lake import Commit, Lake, LakeSettings, Tx, open_lake
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName

SCHEMA = pa.schema([("city", pa.string()), ("day", pa.int64()), ("pm10_ug_m3", pa.float64())])
NAME = DatasetName("air")
KEY = ["city", "day"]


def air(*rows: tuple[str | None, int | None, float | None]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, r, strict=True)) for r in rows], SCHEMA)


def stored(lake: Lake) -> list[tuple[object, ...]]:
    return sorted(tuple(r.values()) for r in lake.reader("air").read_all().to_pylist())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = open_lake(tmp_path, settings=LakeSettings(memory_limit="200MB"))
    lake.upsert("air", air(("cq", 1, 50.0), ("cq", 2, None)), key=KEY)
    lake.append("air", air(("bj", 1, 70.0), ("bj", 2, float("nan"))))
    return lake


def test_into_an_empty_table_it_is_an_append(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    assert lake.upsert("air", air(("cq", 1, 5.0)), key=KEY) == Commit(NAME, 0, inserted=1)


def test_new_changed_and_same_rows_are_told_apart(lake: Lake) -> None:
    rows = air(("cq", 1, 50.0), ("cq", 2, 55.0), ("cq", 3, None), ("bj", 2, float("nan")))
    commit = lake.upsert("air", rows, key=KEY)
    assert commit == Commit(NAME, 2, inserted=1, updated=1, unchanged=2)
    assert stored(lake)[0] == ("bj", 1, 70.0)
    assert stored(lake)[2:] == [("cq", 1, 50.0), ("cq", 2, 55.0), ("cq", 3, None)]


def test_a_value_may_become_null(lake: Lake) -> None:
    assert lake.upsert("air", air(("cq", 1, None)), key=KEY).updated == 1
    assert stored(lake)[2] == ("cq", 1, None)


def test_keys_that_are_gone_leave_the_table_in_the_same_commit(lake: Lake) -> None:
    gone = pa.table({"day": [2, 1, 9], "city": ["cq", "bj", "cq"]})
    commit = lake.upsert("air", air(("cq", 1, 51.0), ("sh", 1, 8.0)), key=KEY, gone=gone)
    assert commit == Commit(NAME, 2, inserted=1, updated=1, removed=2)
    assert [row[:2] for row in stored(lake)] == [("bj", 2), ("cq", 1), ("sh", 1)]


def test_a_key_that_comes_in_again_is_not_gone(lake: Lake) -> None:
    gone = pa.table({"city": ["cq", "cq"], "day": [1, 2]})
    commit = lake.upsert("air", air(("cq", 1, 50.0)), key=KEY, gone=gone)
    assert (commit.unchanged, commit.removed) == (1, 1)
    assert [row[:2] for row in stored(lake)] == [("bj", 1), ("bj", 2), ("cq", 1)]


def test_nothing_that_is_gone_makes_no_version(lake: Lake) -> None:
    gone = pa.table({"city": ["xx"], "day": [1]})
    assert lake.upsert("air", air(), key=KEY, gone=gone).version == 1


def test_a_whole_file_can_be_gone(lake: Lake) -> None:
    gone = pa.table({"city": ["cq", "cq"], "day": [1, 2]})
    assert lake.upsert("air", air(), key=KEY, gone=gone) == Commit(NAME, 2, removed=2)
    assert lake.count("air") == 2


def test_files_with_no_changed_row_are_kept(lake: Lake) -> None:
    before = set(lake.files("air"))
    lake.upsert("air", air(("cq", 1, 51.0)), key=KEY)
    assert len(before & set(lake.files("air"))) == 1


def test_the_same_rows_again_make_no_version(lake: Lake) -> None:
    again = lake.upsert("air", air(("cq", 1, 50.0), ("cq", 2, None)), key=KEY)
    assert again == Commit(NAME, 1, unchanged=2)


def test_the_same_rows_with_a_tx_make_a_version_that_remembers_it(lake: Lake) -> None:
    again = lake.upsert("air", air(("cq", 1, 50.0)), key=KEY, tx=Tx("load", 1))
    assert again == Commit(NAME, 2, unchanged=1)
    assert lake.committed("air", "load") == 1


def test_a_tx_is_applied_once(lake: Lake) -> None:
    lake.upsert("air", air(("cq", 1, 1.0)), key=KEY, tx=Tx("load", 1))
    lake.upsert("air", air(("cq", 1, 2.0)), key=KEY, tx=Tx("load", 2))
    assert lake.upsert("air", air(("cq", 1, 1.0)), key=KEY, tx=Tx("load", 1)).was_skipped
    assert stored(lake)[2] == ("cq", 1, 2.0)


def test_a_table_may_be_all_key(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    lake.append("seen", pa.table({"id": [1, 2]}))
    commit = lake.upsert("seen", pa.table({"id": [2, 3]}), key=["id"])
    assert (commit.inserted, commit.updated, commit.unchanged) == (1, 0, 1)


def test_a_key_that_the_table_holds_twice_is_left_once(lake: Lake) -> None:
    lake.append("air", air(("cq", 1, 50.0)))
    commit = lake.upsert("air", air(("cq", 1, 50.0)), key=KEY)
    assert (commit.updated, lake.count("air")) == (1, 4)


def test_a_column_added_later_is_compared_too(lake: Lake) -> None:
    wide = SCHEMA.append(pa.field("note", pa.string()))
    lake.widen("air", wide)
    rows = air(("cq", 1, 50.0), ("cq", 2, None)).append_column("note", pa.array(["x", None]))
    commit = lake.upsert("air", rows, key=KEY)
    assert (commit.updated, commit.unchanged) == (1, 1)
    assert stored(lake)[2] == ("cq", 1, 50.0, "x")


def test_names_of_columns_that_sql_knows_are_only_names(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    odd = ["select", 'a"b', "s", "i", "数值"]
    lake.append("odd", pa.table({c: [1] for c in odd}))
    commit = lake.upsert("odd", pa.table({c: [1, 2] for c in odd}), key=odd[:2])
    assert (commit.inserted, commit.unchanged) == (1, 1)


@pytest.mark.parametrize("name", ["filename", "is_same", "found", "incoming"])
def test_names_that_the_comparison_uses_are_free_to_use(tmp_path: Path, name: str) -> None:
    lake = open_lake(tmp_path)
    lake.append("odd", pa.table({"id": [1, 2], name: [1, 1]}))
    commit = lake.upsert("odd", pa.table({"id": [1, 2, 3], name: [1, 9, 1]}), key=["id"])
    assert (commit.inserted, commit.updated, commit.unchanged) == (1, 1, 1)
    by_name = lake.upsert("odd", pa.table({"id": [7], name: [9]}), key=[name])
    assert (by_name.inserted, by_name.updated, by_name.unchanged) == (0, 1, 0)


def test_a_doubled_key_is_refused(lake: Lake) -> None:
    with pytest.raises(RefusedError) as refused:
        lake.upsert("air", air(("cq", 1, 1.0), ("cq", 1, 2.0)), key=KEY)
    assert str(refused.value) == (
        "gather.duplicate_key: 1 keys (city, day) stand more than once in the rows for data set "
        "'air'. Keep one row for each key, the newest, and load again."
    )


def test_an_empty_key_is_refused(lake: Lake) -> None:
    with pytest.raises(RefusedError, match=r"gather.missing_key: 1 rows for data set 'air'"):
        lake.upsert("air", air(("cq", None, 1.0)), key=KEY)


@pytest.mark.parametrize("key", [[], ["station"]])
def test_a_key_that_is_no_column_is_refused(lake: Lake, key: list[str]) -> None:
    with pytest.raises(RefusedError, match=r"gather.bad_key"):
        lake.upsert("air", air(("cq", 1, 1.0)), key=key)


def test_more_rows_than_fit_in_memory_are_compared(tmp_path: Path) -> None:
    lake = open_lake(tmp_path, settings=LakeSettings(memory_limit="60MB"))
    many = 400_000
    text = pa.array([f"{i:040d}" for i in range(many)])
    lake.append("big", pa.table({"id": range(many), "text": text}))
    rows = pa.table({"id": range(1, many + 1), "text": text})
    commit = lake.upsert("big", rows, key=["id"])
    assert (commit.inserted, commit.updated, lake.count("big")) == (1, many - 1, many + 1)
    assert list((tmp_path / ".tmp").iterdir()) == []
