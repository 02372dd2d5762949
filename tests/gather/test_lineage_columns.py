"""Column lineage of SQL: what each use of a column means, and that nothing is left out."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shuzhi.gather.lineage.columns import columns_of
from shuzhi.gather.lineage.errors import SqlError
from shuzhi.gather.lineage.queries import read_datasets

SCHEMAS = {
    "hours": {"station": "string", "at": "timestamp", "pm10": "double", "Wind": "double"},
    "stations": {"station": "string", "town": "string", "镇 街": "string"},
}


def short(sql: str) -> dict[str, set[str]]:
    """Each output column with what it comes from, as `data set.column SUBTYPE`."""
    return {
        name: {f"{r.dataset}.{r.column} {r.subtype}" for r in refs}
        for name, refs in columns_of(sql, SCHEMAS).items()
    }


def test_bare_columns_are_identity_and_expressions_transformations() -> None:
    assert short("SELECT station, pm10 * 2 AS twice, 1 AS one FROM hours") == {
        "station": {"hours.station IDENTITY"},
        "twice": {"hours.pm10 TRANSFORMATION"},
        "one": set(),
    }


def test_stars_expand_in_the_spelling_of_the_data_set() -> None:
    assert list(columns_of("FROM hours", SCHEMAS)) == ["station", "at", "pm10", "Wind"]
    assert list(columns_of('SELECT * EXCLUDE (town), "镇 街" AS Jie FROM STATIONS', SCHEMAS)) == [
        "station",
        "镇 街",
        "Jie",
    ]


def test_groups_filters_and_aggregates() -> None:
    sql = """
        SELECT station, avg(pm10) AS mean, sum(pm10) FILTER (WHERE Wind > 1) AS windy
        FROM hours WHERE at > TIMESTAMP '2026-01-01' GROUP BY station HAVING max(Wind) > 2
    """
    rows = {"hours.at FILTER", "hours.Wind FILTER", "hours.station GROUP_BY"}
    assert short(sql) == {
        "station": {"hours.station IDENTITY"} | rows,
        "mean": {"hours.pm10 AGGREGATION"} | rows,
        "windy": {"hours.pm10 AGGREGATION"} | rows,
    }


def test_common_table_expressions_joins_and_sorting() -> None:
    sql = """
        WITH daily AS (SELECT station, max(pm10) AS top FROM hours GROUP BY station)
        SELECT s.town, d.top + 1 AS top1 FROM daily d JOIN stations s USING (station)
        ORDER BY top1 LIMIT 5
    """
    rows = {
        "hours.station GROUP_BY",
        "hours.station JOIN",
        "stations.station JOIN",
        "hours.pm10 SORT",
    }
    assert short(sql) == {
        "town": {"stations.town IDENTITY"} | rows,
        "top1": {"hours.pm10 AGGREGATION"} | rows,
    }


def test_windows_conditions_and_named_windows() -> None:
    sql = """
        SELECT lag(pm10) OVER (PARTITION BY station ORDER BY at) AS before,
               count(pm10) OVER w AS many,
               CASE WHEN Wind > 3 THEN pm10 END AS blown
        FROM hours WINDOW w AS (PARTITION BY Wind)
    """
    assert short(sql) == {
        "before": {"hours.pm10 AGGREGATION", "hours.station WINDOW", "hours.at WINDOW"},
        "many": {"hours.pm10 AGGREGATION", "hours.Wind WINDOW"},
        "blown": {"hours.pm10 TRANSFORMATION", "hours.Wind CONDITIONAL"},
    }


def test_unions_join_by_position_and_except_only_filters() -> None:
    assert short("SELECT station FROM hours UNION ALL SELECT town FROM stations") == {
        "station": {"hours.station IDENTITY", "stations.town IDENTITY"}
    }
    assert short("SELECT station FROM hours EXCEPT SELECT town FROM stations") == {
        "station": {"hours.station IDENTITY", "hours.station FILTER", "stations.town FILTER"}
    }


def test_correlated_sub_queries_reach_the_outer_query() -> None:
    sql = """
        SELECT town, (SELECT max(pm10) FROM hours h WHERE h.station = s.station) AS worst
        FROM stations s WHERE EXISTS (SELECT 1 FROM hours h WHERE h.Wind > 1)
    """
    found = short(sql)
    assert found["town"] == {"stations.town IDENTITY", "hours.Wind FILTER"}
    assert found["worst"] == {
        "hours.pm10 AGGREGATION",
        "hours.station FILTER",
        "stations.station FILTER",
        "hours.Wind FILTER",
    }


def test_a_name_of_the_query_hides_a_data_set() -> None:
    sql = "WITH stations AS (SELECT at AS town FROM hours) SELECT Town FROM Stations"
    assert short(sql) == {"town": {"hours.at IDENTITY"}}
    assert read_datasets(sql) == ("hours",)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "SELECT station,\n  pm100 FROM hours",
            "gather.sql_unknown_column: Line 2, column 3: there is no column 'pm100' here. "
            "Did you mean pm10?",
        ),
        (
            "SELECT h.pm100 FROM hours h",
            "gather.sql_unknown_column: Line 1, column 8: there is no column 'pm100' here. "
            "Did you mean pm10?",
        ),
        (
            "SELECT x.pm10 FROM hours",
            "gather.sql_unknown_column: Line 1, column 8: there is no table 'x' here. "
            "Check the name.",
        ),
        (
            "SELECT station FROM hours, stations",
            "gather.sql_unknown_column: Line 1, column 8: 'station' is a column of hours and of "
            "stations. Write hours.station or the like.",
        ),
        (
            "SELECT 1 AS a FROM station",
            "gather.sql_unknown_dataset: Line 1, column 20: there is no data set 'station' that "
            "this query may read. Did you mean stations?",
        ),
        (
            "SELECT town FROM stations;\nSELECT 1",
            "gather.sql_not_read: Line 1, column 1: one SELECT is needed and nothing else, but "
            "there is SELECT, SELECT. Write one SELECT in DuckDB's SQL.",
        ),
        (
            "SELECT pm10 + 1 FROM hours",
            "gather.sql_unnamed_column: Line 1, column 8: an output column has no name of its "
            "own, or one that is taken ('_col_0'). Name every column once, with AS.",
        ),
        (
            "SELECT * FROM read_csv('/etc/passwd')",
            "gather.sql_not_traced: Line 1, column 15: READ_CSV('/etc/passwd') is not the name of "
            "a data set. Name data sets and their columns, joined and grouped by plain SQL.",
        ),
    ],
)
def test_refusals_say_where_and_what_to_write(sql: str, message: str) -> None:
    with pytest.raises(SqlError) as caught:
        columns_of(sql, SCHEMAS)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("DROP TABLE hours", "gather.sql_not_read"),
        ("ATTACH 'x.db'", "gather.sql_not_read"),
        ("PRAGMA database_list", "gather.sql_not_read"),
        ("COPY hours TO 'x.csv'", "gather.sql_not_read"),
        ("", "gather.sql_not_read"),
        ("SELECT ((1 AS a FROM hours", "gather.sql_not_read"),
        ("SELECT '" + "x" * 100_001 + "'", "gather.sql_not_read"),
        ("SELECT " + "(" * 5_000 + "1" + ")" * 5_000 + " AS a", "gather.sql_not_read"),
        ("SELECT pm10 FROM hours UNION SELECT town, station FROM stations", "gather.sql_not_read"),
        ("SELECT * FROM 'hours.csv'", "gather.sql_unknown_dataset"),
        ("SELECT * FROM main.hours", "gather.sql_not_traced"),
        ("SELECT * FROM range(3)", "gather.sql_not_traced"),
        ("SELECT unnest([pm10]) AS v FROM hours", "gather.sql_not_traced"),
        ("SELECT COLUMNS('.*') FROM hours", "gather.sql_not_traced"),
        ("SELECT hours AS h FROM hours", "gather.sql_not_traced"),
        ("SELECT * FROM hours UNION BY NAME SELECT * FROM stations", "gather.sql_not_traced"),
        (
            "WITH RECURSIVE r AS (SELECT pm10 FROM hours UNION ALL SELECT pm10 FROM r) FROM r",
            "gather.sql_not_traced",
        ),
        ("SELECT town, station AS town FROM stations", "gather.sql_unnamed_column"),
    ],
)
def test_what_cannot_be_traced_is_refused(sql: str, code: str) -> None:
    with pytest.raises(SqlError) as caught:
        columns_of(sql, SCHEMAS)
    assert caught.value.code == code


TABLES = {"t": {"a": "int", "b": "int", "c": "int"}, "u": {"a": "int", "d": "int"}}
SCALARS = st.sampled_from(
    [
        "t.a",
        "t.b",
        "t.b + t.c",
        "CASE WHEN t.c > 2 THEN t.a ELSE 0 END",
        "coalesce(t.b, u.d)",
        "(SELECT max(u2.d) FROM u AS u2 WHERE u2.a = t.a)",
        "sum(t.b) OVER (PARTITION BY t.c)",
        "row_number() OVER (ORDER BY t.a, t.b, t.c, u.a, u.d)",
    ]
)
CONDITIONS = st.sampled_from(
    [
        "t.a > 1",
        "t.b IN (SELECT d FROM u)",
        "EXISTS (SELECT 1 FROM u AS e WHERE e.d = t.c)",
        "u.d < 4",
    ]
)
SHAPES = st.sampled_from(
    [
        "SELECT {x} AS x, {y} AS y FROM t LEFT JOIN u ON t.a = u.a WHERE {w}",
        "SELECT DISTINCT {x} AS x, {y} AS y FROM t JOIN u ON t.b = u.d",
        "SELECT x, count(*) AS y FROM (SELECT {x} AS x, {y} AS z FROM t, u WHERE {w}) GROUP BY x",
        "WITH q AS (SELECT {x} AS x, {y} AS y FROM t, u) "
        "SELECT x, max(y) AS y FROM q GROUP BY ALL HAVING min(y) > 0",
        "SELECT {x} AS x, t.c AS y FROM t, u UNION SELECT d, a FROM u",
        "SELECT {x} AS x, {y} AS y FROM t, u WHERE {w} EXCEPT SELECT a, d FROM u",
        "SELECT x, y FROM (SELECT {x} AS x, {y} AS y, {w} AS keep FROM t, u) WHERE keep",
    ]
)
DUCK = duckdb.connect(config={"threads": 1})
ROWS = st.lists(st.tuples(*[st.integers(0, 5)] * 5), min_size=1, max_size=6)


@given(SHAPES, SCALARS, SCALARS, CONDITIONS, ROWS, ROWS)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_output_changes_only_with_the_columns_that_it_is_said_to_come_from(
    shape: str, x: str, y: str, w: str, rows: list[tuple[int, ...]], other: list[tuple[int, ...]]
) -> None:
    sql = shape.format(x=x, y=y, w=w)
    lineage = columns_of(sql, TABLES)
    both = rows + other
    before = _run(sql, rows)
    changes = {
        (table, column): _run(sql, _with_column(rows, both, position))
        for position, (table, column) in enumerate(_all_columns())
    }
    unsaid = [
        (column, place)
        for column, refs in enumerate(lineage.values())
        for place, after in changes.items()
        if place not in {(r.dataset.name, r.column) for r in refs}
        and sorted(before[column], key=repr) != sorted(after[column], key=repr)
    ]
    assert unsaid == []


def _all_columns() -> list[tuple[str, str]]:
    return [(table, column) for table, columns in TABLES.items() for column in columns]


def _with_column(
    rows: list[tuple[int, ...]], others: list[tuple[int, ...]], position: int
) -> list[tuple[int, ...]]:
    """The same rows, with the column at `position` taken from the other rows' last ones."""
    return [
        (*row[:position], others[-1 - i][position], *row[position + 1 :])
        for i, row in enumerate(rows)
    ]


def _run(sql: str, rows: list[tuple[int, ...]]) -> list[list[object]]:
    t = ", ".join(str(r[:3]) for r in rows)
    u = ", ".join(str(r[3:]) for r in rows)
    with DUCK.cursor() as cursor:
        cursor.execute(f"CREATE OR REPLACE TEMP VIEW t AS FROM (VALUES {t}) v(a, b, c)")
        cursor.execute(f"CREATE OR REPLACE TEMP VIEW u AS FROM (VALUES {u}) v(a, d)")
        found = cursor.execute(sql).fetchall()
    return [[row[i] for row in found] for i in range(2)]
