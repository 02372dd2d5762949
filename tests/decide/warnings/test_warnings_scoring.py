"""Scores: shares with their numbers, lead times, and which rules are proposed for retirement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.decide.rules import Outcome, RuleId
from shuzhi.decide.warnings import Retirement, Score, Share
from shuzhi.decide.warnings.scoring import LeadTimes, Told, lead_times, scores

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RULE = RuleId("dust")
HOUR = timedelta(hours=1)


def told(days_ago: float, outcome: Outcome | None = None, lead: timedelta | None = None) -> Told:
    raised = NOW - timedelta(days=days_ago)
    return Told(RULE, raised, outcome, None if lead is None else raised + lead)  # type: ignore[arg-type]


def score(*warnings: Told, retirement: Retirement | None = None) -> Score:
    (found,) = scores(warnings, [RULE], now=NOW, retirement=retirement or Retirement())  # type: ignore[arg-type]
    return found


# Published in Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81/263, 15/148, 0/20
# and 1/29, without continuity correction.
@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_of_a_share_is_wilsons(count: int, of: int, low: float, high: float) -> None:
    interval = Share(count, of).interval
    assert interval is not None
    assert interval[0] == pytest.approx(low, abs=5e-5)
    assert interval[1] == pytest.approx(high, abs=5e-5)


@given(st.integers(0, 500), st.integers(1, 500))
def test_a_share_lies_in_its_interval(count: int, of: int) -> None:
    share = Share(min(count, of), of)
    assert share.interval is not None
    assert share.value is not None
    assert 0 <= share.interval[0] <= share.value + 1e-12
    assert share.value - 1e-12 <= share.interval[1] <= 1


def test_a_share_of_nothing_is_unknown() -> None:
    assert (Share(0, 0).value, Share(0, 0).interval) == (None, None)


def test_each_figure_has_its_numbers() -> None:
    found = score(
        *(told(10, Outcome.ACTED) for _ in range(5)),
        *(told(9, Outcome.CONFIRMED) for _ in range(3)),
        *(told(8, Outcome.FALSE) for _ in range(2)),
        *(told(7) for _ in range(10)),
    )
    assert (found.warnings, found.open) == (20, 10)
    assert found.precision == Share(8, 10)
    assert found.false_alarms == Share(2, 10)
    assert found.acted_upon == Share(5, 20)
    assert found.closed == Share(10, 20)
    assert found.first_raised_at == NOW - timedelta(days=10)


def test_a_rule_that_never_warned_has_a_score_too() -> None:
    found = score()
    assert (found.warnings, found.precision, found.lead_times, found.retire) == (
        0,
        Share(0, 0),
        None,
        None,
    )


def test_lead_times_are_median_and_what_nine_of_ten_had() -> None:
    found = score(*(told(1, Outcome.CONFIRMED, lead=HOUR * h) for h in range(1, 21)), told(1))
    assert found.lead_times == LeadTimes(20, HOUR * 10.5, HOUR * 2)
    assert lead_times([]) is None
    assert lead_times([HOUR]) == LeadTimes(1, HOUR, HOUR)


def test_a_rule_that_never_leads_to_action_is_proposed_for_retirement() -> None:
    never = [told(60, Outcome.FALSE) for _ in range(12)] + [told(3) for _ in range(8)]
    assert score(*never).retire == (
        "0 of 20 warnings in 60 days were acted upon (0 confirmed, 12 false, 8 open)"
    )


@pytest.mark.parametrize(
    "warnings",
    [
        [told(60) for _ in range(19)],
        [told(59) for _ in range(500)],
        [told(60) for _ in range(500)] + [told(1, Outcome.ACTED)],
    ],
)
def test_with_too_few_too_young_or_one_acted_upon_it_stays(warnings: list[Told]) -> None:
    assert score(*warnings).retire is None


def test_the_bar_is_the_citys() -> None:
    few = [told(10) for _ in range(5)]
    assert score(*few, retirement=Retirement(5, 10)).retire is not None
    assert score(*few, retirement=Retirement(6, 10)).retire is None
    assert score(*few, retirement=Retirement(5, 11)).retire is None
