"""Indicator files are read strictly: whatever is wrong is said with its line, all at once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.decide.indicator_cities import BOTH, FLOWN, HEAD, ON_TIME, goal

from shuzhi.decide.indicators import Colour, Composed, Kind, Measured, parse_goal
from shuzhi.decide.indicators.thresholds import Band, Limit
from shuzhi.kernel.documents import DocumentError


def findings(text: str) -> list[tuple[int, str]]:
    with pytest.raises(DocumentError) as refusal:
        parse_goal(text.encode(), file="punctuality.yaml")
    assert refusal.value.code in ("decide.bad_indicator", "kernel.bad_document")
    return [(f.line, f.problem) for f in refusal.value.findings]


def test_a_tree_is_read_as_its_file_says() -> None:
    found = goal(ON_TIME, FLOWN, BOTH)
    (departures,) = found.dimensions
    on_time, flown, both = departures.indicators
    assert (on_time.id, on_time.kind, on_time.owner) == (
        "punctuality.on_time",
        Kind.CORE_PERFORMANCE,
        "aviation",
    )
    assert (on_time.refresh, on_time.weight) == (timedelta(hours=1), Decimal(3))
    assert isinstance(on_time.formula, Measured)
    assert (on_time.formula.is_ratio, on_time.formula.adds_up) == (True, True)
    assert on_time.thresholds is not None
    assert on_time.thresholds.bands[0] == Band(Colour.GREEN, low=Limit(Decimal(80)))
    assert isinstance(both.formula, Composed)
    assert both.formula.of == ("on_time", "flown")
    assert [each.name for each in found.below(both)] == ["on_time", "flown", "both"]
    assert found.reads(both) == ("flights",)
    assert flown.formula.group_by == ()


def changed(old: str, new: str, text: str = ON_TIME) -> str:
    assert old in text
    return HEAD + text.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("weight: 3", "wait: 3", 14, "unknown key; did you mean weight?"),
        ("refresh: 1 hour", "refresh: soon", 13, "'soon' is no span of time. Write it as"),
        ("owner: aviation", "owner: Aviation Board", 12, "'Aviation Board' cannot name a party."),
        ("kind: core_performance", "kind: nice", 10, "Input should be 'core_performance' or"),
        ("green: 80", "green: 65", 16, "does not reach beyond green"),
        ("green: 80, yellow: 70, orange: 60", "", 16, "has none of green, yellow and orange"),
        ("green: 80", "green: [80, 90]", 16, "is to be one number where the direction is higher"),
        ("direction: higher_is_better", "direction: within", 16, "is to be [lowest, highest]"),
        ("zero: 50, full: 100", "zero: 50, full: 50", 15, "zero and full are the same value"),
        ("        score: {zero: 50, full: 100}\n", "", 8, "is missing: a weight counts only with"),
        ("reads: [flights]", "reads: [planes]", 21, "it reads flights, which is not declared"),
        ("COUNT(delay)", "random()", 20, "the function random is not one that means the same"),
        ("AS denominator", "AS total", 19, "answers 0 times with 'denominator'"),
        ("SELECT carrier,", "SELECT carrier, origin,", 19, "answers with 'origin': name it"),
        ("group_by: [carrier]", "group_by: [airline]", 19, "answers 0 times with 'airline'"),
        ("COUNT(delay)", "COUNT(DISTINCT flight)", 19, "state `adds_up`: what DISTINCT counts"),
        ("SELECT carrier, flight,", "SELECT flight,", 22, "lacks the column 'carrier'"),
        ("rows:", "cases:", 22, "lacks the column 'case_id'"),
        ("delay <= 15", "delay <= :limit", 20, "no value is called :limit. The values that can"),
        (
            "        sql: |\n",
            "        expression: |\n",
            19,
            "The expression cannot be used: it is no",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(old: str, new: str, line: int, problem: str) -> None:
    found = findings(changed(old, new))
    assert [at for at, said in found if said.startswith(problem)][:1] == [line], found


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("on_time + late", "there is no indicator 'late' in this goal: both, flown, on_time"),
        ("both / 2", "it comes back to itself"),
        ("on_time ** 2", "The expression cannot be used: it has 'on_time ** 2'."),
        ("max(on_time, flown)", "The expression cannot be used: it has 'max(on_time, flown)'."),
        ("on_time if flown else 1", "The expression cannot be used: it has 'on_time if flown"),
        ("40 + 2", "names no indicator"),
    ],
)
def test_an_expression_is_arithmetic_over_other_indicators(expression: str, problem: str) -> None:
    text = HEAD + ON_TIME + FLOWN + BOTH.replace("(3 * on_time + flown) / 4", expression)
    ((line, said),) = findings(text)
    assert (line, said.startswith(problem)) == (42, True), said


def test_a_circle_of_expressions_is_refused() -> None:
    other = BOTH.replace("id: both", "id: twin").replace("(3 * on_time + flown) / 4", "both + 1")
    text = HEAD + BOTH.replace("(3 * on_time + flown) / 4", "twin - 1") + other
    assert {said for _, said in findings(text)} == {"it comes back to itself"}


def test_groups_are_combined_only_with_the_same_groups() -> None:
    grouped = BOTH.replace("        expression", "        group_by: [carrier]\n        expression")
    ((_, said),) = findings(HEAD + ON_TIME + FLOWN + grouped)
    assert said == "'flown' is grouped by nothing, not by carrier"
    only_groups = ON_TIME.replace("        sql:", "        adds_up: false\n        sql:")
    ((_, said),) = findings(HEAD + only_groups + FLOWN + BOTH)
    assert said == "'on_time' has values for its groups only; state the same `group_by`"


def test_what_belongs_to_sql_has_no_place_beside_an_expression() -> None:
    ((line, said),) = findings(HEAD + ON_TIME + FLOWN + BOTH + "        rows: SELECT 1 AS x\n")
    assert (line, said) == (43, "belongs to `sql`, not to an expression")


def test_names_stand_once() -> None:
    assert findings(HEAD + ON_TIME + ON_TIME) == [(23, "repeats the id 'on_time' of line 8")]


def test_a_tree_without_indicators_is_refused() -> None:
    assert findings("id: x\ntitle: {zh: a, en: b}\ndimensions: []\n") == [(3, "is empty")]


def test_a_changed_formula_has_another_digest_and_a_changed_title_has_not() -> None:
    before = goal(ON_TIME, FLOWN, BOTH)
    retitled = goal(ON_TIME.replace("准点率", "正点率"), FLOWN, BOTH)
    refined = goal(ON_TIME.replace("<= 15", "<= 10"), FLOWN, BOTH)
    digests = [{i.name: g.digest(i) for i in g.indicators} for g in (before, retitled, refined)]
    assert digests[0] == digests[1]
    assert {n for n in digests[0] if digests[0][n] != digests[2][n]} == {"on_time", "both"}
