"""Indicators are computed, kept with the versions they came from, and come out the same again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.decide.indicator_cities import (
    BOTH,
    FLOWN,
    ON_TIME,
    Heard,
    Ticking,
    flights,
    goal,
    measuring,
)

from shuzhi.decide.indicators import (
    Colour,
    IndicatorComputed,
    IndicatorError,
    Measuring,
    Run,
    compute,
    compute_due,
    history,
    recompute,
    tree,
)
from shuzhi.decide.indicators.answers import ratio
from shuzhi.gather.lake import Lake, LakeSettings, open_lake
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.law import Description, Law, LawParameter, LawValue, LegalBasis

ROWS = (("AA", 1, 0), ("AA", 2, 10), ("AA", 3, 90), ("UA", 4, 5), ("UA", 5, None))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = open_lake(tmp_path / "lake")
    lake.append("flights", flights(*ROWS))
    return lake


@pytest.fixture
def clock_hand() -> Ticking:
    return Ticking()


@pytest.fixture
def there(control: Control, lake: Lake, clock_hand: Ticking) -> Measuring:
    return measuring(control, lake, clock_hand, goal(ON_TIME, FLOWN, BOTH))


def numbers(run: Run) -> dict[object, str | None]:
    return {v.group: None if v.value is None else f"{v.value:.2f}" for v in run.values}


def only(there: Measuring, *indicators: str) -> Measuring:
    return replace(there, goals={"punctuality": goal(*indicators)})


def test_a_ratio_keeps_what_it_was_divided_from(there: Measuring) -> None:
    (on_time,) = compute(there, ["on_time"])
    assert numbers(on_time) == {("AA",): "66.67", ("UA",): "100.00", None: "75.00"}
    assert {(v.numerator, v.denominator) for v in on_time.values} == {(2, 3), (1, 1), (3, 4)}
    assert [v.colour for v in on_time.groups] == [Colour.ORANGE, Colour.GREEN]
    assert on_time.colour is Colour.YELLOW
    assert on_time.versions == {"flights": 0}
    assert on_time.as_of == there.lake.history("flights")[0].committed_at


def test_no_denominator_is_no_value_and_never_zero(there: Measuring) -> None:
    there.lake.overwrite("flights", flights(("AA", 1, None), ("UA", 2, 3)))
    on_time, flown, both = compute(there)
    assert numbers(on_time) == {("AA",): None, ("UA",): "100.00", None: "100.00"}
    assert on_time.groups[0].colour is Colour.GREY
    there.lake.overwrite("flights", flights())
    on_time, flown, both = compute(there)
    assert (numbers(on_time), numbers(flown), numbers(both)) == (
        {None: None},
        {None: None},
        {None: None},
    )
    assert [leaf.problem for leaf in tree(there, "punctuality").leaves] == [
        "there is nothing to divide by"
    ] * 3


def test_a_count_of_nothing_is_zero_and_a_sum_of_no_values_is_none(there: Measuring) -> None:
    sql = "SELECT COUNT(delay) AS numerator, COUNT(*) AS denominator FROM flights"
    counted = "SELECT carrier, SUM(delay) AS value FROM flights WHERE flight > 4 GROUP BY carrier"
    by_carrier = FLOWN.replace(sql, counted).replace(
        "        sql", "        group_by: [carrier]\n        adds_up: true\n        sql"
    )
    (flown,) = compute(only(there, by_carrier))
    assert numbers(flown) == {("UA",): None, None: None}
    there.lake.overwrite("flights", flights())
    (flown,) = compute(only(there, by_carrier))
    assert numbers(flown) == {None: "0.00"}


def test_an_expression_is_over_the_values_of_the_same_moment(there: Measuring) -> None:
    both, on_time = compute(there, ["both", "punctuality.on_time"])
    assert numbers(both) == {None: "76.25"}
    assert both.versions == {"flights": 0}
    assert both.colour is Colour.YELLOW
    assert on_time.id < both.id


def test_an_expression_can_be_taken_by_group(there: Measuring) -> None:
    grouped = BOTH.replace("        expr", "        group_by: [carrier]\n        expr")
    halved = grouped.replace("(3 * on_time + flown) / 4", "100 / (on_time - 100)")
    (both,) = compute(only(there, ON_TIME, FLOWN, halved), ["both"])
    assert numbers(both) == {("AA",): "-3.00", ("UA",): None, None: "-4.00"}


def test_one_that_cannot_be_computed_says_why_and_stops_no_other(there: Measuring) -> None:
    broken = FLOWN.replace("COUNT(delay)", "SUM(CAST(carrier AS DOUBLE))")
    slow = FLOWN.replace("id: flown", "id: slow").replace(
        "COUNT(delay) AS numerator, COUNT(*) AS denominator FROM flights\n",
        "COUNT(a.delay) AS numerator, COUNT(*) AS denominator "
        "FROM flights a, flights b, flights c, flights d "
        "WHERE (a.flight + b.flight * c.flight) % 7 = d.flight % 5\n",
    )
    slow += "        limits: {max_seconds: 0.2}\n"
    waiting = FLOWN.replace("id: flown", "id: waiting").replace("flights", "planes")
    many = flights(*(("AA", n, n % 60) for n in range(3000)))
    there.lake.append("flights", many)
    runs = compute(only(there, broken, slow, waiting, ON_TIME, BOTH))
    problems = {run.indicator.partition(".")[2]: run.problem for run in runs}
    assert "Could not convert string 'AA' to DOUBLE" in problems["flown"]
    assert problems["slow"].startswith("The query has no answer: it ran longer than 0.2 s.")
    assert problems["waiting"] == "There is no data set planes yet."
    assert problems["on_time"] == ""
    assert problems["both"] == problems["flown"]
    assert [run.colour for run in runs if run.problem] == [Colour.GREY] * 4


def test_a_table_that_is_torn_is_a_problem_of_those_that_read_it(there: Measuring) -> None:
    there.lake.append("planes", flights(("AA", 1, 1)))
    torn = there.lake.files("planes")[0].rpartition("/")[0] + "/_delta_log"
    next(Path(torn).glob("*.json")).write_text("{")
    planes = FLOWN.replace("id: flown", "id: planes").replace("flights", "planes")
    flown, lost = compute(only(there, FLOWN, planes))
    assert (flown.problem, "planes" in lost.problem) == ("", True)


@pytest.mark.parametrize(
    ("formula", "problem"),
    [
        ("SELECT carrier AS value FROM flights WHERE flight = 1", "'AA', which is no number"),
        ("SELECT flight AS value FROM flights", "it answers twice for the whole"),
        ("SELECT CAST('NaN' AS DOUBLE) AS value", "'nan', which is no number"),
    ],
)
def test_an_answer_is_one_number(there: Measuring, formula: str, problem: str) -> None:
    sql = "SELECT COUNT(delay) AS numerator, COUNT(*) AS denominator FROM flights"
    (flown,) = compute(only(there, FLOWN.replace(sql, formula)))
    assert flown.problem == (
        f"The formula cannot be used: it answers with {problem}. Correct its SQL."
        if "number" in problem
        else f"The formula cannot be used: {problem}. Correct its SQL."
    )


def test_while_nothing_changes_a_value_is_only_confirmed(
    there: Measuring, clock_hand: Ticking
) -> None:
    (first,) = compute(there, ["flown"])
    clock_hand.forward(hours=5)
    (again,) = compute(there, ["flown"])
    assert (again.id, again.computed_at) == (first.id, first.computed_at)
    assert again.confirmed_at == clock_hand.now
    there.lake.compact("flights")
    there.lake.append("flights", flights(("AA", 9, 1)))
    (changed,) = compute(there, ["flown"])
    assert (changed.id > first.id, numbers(changed)) == (True, {None: "83.33"})


def test_what_depends_on_the_time_is_computed_each_time(
    there: Measuring, clock_hand: Ticking
) -> None:
    sql = "SELECT COUNT(delay) AS numerator, COUNT(*) AS denominator FROM flights"
    since = "SELECT CASE WHEN :day_start > TIMESTAMPTZ '2026-03-02' THEN 1 ELSE 0 END AS value"
    dated = only(there, FLOWN.replace(sql, since))
    (noon,) = compute(dated)
    clock_hand.forward(hours=4, minutes=1)
    (midnight,) = compute(dated)
    # A day begins at 16:00 UTC in Shanghai.
    assert (numbers(noon), numbers(midnight)) == ({None: "0.00"}, {None: "1.00"})
    assert recompute(dated, noon.id).is_same


def test_only_what_is_due_is_computed(there: Measuring, clock_hand: Ticking) -> None:
    assert [run.indicator for run in compute_due(there)] == [
        "punctuality.on_time",
        "punctuality.flown",
        "punctuality.both",
    ]
    clock_hand.forward(minutes=29)
    assert compute_due(there) == ()
    changed = only(there, ON_TIME.replace("<= 15", "<= 5"), FLOWN, BOTH)
    assert {run.indicator for run in compute_due(changed)} == {
        "punctuality.on_time",
        "punctuality.both",
    }
    # With the expression all that it stands on was found to hold still.
    clock_hand.forward(minutes=29)
    assert compute_due(changed) == ()
    clock_hand.forward(minutes=1)
    assert len(compute_due(changed)) == 3


def test_a_stale_value_says_so(there: Measuring, clock_hand: Ticking) -> None:
    compute(there)
    clock_hand.forward(minutes=61)
    assert {leaf.stale for leaf in tree(there, "punctuality").leaves} == {
        "not computed since 2026-03-02 12:00 UTC"
    }


def test_data_that_no_longer_come_make_a_value_stale(there: Measuring, clock_hand: Ticking) -> None:
    dated = FLOWN.replace("AS denominator", "AS denominator, MAX(seen_at) AS as_of").replace(
        "flights", "sightings"
    )
    moment = pa.timestamp("us", tz="UTC")
    seen = [clock_hand.now - timedelta(hours=3), clock_hand.now - timedelta(hours=2)]
    rows = pa.table({"delay": [1, None], "seen_at": pa.array(seen, moment)})
    there.lake.append("sightings", rows)
    watched = only(there, dated)
    (run,) = compute(watched)
    assert run.as_of == clock_hand.now - timedelta(hours=2)
    (leaf,) = tree(watched, "punctuality").leaves
    assert leaf.stale == "no newer data than 2026-03-02 10:00 UTC"


def test_the_trend_of_a_group_is_kept(there: Measuring, clock_hand: Ticking) -> None:
    compute(there)
    clock_hand.forward(hours=1)
    there.lake.append("flights", flights(("AA", 6, 99)))
    compute(there)
    assert [numbers(run) for run in history(there, "on_time", ["AA"])] == [
        {("AA",): "50.00"},
        {("AA",): "66.67"},
    ]
    assert [numbers(run)[None] for run in history(there, "on_time", limit=1)] == ["60.00"]
    with pytest.raises(IndicatorError) as refusal:
        history(there, "on_time", ["ZZ"])
    assert refusal.value.next_step == "Its groups are: AA; UA."


def test_a_value_comes_out_the_same_again_by_time_travel(
    there: Measuring, clock_hand: Ticking
) -> None:
    first = compute(there)
    clock_hand.forward(days=40)
    there.lake.overwrite("flights", flights(("ZZ", 1, 99)))
    later = only(there, ON_TIME.replace("<= 15", "<= 5"), FLOWN, BOTH)
    compute(later)
    for run in first:
        again = recompute(later, run.id)
        assert (again.is_same, again.values) == (True, run.values)


def test_a_value_that_was_tampered_with_is_found_out(there: Measuring) -> None:
    (run,) = compute(there, ["flown"])
    with there.control.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE indicators_value SET value = '99', colour = 'green' WHERE run_id = 1"
        )
    again = recompute(there, run.id)
    assert again.differences == ("whole: 99 was kept, 80 comes out",)


def test_cleared_files_end_time_travel(there: Measuring) -> None:
    (run,) = compute(there, ["flown"])
    for file in there.lake.files("flights"):
        Path(file).unlink()
    with pytest.raises(RefusedError) as refusal:
        recompute(there, run.id)
    assert refusal.value.code == "gather.version_gone"


def test_what_cannot_be_recomputed_is_refused(there: Measuring) -> None:
    with pytest.raises(IndicatorError) as refusal:
        recompute(there, 7)
    assert refusal.value.message == "There is no computation number 7."
    (lost,) = compute(only(there, FLOWN.replace("flights", "planes")))
    with pytest.raises(IndicatorError) as refusal:
        recompute(there, lost.id)
    assert refusal.value.code == "decide.indicator_no_value"


def law(*values: tuple[date, str]) -> Law:
    parameter = LawParameter(
        id="least_share",
        legal_basis=LegalBasis(law="a law", article="1"),
        description=Description(zh="下限", en="The least share"),
        unit="share",
        values=tuple(
            LawValue.model_validate(
                {"from": since, "value": Decimal(value), "verified": False, "note": "not checked"}
            )
            for since, value in values
        ),
    )
    return Law({"least_share": parameter})


def test_a_threshold_of_law_is_that_of_its_day(there: Measuring, clock_hand: Ticking) -> None:
    by_law = FLOWN.replace("green: 95", "green: {law: least_share}, yellow: 10")
    dated = replace(
        only(there, by_law), law=law((date(2026, 1, 1), "0.7"), (date(2026, 3, 3), "0.9"))
    )
    (before,) = compute(dated)
    clock_hand.forward(hours=5)
    (after,) = compute(dated)
    assert (numbers(before), before.colour, after.colour) == (
        {None: "80.00"},
        Colour.GREEN,
        Colour.YELLOW,
    )
    assert (after.bounds[0].low, after.bounds[0].is_verified) == (Decimal("90.0"), False)
    assert recompute(dated, before.id).is_same


def test_a_law_that_is_not_there_is_a_problem_of_one_indicator(there: Measuring) -> None:
    by_law = FLOWN.replace("green: 95", "green: {law: least_share}, yellow: 75")
    on_time, flown = compute(only(there, ON_TIME, by_law))
    assert (on_time.problem, flown.problem) == (
        "",
        "No loaded law file has a parameter 'least_share'. Correct the id, or load the law file "
        "that holds it.",
    )
    low = replace(only(there, by_law), law=law((date(2026, 1, 1), "0.5")))
    (flown,) = compute(low)
    assert flown.problem.startswith("On 2026-03-02 yellow does not reach beyond green.")


def test_a_new_value_is_told_with_its_colours(there: Measuring, clock_hand: Ticking) -> None:
    heard = Heard()
    told = replace(there, publish=heard)
    (first,) = compute(told, ["on_time"])
    compute(told, ["on_time"])
    there.lake.append("flights", flights(*(("UA", n, 1) for n in range(50, 99))))
    (second,) = compute(told, ["on_time"])
    assert heard.events == [
        IndicatorComputed(clock_hand.now, first.id, first.indicator, Colour.YELLOW, None),
        IndicatorComputed(clock_hand.now, second.id, first.indicator, Colour.GREEN, Colour.YELLOW),
    ]


def test_names_are_found_or_refused(there: Measuring) -> None:
    with pytest.raises(IndicatorError) as refusal:
        compute(there, ["on_tim"])
    assert refusal.value.next_step.startswith("Did you mean on_time")
    other = replace(goal(FLOWN), id="other")
    twice = replace(
        there,
        goals={
            **there.goals,
            "other": replace(
                other,
                dimensions=tuple(
                    replace(d, indicators=tuple(replace(i, id="other.flown") for i in d.indicators))
                    for d in other.dimensions
                ),
            ),
        },
    )
    with pytest.raises(IndicatorError) as refusal:
        compute(twice, ["flown"])
    assert refusal.value.next_step == "Choose one of: other.flown, punctuality.flown."
    with pytest.raises(IndicatorError, match="There is no goal 'x'"):
        tree(there, "x")


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_a_share_lies_between_zero_and_a_hundred_exactly(part: int, rest: int) -> None:
    whole = Decimal(part + rest)
    share = ratio(Decimal(part), whole, "%")
    assert share is not None
    assert 0 <= share <= 100
    assert abs(share * whole - part * 100) <= whole * Decimal("1e-24")
    assert ratio(whole, whole, "%") == 100
    assert ratio(Decimal(part), Decimal(0), "%") is None


batches = st.lists(
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 9), st.none() | st.integers(0, 30)))
)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches)
def test_every_value_of_any_history_can_be_recomputed(
    there: Measuring,
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[tuple[str, int, int | None]]],
) -> None:
    lake = open_lake(tmp_path_factory.mktemp("lake"), settings=LakeSettings(file_rows=4))
    watched = replace(there, lake=lake)
    lake.append("flights", flights())
    kept = list(compute(watched))
    for batch in batches:
        lake.append("flights", flights(*batch))
        kept += compute(watched)
    lake.compact("flights")
    assert all(recompute(watched, run.id).is_same for run in kept)
