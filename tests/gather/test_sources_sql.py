"""The SQL reader against real databases: SQLite always, PostgreSQL where a URL is given.

`SHUZHI_TEST_POSTGRES_URL` names a PostgreSQL database in which these tests may make and drop
tables: `postgresql://user:password@127.0.0.1/test`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import Engine, create_engine, make_url, text

from shuzhi.gather.sources.model import DuckScan, Part, SqlSource
from shuzhi.gather.sources.sql import SqlReader
from shuzhi.gather.sources.sql_query import check_select
from shuzhi.gather.sources.sql_rows import cell_text
from shuzhi.kernel.errors import RefusedError


@dataclass(frozen=True)
class City:
    """A database that tests fill, and how a source's YAML reaches it."""

    engine: Engine
    url: str
    folder: Path
    secret: Callable[[str], str]

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def source(self, **said: Any) -> SqlSource:
        return SqlSource.model_validate(
            {
                "name": "permits_db",
                "dataset": "permits",
                "provider": "housing",
                "kind": "sql",
                "url": self.url,
                **said,
            }
        )

    def reader(self, **said: Any) -> SqlReader:
        return SqlReader(self.source(**said), self.secret, folder=self.folder, spool=self.folder)

    def read(self, since: str | None = None, **said: Any) -> list[tuple[Part, list[Any]]]:
        return [(part, rows(part)) for part in self.reader(**said).parts(since)]

    def refusal(self, since: str | None = None, **said: Any) -> str:
        with pytest.raises(RefusedError) as caught:
            self.read(since, **said)
        return str(caught.value)


def rows(part: Part) -> list[Any]:
    scan = part.rows
    assert isinstance(scan, DuckScan)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.sql(f"SELECT * FROM {scan.sql}", params=scan.parameters)
        assert found.columns == list(scan.columns)
        assert tuple(map(str, found.types)) == scan.types
        return [tuple(row.values()) for row in found.to_arrow_table().to_pylist()]


def no_secret(name: str) -> str:
    raise AssertionError(f"nobody should ask for {name}")


def sqlite_city(folder: Path) -> City:
    file = folder / "city.db"
    sqlite3.connect(file).close()
    return City(create_engine(f"sqlite:///{file}"), "sqlite:///city.db", folder, no_secret)


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[City]:
    city = sqlite_city(tmp_path)
    yield city
    city.engine.dispose()


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[City]:
    url = os.environ.get("SHUZHI_TEST_POSTGRES_URL")
    if url is None:
        pytest.skip("SHUZHI_TEST_POSTGRES_URL is not set")
    engine = create_engine(url)
    yield City(engine, "${CITY_ERP_URL}", tmp_path, {"CITY_ERP_URL": url}.__getitem__)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS permits, wide"))
    engine.dispose()


@pytest.fixture(params=["lite", pytest.param("postgres", marks=pytest.mark.postgres)])
def city(request: pytest.FixtureRequest) -> City:
    """An empty database of each kind, with a table of six permits; two changed at one moment."""
    found: City = request.getfixturevalue(request.param)
    found.run(
        "CREATE TABLE permits (id INTEGER PRIMARY KEY, updated_at TIMESTAMP, holder VARCHAR(40))",
        "INSERT INTO permits VALUES (3, '2026-01-03 00:00:00', 'c'), (1, '2026-01-01 00:00:00',"
        " 'a'), (2, '2026-01-02 00:00:00', 'b'), (4, '2026-01-03 00:00:00', 'd'),"
        " (5, '2026-01-03 00:00:00', 'e'), (6, '2026-01-04 12:30:00', NULL)",
    )
    return found


def ids(parts: list[tuple[Part, list[Any]]]) -> list[list[int]]:
    return [[int(row[0]) for row in found] for _, found in parts]


# -- what is read ---------------------------------------------------------------------------------


def test_a_table_without_cursor_is_one_part(city: City) -> None:
    [(part, found)] = city.read(table="permits")
    assert sorted(int(row[0]) for row in found) == [1, 2, 3, 4, 5, 6]
    assert part.cursor is None
    assert part.origin.endswith(" permits")


def test_a_query_is_read(city: City) -> None:
    query = (
        "WITH few AS (SELECT id, ':x%' AS odd FROM permits) SELECT * FROM few WHERE id < 3; -- x"
    )
    [(part, found)] = city.read(query=query.removesuffix(" -- x"))
    assert sorted((int(i), odd) for i, odd in found) == [(1, ":x%"), (2, ":x%")]
    assert part.origin.endswith(" query")


def test_a_comment_at_the_end_of_a_query_swallows_nothing(city: City) -> None:
    assert ids(city.read(query="SELECT id FROM permits WHERE id = 2 -- the second")) == [[2]]


def test_an_empty_table_has_no_part(city: City) -> None:
    city.run("DELETE FROM permits")
    assert city.read(table="permits") == []
    assert city.read(table="permits", cursor_column="id") == []


def test_a_view_is_read(lite: City) -> None:
    lite.run("CREATE VIEW one AS SELECT 1 AS id")
    assert ids(lite.read(table="one")) == [[1]]


def test_a_table_of_another_schema_is_read(lite: City) -> None:
    lite.run("CREATE TABLE permits (id INTEGER)", "INSERT INTO permits VALUES (1)")
    assert ids(lite.read(table="main.permits")) == [[1]]


# -- windows --------------------------------------------------------------------------------------


def test_equal_cursor_values_stay_in_one_window(city: City) -> None:
    parts = city.read(table="permits", cursor_column="updated_at", part_rows=3)
    assert [sorted(window) for window in ids(parts)] == [[1, 2, 3, 4, 5], [6]]
    assert [part.first_row for part, _ in parts] == [1, 6]
    assert [(part.cursor or "")[:10] for part, _ in parts] == ["2026-01-03", "2026-01-04"]


@pytest.mark.parametrize(("part_rows", "batch_rows"), [(1, 1), (2, 1), (4, 3), (5, 5), (6, 2)])
def test_every_row_comes_once_however_windows_are_cut(
    city: City, part_rows: int, batch_rows: int
) -> None:
    sizes = {"part_rows": part_rows, "batch_rows": batch_rows}
    parts = city.read(table="permits", cursor_column="updated_at", **sizes)
    assert sorted(i for window in ids(parts) for i in window) == [1, 2, 3, 4, 5, 6]


def test_rows_at_the_last_cursor_are_read_again(city: City) -> None:
    [*_, (last, _)] = city.read(table="permits", cursor_column="updated_at")
    city.run("INSERT INTO permits VALUES (7, '2026-01-04 12:30:00', 'late')")
    again = city.read(last.cursor, table="permits", cursor_column="updated_at")
    assert [sorted(window) for window in ids(again)] == [[6, 7]]


def test_a_run_without_news_gives_the_same_fingerprint(city: City) -> None:
    [(first, _)] = city.read(table="permits", cursor_column="updated_at")
    [(second, _)] = city.read(first.cursor, table="permits", cursor_column="updated_at")
    [(third, _)] = city.read(second.cursor, table="permits", cursor_column="updated_at")
    assert second.fingerprint == third.fingerprint != first.fingerprint


def test_a_changed_row_changes_the_fingerprint(city: City) -> None:
    [(first, _)] = city.read(table="permits")
    city.run("UPDATE permits SET holder = 'z' WHERE id = 3")
    [(second, _)] = city.read(table="permits")
    assert first.fingerprint != second.fingerprint


def test_an_overlap_reaches_rows_that_were_committed_late(city: City) -> None:
    [(first, _)] = city.read(table="permits", cursor_column="updated_at")
    city.run("INSERT INTO permits VALUES (7, '2026-01-04 12:29:00', 'late')")
    plain = city.read(first.cursor, table="permits", cursor_column="updated_at")
    overlap = {"cursor_column": "updated_at", "overlap_seconds": 60}
    reached = city.read(first.cursor, table="permits", **overlap)
    assert (ids(plain), ids(reached)) == ([[6]], [[7, 6]])


def test_a_unique_cursor_reads_nothing_again(city: City) -> None:
    unique = {"table": "permits", "cursor_column": "id", "cursor_is_unique": True}
    parts = city.read(part_rows=4, **unique)
    assert ids(parts) == [[1, 2, 3, 4], [5, 6]]
    assert city.read("6", **unique) == []
    city.run("INSERT INTO permits VALUES (10, '2026-01-05 00:00:00', 'j')")
    assert ids(city.read("6", **unique)) == [[10]]


def test_steps_overlap_numbers(city: City) -> None:
    assert ids(city.read("6", table="permits", cursor_column="id", overlap_steps=2)) == [[4, 5, 6]]


def test_a_table_that_grows_during_a_run_ends_it_all_the_same(city: City) -> None:
    unique = {"table": "permits", "cursor_column": "id", "cursor_is_unique": True}
    parts = city.reader(part_rows=3, **unique).parts(None)
    first = next(parts)
    city.run("INSERT INTO permits VALUES (7, '2026-01-05 00:00:00', 'g')")
    assert [part.cursor for part in (first, *parts)] == ["3", "6"]


def test_a_row_without_cursor_value_is_not_lost_silently(city: City) -> None:
    city.run("INSERT INTO permits VALUES (7, NULL, 'g')")
    assert city.refusal(table="permits", cursor_column="updated_at") == (
        "gather.cursor_unusable: The column in `cursor_column` has rows without a value, which no "
        "run would ever read. Name a column that is never NULL, or use `query` to say what such "
        "rows mean."
    )


@pytest.mark.parametrize("overlap", [{"overlap_seconds": 1}, {}])
def test_a_cursor_of_another_kind_is_refused(city: City, overlap: dict[str, int]) -> None:
    assert city.refusal("2026-01-01", table="permits", cursor_column="id", **overlap) == (
        "gather.cursor_unusable: The column in `cursor_column` is now of the kind int, which does "
        "not fit where the last run ended, or the overlap. Use overlap_seconds for times and "
        "overlap_steps for numbers; if the column changed, load the source anew."
    )


@pytest.mark.parametrize(
    ("last", "overlap_seconds", "expected"),
    [
        ("2026-01-02T00:00:00Z", 60, ["2026-01-01T23:59:00Z", "2026-01-02T00:00:00Z"]),
        ("2026-01-02 00:00:00.500", 1, ["2026-01-01 23:59:59.500", "2026-01-02 00:00:00.500"]),
        ("2026-01-02", 86_400, ["2026-01-01", "2026-01-02"]),
    ],
)
def test_overlaps_move_times_kept_as_text(
    lite: City, last: str, overlap_seconds: int, expected: list[str]
) -> None:
    lite.run("CREATE TABLE t (at TEXT)", "INSERT INTO t VALUES ('2025-12-31')")
    lite.run(*(f"INSERT INTO t VALUES ('{at}')" for at in expected))
    overlap = {"cursor_column": "at", "overlap_seconds": overlap_seconds}
    [(_, found)] = lite.read(last, table="t", **overlap)
    assert [at for (at,) in found] == expected


# -- values ---------------------------------------------------------------------------------------


def test_sqlite_cells_come_as_texts_that_lose_nothing(lite: City) -> None:
    lite.run(
        "CREATE TABLE t (n, r, s, b, z, big)",
        "INSERT INTO t VALUES (7, 0.1, '北京', x'00ff', NULL, 9223372036854775807)",
        "INSERT INTO t VALUES ('seven', 1e300, '', x'', NULL, -1)",
    )
    [(_, found)] = lite.read(table="t")
    assert found == [
        ("7", "0.1", "北京", "00ff", None, "9223372036854775807"),
        ("seven", "1e+300", "", "", None, "-1"),
    ]


def test_a_row_with_broken_text_is_set_apart(lite: City) -> None:
    lite.run("CREATE TABLE t (id, name)", "INSERT INTO t VALUES (1, 'a'), (3, 'c')")
    lite.run("INSERT INTO t VALUES (2, CAST(x'ff41' AS TEXT))")
    [(part, found)] = lite.read(table="t")
    assert found == [("1", "a"), ("3", "c")]
    [apart] = part.unreadable()
    assert (apart.row_number, apart.text) == (3, '{"id": "2", "name": "\\udcffA"}')
    assert apart.reason_code == "unfit_value"
    assert apart.reason_en == (
        "The value of name does not fit the column's type, or is no valid text."
    )


@pytest.mark.postgres
def test_postgresql_values_keep_their_types(postgres: City) -> None:
    postgres.run(
        "CREATE TABLE wide (i int8, d numeric(12,3), n numeric, f float4, t timestamp,"
        " tz timestamptz, day date, b bytea, ok bool, j jsonb, a int[], u uuid, at time, s text)",
        "INSERT INTO wide VALUES (9223372036854775807, 123456789.125, 1.10, 0.1,"
        " '2026-01-01 00:00:00.000001', '2026-01-01 08:00:00+08', '0001-01-01', '\\x00ff', true,"
        " CAST('{\"x\": 1.50}' AS jsonb), '{1,NULL}', '66565201-b2fa-4bf0-834f-50573aaba0c3',"
        " '23:59:59.5', '重庆')",
        "INSERT INTO wide VALUES (" + ", ".join(["NULL"] * 14) + ")",
    )
    [(_, found)] = postgres.read(table="wide")
    assert found == [
        (
            9223372036854775807,
            Decimal("123456789.125"),
            "1.10",
            0.1,
            datetime(2026, 1, 1, microsecond=1),  # noqa: DTZ001
            datetime(2026, 1, 1, tzinfo=UTC),
            date(1, 1, 1),
            b"\x00\xff",
            True,
            '{"x": 1.50}',
            "[1,null]",
            "66565201-b2fa-4bf0-834f-50573aaba0c3",
            "23:59:59.5",
            "重庆",
        ),
        (None,) * 14,
    ]
    assert postgres.read(query="SELECT * FROM wide")[0][1] == found


@pytest.mark.postgres
def test_a_value_that_does_not_fit_sets_its_row_apart(postgres: City) -> None:
    postgres.run("CREATE TABLE wide (id int, d numeric(5,2))")
    postgres.run("INSERT INTO wide VALUES (1, 1.5), (2, 'NaN'), (3, 2.5)")
    [(part, found)] = postgres.read(table="wide")
    assert found == [(1, Decimal("1.50")), (3, Decimal("2.50"))]
    assert [(one.row_number, one.text) for one in part.unreadable()] == [
        (2, '{"id": "2", "d": "NaN"}')
    ]


@pytest.mark.postgres
def test_windows_of_instants_compare_as_instants(postgres: City) -> None:
    postgres.run(
        "CREATE TABLE wide (id int, at timestamptz)",
        "INSERT INTO wide VALUES (1, '2026-01-01 00:00:00+08'), (2, '2026-01-01 00:00:00+00')",
    )
    parts = postgres.read(table="wide", cursor_column="at", part_rows=1)
    assert ids(parts) == [[1], [2]]
    again = postgres.read(parts[0][0].cursor, table="wide", cursor_column="at")
    assert ids(again) == [[1, 2]]


@pytest.mark.postgres
def test_a_value_that_python_cannot_hold_is_named_without_quoting_it(postgres: City) -> None:
    postgres.run("CREATE TABLE wide (day date)", "INSERT INTO wide VALUES ('infinity')")
    assert postgres.refusal(table="wide").endswith(
        " holds a value that cannot be read or computed (DataError). Use `query` and turn such "
        "values into NULL or text: dates without end, divisions by zero."
    )


# -- what cannot be read --------------------------------------------------------------------------


def test_a_missing_file_is_a_source_that_is_gone(tmp_path: Path) -> None:
    city = City(create_engine("sqlite://"), "sqlite:///nowhere.db", tmp_path, no_secret)
    assert city.refusal(table="permits") == (
        "gather.source_gone: There is no SQLite file 'nowhere.db' where the source says. Correct "
        "`url`: sqlite:///file.db is relative to the folder of the YAML."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_refused(lite: City) -> None:
    (lite.folder / "city.db").write_bytes(b"no database, " * 100)
    assert lite.refusal(table="permits") == (
        "gather.sql_failed: sqlite:///city.db refuses to be read: file is not a database. Correct "
        "`table`, `query` or `cursor_column`, and run again."
    )


def test_a_missing_table_is_refused(lite: City) -> None:
    assert lite.refusal(table="permit") == (
        "gather.sql_no_table: sqlite:///city.db has no table or view 'permit', or does not show it "
        "to us. Correct `table` (or schema.table), or ask for the right to read it."
    )


def test_a_missing_cursor_column_is_refused(lite: City) -> None:
    lite.run("CREATE TABLE permits (id INTEGER, changed TEXT)")
    assert lite.refusal(table="permits", cursor_column="updated_at") == (
        "gather.sql_no_column: sqlite:///city.db gives no column 'updated_at' for `cursor_column`; "
        "it gives id, changed. Name one of these, written alike."
    )


def test_a_missing_column_in_a_query_is_refused(lite: City) -> None:
    lite.run("CREATE TABLE permits (id INTEGER)")
    assert lite.refusal(query="SELECT floor_area FROM permits") == (
        "gather.sql_failed: sqlite:///city.db refuses to be read: no such column: floor_area. "
        "Correct `table`, `query` or `cursor_column`, and run again."
    )


@pytest.mark.postgres
def test_columns_called_alike_are_refused(postgres: City) -> None:
    assert postgres.refusal(query="SELECT 1 AS a, 2 AS a, 3 AS b") == (
        "gather.sql_repeated_column: The query gives more than one column called a. Give each its "
        "own name with AS."
    )


@pytest.mark.postgres
def test_a_wrong_password_is_refused_and_never_shown(postgres: City) -> None:
    right = make_url(postgres.secret("CITY_ERP_URL"))
    wrong = right.set(password="-".join(["wrong", "one"])).render_as_string(hide_password=False)
    city = City(postgres.engine, "${ERP}", postgres.folder, {"ERP": wrong}.__getitem__)
    shown = f"postgresql://{right.host}:{right.port}/{right.database}"
    assert city.refusal(table="permits") == (
        f"gather.source_denied: {shown} does not let us in. Check user and password behind the "
        "references in `url`, and that this user may read the table."
    )


@pytest.mark.postgres
def test_a_password_by_reference_is_filled_in(postgres: City) -> None:
    place = make_url(postgres.secret("CITY_ERP_URL"))
    url = place.render_as_string().replace(":***@", ":${PW}@")
    known = {"PW": place.password or ""}
    city = City(postgres.engine, url, postgres.folder, known.__getitem__)
    assert ids(city.read(query="SELECT 1 AS id")) == [[1]]


@pytest.mark.postgres
def test_the_transaction_may_only_read(postgres: City) -> None:
    postgres.run("CREATE TABLE permits (id int)", "CREATE SEQUENCE IF NOT EXISTS numbers")
    refusal = postgres.refusal(query="SELECT nextval('numbers') AS id")
    postgres.run("DROP SEQUENCE numbers")
    assert "cannot execute nextval() in a read-only transaction" in refusal


@pytest.mark.postgres
def test_a_lost_connection_is_refused_and_the_next_run_goes_on(postgres: City) -> None:
    postgres.run(
        "CREATE TABLE permits (id int)", "INSERT INTO permits SELECT generate_series(1, 50)"
    )
    slow = "SELECT id, pg_terminate_backend(pg_backend_pid()) AS gone FROM permits"
    refusal = postgres.refusal(query=slow, cursor_column="id")
    place = make_url(postgres.secret("CITY_ERP_URL"))
    assert refusal == (
        f"gather.source_failing: The connection to postgresql://{place.host}:{place.port}/"
        f"{place.database} was lost. Run again; what was stored stays and the run goes on from "
        "there."
    )


@pytest.mark.postgres
def test_a_closed_port_is_a_source_that_is_gone(postgres: City) -> None:
    url = "postgresql://reader:hidden-pw@127.0.0.1:9/erp"
    city = City(postgres.engine, "${ERP}", postgres.folder, {"ERP": url}.__getitem__)
    refusal = city.refusal(table="permits")
    assert refusal.startswith(
        "gather.source_gone: postgresql://127.0.0.1:9/erp cannot be reached: "
    )
    assert "hidden-pw" not in refusal


@pytest.mark.parametrize(
    "url", ["postgresql://reader:hunter2@host/erp", "postgresql://host/erp?password=hunter2"]
)
def test_a_password_in_the_yaml_is_refused(tmp_path: Path, url: str) -> None:
    city = City(create_engine("sqlite://"), url, tmp_path, no_secret)
    assert city.refusal(table="permits") == (
        "gather.secret_in_source: The source's `url` holds a password in plain text. Put a "
        "reference in its place, ${ERP_PASSWORD}, set the environment variable, and change the "
        "password, because others may have read it."
    )


def test_an_unknown_kind_of_database_is_refused(tmp_path: Path) -> None:
    city = City(create_engine("sqlite://"), "clay://tablet", tmp_path, no_secret)
    assert city.refusal(table="permits") == (
        "gather.sql_driver_missing: No driver for clay is installed. For PostgreSQL install "
        "shuzhi[postgres]; for others the driver that SQLAlchemy's documentation names."
    )


def test_what_is_no_url_is_refused(tmp_path: Path) -> None:
    known = {"ERP": "the erp of the city, pw 1234"}
    city = City(create_engine("sqlite://"), "${ERP}", tmp_path, known.__getitem__)
    assert city.refusal(table="permits") == (
        "gather.bad_url: The source's address is no database URL. Write it as "
        "postgresql://reader:${ERP_PASSWORD}@host/database, or sqlite:///file.db."
    )


# -- queries --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("DELETE FROM permits", "it is a statement of the kind DELETE"),
        ("SELECT 1; DROP TABLE permits", "it holds 2 statements"),
        ("", "it holds 0 statements"),
        ("SELECT 1 FROM", "it cannot be parsed"),
        ("PRAGMA writable_schema = 1", "it is a statement of the kind PRAGMA"),
        ("WITH gone AS (DELETE FROM p RETURNING id) SELECT * FROM gone", "it holds DELETE"),
        ("SELECT * INTO stolen FROM permits", "it holds INTO"),
        ("SELECT * FROM permits FOR UPDATE", "it holds LOCK"),
        ("COPY permits TO '/tmp/x'", "it is a statement of the kind COPY"),
        ("SELECT * FROM permits WHERE id = :id", "it holds PLACEHOLDER"),
    ],
)
def test_what_is_not_one_reading_select_is_refused(query: str, why: str) -> None:
    with pytest.raises(RefusedError) as caught:
        check_select(query, "postgresql")
    assert str(caught.value) == (
        f"gather.sql_not_a_select: `query` must be one SELECT that only reads, but {why}. Write "
        "one SELECT (WITH is fine), or name a `table`."
    )


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1",
        "SELECT a FROM x UNION ALL SELECT a FROM y ORDER BY a;",
        "WITH x AS (SELECT 1 AS a) SELECT * FROM x -- the end",
        "(SELECT 1)",
        "SELECT a::date, '12:30' FROM x",
    ],
)
def test_reading_selects_pass(query: str) -> None:
    check_select(query, "postgresql")


def test_a_query_that_writes_leaves_the_database_as_it_was(lite: City) -> None:
    lite.run("CREATE TABLE permits (id INTEGER)", "INSERT INTO permits VALUES (1)")
    assert lite.refusal(query="DELETE FROM permits").startswith("gather.sql_not_a_select: ")
    assert ids(lite.read(table="permits")) == [[1]]


# -- the YAML -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "give either `table` or `query`"),
        ({"table": "a", "query": "SELECT 1"}, "give either `table` or `query`"),
        ({"table": "a", "overlap_seconds": 5}, "give one overlap, with a `cursor_column`"),
        (
            {"table": "a", "cursor_column": "c", "overlap_seconds": 5, "overlap_steps": 5},
            "give one overlap, with a `cursor_column`",
        ),
        ({"table": "a", "cursor_column": "c", "write": "append"}, "rows are read again here"),
        ({"table": "a", "cursor_column": "c", "write": "replace"}, "write: replace needs all rows"),
    ],
)
def test_a_source_that_contradicts_itself_is_refused(
    lite: City, said: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        lite.source(**said)
    assert message in str(caught.value)


# -- parsers --------------------------------------------------------------------------------------


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_decimals_read_back_from_their_text(number: Decimal) -> None:
    assert Decimal(cell_text(number) or "") == number


@given(st.floats(allow_nan=False))
def test_floats_read_back_from_their_text(number: float) -> None:
    assert float(cell_text(number) or "") == number


@given(st.binary())
def test_bytes_read_back_from_their_text(raw: bytes) -> None:
    assert bytes.fromhex(cell_text(raw) or "") == raw


@given(st.datetimes(timezones=st.none() | st.just(UTC)))
def test_moments_read_back_from_their_text(moment: datetime) -> None:
    assert datetime.fromisoformat(cell_text(moment) or "") == moment
