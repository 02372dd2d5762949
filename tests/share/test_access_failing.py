"""Which questions get their rows set apart: those that could fail on a row, and no others."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from shuzhi.share.access import Operator, Plan, Term, plan

FAIL = """
CAST(code AS DOUBLE) > 0
code
NOT code
is_active AND code
code = TRUE
code IS TRUE
code IS NOT FALSE
code IN (TRUE, FALSE)
code BETWEEN FALSE AND TRUE
code = 7
code > 6.5
code IN (7, '8')
code = kids
kids BETWEEN code AND 5
income = 1.5
income = score
score = savings
moved = born
income * 2 > 5
-income < 5
ABS(income) > 5
income % kids = 0
income || code = 'x'
moved + INTERVAL 1 DAY > '2020-01-01'
kids LIKE '1%'
code IN (SELECT district FROM residents)
EXISTS (SELECT 1 FROM residents AS r WHERE r.id = 'x')
CASE WHEN is_active THEN 1 END = 1
"""
HOLD = """
code = '7'
code IN ('7', '8', NULL)
code LIKE '7%' AND district NOT ILIKE 'n%'
code < district
income > 5 AND income <> 7 OR NOT income = 9
income BETWEEN 1 AND 5
income = kids
income IN (1, 2)
income IS NULL
score > 1.5 AND score < 9
savings >= 1000
name = '张***'
born < '1970-01-01'
moved >= '2020-01-01'
is_active
NOT is_active
is_active = TRUE AND is_active IS NOT FALSE
kids IS NOT DISTINCT FROM 3
"""


def _made(asked: Any, sql: str, dataset: str = "residents", **terms: Any) -> Plan:
    made = plan(sql, [asked.allowed(dataset, **terms)], salt="salt")
    assert isinstance(made, Plan), made
    return made


def _is_apart(asked: Any, sql: str, dataset: str = "residents", **terms: Any) -> bool:
    return bool(_made(asked, sql, dataset, **terms).setup)


@pytest.mark.parametrize("condition", FAIL.strip().splitlines())
def test_what_may_fail_is_asked_of_rows_set_apart(asked: Any, condition: str) -> None:
    assert _is_apart(asked, f"SELECT id FROM residents WHERE {condition}")


@pytest.mark.parametrize("condition", HOLD.strip().splitlines())
def test_what_cannot_fail_is_asked_of_the_table(asked: Any, condition: str) -> None:
    assert not _is_apart(asked, f"SELECT id FROM residents WHERE {condition}")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM residents WHERE FALSE UNION SELECT code FROM residents",
        "SELECT * FROM (SELECT code AS kids FROM residents) AS x JOIN residents AS r USING (kids)",
        "SELECT * FROM residents AS a JOIN residents AS b ON a.code",
        "SELECT * FROM residents AS a JOIN residents AS b USING (score)",
        "SELECT id FROM residents GROUP BY id HAVING MIN(code) = 5",
    ],
)
def test_names_with_two_types_and_sets_are_set_apart(asked: Any, sql: str) -> None:
    assert _is_apart(asked, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT SUM(income * 2) FROM residents",
        "SELECT district, AVG(CAST(code AS DOUBLE)) AS a FROM residents AS r "
        "WHERE r.kids > 1 GROUP BY district HAVING COUNT(*) > 3 ORDER BY a LIMIT 5",
    ],
)
def test_what_may_fail_in_a_figure_alone_waits_for_the_filters(asked: Any, sql: str) -> None:
    made = _made(asked, sql)
    assert not made.setup
    rows = made.question.sql.partition("LIMIT 9223372036854775807")[0]
    assert "*" not in rows.partition("FROM")[2].replace("SELECT *", "")
    assert ("WHERE" in sql) == ('"r"."kids" > 1' in rows)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT income * 2 AS x, id FROM residents WHERE kids > 1 ORDER BY x DESC, id LIMIT 20",
        "SELECT r.id FROM residents AS r WHERE r.kids > 1 ORDER BY r.income * 2 LIMIT 20",
    ],
)
def test_what_rows_are_ordered_by_waits_for_the_filters(asked: Any, sql: str) -> None:
    made = _made(asked, sql)
    assert (made.setup, made.is_frail) == ((), True)
    rows = made.question.sql.partition("LIMIT 9223372036854775807")[0]
    assert 'kids" > 1' in rows
    assert '"income" * 2' not in rows.partition("FROM")[2]


@pytest.mark.parametrize(
    ("sql", "late"),
    [
        ("SELECT COUNT(*) FROM residents WHERE income * 2 > 5 AND kids > 1", 1),
        ("SELECT SUM(income * 2) FROM residents WHERE kids > 1 AND (income * 2 > 5)", 1),
        ("SELECT kids FROM residents WHERE -income < 5 AND code = 7 AND kids > 1 GROUP BY kids", 2),
    ],
)
def test_terms_that_may_fail_wait_for_the_others_one_by_one(
    asked: Any, sql: str, late: int
) -> None:
    made = _made(asked, sql)
    assert (made.setup, made.is_frail) == ((), True)
    steps = made.question.sql.split("LIMIT 9223372036854775807")
    assert len(steps) == late + 2
    assert steps[0].endswith('WHERE "kids" > 1 ')
    assert not [step for step in steps[1:-1] if step.count("WHERE") != 1 or " AND " in step]


@pytest.mark.parametrize(
    ("condition", "ordered"),
    [
        (
            "kids > 1 OR income * 2 > 5",
            'CASE WHEN "kids" > 1 THEN TRUE ELSE "income" * 2 > 5 END',
        ),
        (
            "(kids > 1 OR (income * 2 > 5 AND code = 7)) AND kids < 9",
            'CASE WHEN "kids" > 1 THEN TRUE '
            'ELSE CASE WHEN "income" * 2 > 5 THEN "code" = 7 ELSE FALSE END END',
        ),
    ],
)
def test_sides_that_may_fail_are_computed_in_their_order(
    asked: Any, condition: str, ordered: str
) -> None:
    made = _made(asked, f"SELECT COUNT(*) FROM residents WHERE {condition}")
    assert (made.setup, made.is_frail) == ((), True)
    assert made.question.sql.split("LIMIT 9223372036854775807")[1].endswith(f"WHERE {ordered} ")


def test_sides_in_their_order_hold_of_the_same_rows(worlds: Any) -> None:
    parts = ["score * 2 > 20", "kids > 2", "-income < -4000"]
    for first, second, third in permutations(parts):
        for condition in (f"{first} OR {second} AND {third}", f"({first} OR {second}) AND {third}"):
            found = [
                worlds.answer("A", sql, ["residents"]).to_pylist()
                for sql in (
                    f"SELECT COUNT(*) AS n FROM residents WHERE {condition}",
                    f"SELECT COUNT(*) AS n FROM (SELECT * FROM residents) AS r WHERE {condition}",
                )
            ]
            assert found[0] == found[1], condition


def test_what_cannot_fail_may_be_foreseen(asked: Any) -> None:
    assert not _made(asked, "SELECT id FROM residents WHERE kids > 1").is_frail


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM residents WHERE income * 2 > 5",
        "SELECT MAX(kids > 1 AND income * 2 > 5) FROM residents",
        "SELECT COUNT(*) FROM residents WHERE NOT (kids > 1 OR income * 2 > 5)",
        "SELECT COUNT(*) FROM residents WHERE (kids > 1 OR income * 2 > 5) = is_active",
        "SELECT COUNT(*) FROM residents WHERE kids > 1 OR (income * 2 > 5 AND is_active) IS NULL",
        "SELECT id FROM residents WHERE kids > 1 OR income * 2 > 5",
        "SELECT COUNT(*) * 2 FROM residents WHERE income * 2 > 5",
        "SELECT SUM(income * 2) FROM residents GROUP BY CAST(code AS DOUBLE)",
        "SELECT SUM(income * 2) * 2 FROM residents",
        # Of none of these is it computed of each row for the order's sake.
        "SELECT income * 2 AS x FROM residents",
        "SELECT income * 2 AS x FROM residents LIMIT 20",
        "SELECT income * 2 AS x FROM residents ORDER BY id LIMIT 20",
        "SELECT income * 2 AS x, score * 2 AS y FROM residents ORDER BY x LIMIT 20",
        "SELECT income * 2 AS kids FROM residents ORDER BY kids LIMIT 20",
        "SELECT income * 2 AS x FROM residents ORDER BY x LIMIT 20 OFFSET 5",
        "SELECT DISTINCT income * 2 AS x FROM residents ORDER BY x LIMIT 20",
        "SELECT id FROM residents ORDER BY kids > 1 AND income * 2 > 5",
        "SELECT SUM(kids) FILTER (WHERE income * 2 > 5) FROM residents",
        "SELECT SUM(income * 2) FROM residents JOIN residents AS r USING (id)",
        "SELECT SUM(income * 2) OVER (ORDER BY id) FROM residents",
        "SELECT SUM(x) FROM (SELECT income * 2 AS x FROM residents) AS r",
        "SELECT SUM(income * 2) FROM residents UNION SELECT 1",
        "WITH r AS (SELECT * FROM residents) SELECT SUM(income * 2) FROM r",
    ],
)
def test_what_may_fail_elsewhere_too_is_set_apart(asked: Any, sql: str) -> None:
    assert _is_apart(asked, sql)


def test_ranks_and_counts_are_whole_numbers(asked: Any) -> None:
    ranked = "SELECT id FROM residents QUALIFY ROW_NUMBER() OVER (ORDER BY income, id) <= 3"
    assert not _is_apart(asked, ranked)
    assert not _is_apart(asked, "SELECT kids FROM residents GROUP BY kids HAVING COUNT(*) > 3")
    assert _is_apart(asked, "SELECT kids FROM residents GROUP BY kids HAVING COUNT(*) > code")


def test_terms_of_other_forms_that_may_fail_see_no_hidden_row(asked: Any) -> None:
    rows = Term("kind", Operator.ONE_OF, ("rent",))
    sql = "SELECT COUNT(*) > 0 FROM benefits WHERE person = 'p001' AND kind = {}"
    assert _is_apart(asked, sql.format(7), "benefits", rows=rows)
    assert not _is_apart(asked, sql.format("'rent'"), "benefits", rows=rows)
    rows = Term("job", Operator.ONE_OF, ("cook",))
    sql = "SELECT COUNT(*) AS n FROM incomes WHERE district = {}"
    assert "LIMIT" in _made(asked, sql.format(7), "incomes", rows=rows).question.sql
    assert "LIMIT" not in _made(asked, sql.format("'north'"), "incomes", rows=rows).question.sql


def test_with_no_hidden_row_nothing_is_set_apart(asked: Any) -> None:
    assert not _is_apart(asked, "SELECT CAST(cost AS DOUBLE) * 2 FROM visits", "visits")


def test_nothing_is_planned_without_a_grant() -> None:
    made = plan("SELECT 1", [], salt="salt")
    assert not isinstance(made, Plan)
    assert made.reason == "no_grant"
