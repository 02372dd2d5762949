"""However a question is rewritten, it means what it meant: over the rows and columns allowed.

What it means is told by the database itself, which is asked the text as it was written, over tables
that hold nothing but what is allowed.
"""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from shuzhi.share.access import Plan, Refusal, plan

NAMES = ("residents", "visits")
NUMBERS = ["income * 2", "income + kids", "-kids", "score / kids", "income", "income * income"]
TESTS = ["income * 2 > 7000", "kids > 1", "score * 3 < 60", "district = 'north'", "code = 107"]
TESTS += ["is_active", "LENGTH(code) - 2 > kids - 3", "score IS NOT NULL", "-income < -3500"]
FIGURES = ["SUM({0})", "AVG({0}) * 3", "COUNT(*) + MAX({0})", "COUNT({0})", "MIN({0}) / COUNT(*)"]

numbers, figures = st.sampled_from(NUMBERS), st.sampled_from(FIGURES)
tests = st.recursive(
    st.sampled_from(TESTS),
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
    ),
    max_leaves=4,
)
parts = st.builds(
    "SELECT id, district, kids, is_active, {} AS x, {} AS y FROM residents AS r WHERE {}".format,
    *(numbers, numbers, tests),
)
nested = st.builds(
    "SELECT id, district, kids, x + {} AS x, y FROM ({}) AS p WHERE x > y OR kids > {}".format,
    *(st.integers(0, 5), parts, st.integers(0, 4)),
)
sources = st.one_of(parts, nested).flatmap(
    lambda part: st.sampled_from(
        [
            ("", f"({part}) AS q"),
            (f"WITH q AS ({part}) ", "q"),
            (f"WITH z AS ({part}), y AS (SELECT * FROM z) ", "y AS q"),
        ]
    )
)
joins = st.sampled_from(
    [
        "residents AS q JOIN visits AS v ON q.id = v.resident",
        "visits AS v LEFT JOIN residents AS q ON q.id = v.resident AND q.kids > 1",
        "residents AS q JOIN (SELECT resident, COUNT(*) AS n, SUM(cost) AS cost FROM visits "
        "GROUP BY resident) AS v ON q.id = v.resident",
    ]
)
of_joins = st.builds(
    "SELECT district, {0} AS f, SUM(q.income * v.cost) AS g FROM {1} WHERE {2} AND v.cost >= 0 "
    "GROUP BY district HAVING SUM(v.cost) * 2 > 10 ORDER BY f * 2, district".format,
    *(st.builds(lambda f, x: f.format(x), figures, numbers), joins, tests),
)
lists_of_joins = st.builds(
    "SELECT q.id, {0} AS f, v.cost * 2 AS g, cost FROM {1} WHERE {2} ORDER BY {3}".format,
    *(numbers, joins, tests, st.sampled_from(["1, 2, g", "q.id, v.cost LIMIT 7", "f, g, q.id"])),
)
of_parts = st.builds(
    lambda source, figure, having, end: (
        f"{source[0]}SELECT district, {figure} AS f, COUNT(*) AS n FROM {source[1]} "
        f"WHERE kids < 9 GROUP BY district{having} ORDER BY {end}"
    ),
    sources,
    st.builds(lambda f, x: f.format(x), figures, st.sampled_from(["x", "y * 2", "q.x - y"])),
    st.sampled_from(["", " HAVING MAX(x) * 2 > 5"]),
    st.sampled_from(["district", "n, district LIMIT 1", "f * 2, district"]),
)
lists = st.builds(
    "{0[0]}SELECT {1} FROM {0[1]} WHERE {2} {3}".format,
    sources,
    st.sampled_from(["*", "id, x", "q.id, x * 2 AS z, q.y", "DISTINCT x, y", "x AS y, id"]),
    st.sampled_from(["x > 5", "kids > 1 AND x * 2 > 9", "y - x < 7000 OR kids = 2"]),
    st.sampled_from(["", "ORDER BY x * 2", "ORDER BY x, 1, 2 LIMIT 9"]),
)
shares = st.builds(
    "SELECT d, n * 100.0 / SUM(n) OVER () AS share FROM (SELECT district AS d, {} AS n "
    "FROM residents WHERE {} GROUP BY district) AS g".format,
    *(st.builds(lambda f, x: f.format(x), figures, numbers), tests),
)
windows = st.builds(
    "SELECT id, SUM({}) OVER (PARTITION BY district ORDER BY id) AS s FROM residents "
    "WHERE {} ORDER BY id LIMIT 12".format,
    *(numbers, tests),
)
rows = st.builds(
    "SELECT id, {} AS x, {} AS y FROM residents WHERE {} {}".format,
    *(numbers, numbers, tests, st.sampled_from(["", "ORDER BY kids, id LIMIT 5 OFFSET 2"])),
)
queries = st.one_of(of_parts, lists, of_joins, lists_of_joins, shares, windows, rows)


@pytest.fixture(scope="module")
def allowed_only(worlds: Any) -> duckdb.DuckDBPyConnection:
    """A database that holds what is allowed, under the names of the data sets."""
    connection = duckdb.connect()
    for name in NAMES:
        connection.register(name, worlds.answer("A", f"SELECT * FROM {name}", NAMES))
    return connection


def _shown(table: Any) -> tuple[list[str], list[str]]:
    rows = [repr([_near(value) for value in row.values()]) for row in table.to_pylist()]
    return table.schema.names, sorted(rows)


def _near(value: object) -> object:
    # Sums of fractions differ in their last digits with the order of rows.
    return f"{value:.9g}" if isinstance(value, float) else str(value)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sql=queries)
def test_what_is_rewritten_means_what_it_meant(
    worlds: Any, allowed_only: duckdb.DuckDBPyConnection, sql: str
) -> None:
    found = worlds.answer("A", sql, NAMES)
    try:
        meant = allowed_only.sql(sql).to_arrow_table()
    except duckdb.Error as error:
        event(type(error).__name__)
        assert isinstance(found, Refusal), (sql, found)
        return
    assert not isinstance(found, Refusal), (sql, found)
    assert _shown(found) == _shown(meant), sql


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT income * 2 AS kids, id FROM residents ORDER BY kids, id LIMIT 20",
        "SELECT income AS i, kids * 2 AS income, id FROM residents ORDER BY i, id LIMIT 20",
        "SELECT income * 2 AS kids, id FROM residents AS r ORDER BY r.kids, r.id LIMIT 20",
        "WITH r AS (SELECT kids FROM residents) SELECT SUM(r.kids * 2) AS n FROM r "
        "WHERE r.kids IN (SELECT kids FROM r WHERE kids > 1)",
        "WITH r AS (SELECT kids, id FROM residents) SELECT s.kids * 2 AS n FROM r AS s "
        "WHERE s.kids * 3 > 4 AND s.id IN (SELECT id FROM r WHERE kids > 1)",
        "SELECT SUM(kids) AS n FROM (SELECT kids, income * 2 AS x FROM residents) WHERE x > 7000",
        "SELECT x AS kids, COUNT(*) AS n FROM (SELECT kids * 2 AS x, kids FROM residents) AS r "
        "GROUP BY x HAVING MAX(x) > 2 ORDER BY n, x",
        "SELECT X, SUM(Y) AS y FROM (SELECT income * 2 AS x, kids + 1 AS Y FROM residents) AS R "
        "GROUP BY x ORDER BY 1",
    ],
)
def test_names_that_might_be_taken_for_others_mean_what_they_meant(
    worlds: Any, allowed_only: duckdb.DuckDBPyConnection, sql: str
) -> None:
    found = worlds.answer("A", sql, NAMES)
    assert not isinstance(found, Refusal), found
    assert _shown(found) == _shown(allowed_only.sql(sql).to_arrow_table())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sql=st.one_of(of_parts, of_joins, shares, windows))
def test_hardly_any_of_these_costs_a_copy_of_all_rows(asked: Any, sql: str) -> None:
    made = plan(sql, [asked.allowed(name) for name in NAMES], salt="salt")
    assert isinstance(made, Plan), made
    # AND and OR deep inside of a term, and a part that is spoken of twice, are what is left.
    if "NOT (" not in sql and "q.x - y" not in sql:
        assert not any("residents apart" in each.sql for each in made.setup), sql
