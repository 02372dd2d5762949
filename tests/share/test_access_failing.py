"""Which questions get their rows set apart: those that could fail on a row, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from shuzhi.share.access import Plan, plan

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


def _is_apart(asked: Any, sql: str, dataset: str = "residents") -> bool:
    made = plan(sql, [asked.allowed(dataset)], salt="salt")
    assert isinstance(made, Plan), made
    return bool(made.setup)


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


def test_with_no_hidden_row_nothing_is_set_apart(asked: Any) -> None:
    assert not _is_apart(asked, "SELECT CAST(cost AS DOUBLE) * 2 FROM visits", "visits")


def test_nothing_is_planned_without_a_grant() -> None:
    made = plan("SELECT 1", [], salt="salt")
    assert not isinstance(made, Plan)
    assert made.reason == "no_grant"
