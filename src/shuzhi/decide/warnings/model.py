"""What a forecaster is, and what it works with: series, forecasts, and why there is none.

A forecaster is a rule whose findings come from a forecast: it warns of what is expected, or of what
was not to be expected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shuzhi.decide.rules import Severity, TimedRule
from shuzhi.decide.sql.facts import Fact
from shuzhi.decide.warnings.steps import Grain

Numbers: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Key: TypeAlias = tuple[Fact, ...]


class ModelName(StrEnum):
    """How the future is computed.

    MSTL: seasons by local regression, the rest by exponential smoothing. THETA, ETS: one season.
    SEASONAL_NAIVE: as it was one season ago; what the others are measured against.
    """

    MSTL = "mstl"
    THETA = "theta"
    ETS = "ets"
    SEASONAL_NAIVE = "seasonal_naive"


class Direction(StrEnum):
    """On which side of a limit, or of an interval, something is wrong."""

    ABOVE = "above"
    BELOW = "below"


class Basis(StrEnum):
    """What has to cross the limit: the forecast itself, or the bound of its interval."""

    FORECAST = "forecast"
    BOUND = "bound"


class Combine(StrEnum):
    """How the rows of one step become its value."""

    MEAN = "mean"
    SUM = "sum"
    MAX = "max"
    MIN = "min"


@dataclass(frozen=True)
class Method:
    """How a series is forecast.

    `seasons` (ascending) and `history` are in steps, `level` is that of the interval in percent,
    `least` the least value that can be, `most_gaps` the share of steps without a value above which
    there is no forecast.
    """

    model: ModelName
    seasons: tuple[int, ...]
    history: int
    level: int = 90
    least: float | None = None
    most_gaps: float = 0.2


@dataclass(frozen=True)
class Crossing:
    """Warn when the forecast, or the bound of its interval, crosses a limit within the horizon.

    `limit` is a number, or the law parameter that sets it for the day of the step.
    """

    direction: Direction
    basis: Basis
    limit: Decimal | str


@dataclass(frozen=True)
class Anomaly:
    """Warn when `run` or more steps on end lie outside the interval, on one of `sides`.

    Each lies at least `effect` (in the unit of the value) from what was forecast.
    """

    sides: frozenset[Direction]
    run: int
    effect: Decimal


@dataclass(frozen=True, kw_only=True)
class Forecaster(TimedRule):
    """A rule over the series in a data set; its answer's columns are `per`.

    One row is one step's value as soon as it is there; with `combine` a step has a value when it is
    over. `horizon` is in steps.
    """

    severity: Severity
    value: str
    per: tuple[str, ...]
    grain: Grain
    combine: Combine | None
    method: Method
    horizon: int
    warns: Crossing | Anomaly
    max_series: int = 2000


@dataclass(frozen=True, eq=False)
class Series:
    """The values of one series from step `first` on; NaN where a step has none."""

    key: Key
    first: int
    values: Numbers

    @property
    def end(self) -> int:
        """The step after the last."""
        return self.first + len(self.values)

    def before(self, step: int) -> Series:
        """Return what was known before `step` began."""
        return Series(self.key, self.first, self.values[: max(0, step - self.first)])

    def at(self, first: int, count: int) -> Numbers:
        """Return the values of `count` steps from `first` on, NaN where there is none."""
        found = np.full(count, np.nan)
        start, stop = max(first, self.first), min(first + count, self.end)
        if start < stop:
            found[start - first : stop - first] = self.values[
                start - self.first : stop - self.first
            ]
        return found


@dataclass(frozen=True, eq=False)
class Forecast:
    """What is expected from step `first` on, with the interval of the method's level.

    `known` steps had a value, `filled` had none and were filled to compute it.
    """

    key: Key
    first: int
    mean: Numbers
    low: Numbers
    high: Numbers
    known: int
    filled: int

    @property
    def end(self) -> int:
        """The step after the last."""
        return self.first + len(self.mean)


class Why(StrEnum):
    """Why a series has no forecast.

    EMPTY: no value in the stretch of history. STALE: its newest value is older than a season.
    CONSTANT: all values are the same, so nothing says how far the next may lie from them.
    """

    EMPTY = "empty"
    SHORT = "short"
    GAPS = "gaps"
    CONSTANT = "constant"
    STALE = "stale"
    FAILED = "failed"


@dataclass(frozen=True)
class NoForecast:
    """A series that cannot be forecast, and why."""

    key: Key
    why: Why
    detail: str


Limit: TypeAlias = Callable[[int], float]


def beyond(values: Numbers, limits: Numbers, direction: Direction) -> Flags:
    """Return which values lie past their limits; one that is missing does not."""
    return values > limits if direction is Direction.ABOVE else values < limits
