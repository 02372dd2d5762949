"""Backtests: the same as live, nothing of the future, errors and warnings as counted by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shuzhi.decide.rules import RuleError
from shuzhi.decide.warnings import Backtest, Share, backtest
from shuzhi.kernel.instant import Instant


def over(air: Any, first: int, last: int, *parts: str, **more: Any) -> Backtest:
    since, until = (Instant(air.midnight + timedelta(hours=h)) for h in (first, last))
    every = more.pop("every", None)
    return backtest(air.watch, air.forecaster(*parts, **more), since, until, every=every)


def test_errors_are_those_of_the_steps_that_came(air: Any) -> None:
    air.past()
    air.add({h: air.wave(h, "north") for h in range(1, 48)})
    found = over(air, 0, 48)
    assert (found.cut_offs, found.forecasts, found.without) == (2, 2, {})
    assert found.errors is not None
    assert found.errors.steps == 48
    assert found.errors == found.by_series["north",]
    # The noise has a deviation of 3: a mean error of 2.4 is all that can be reached.
    assert 2 < found.errors.mae < 4
    assert found.errors.mae < found.errors.naive_mae
    assert 0 < found.errors.skill < 1
    assert found.errors.covered.value == pytest.approx(0.9, abs=0.12)


def test_what_comes_after_it_does_not_change_a_backtest(air: Any) -> None:
    air.past()
    air.add({h: air.wave(h, "north") for h in range(1, 48)})
    before = over(air, -48, 0)
    air.add(dict.fromkeys(range(48, 96), 900.0))
    assert over(air, -48, 0) == before


def test_a_step_that_did_not_come_counts_for_nothing(air: Any) -> None:
    air.past()
    air.add({h: air.wave(h, "north") for h in range(1, 24) if h not in (5, 6)})
    found = over(air, 0, 24)
    assert found.errors is not None
    assert found.errors.steps == 22


def test_warnings_are_held_to_what_came_true(air: Any) -> None:
    air.past()
    air.add({h: air.wave(h, "north") for h in range(1, 100)})
    found = over(air, 0, 72, "crossing: {limit: 74}", merge_within="6 hours")
    assert found.foretold is not None
    assert (found.foretold.precision, found.foretold.recall) == (Share(3, 3), Share(3, 3))
    assert found.foretold.lead_times is not None
    assert timedelta(hours=2) <= found.foretold.lead_times.median <= timedelta(hours=5)


def test_a_false_alarm_is_counted(air: Any) -> None:
    air.past()
    air.add(dict.fromkeys(range(1, 72), 60.0))
    found = over(air, 0, 24, "crossing: {limit: 74}")
    assert found.foretold is not None
    assert (found.foretold.precision, found.foretold.recall) == (Share(0, 1), Share(0, 0))


def test_a_surprise_is_counted(air: Any) -> None:
    air.past()
    air.add({h: 150.0 if h == 40 else air.wave(h, "north") for h in range(1, 72)})
    found = over(air, 0, 48, "crossing: {limit: 100}")
    assert found.foretold is not None
    assert (found.foretold.warnings, found.foretold.recall) == (0, Share(0, 1))


def test_anomalies_are_counted_by_their_steps(air: Any, anomaly: str) -> None:
    air.past()
    air.add({h: air.wave(h, "north") + (60 if 30 <= h < 35 else 0) for h in range(1, 48)})
    found = over(air, 0, 48, anomaly)
    assert (found.unusual, found.foretold) == (Share(5, 48), None)


def test_cut_offs_lie_as_far_apart_as_is_asked(air: Any) -> None:
    air.past()
    assert over(air, -24, 0, every=6).cut_offs == 4


def test_a_series_that_had_no_forecast_is_counted_with_why(air: Any) -> None:
    air.past(days=20)
    assert {why.value: n for why, n in over(air, -480, -432).without.items()} == {
        "empty": 1,
        "short": 1,
    }


def test_a_data_set_that_cannot_be_read_is_refused(air: Any) -> None:
    air.past()
    air.past(station="south")
    with pytest.raises(RuleError, match="could not be read"):
        over(air, 0, 24, "crossing: {limit: 1}", "limits: {max_series: 1}")
