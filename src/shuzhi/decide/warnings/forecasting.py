"""Computes forecasts with their intervals by the models of statsforecast.

The library is imported with the first forecast: it takes seconds, which no other command shall pay.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from shuzhi.decide.warnings.gaps import Ready, made_ready
from shuzhi.decide.warnings.model import (
    Forecast,
    Method,
    ModelName,
    NoForecast,
    Numbers,
    Series,
    Why,
)
from shuzhi.decide.warnings.mstl import seasons_and_level


def forecast(series: Series, method: Method, *, now: int, steps: int) -> Forecast | NoForecast:
    """Return what is expected up to `steps` steps from step `now` on, from what lies before `now`.

    It begins after the newest value, which may lie some steps back: what was due and did not come
    is forecast as well. It depends on nothing at or after `now`.
    """
    ready = made_ready(series, method, now=now)
    if isinstance(ready, NoForecast):
        return ready
    try:
        mean, low, high = _computed(ready, method, now + steps - ready.end)
    except Exception as error:  # noqa: BLE001  (the library raises bare ones; one series only)
        return NoForecast(series.key, Why.FAILED, str(error).partition("\n")[0][:200])
    if not all(np.isfinite(numbers).all() for numbers in (mean, low, high)):
        return NoForecast(series.key, Why.FAILED, "the model gave no finite numbers")
    known = len(ready.values) - ready.filled
    return Forecast(series.key, ready.end, mean, low, high, known, ready.filled)


def _computed(ready: Ready, method: Method, steps: int) -> tuple[Numbers, Numbers, Numbers]:
    if method.model is ModelName.MSTL:
        mean, low, high = seasons_and_level(ready, method, steps)
    else:
        model = _model(method.model, method.seasons[-1])
        answer = model.forecast(y=ready.values, h=steps, level=[method.level])
        found = (answer["mean"], answer[f"lo-{method.level}"], answer[f"hi-{method.level}"])
        mean, low, high = (np.asarray(numbers, np.float64) for numbers in found)
    if method.least is not None:
        mean, low, high = (np.maximum(numbers, method.least) for numbers in (mean, low, high))
    return mean, low, high


@lru_cache(maxsize=64)
def _model(name: ModelName, season: int) -> Any:
    from statsforecast import models

    if name is ModelName.SEASONAL_NAIVE:
        return models.SeasonalNaive(season)
    if name is ModelName.THETA:
        return models.Theta(season)
    return models.AutoETS(season, model="ZZA")
