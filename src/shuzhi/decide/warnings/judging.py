"""What forecasts say against a limit, and what was seen says against a forecast.

Both are pure: live, over history and in tests the same values give the same findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import numpy as np

from shuzhi.decide.rules import Certainty, Finding, OfColumn
from shuzhi.decide.rules.model import merge_key
from shuzhi.decide.sql.facts import Fact
from shuzhi.decide.warnings.model import (
    Anomaly,
    Basis,
    Crossing,
    Direction,
    Forecast,
    Forecaster,
    Limit,
    Series,
    beyond,
)
from shuzhi.decide.warnings.steps import Steps
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant

_MOST_PARTY = 120
# What warnings tell beside the columns of a series, which may bear none of these names.
_BOTH = ("certainty", "forecast", "low", "high", "level_percent", "made_at", "steps_filled")
_CROSSING = frozenset((*_BOTH, "expected_at", "lead_minutes", "limit", "known_until"))
_ANOMALY = frozenset((*_BOTH, "side", "value"))
FACTS = _CROSSING | _ANOMALY
_DIGITS = 6


def facts_of(forecaster: Forecaster) -> frozenset[str]:
    """Return the names of the facts that its warnings tell."""
    own = _CROSSING if isinstance(forecaster.warns, Crossing) else _ANOMALY
    return own.union(forecaster.per)


def crossing(
    forecaster: Forecaster,
    warns: Crossing,
    expected: Forecast,
    limit: Limit,
    steps: Steps,
    now: Instant,
) -> Finding | None:
    """Return the warning that a forecast made `now` gives, if it crosses the limit.

    It is of the first step not yet over at which the forecast itself crosses: that is more likely
    than not, CAP's Likely. Where only the bound of the interval crosses, it is Possible.
    """
    here = steps.number(now)
    start = max(here, expected.first)
    numbers = slice(start - expected.first, None)
    limits = np.array([limit(step) for step in range(start, expected.end)])
    bound = expected.high if warns.direction is Direction.ABOVE else expected.low
    likely = beyond(expected.mean[numbers], limits, warns.direction)
    possible = beyond(bound[numbers], limits, warns.direction)
    is_likely = bool(likely.any())
    crosses = likely if is_likely else possible
    if not crosses.any() or (warns.basis is Basis.FORECAST and not is_likely):
        return None
    hits = np.flatnonzero(crosses)
    first, last = start + int(hits[0]), start + int(hits[-1])
    at = Instant(max(now, steps.begins(first)))
    facts: dict[str, Fact] = {
        "expected_at": at.isoformat(),
        "lead_minutes": int((at - now) / timedelta(minutes=1)),
        "certainty": (Certainty.LIKELY if is_likely else Certainty.POSSIBLE).value,
        "limit": _text(limits[hits[0]]),
        **_interval(forecaster, expected, first),
        "made_at": now.isoformat(),
        "known_until": steps.begins(expected.first).isoformat(),
        "steps_filled": expected.filled,
    }
    return _finding(forecaster, expected.key, at, steps.begins(last), facts)


def unusual(
    forecaster: Forecaster,
    warns: Anomaly,
    series: Series,
    expected: Mapping[int, Forecast],
    steps: Steps,
) -> Iterator[Finding]:
    """Yield each run of values that none of the forecasts `expected` had in its interval.

    `expected` are forecasts of one series by the step before which they were made; none covers a
    step that another covers. A step without a value ends a run.
    """
    of_step = {
        forecast.first + i: (forecast, made)
        for made, forecast in expected.items()
        for i in range(max(0, made - forecast.first), len(forecast.mean))
    }
    if not of_step:
        return
    for side in sorted(warns.sides):
        outside = [s for s in sorted(of_step) if _is_outside(warns, side, series, s, of_step[s][0])]
        for run in _runs(outside):
            if len(run) >= warns.run:
                yield _unusual_run(forecaster, series, run, of_step[run[0]], side, steps)


def _unusual_run(
    forecaster: Forecaster,
    series: Series,
    run: range,
    of_first: tuple[Forecast, int],
    side: Direction,
    steps: Steps,
) -> Finding:
    forecast, made = of_first
    facts: dict[str, Fact] = {
        "side": side.value,
        "value": _text(series.at(run[0], 1)[0]),
        **_interval(forecaster, forecast, run[0]),
        "certainty": Certainty.OBSERVED.value,
        "made_at": steps.begins(made).isoformat(),
        "steps_filled": forecast.filled,
    }
    at, until = steps.begins(run[0]), steps.begins(run[-1])
    return _finding(forecaster, series.key, at, until, facts, count=len(run), matter=(side.value,))


def _is_outside(
    warns: Anomaly, side: Direction, series: Series, step: int, forecast: Forecast
) -> bool:
    value, place = float(series.at(step, 1)[0]), step - forecast.first
    bound = forecast.high if side is Direction.ABOVE else forecast.low
    is_far = abs(value - forecast.mean[place]) >= float(warns.effect)
    return is_far and bool(beyond(np.array([value]), bound[place : place + 1], side)[0])


def _runs(steps: list[int]) -> Iterator[range]:
    start = 0
    for i in range(1, len(steps) + 1):
        if i == len(steps) or steps[i] != steps[i - 1] + 1:
            yield range(steps[start], steps[i - 1] + 1)
            start = i


def _interval(forecaster: Forecaster, forecast: Forecast, step: int) -> dict[str, Fact]:
    place = step - forecast.first
    return {
        "forecast": _text(forecast.mean[place]),
        "low": _text(forecast.low[place]),
        "high": _text(forecast.high[place]),
        "level_percent": forecaster.method.level,
    }


def _finding(
    forecaster: Forecaster,
    key: tuple[Fact, ...],
    at: Instant,
    until: Instant,
    facts: dict[str, Fact],
    *,
    count: int = 1,
    matter: tuple[Fact, ...] = (),
) -> Finding:
    own = dict(zip(forecaster.per, key, strict=True))
    party = forecaster.party
    if isinstance(party, OfColumn):
        named = own[party.name]
        party = None if named is None else PartyId(str(named)[:_MOST_PARTY])
    merged = merge_key((*key, *matter), party)
    return Finding(at, until, forecaster.severity, party, merged, {**own, **facts}, count)


def _text(number: Any) -> str:
    """Return a number as a fact: with the digits that a forecast can bear."""
    return f"{float(number):.{_DIGITS}g}"
