"""Measures forecasts against what came: errors, errors beside the seasonal naive, coverage."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shuzhi.decide.warnings.forecasting import forecast
from shuzhi.decide.warnings.model import Forecast, Method, ModelName, Numbers, Series
from shuzhi.decide.warnings.scoring import Share


@dataclass(frozen=True)
class Errors:
    """How far forecasts lay from what came, over every step that was forecast and then seen.

    `mae` and `naive_mae` (of the seasonal naive at the same cut-offs) are in the value's unit.
    `mase` is the error in units of the seasonal naive's within the history that each forecast
    knew (Hyndman and Koehler, Int. J. Forecasting 22, 2006). `covered` counts values within the
    interval.
    """

    steps: int
    mae: float
    naive_mae: float
    mase: float
    covered: Share

    @property
    def skill(self) -> float:
        """The share of the seasonal naive's error that is spared; below 0 it is the better one."""
        return 1 - self.mae / self.naive_mae if self.naive_mae else 0.0


class Measure:
    """Takes in the forecasts of one series and what came, and sums up."""

    def __init__(self, method: Method) -> None:
        self._method = method
        self._naive = replace(method, model=ModelName.SEASONAL_NAIVE)
        self._parts: list[tuple[Numbers, Numbers, Numbers, Numbers]] = []

    def add(self, series: Series, said: Forecast, cut: int) -> None:
        """Hold a forecast that was made before step `cut` to what came from then on."""
        naive = forecast(series, self._naive, now=cut, steps=said.end - cut)
        if not isinstance(naive, Forecast):
            return
        own, other = _from(said, cut), _from(naive, cut)
        truth = series.at(cut, len(own.mean))
        there = np.isfinite(truth)
        error = np.abs(truth - own.mean)[there]
        scale = _scale(series.before(cut), cut, self._method)
        inside = ((own.low <= truth) & (truth <= own.high))[there].astype(np.float64)
        self._parts.append((error, np.abs(truth - other.mean)[there], error / scale, inside))

    def errors(self) -> Errors | None:
        """Return what was measured; None when nothing that was forecast came."""
        if not sum(len(part[0]) for part in self._parts):
            return None
        error, naive, scaled, inside = map(np.concatenate, zip(*self._parts, strict=True))
        covered = Share(int(inside.sum()), len(inside))
        return Errors(
            len(error), float(error.mean()), float(naive.mean()), float(np.nanmean(scaled)), covered
        )


def together(errors: list[Errors]) -> Errors | None:
    """Return the errors of several series as one; each step counts alike."""
    if not errors:
        return None
    weights = [e.steps for e in errors]
    figures = [(e.mae, e.naive_mae, e.mase) for e in errors]
    mae, naive, mase = np.average(figures, axis=0, weights=weights)
    covered = Share(sum(e.covered.count for e in errors), sum(e.covered.of for e in errors))
    return Errors(sum(weights), float(mae), float(naive), float(mase), covered)


def _from(said: Forecast, step: int) -> Forecast:
    cut = slice(step - said.first, None)
    return replace(said, first=step, mean=said.mean[cut], low=said.low[cut], high=said.high[cut])


def _scale(known: Series, cut: int, method: Method) -> float:
    values = known.at(cut - method.history, method.history)
    season = method.seasons[-1]
    steps = np.abs(values[season:] - values[:-season])
    return float(np.nanmean(steps)) if np.isfinite(steps).any() else np.nan
