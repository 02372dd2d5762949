"""Makes a series ready to be forecast: cut to its history, gaps counted and filled, or refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shuzhi.decide.warnings.model import Flags, Method, NoForecast, Numbers, Series, Why

_SEASONS_NEEDED = 3
# A gap of at most so many steps is bridged in a line; a longer one has a season to follow.
_SHORT_GAP = 3


@dataclass(frozen=True, eq=False)
class Ready:
    """Values without gaps that end before step `end`, and which of them were there."""

    values: Numbers
    is_known: Flags
    end: int

    @property
    def filled(self) -> int:
        """How many values were not there."""
        return int((~self.is_known).sum())


def made_ready(series: Series, method: Method, *, now: int) -> Ready | NoForecast:
    """Return the newest `method.history` steps before `now`, or why they cannot be forecast."""
    start = now - method.history
    values = series.at(start, method.history)
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return _no(series, Why.EMPTY, f"no value in {method.history} steps")
    values = values[known[0] : known[-1] + 1]
    end = start + int(known[-1]) + 1
    filled = len(values) - len(known)
    if now - end > method.seasons[0]:
        return _no(series, Why.STALE, f"{now - end} steps without a value up to now")
    needed = _SEASONS_NEEDED * method.seasons[-1]
    if len(values) < needed:
        return _no(series, Why.SHORT, f"{len(values)} steps; {needed} are needed")
    if filled > method.most_gaps * len(values):
        return _no(series, Why.GAPS, f"{filled} of {len(values)} steps have no value")
    if np.nanmax(values) == np.nanmin(values):
        return _no(series, Why.CONSTANT, f"{len(known)} values are the same")
    whole = filled_in(values, method.seasons[0]) if filled else values
    return Ready(whole, np.isfinite(values), end)


def filled_in(values: Numbers, season: int) -> Numbers:
    """Return `values`, which begin and end with a number, with their gaps filled.

    A short gap by the line between its neighbours; a longer one by the line between the same
    phase of the seasons around it, so that a night stays a night.
    """
    is_there = np.isfinite(values)
    line = np.interp(np.arange(len(values)), np.flatnonzero(is_there), values[is_there])
    out = np.where(_in_short_gap(is_there) | is_there, line, np.nan)
    for phase in range(season):
        same = values[phase::season]
        there = np.flatnonzero(np.isfinite(same))
        missing = np.isnan(out[phase::season])
        if len(there) and missing.any():
            bridged = np.interp(np.arange(len(same)), there, same[there])
            out[phase::season][missing] = bridged[missing]
    return np.where(np.isnan(out), line, out)


def _in_short_gap(is_there: Flags) -> Flags:
    known = np.flatnonzero(is_there)
    at = np.searchsorted(known, np.arange(len(is_there)))
    after: NDArray[np.int64] = known[np.minimum(at, len(known) - 1)]
    before: NDArray[np.int64] = known[np.maximum(at - 1, 0)]
    return (after - before - 1) <= _SHORT_GAP


def _no(series: Series, why: Why, detail: str) -> NoForecast:
    return NoForecast(series.key, why, detail)
