"""Which questions get their rows set apart: those that could fail on a row, and no others."""

from __future__ import annotations

import re
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
kids IN (SELECT district FROM residents)
code IN (SELECT district || 'x' FROM residents)
code IN (SELECT district FROM residents UNION SELECT id FROM residents)
EXISTS (SELECT 1 FROM residents AS r WHERE r.kids * 2 > 5)
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
code IN (SELECT district FROM residents)
EXISTS (SELECT 1 FROM residents AS r WHERE r.id = 'x')
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
        "SELECT COUNT(*) * 2 FROM residents WHERE income * 2 > 5",
        "SELECT SUM(income * 2) FROM residents GROUP BY CAST(code AS DOUBLE)",
        "SELECT SUM(income * 2) * 100.0 / COUNT(*) FROM residents",
        "SELECT id FROM residents GROUP BY id HAVING MIN(code) = 5",
        "SELECT SUM(kids) FILTER (WHERE income * 2 > 5) FROM residents",
        "SELECT DISTINCT income * 2 AS x FROM residents ORDER BY x LIMIT 20",
        "SELECT income * 2 AS x FROM residents ORDER BY x LIMIT 20 OFFSET 5",
        "SELECT district, SUM(income) * 2 AS s FROM residents GROUP BY district ORDER BY s LIMIT 5",
        "SELECT SUM(income * 2) FROM residents JOIN residents AS r USING (id)",
        "SELECT SUM(a.income * b.kids) FROM residents AS a JOIN residents AS b ON a.id = b.id",
        "SELECT SUM(x) FROM (SELECT income * 2 AS x FROM residents) AS r",
        "SELECT x * 2 FROM (SELECT SUM(income * 2) AS x FROM residents GROUP BY kids) AS r",
        "WITH r AS (SELECT * FROM residents) SELECT SUM(income * 2) FROM r",
        "WITH r AS (SELECT income * 2 AS x FROM residents WHERE kids > 1), s AS (SELECT * FROM r) "
        "SELECT x, COUNT(*) FROM s WHERE x > 5 GROUP BY x",
    ],
)
def test_what_is_gathered_waits_behind_the_rows_that_pass(asked: Any, sql: str) -> None:
    made = _made(asked, sql)
    assert (made.setup, made.is_frail) == ((), True)
    early = made.question.sql.partition("LIMIT 9223372036854775807")[0]
    assert early != made.question.sql
    assert '"income" * 2' not in early[early.rindex("FROM (SELECT") :]


@pytest.mark.parametrize(
    ("sql", "first"),
    [
        ("SELECT income * 2 AS x FROM residents", "LIMIT 100001"),
        ("SELECT income * 2 AS x FROM residents LIMIT 20 OFFSET 7", "LIMIT 27"),
        ("SELECT r.*, income * 2 FROM residents AS r WHERE kids > 1 LIMIT 5", "> 1 LIMIT 5"),
        (
            "SELECT income * 2 AS x, id AS i FROM residents ORDER BY i, kids DESC LIMIT 20",
            'ORDER BY "id", "kids" DESC LIMIT 20',
        ),
        (
            "SELECT r.income * s.kids AS x FROM residents AS r JOIN residents AS s ON r.id = s.id "
            "ORDER BY r.id LIMIT 3",
            'ORDER BY "r id" LIMIT 3',
        ),
        # Which rows a filter tests that may fail must not be told by which come first.
        ("SELECT id FROM residents WHERE income * 2 > 5 LIMIT 3", 'WHERE "income" * 2 > 5'),
        ("SELECT income * 2 AS x, score * 2 AS y FROM residents ORDER BY x LIMIT 20", "{seen}"),
        ("SELECT income * 2 AS x FROM residents ORDER BY id", "{seen}"),
        ("SELECT SUM(income * 2) OVER (ORDER BY id) FROM residents LIMIT 3", "{seen}"),
    ],
)
def test_of_a_list_the_rows_that_pass_are_set_apart(asked: Any, sql: str, first: str) -> None:
    made = _made(asked, sql)
    (copy,) = made.setup
    seen = "WHERE (\"district\" IN ('north', 'south'))) AS \"residents\""
    assert first.format(seen=seen) in copy.sql, copy.sql
    assert '"income" * 2' not in copy.sql.partition("LIMIT")[0]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT MAX(kids > 1 AND income * 2 > 5) FROM residents",
        "SELECT COUNT(*) FROM residents WHERE NOT (kids > 1 OR income * 2 > 5)",
        "SELECT COUNT(*) FROM residents WHERE (kids > 1 OR income * 2 > 5) = is_active",
        "SELECT COUNT(*) FROM residents WHERE kids > 1 OR (income * 2 > 5 AND is_active) IS NULL",
        "SELECT id FROM residents ORDER BY kids > 1 AND income * 2 > 5",
        "SELECT SUM(income) FROM residents HAVING SUM(kids) > 1 AND SUM(income) * 2 > 5",
        # Of none of these is every row computed, whatever comes first.
        "SELECT district, SUM(income) * 2 AS s FROM residents GROUP BY district LIMIT 5",
        "SELECT DISTINCT income * 2 AS x FROM residents LIMIT 20",
        "SELECT SUM(x) FROM (SELECT income * 2 AS x FROM residents LIMIT 5) AS r",
        "SELECT SUM(x) FROM (SELECT DISTINCT income * 2 AS x FROM residents ORDER BY x) AS r",
        # What is joined is computed before.
        "SELECT SUM(kids) FROM residents AS a JOIN residents AS b ON a.income * 2 = b.income",
        "SELECT SUM(x) FROM residents JOIN (SELECT id, income * 2 AS x FROM residents) USING (id)",
        "SELECT SUM(income * 2) FROM residents UNION SELECT 1",
        "WITH r AS (SELECT income * 2 AS x FROM residents) SELECT 1 FROM r JOIN r AS s USING (x)",
        "SELECT SUM(income * (SELECT MAX(kids) FROM residents)) FROM residents",
        # A name that might be of the rows or of the answer.
        "SELECT r.income * 2 AS kids FROM residents AS r JOIN residents AS s ON r.id = s.id "
        "ORDER BY kids",
        "SELECT SUM(x) AS x FROM (SELECT income * 2 AS x FROM residents) AS r ORDER BY x * 2",
        "SELECT SUM(y) FROM (SELECT income * 2 AS x, x + 1 AS y FROM residents) AS r",
        "SELECT COUNT(*) FROM (SELECT 1 AS x, income * 2 AS y FROM residents) AS r GROUP BY x, y",
    ],
)
def test_what_may_fail_elsewhere_is_set_apart(asked: Any, sql: str) -> None:
    made = _made(asked, sql)
    (copy,) = made.setup
    assert '"salt residents apart"' in copy.sql


MOBILE = r"[0-9a-f]{64}"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT mobile, income * 2 AS x FROM residents",
        "SELECT * FROM residents WHERE income * 2 > 5",
        "SELECT r.mobile AS mobile FROM residents AS r WHERE LENGTH(mobile) - 2 > 5",
        "SELECT mobile FROM residents WHERE mobile > '0' AND -income < 5 ORDER BY kids LIMIT 9",
        "SELECT mobile, income * 2 FROM residents ORDER BY mobile LIMIT 9",
        "SELECT mobile, SUM(income * 2) FROM residents GROUP BY mobile",
        "SELECT MAX(mobile) AS mobile FROM (SELECT * FROM residents) AS r WHERE income * 2 > 5",
        "SELECT r.mobile, r.income * s.kids FROM residents AS r JOIN residents AS s ON r.id = s.id",
        "SELECT mobile, SUM(income * 2) OVER () FROM residents WHERE income * 2 > 5",
    ],
)
def test_pseudonyms_that_are_made_late_are_made_all_the_same(worlds: Any, sql: str) -> None:
    found = worlds.answer("A", sql, ["residents"]).column("mobile").to_pylist()
    assert found
    assert all(re.fullmatch(MOBILE, mobile) for mobile in found)


def test_a_pseudonym_that_no_filter_looks_at_is_made_of_rows_that_passed(asked: Any) -> None:
    made = _made(asked, "SELECT mobile FROM residents WHERE income * 2 > 5 AND kids > 1")
    (copy,) = made.setup
    assert copy.sql.count("SHA256") == 2
    assert copy.sql.index("SHA256") < copy.sql.index("FROM")


def test_ranks_and_counts_are_whole_numbers(asked: Any) -> None:
    ranked = "SELECT id FROM residents QUALIFY ROW_NUMBER() OVER (ORDER BY income, id) <= 3"
    assert not _is_apart(asked, ranked)
    assert not _is_apart(asked, "SELECT kids FROM residents GROUP BY kids HAVING COUNT(*) > 3")
    assert _made(asked, "SELECT id FROM residents GROUP BY id HAVING COUNT(*) > MIN(code)").is_frail


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
