"""Says what became of a warning of what was expected, from what was seen afterwards. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shuzhi.decide.rules import Outcome, Warning, WarningId
from shuzhi.decide.warnings.model import Crossing, Flags, Forecaster, Limit, Series, beyond
from shuzhi.decide.warnings.steps import Steps
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class Settled:
    """What a warning turned out to be, and since when it was so."""

    warning_id: WarningId
    outcome: Outcome
    happened_at: Instant | None = None


def window_of(forecaster: Forecaster, warning: Warning, steps: Steps) -> range:
    """Return the steps in which a warning says that the limit is crossed.

    They begin with the first that was not known when it was raised, and reach to the end of that
    forecast's horizon, or of the last forecast that joined it.
    """
    raised = steps.number(warning.raised_at)
    first = raised + (1 if forecaster.combine is None else 0)
    last = max(raised + forecaster.horizon, steps.number(warning.last_at))
    return range(first, last + 1)


def settled(
    forecaster: Forecaster,
    warns: Crossing,
    warning: Warning,
    series: Series,
    limit: Limit,
    steps: Steps,
) -> Settled | None:
    """Return what became of `warning` as far as `series` knows; None while that is open.

    It is false when its whole window has passed without a crossing; where more steps of it than
    the forecaster bears have no value, nobody knows, and it stays open.
    """
    window = window_of(forecaster, warning, steps)
    hits = np.flatnonzero(crosses(warns, series, limit, window))
    if len(hits):
        happened = steps.begins(window[int(hits[0])])
        return Settled(warning.id, Outcome.CONFIRMED, happened)
    missing = np.isnan(series.at(window[0], len(window))).mean()
    if series.end <= window[-1] or missing > forecaster.method.most_gaps:
        return None
    return Settled(warning.id, Outcome.FALSE)


def crosses(warns: Crossing, series: Series, limit: Limit, window: range) -> Flags:
    """Return at which steps of `window` the values lie beyond the limit."""
    values = series.at(window[0], len(window))
    return beyond(values, np.array([limit(step) for step in window]), warns.direction)
