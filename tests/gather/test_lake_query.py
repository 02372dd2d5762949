"""Questions see every table as it stands, in UTC, and nothing else of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shuzhi.gather.lake import Lake, answer, open_lake, require_question
from shuzhi.kernel.errors import BrokenError, RefusedError

EVERY_TYPE = pa.schema(
    [
        ("yes", pa.bool_()),
        ("tiny", pa.int8()),
        ("small", pa.int16()),
        ("whole", pa.int32()),
        ("long", pa.int64()),
        ("real", pa.float32()),
        ("number", pa.float64()),
        ("text", pa.string()),
        ("bytes", pa.binary()),
        ("day", pa.date32()),
        ("moment", pa.timestamp("us", "UTC")),
        ("money", pa.decimal128(18, 2)),
        ("tags", pa.list_(pa.string())),
        ("place", pa.struct([("x", pa.float64()), ('a "b"', pa.string())])),
    ]
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = open_lake(tmp_path / "it's a lake")
    lake.append("flights", pa.table({"id": [1, 2], "plane": ["A", "B"]}))
    lake.append("flights", pa.table({"id": [3], "plane": ["C"]}))
    lake.append("planes", pa.table({"plane": ["A"], "seats": [180]}))
    return lake


@pytest.fixture
def duck(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    with lake.duck() as connection:
        yield connection


def test_every_table_is_a_view(duck: duckdb.DuckDBPyConnection) -> None:
    joined = duck.execute("SELECT sum(id), max(seats) FROM flights LEFT JOIN planes USING (plane)")
    assert joined.fetchall() == [(6, 180)]


def test_only_the_tables_named_are_there(lake: Lake) -> None:
    with lake.duck(only=["planes"]) as duck:
        assert duck.execute("SHOW TABLES").fetchall() == [("planes",)]
        with pytest.raises(duckdb.CatalogException):
            duck.execute("FROM flights")


def test_a_name_that_is_not_in_the_lake_is_refused(lake: Lake) -> None:
    with pytest.raises(RefusedError, match=r"gather.no_such_dataset"), lake.duck(only=["weather"]):
        pass


def test_a_table_with_no_rows_keeps_its_columns(lake: Lake) -> None:
    lake.append("every_type", EVERY_TYPE.empty_table())
    lake.append("filled", EVERY_TYPE.empty_table())
    lake.append("filled", pa.Table.from_pylist([{"long": 1}], lake.schema("filled")))
    with lake.duck() as duck:
        empty, filled = duck.sql("FROM every_type"), duck.sql("FROM filled")
        assert (empty.columns, empty.types) == (filled.columns, filled.types)
        assert empty.to_arrow_table().num_rows == 0


def test_instants_are_shown_in_utc(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    moment = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
    lake.append("readings", pa.table({"at": pa.array([moment], pa.timestamp("us", "UTC"))}))
    with lake.duck() as duck:
        found = duck.execute('SELECT "at"::VARCHAR, hour("at") FROM readings').fetchall()
    assert found == [("2026-03-01 00:30:00+00", 0)]


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_text('/etc/hostname')",
        "FROM read_parquet('{outside}')",
        "FROM '{outside}'",
        "FROM glob('/*')",
        "COPY flights TO '{outside}.copy' (FORMAT parquet)",
        "ATTACH '{outside}.db'",
    ],
)
def test_no_other_file_is_reached(
    duck: duckdb.DuckDBPyConnection, tmp_path: Path, sql: str
) -> None:
    outside = tmp_path / "outside.parquet"
    pq.write_table(pa.table({"secret": [1]}), outside)
    with pytest.raises(duckdb.PermissionException):
        duck.execute(sql.format(outside=outside))


@pytest.mark.parametrize(
    "sql", ["SET enable_external_access = true", "SET allowed_paths = ['/']", "SET threads = 64"]
)
def test_the_lock_cannot_be_opened_again(duck: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(duckdb.InvalidInputException):
        duck.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "FROM flights",
        "WITH f AS (FROM flights) SELECT count(*) FROM f",
        "DESCRIBE flights",
        "SUMMARIZE flights",
        "SHOW TABLES;",
    ],
)
def test_questions_pass(duck: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert duck.execute(require_question(duck, sql)).fetchall()


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "COPY flights TO 'x'",
        "EXPLAIN ANALYZE COPY flights TO 'x'",
        "SELECT 1; COPY flights TO 'x'",
        "CREATE TABLE t AS SELECT 1",
        "EXPORT DATABASE 'x'",
        "PRAGMA version",
        "CALL pragma_version()",
    ],
)
def test_what_is_no_question_is_refused(duck: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(RefusedError) as refused:
        require_question(duck, sql)
    assert str(refused.value) == (
        "gather.not_a_question: Only one statement that reads can be asked: SELECT, FROM, "
        "DESCRIBE or SUMMARIZE. Ask one question at a time; the lake is written by loads and "
        "models."
    )


def test_sql_that_cannot_be_parsed_is_refused(duck: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(RefusedError, match=r"gather.bad_sql: .*syntax error"):
        require_question(duck, "SELEC 1")


def test_an_answer_has_the_first_rows_and_says_when_there_are_more(
    duck: duckdb.DuckDBPyConnection,
) -> None:
    few = answer(duck, "SELECT x FROM range(3) AS t(x) ORDER BY x", limit=2)
    assert (few.columns, few.rows, few.is_cut) == (("x",), ((0,), (1,)), True)
    assert not answer(duck, "SELECT 1 AS x WHERE false", limit=1).rows


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM nothing", "Table with name nothing does not exist!\n\nLINE 1: SELECT"),
        ("SELECT * FROM read_csv('/etc/passwd')", 'Cannot access file "/etc/passwd"'),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(
    duck: duckdb.DuckDBPyConnection, sql: str, said: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        answer(duck, sql, limit=1)
    assert (refused.value.code, said in refused.value.message) == ("gather.bad_sql", True)
    assert refused.value.next_step.startswith("Correct the query; SHOW TABLES lists")


def test_no_question_writes_over_a_file_of_the_lake(lake: Lake) -> None:
    file = lake.files("flights")[0].replace("'", "''")
    over = f"COPY (SELECT 1 AS x) TO '{file}' (FORMAT parquet, USE_TMP_FILE false)"
    with lake.duck() as duck, pytest.raises(RefusedError, match="not_a_question"):
        answer(duck, over, limit=1)


def test_a_damaged_file_is_named_with_its_data_set(lake: Lake) -> None:
    file = Path(lake.files("planes")[0])
    file.chmod(0o600)
    pq.write_table(pa.table({"x": [1]}), file)
    with pytest.raises(BrokenError) as broken, lake.duck():
        pass
    assert broken.value.code == "gather.files_damaged"
    assert broken.value.message.startswith("The files of data set 'planes' cannot be read: ")


def test_a_view_is_as_it_stood_when_it_was_opened(lake: Lake) -> None:
    with lake.duck() as duck:
        lake.overwrite("flights", pa.table({"id": [9], "plane": ["Z"]}))
        assert duck.execute("SELECT count(*) FROM flights").fetchall() == [(3,)]


def test_what_does_not_fit_in_memory_spills_into_the_lake(lake: Lake, tmp_path: Path) -> None:
    with lake.duck(memory_limit="50MB") as duck:
        numbered = "SELECT row_number() OVER (ORDER BY hash(i)) n FROM range(3000000) r(i)"
        assert duck.execute(f"SELECT max(n) FROM ({numbered})").fetchall() == [(3_000_000,)]
        assert len(list((tmp_path / "it's a lake" / ".tmp").iterdir())) == 1
    assert list((tmp_path / "it's a lake" / ".tmp").iterdir()) == []


def test_ibis_sees_the_same(lake: Lake) -> None:
    with lake.ibis() as backend:
        flights = backend.table("flights")
        assert flights.id.sum().execute() == 6
        assert flights.filter(flights.id > 1).to_pyarrow().num_rows == 2
        with pytest.raises(duckdb.PermissionException):
            backend.con.execute("FROM glob('/*')")


def test_columns_are_chosen_and_unknown_ones_refused(lake: Lake) -> None:
    assert lake.reader("planes", columns=["seats"]).read_all().to_pylist() == [{"seats": 180}]
    with pytest.raises(RefusedError) as refused:
        lake.reader("planes", columns=["wings"])
    assert str(refused.value) == (
        "gather.no_such_column: Data set 'planes' has no column 'wings'. "
        "Its columns are: plane, seats."
    )


def test_names_read_like_data_files_are_never_changed(lake: Lake) -> None:
    modes = {Path(f).stat().st_mode & 0o777 for f in lake.files("flights")}
    assert modes == {0o444}
