"""From the goal down to rows and cases: colours, scores, and what stands behind a number."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decide.indicator_cities import (
    BOTH,
    FLOWN,
    ON_TIME,
    Ticking,
    cases,
    flights,
    goal,
    measuring,
)

from shuzhi.decide.indicators import (
    CASES,
    WARNINGS,
    Colour,
    Facts,
    IndicatorError,
    Measuring,
    Score,
    compute,
    drill,
    leaf,
    recompute,
    tree,
    worst_first,
)
from shuzhi.decide.indicators.thresholds import Bound, colour_of
from shuzhi.decide.indicators.tree import mean
from shuzhi.gather.lake import Lake, open_lake
from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Instant

LOOP = """\
id: case_loop
title: {zh: 案件闭环, en: Cases closed}
dimensions:
  - id: handling
    title: {zh: 处置, en: Handling}
    indicators:
"""
CLOSING = """\
      - id: closing_rate
        title: {zh: 结案率, en: Closing rate}
        kind: core_performance
        unit: "%"
        owner: city
        refresh: 10 minutes
        thresholds: {direction: higher_is_better, green: 95, yellow: 90}
        reads: [case_facts]
        group_by: [party]
        sql: |
          SELECT party, COUNT(closed_at) AS numerator, COUNT(*) AS denominator
          FROM case_facts WHERE due_at <= :now GROUP BY party
        rows: SELECT party, case_id FROM case_facts WHERE due_at <= :now AND closed_at IS NULL
"""
PROMPT = """\
      - id: on_time_rate
        title: {zh: 按期结案率, en: On-time rate}
        kind: core_performance
        unit: "%"
        owner: city
        refresh: 10 minutes
        thresholds: {direction: higher_is_better, green: 90, yellow: 75}
        reads: [case_facts]
        sql: |
          SELECT COUNT_IF(closed_at <= due_at) AS numerator, COUNT(*) AS denominator
          FROM case_facts WHERE due_at <= :now
        rows: |
          SELECT case_id, party, due_at, closed_at FROM case_facts
          WHERE due_at <= :now AND (closed_at IS NULL OR closed_at > due_at)
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = open_lake(tmp_path / "lake")
    lake.append("flights", flights(("AA", 1, 0), ("AA", 2, 90), ("UA", 3, None), ("UA", 4, 20)))
    return lake


@pytest.fixture
def clock_hand() -> Ticking:
    return Ticking()


@pytest.fixture
def there(control: Control, lake: Lake, clock_hand: Ticking) -> Measuring:
    return measuring(control, lake, clock_hand, goal(ON_TIME, FLOWN, BOTH))


@pytest.fixture
def loop(control: Control, lake: Lake, clock_hand: Ticking) -> Measuring:
    return measuring(control, lake, clock_hand, goal(CLOSING, PROMPT, head=LOOP))


def lent(there: Measuring, table: pa.Table) -> Measuring:
    return replace(there, lent={CASES: Facts(("case_id",), lambda _: table)})


def test_the_figures_of_tianmen_come_out_to_the_hundredth(loop: Measuring) -> None:
    """December 2016: 972 due, 911 closed, 737 of them on time (hbcic.net.cn)."""
    closing, prompt = compute(lent(loop, cases(972, closed=911, late_of_closed=911 - 737)))
    assert closing.whole is not None
    assert prompt.whole is not None
    assert (closing.whole.numerator, closing.whole.denominator) == (911, 972)
    assert (prompt.whole.numerator, prompt.whole.denominator) == (737, 972)
    assert [f"{run.whole.value:.2f}" for run in (closing, prompt) if run.whole] == [
        "93.72",
        "75.82",
    ]
    assert [closing.colour, prompt.colour] == [Colour.YELLOW, Colour.YELLOW]
    assert recompute(loop, closing.id).is_same


def test_from_a_rate_to_the_cases_behind_it(loop: Measuring) -> None:
    compute(lent(loop, cases(10, closed=8, late_of_closed=1)))
    open_ones = drill(loop, "closing_rate")
    assert open_ones.cases == (9, 10)
    assert open_ones.value is not None
    assert open_ones.value.denominator == 10
    assert open_ones.run.versions == {"case_facts": 0}
    assert drill(loop, "closing_rate", ["housing"]).cases == (9,)
    assert drill(loop, "on_time_rate").cases == (1, 9, 10)
    assert drill(loop, "on_time_rate", limit=2).cases == (1, 9)


def test_lent_facts_make_a_version_only_when_they_change(
    loop: Measuring, clock_hand: Ticking
) -> None:
    asked: list[Instant | None] = []
    newest = cases(4, closed=1, late_of_closed=0)

    def rows(since: Instant | None) -> pa.Table:
        asked.append(since)
        return newest

    watched = replace(loop, lent={CASES: Facts(("case_id",), rows)})
    compute(watched)
    compute(watched)
    assert loop.lake.version("case_facts") == 0
    clock_hand.forward(hours=2)
    newest = cases(4, closed=2, late_of_closed=0)
    compute(watched)
    assert loop.lake.version("case_facts") == 1
    begun = clock_hand.now.replace(hour=11)
    assert asked == [None, begun, begun]


def test_lent_facts_that_are_gone_leave_and_new_columns_come(loop: Measuring) -> None:
    table = cases(4, closed=1, late_of_closed=0)
    every = table.select(["case_id"])
    whole = Facts(("case_id",), lambda _: table, lambda _: every)
    compute(replace(loop, lent={CASES: whole}))
    table = table.slice(2)
    compute(replace(loop, lent={CASES: whole}))
    assert loop.lake.count("case_facts") == 2
    table = table.append_column("kind", pa.array(["dust", "dust"]))
    compute(replace(loop, lent={CASES: whole}))
    assert loop.lake.schema("case_facts").names[-1] == "kind"


def test_facts_that_cannot_be_lent_are_a_problem_of_who_reads_them(
    loop: Measuring, there: Measuring
) -> None:
    doubled = pa.concat_tables([cases(2, closed=1, late_of_closed=0)] * 2)
    both = replace(lent(loop, doubled), goals={**loop.goals, **there.goals})
    runs = {run.indicator: run for run in compute(both)}
    assert "stand more than once" in runs["case_loop.closing_rate"].problem
    assert runs["punctuality.flown"].problem == ""


def test_rows_behind_a_group_are_its_own(there: Measuring) -> None:
    compute(there)
    there.lake.overwrite("flights", flights(("ZZ", 9, 9)))
    aa = drill(there, "on_time", ["AA"])
    assert aa.rows == ({"carrier": "AA", "flight": 2, "delay": 90},)
    assert (aa.value is not None and aa.value.value, aa.run.versions) == (50, {"flights": 0})
    everything = drill(there, "on_time", limit=1)
    assert (len(everything.rows), everything.has_more) == (1, True)
    assert drill(there, "both").below == ("on_time", "flown")


def test_cases_and_warnings_stand_behind_data_too(there: Measuring) -> None:
    facts = pa.table({"case_id": [5, 6], "carrier": ["AA", "UA"]})
    warned = pa.table({"warning_id": [7, 8, 8], "carrier": ["AA", "UA", "UA"]})
    there.lake.append("case_facts", facts)
    there.lake.append("warning_facts", warned)
    behind = ON_TIME.replace("[flights]", "[flights, case_facts, warning_facts]")
    behind += "        cases: SELECT case_id, carrier FROM case_facts\n"
    behind += "        warnings: SELECT warning_id, carrier FROM warning_facts\n"
    watched = replace(there, goals={"punctuality": goal(behind)})
    compute(watched)
    whole, united = drill(watched, "on_time"), drill(watched, "on_time", ["UA"])
    assert (whole.cases, whole.warnings) == ((5, 6), (7, 8))
    assert (united.cases, united.warnings) == ((6,), (8,))
    assert set(united.run.versions) == {"flights", CASES, WARNINGS}


@pytest.mark.parametrize(
    "columns",
    [
        pa.array([None, True, False]),
        pa.array([1, 2, None]),
        pa.array([1.5, None, 0.1]),
        pa.array(["O'Hare", "'; DROP TABLE flights; --", ""]),
        pa.array([0, 20000, None], pa.date32()),
        pa.array([0, 1, None], pa.timestamp("us", tz="UTC")),
        pa.array([Decimal("1.10"), Decimal("2.00"), None]),
    ],
)
def test_a_group_of_any_type_is_found_again(there: Measuring, columns: pa.Array) -> None:
    there.lake.append("sorts", pa.table({"sort": columns, "n": [1, 2, 3]}))
    sql = "SELECT sort, SUM(n) AS value FROM sorts GROUP BY sort"
    sorted_by = FLOWN.replace("flights", "sorts").replace("sql: ", f"sql: {sql} #")
    sorted_by = sorted_by.replace("        sql", "        group_by: [sort]\n        sql")
    watched = replace(
        there, goals={"punctuality": goal(sorted_by.replace(" WHERE delay IS NULL", ""))}
    )
    (run,) = compute(watched)
    assert len(run.groups) == 3
    for value in run.groups:
        assert value.group is not None
        (row,) = drill(watched, "flown", value.group).rows
        assert row["n"] == value.value


def test_what_has_no_value_cannot_be_drilled(there: Measuring) -> None:
    with pytest.raises(IndicatorError) as refusal:
        drill(there, "flown")
    assert (refusal.value.code, refusal.value.next_step) == (
        "decide.indicator_no_value",
        "Compute it: shuzhi indicator compute.",
    )
    compute(there)
    with pytest.raises(IndicatorError) as refusal:
        drill(there, "on_time", ["ZZ"])
    assert refusal.value.code == "decide.indicator_group_unknown"


def test_rows_that_cannot_be_read_are_refused(there: Measuring) -> None:
    lost = FLOWN.replace("SELECT * FROM flights", "SELECT gate FROM flights")
    watched = replace(there, goals={"punctuality": goal(lost)})
    compute(watched)
    with pytest.raises(IndicatorError, match='"gate" not found') as refusal:
        drill(watched, "flown")
    assert refusal.value.code == "decide.indicator_failed"


def test_a_tree_shows_colours_scores_and_data_items(there: Measuring) -> None:
    compute(there)
    found = tree(there, "punctuality")
    on_time, flown, both = found.leaves
    assert [leaf.colour for leaf in found.leaves] == [Colour.RED, Colour.RED, Colour.RED]
    assert found.colour is Colour.RED
    assert on_time.items == ("flights.carrier", "flights.delay")
    assert (both.items, both.score) == ((), None)
    # A third on time is nothing of 50 to 100; three quarters flown are 75 of 100; weights 3 and 1.
    assert (on_time.score, flown.score) == (Score(Decimal(0)), Score(Decimal(75)))
    assert found.score == Score(Decimal("18.75"))
    assert leaf(there, "flown") == flown


def test_a_tree_that_was_never_computed_is_grey(there: Measuring) -> None:
    found = tree(there, "punctuality")
    assert (found.colour, found.score) == (Colour.GREY, None)
    assert {each.problem for each in found.leaves} == {"not computed yet"}


def test_what_has_no_thresholds_is_shown_and_judges_nothing(there: Measuring) -> None:
    plain = FLOWN.replace("        thresholds: {direction: higher_is_better, green: 95}\n", "")
    good = FLOWN.replace("id: flown", "id: good").replace("green: 95", "green: 50")
    watched = replace(there, goals={"punctuality": goal(plain, good)})
    compute(watched)
    found = tree(watched, "punctuality")
    assert [leaf.colour for leaf in found.leaves] == [Colour.GREY, Colour.GREEN]
    assert (found.colour, found.branches[0].colour) == (Colour.GREEN, Colour.GREEN)


def test_a_score_says_on_how_much_it_rests() -> None:
    parts = [(Decimal(3), Score(Decimal(80))), (Decimal(1), None), (None, Score(Decimal(0)))]
    assert mean(parts) == Score(Decimal(80), Decimal("0.75"))
    assert mean([(Decimal(1), None), (None, Score(Decimal(5)))]) is None
    half = Score(Decimal(50), Decimal("0.5"))
    assert mean([(Decimal(1), half), (Decimal(1), Score(Decimal(100)))]) == Score(
        Decimal(75), Decimal("0.75")
    )


def test_the_worst_group_is_told_by_colour_and_then_by_number(there: Measuring) -> None:
    (run, _, _) = compute(there)
    on_time = there.goals["punctuality"].named["on_time"]
    assert [v.group for v in worst_first(on_time, run.groups)] == [("UA",), ("AA",)]
    values = [replace(run.groups[0], value=Decimal(n)) for n in (3, 9, 5)]
    assert [v.value for v in worst_first(on_time, values)] == [3, 5, 9]
    upside_down = goal(
        ON_TIME.replace("higher", "lower").replace("80, yellow: 70", "50, yellow: 55")
    )
    (lower,) = upside_down.indicators
    assert [v.value for v in worst_first(lower, values)] == [9, 5, 3]


def test_not_knowing_is_worse_than_good_and_better_than_bad() -> None:
    assert Colour.worst([Colour.GREEN, Colour.GREY]) is Colour.GREY
    assert Colour.worst([Colour.GREY, Colour.YELLOW]) is Colour.YELLOW
    assert Colour.worst([]) is Colour.GREY


@pytest.mark.parametrize(
    ("value", "colour"),
    [("6.5", "green"), ("8.5", "green"), ("8.6", "yellow"), ("6", "yellow"), ("5.9", "red")],
)
def test_a_value_may_have_to_lie_within(value: str, colour: str) -> None:
    bounds = [
        Bound(Colour.GREEN, Decimal("6.5"), Decimal("8.5")),
        Bound(Colour.YELLOW, Decimal(6), Decimal(9)),
    ]
    assert colour_of(Decimal(value), bounds) == colour


@given(st.lists(st.sampled_from(Colour)), st.lists(st.sampled_from(Colour)))
def test_the_worst_of_all_is_the_worst_of_the_worst(a: list[Colour], b: list[Colour]) -> None:
    parts = [Colour.worst(part) for part in (a, b) if part]
    assert Colour.worst(a + b) is Colour.worst(parts)
