"""Forecasts by seasons and level, with an interval from the errors that it would have made lately.

The interval that statsforecast gives takes one spread for all of history: where a winter is more
restless than its autumn, it holds too seldom. What is taken here is how the errors of the newest
origins were spread, for each step ahead and each side by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from shuzhi.decide.warnings.gaps import Ready
from shuzhi.decide.warnings.model import Method, Numbers

_SEASONAL_WINDOW = 11
# Errors of as many origins as make up so many of the shortest season.
_SEASONS_OF_ERRORS = 14
# A season is found from those after it as well: one that lies so many back has seen little of what
# is to be judged by it.
_SEASONS_BACK = 3


def seasons_and_level(ready: Ready, method: Method, steps: int) -> tuple[Numbers, Numbers, Numbers]:
    """Return mean, low and high of `steps` steps: MSTL (Bandara, Hyndman and Bergmeir, 2021).

    Seasons are found by local regression and go on as they were last; what they leave is a level,
    found by simple exponential smoothing, and goes on as it is.
    """
    from statsforecast.models import MSTL, AutoETS

    smoothing = AutoETS(model="ANN")
    model = MSTL(list(method.seasons), smoothing, stl_kwargs=_jumps(method.seasons[0]))
    model.fit(ready.values)
    mean = np.asarray(model.predict(steps)["mean"], np.float64)
    parts = [np.asarray(model.model_[name]) for name in _names(method.seasons)]
    replay = _Replay(ready, method.seasons, parts, float(model.trend_forecaster.model_["par"][0]))
    tail = (1 - method.level / 100) / 2
    errors = [replay.errors(ahead + 1) for ahead in range(steps)]
    low, high = np.array([np.quantile(e, (tail, 1 - tail)) for e in errors]).T
    return mean, np.minimum(mean, mean + low), np.maximum(mean, mean + high)


class _Replay:
    """What the same model would have forecast from earlier origins, with seasons of before."""

    def __init__(
        self, ready: Ready, seasons: Sequence[int], parts: Sequence[Numbers], alpha: float
    ) -> None:
        from statsforecast.models import SimpleExponentialSmoothing

        self.ready = ready
        self.seasons = seasons
        self.parts = parts
        self.end = len(ready.values)
        self.cycles = self.end // seasons[-1]
        back = min(_SEASONS_BACK, self.cycles - 1)
        left = ready.values.copy()
        for part, season in zip(parts, seasons, strict=True):
            left -= np.concatenate([part[: back * season], part[: self.end - back * season]])
        smoothed = SimpleExponentialSmoothing(alpha).forecast(y=left, h=1, fitted=True)
        # The level at an origin is what was expected of the step after it.
        self.level = np.concatenate([smoothed["fitted"][1:], smoothed["mean"]])

    def errors(self, ahead: int) -> Numbers:
        """Return how far values lay from what was expected of them `ahead` steps before.

        Only values that were there count, unless there are none. Further ahead than a short series
        can tell, errors are spread as where it last can.
        """
        ahead = min(ahead, self.seasons[-1] * (self.cycles - 1))
        back = min(_SEASONS_BACK, self.cycles - math.ceil(ahead / self.seasons[-1]))
        reaches = [season * (math.ceil(ahead / season) + back - 1) for season in self.seasons]
        oldest = self.end - _SEASONS_OF_ERRORS * self.seasons[0]
        targets = np.arange(max(oldest, *reaches), self.end)
        expected = self.level[targets - ahead]
        for part, reach in zip(self.parts, reaches, strict=True):
            expected = expected + part[targets - reach]
        errors: Numbers = self.ready.values[targets] - expected
        known = self.ready.is_known[targets]
        return errors[known] if known.any() else errors


def _names(seasons: Sequence[int]) -> list[str]:
    return ["seasonal"] if len(seasons) == 1 else [f"seasonal{season}" for season in seasons]


def _jumps(season: int) -> dict[str, int]:
    """Return how far apart STL computes its regressions: a tenth of each window, as R's stl does.

    Between them it draws a line; statsmodels computes each one, for twice the time and no gain.
    """
    trend = math.ceil(1.5 * season / (1 - 1.5 / _SEASONAL_WINDOW))
    return {"trend_jump": max(1, trend // 10), "low_pass_jump": max(1, season // 10)}
