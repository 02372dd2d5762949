"""Replays history: what a forecaster would have said at each cut-off, beside what came true.

At a cut-off nothing later is known. That rows may have arrived late is not: each counts as known
from its event time on, so a feed that lags makes live figures worse than these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from shuzhi.decide.rules import RuleError, Watch
from shuzhi.decide.sql import Failure
from shuzhi.decide.warnings.forecasting import forecast
from shuzhi.decide.warnings.foretelling import Foretelling, Foretold
from shuzhi.decide.warnings.judging import unusual
from shuzhi.decide.warnings.looking import limit_of
from shuzhi.decide.warnings.measuring import Errors, Measure, together
from shuzhi.decide.warnings.model import (
    Crossing,
    Forecast,
    Forecaster,
    Key,
    NoForecast,
    Series,
    Why,
)
from shuzhi.decide.warnings.scoring import Share
from shuzhi.decide.warnings.series import read_series, steps_of
from shuzhi.decide.warnings.steps import Steps
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class Backtest:
    """What a forecaster would have been worth between two instants.

    `without` counts, by reason, how often a series had no forecast at a cut-off; `unusual` are
    steps in anomalies, of all that were judged (None for a forecaster of crossings).
    """

    cut_offs: int
    forecasts: int
    without: dict[Why, int]
    errors: Errors | None
    by_series: dict[Key, Errors]
    foretold: Foretold | None
    unusual: Share | None


def backtest(
    watch: Watch,
    forecaster: Forecaster,
    since: Instant,
    until: Instant,
    *,
    every: int | None = None,
) -> Backtest:
    """Forecast at every `every`-th step (default: each horizon) from `since` on and before `until`.

    Raises:
        RuleError: `decide.backtest_failed` when the series cannot be read.
        RefusedError: `kernel.law_unknown`, `kernel.law_not_in_force`.
    """
    steps = steps_of(watch, forecaster)
    first, last = steps.number(since), steps.number(until)
    series = read_series(watch, forecaster, first - forecaster.method.history, until)
    if isinstance(series, Failure):
        raise RuleError(
            "decide.backtest_failed",
            f"The series of {forecaster.id} could not be read: {series.reason}.",
            next_step="Mend the forecaster, or ask for a shorter time.",
        )
    replay = _Replay(watch, forecaster, series, steps)
    cuts = range(first, last, every or forecaster.horizon)
    for cut in cuts:
        replay.at(cut)
    return replay.result(cuts, range(first, last))


class _Replay:
    """Goes through the cut-offs in order of time."""

    def __init__(
        self, watch: Watch, forecaster: Forecaster, series: Sequence[Series], steps: Steps
    ) -> None:
        self.forecaster = forecaster
        self.series = series
        self.steps = steps
        self.measures = {one.key: Measure(forecaster.method) for one in series}
        self.without: Counter[Why] = Counter()
        self.forecasts = 0
        self.outside = 0
        warns = forecaster.warns
        self.foretelling: Foretelling | None = None
        if isinstance(warns, Crossing):
            limit = limit_of(watch, warns, steps)
            self.foretelling = Foretelling(forecaster, warns, limit, steps)

    def at(self, cut: int) -> None:
        """Forecast every series at one cut-off, and warn."""
        method, horizon = self.forecaster.method, self.forecaster.horizon
        said = []
        for one in self.series:
            made = forecast(one.before(cut), method, now=cut, steps=horizon)
            if isinstance(made, NoForecast):
                self.without[made.why] += 1
                continue
            said.append(made)
            self.measures[one.key].add(one, made, cut)
            self.outside += self._unusual(one, made, cut)
        self.forecasts += len(said)
        if self.foretelling is not None:
            self.foretelling.add(said, cut)

    def result(self, cuts: range, whole: range) -> Backtest:
        """Return what came of it in the steps of `whole`."""
        measured = {key: measure.errors() for key, measure in self.measures.items()}
        errors = {key: found for key, found in measured.items() if found is not None}
        judged = sum(found.steps for found in errors.values())
        foretelling = self.foretelling
        return Backtest(
            len(cuts),
            self.forecasts,
            dict(sorted(self.without.items())),
            together(list(errors.values())),
            errors,
            None if foretelling is None else foretelling.result(self.series, whole),
            Share(self.outside, judged) if foretelling is None else None,
        )

    def _unusual(self, series: Series, made: Forecast, cut: int) -> int:
        warns = self.forecaster.warns
        if isinstance(warns, Crossing):
            return 0
        runs = unusual(self.forecaster, warns, series, {cut: made}, self.steps)
        return sum(run.count for run in runs)
