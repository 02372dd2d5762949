"""The arithmetic of scores: a published case from the field to the digit, and its properties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shuzhi.act.evaluation import (
    Arrival,
    Body,
    CaseFact,
    DeliveryFact,
    DueRule,
    DutyFact,
    Fact,
    Lack,
    Measure,
    QualityFact,
    Scheme,
    Window,
    parse_period,
    read_scheme,
)
from shuzhi.act.evaluation.arithmetic import Number, number, points, scores, total
from shuzhi.act.evaluation.counts import COUNTS
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.party import Level

ROOT = Path(__file__).resolve().parents[2]
SCHEMES = ROOT / "src/shuzhi_packs/city_evaluation/evaluation"
HANDLING = read_scheme(SCHEMES / "case_handling.yaml")
ZONE = "Asia/Shanghai"
MARCH = parse_period("2026-03")
WINDOW = Window(MARCH.starts_at(ZONE), MARCH.ends_at(ZONE))
BRIDGE, FORD, NORTH = PartyId("bridge"), PartyId("ford"), PartyId("north")
BODIES = {
    NORTH: Body(Level.DISTRICT, (PartyId("city"),)),
    BRIDGE: Body(Level.TOWN, (NORTH, PartyId("city"))),
    FORD: Body(Level.TOWN, (NORTH, PartyId("city"))),
    PartyId("city"): Body(Level.CITY),
}


def _on(day: int, month: int = 3) -> Instant:
    return Instant(datetime(2026, month, day, 4, tzinfo=UTC))


def fact(number: int, **more: Any) -> CaseFact:
    """A case of Bridge Town, opened on 2 March, due on the 9th, closed on the 5th."""
    values: dict[str, Any] = {
        "party": BRIDGE,
        "subject": "event",
        "round": 1,
        "opened_at": _on(2),
        "filed_at": _on(2),
        "due_at": _on(9),
        "closed_at": _on(5),
        "used": 2,
        "limit": 5,
    }
    return CaseFact(id=f"case:{number}/1", **{**values, **more})


def the_month_of_a_county() -> list[CaseFact]:
    """Tianmen, December 2016: accepted 1,054, filed 996, due 972, closed 911, on time 737.

    Of the due, 956 were events (902 closed) and 16 parts (9 closed).
    """
    kinds = ["event"] * 902 + ["part"] * 9 + ["event"] * 54 + ["part"] * 7
    made = [fact(i, subject=kind) for i, kind in enumerate(kinds)]
    made = [replace(f, is_late=i >= 737) for i, f in enumerate(made)]
    made = [f if i < 911 else replace(f, closed_at=None) for i, f in enumerate(made)]
    filed = [fact(972 + i, due_at=_on(9, 4), closed_at=None) for i in range(24)]
    refused = [
        fact(996 + i, filed_at=None, due_at=None, closed_at=None, limit=None) for i in range(58)
    ]
    return [*made, *filed, *refused]


@pytest.fixture
def scheme() -> Scheme:
    return HANDLING


def _measure(numerator: str, denominator: str, **more: Any) -> Measure:
    rate = HANDLING.measure("closing_rate")
    return replace(rate, numerator=numerator, denominator=denominator, **more)


def _percent(numerator: str, denominator: str, **more: Any) -> tuple[int, int, str]:
    found = number(_measure(numerator, denominator, **more), the_month_of_a_county(), WINDOW)
    assert found.value is not None
    return int(found.numerator), int(found.denominator), f"{found.value * 100:.2f}"


def test_the_published_month_comes_out_to_the_digit() -> None:
    assert _percent("filed", "accepted") == (996, 1_054, "94.50")
    assert _percent("closed", "due") == (911, 972, "93.72")
    assert _percent("on_time", "due") == (737, 972, "75.82")


def test_events_and_parts_come_out_to_the_digit() -> None:
    assert _percent("closed", "due", only=("event",)) == (902, 956, "94.35")
    assert _percent("closed", "due", only=("part",)) == (9, 16, "56.25")


def test_a_score_is_the_mean_of_the_points_by_weight(scheme: Scheme) -> None:
    (bridge,) = [
        s for s in scores(scheme, WINDOW, the_month_of_a_county(), BODIES) if s.party == BRIDGE
    ]
    # 911/972 between 0.6 and 1; 737/972 between 0.5 and 0.95; 2/5 of the limit is better than best.
    earned = {n.measure: n.points for n in bridge.numbers if n.points is not None}
    assert earned == {
        "closing_rate": Decimal("84.31"),
        "on_time_rate": Decimal("57.38"),
        "handling_time": Decimal("100.00"),
    }
    by_hand = (40 * Decimal("84.31") + 30 * Decimal("57.38") + 10 * 100) / 80
    assert (bridge.total, bridge.weight) == (round(by_hand, 2), Decimal("0.80"))
    assert bridge.number("rating").lack is Lack.NOTHING


def test_below_the_least_denominator_there_is_no_score_and_no_zero(scheme: Scheme) -> None:
    four = [fact(i, closed_at=None) for i in range(4)]
    (bridge,) = [s for s in scores(scheme, WINDOW, four, BODIES) if s.party == BRIDGE]
    rate = bridge.number("closing_rate")
    assert (rate.numerator, rate.denominator, rate.points) == (0, 4, None)
    assert (rate.lack, bridge.total, bridge.rank) == (Lack.TOO_FEW, None, None)
    assert bridge.lack is Lack.TOO_LITTLE_WEIGHT


def test_parties_are_ranked_with_their_own_level_and_share_ranks(scheme: Scheme) -> None:
    other = PartyId("mill")
    bodies = {**BODIES, other: Body(Level.TOWN, (NORTH,))}
    same = [fact(i) for i in range(6)]
    ours = [replace(f, id=f"{f.id}f", party=FORD) for f in same]
    worse = [replace(f, id=f"{f.id}m", party=other, is_late=True, closed_at=_on(20)) for f in same]
    made = scores(scheme, WINDOW, [*same, *ours, *worse], bodies)
    assert [(s.level, s.party, s.rank) for s in made] == [
        (Level.DISTRICT, NORTH, 1),
        (Level.TOWN, BRIDGE, 1),
        (Level.TOWN, FORD, 1),
        (Level.TOWN, other, 3),
    ]


def test_what_towns_do_counts_for_their_district_where_the_scheme_says_so(scheme: Scheme) -> None:
    facts = [fact(i, party=BRIDGE if i % 2 else FORD) for i in range(12)]
    district = scores(scheme, WINDOW, facts, BODIES)[0]
    assert (district.party, district.number("closing_rate").denominator) == (NORTH, 12)
    apart = scores(replace(scheme, counts_below=False), WINDOW, facts, BODIES)[0]
    assert apart.number("closing_rate").denominator == 0


def test_facts_of_nobody_who_is_registered_count_for_nobody(scheme: Scheme) -> None:
    facts = [fact(i, party=PartyId("stranger")) for i in range(9)]
    assert all(s.total is None for s in scores(scheme, WINDOW, facts, BODIES))


def test_deliveries_quality_and_duties_are_counted() -> None:
    scheme = read_scheme(SCHEMES / "data_duties.yaml")
    quarter = parse_period("2026-Q1")
    window = Window(quarter.starts_at(ZONE), quarter.ends_at(ZONE))
    water = PartyId("water")
    arrivals = [Arrival.ON_TIME] * 8 + [Arrival.LATE, Arrival.FAILED]
    facts: list[Fact] = [
        DeliveryFact(f"run:{i}", water, "river", _on(i + 1), arrival)
        for i, arrival in enumerate(arrivals)
    ]
    facts += [QualityFact(f"q:{i}", water, "river", _on(5), 990 + i * 10, 1_000) for i in (0, 1)]
    facts += [
        DutyFact(f"d:{i}", water, "river.answer", _on(6), _on(6), is_late=i == 0, used=15, limit=30)
        for i in range(5)
    ]
    (made,) = scores(scheme, window, facts, {water: Body(Level.CITY)})
    shares = {n.measure: (n.numerator, n.denominator) for n in made.numbers}
    assert shares == {
        "punctuality": (8, 10),
        "quality": (1_990, 2_000),
        "deadlines_kept": (4, 5),
        "failed_share": (1, 10),
        "faulty_reports": (1, 2),
        "time_used": (Decimal("2.5"), 5),
    }
    # (0.8-0.7)/0.3, (0.995-0.9)/0.1, (0.8-0.6)/0.4 by 40, 40 and 20.
    assert made.total == round((40 * Decimal("33.33") + 40 * 95 + 20 * 50) / 100, 2)


def _window_of(text: str, rule: DueRule) -> Window:
    period = parse_period(text)
    return Window(period.starts_at(ZONE), period.ends_at(ZONE), rule)


_NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
_INSTANTS = st.integers(0, 363 * 24 * 60).map(
    lambda minutes: Instant(_NEW_YEAR + timedelta(minutes=minutes))
)
_MONTHS = [f"2026-{month:02}" for month in range(1, 13)] + ["2027-01"]


@settings(deadline=None)
@given(opened=_INSTANTS, due=_INSTANTS, closed=st.none() | _INSTANTS, rule=st.sampled_from(DueRule))
def test_every_case_is_due_in_one_period(
    opened: Instant, due: Instant, closed: Instant | None, rule: DueRule
) -> None:
    case = fact(1, opened_at=opened, due_at=due, closed_at=closed)
    is_due = COUNTS[case.kind]["due"]
    assert sum(bool(is_due(case, _window_of(month, rule))) for month in _MONTHS) == 1


_FACTS = st.lists(
    st.builds(
        fact,
        st.integers(0, 10**9),
        opened_at=_INSTANTS,
        filed_at=st.none() | _INSTANTS,
        due_at=st.none() | _INSTANTS,
        closed_at=st.none() | _INSTANTS,
        reopened_at=st.none() | _INSTANTS,
        is_late=st.booleans(),
        stars=st.none() | st.integers(1, 5),
        round=st.integers(1, 3),
        limit=st.none() | st.integers(1, 9_999),
        used=st.integers(0, 99_999),
        reports=st.integers(1, 9),
        returns=st.integers(0, 3),
        pauses=st.integers(0, 3),
        party=st.sampled_from([BRIDGE, FORD]),
    ),
    max_size=30,
    unique_by=lambda f: f.id,
)


@settings(deadline=None)
@given(facts=_FACTS, rule=st.sampled_from(DueRule))
def test_no_share_exceeds_one(facts: Sequence[CaseFact], rule: DueRule) -> None:
    window = replace(WINDOW, due=rule)
    shares = [
        ("filed", "accepted"), ("closed", "due"), ("on_time", "due"), ("paused", "due"),
        ("reopened", "closed_in_period"), ("overdue", "unfinished"), ("returned", "accepted"),
        ("rated", "closed_in_period"), ("merged_reports", "reports"),
    ]  # fmt: skip
    for numerator, denominator in shares:
        found = number(_measure(numerator, denominator), facts, window)
        assert 0 <= found.numerator <= found.denominator


@settings(deadline=None)
@given(facts=_FACTS, seed=st.randoms())
def test_the_order_of_facts_changes_nothing(facts: Sequence[CaseFact], seed: Any) -> None:
    mixed = list(facts)
    seed.shuffle(mixed)
    assert scores(HANDLING, WINDOW, mixed, BODIES) == scores(HANDLING, WINDOW, facts, BODIES)


_VALUES = st.fractions(-5, 5)


@settings(deadline=None)
@given(value=_VALUES, more=_VALUES, best=_VALUES, worst=_VALUES)
def test_points_stay_between_none_and_100_and_never_turn(
    value: Fraction, more: Fraction, best: Fraction, worst: Fraction
) -> None:
    assume(best != worst)
    measure = _measure("closed", "due", best=best, worst=worst)
    low, high = sorted((value, more), reverse=best < worst)
    assert 0 <= points(measure, low) <= points(measure, high) <= 100
    assert (points(measure, worst), points(measure, best)) == (0, 100)


_POINTS = st.none() | st.decimals(0, 100, places=2)


@settings(deadline=None)
@given(earned=st.lists(_POINTS, min_size=4, max_size=4), factor=st.integers(1, 50))
def test_a_total_lies_between_its_points_and_weights_count_by_their_ratio(
    earned: Sequence[Decimal | None], factor: int
) -> None:
    scheme = replace(HANDLING, least_weight=Decimal("0.01"))
    numbers = [
        Number(m.id, Decimal(), Decimal(1), None, p)
        for m, p in zip(scheme.measures, earned, strict=True)
    ]
    mean, share = total(scheme, numbers)
    there = [p for p in earned if p is not None]
    assert (mean is None) is (not there)
    assert mean is None or min(there) <= mean <= max(there)
    heavier = [replace(m, weight=m.weight * factor) for m in scheme.measures]
    assert total(replace(scheme, measures=tuple(heavier)), numbers) == (mean, share)


def test_weights_that_could_not_be_scored_neither_earn_nor_cost() -> None:
    scheme = replace(HANDLING, least_weight=Decimal("0.4"))
    only = [Number("closing_rate", Decimal(9), Decimal(9), Decimal(1), Decimal(70))]
    assert total(scheme, only) == (Decimal("70.00"), Decimal("0.40"))
    assert total(replace(scheme, least_weight=Decimal("0.41")), only)[0] is None


@settings(deadline=None)
@given(facts=_FACTS)
def test_ranks_are_those_of_the_totals(facts: Sequence[CaseFact]) -> None:
    easy = replace(
        HANDLING,
        least_weight=Decimal("0.01"),
        measures=tuple(replace(m, least=Decimal(1)) for m in HANDLING.measures),
    )
    towns = [s for s in scores(easy, WINDOW, facts, BODIES) if s.level is Level.TOWN]
    totals = [s.total for s in towns if s.total is not None]
    assert [s.rank for s in towns if s.total is not None] == [
        1 + sum(better > mine for better in totals) for mine in totals
    ]
    assert all(s.rank is None for s in towns if s.total is None)


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("2026-01", "2025-12", "2026-02"),
        ("2026-12", "2026-11", "2027-01"),
        ("2026-Q1", "2025-Q4", "2026-Q2"),
        ("2026", "2025", "2027"),
    ],
)
def test_periods_follow_each_other(text: str, before: str, after: str) -> None:
    period = parse_period(text)
    assert (str(period), str(period.before), str(period.after)) == (text, before, after)
    assert period.before.ends_at(ZONE) == period.starts_at(ZONE)


@pytest.mark.parametrize("text", ["", "2026-13", "2026-Q5", "2026-3", "26-03", "1999-01", "三月"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(RefusedError) as refused:
        parse_period(text)
    assert refused.value.code == "act.bad_period"
