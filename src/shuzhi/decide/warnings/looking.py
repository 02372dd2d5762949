"""Runs forecasters by the clock: what they expect, what was not to be expected, and what came true.

What one finds goes the way of every rule's findings: the same table, merging, events and entries.
One that fails is switched off, its owner is told, and the others run on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from time import monotonic

from sqlalchemy import Connection

from shuzhi.decide.rules import Evaluation, Finding, Judged, Rule, State, Watch
from shuzhi.decide.rules.keeping import Answer, keep, running
from shuzhi.decide.rules.silence_sql import look_at_or_before, looks
from shuzhi.decide.rules.store import Standing, find_warnings, warnings_near
from shuzhi.decide.rules.use_cases import told
from shuzhi.decide.sql import UNREADABLE, Failure
from shuzhi.decide.warnings import store
from shuzhi.decide.warnings.forecasting import forecast
from shuzhi.decide.warnings.judging import crossing, unusual
from shuzhi.decide.warnings.model import (
    Anomaly,
    Crossing,
    Forecast,
    Forecaster,
    Limit,
    NoForecast,
    Series,
    Why,
)
from shuzhi.decide.warnings.outcomes import SYSTEM, note
from shuzhi.decide.warnings.series import read_series, steps_of
from shuzhi.decide.warnings.settling import Settled, settled
from shuzhi.decide.warnings.steps import Steps
from shuzhi.decide.warnings.store import Issued
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class Look:
    """What one forecaster found, and the forecasts to keep; older ones than `keep_from` may go.

    `settled` says what became of earlier warnings.
    """

    findings: tuple[Finding, ...]
    issued: tuple[Issued, ...]
    keep_from: int
    settled: tuple[Settled, ...] = ()

    def save(self, connection: Connection, forecaster: Forecaster, now: Instant) -> None:
        """Write forecasts and outcomes."""
        store.save(
            connection, forecaster=forecaster.id, issued=self.issued, keep_from=self.keep_from
        )
        for one in self.settled:
            note(connection, one, by=SYSTEM, at=now)


def run_forecasters(watch: Watch, rules: Iterable[Rule]) -> Evaluation:
    """Let those forecasters among `rules` look that are due, and tell what was found.

    Those run that are registered as they are and switched on. Looks that were missed are not made
    up for: a forecast of what has passed warns nobody.

    Raises:
        BrokenError: as `rules.evaluate`.
    """
    done: list[Judged] = []
    mine = [rule for rule in rules if isinstance(rule, Forecaster)]
    for forecaster, standing in running(watch, mine).values():
        done += _run(watch, forecaster, standing)
    return told(watch, done)


def look_once(watch: Watch, forecaster: Forecaster, now: Instant) -> Look | Failure:
    """Return what a forecaster finds `now`, without keeping it."""
    at = _At(watch, forecaster, now)
    first = at.here - forecaster.method.history - 2 * forecaster.horizon - _run_length(forecaster)
    series = read_series(watch, forecaster, first, now)
    if isinstance(series, Failure):
        return series
    warns = forecaster.warns
    try:
        if isinstance(warns, Crossing):
            look = _crossings(at, warns, series)
        else:
            look = _anomalies(at, warns, series)
    except TimeoutError:
        return Failure("slow", f"it ran longer than {forecaster.max_seconds:g} s")
    except RefusedError as error:
        return Failure("failed", error.message)
    said = [one.said for one in look.issued]
    failed = [s for s in said if isinstance(s, NoForecast) and s.why is Why.FAILED]
    if failed and len(failed) == len(said):
        return Failure("failed", f"no series could be computed: {failed[0].detail}")
    return look


def forecasts(watch: Watch, forecaster: Forecaster) -> tuple[Issued, ...]:
    """Return the forecasts of a forecaster that are kept: those of its newest look."""
    with watch.control.transaction() as connection:
        return store.issued_by(connection, forecaster.id)


def limit_of(watch: Watch, warns: Crossing, steps: Steps) -> Limit:
    """Return the limit at each step; what law sets is that of the step's day.

    Raises, when it is asked:
        RefusedError: `kernel.law_unknown`, `kernel.law_not_in_force`.
    """
    basis = warns.limit
    if not isinstance(basis, str):
        number = float(basis)
        return lambda _step: number

    @cache
    def at(step: int) -> float:
        return float(watch.law.value_on(basis, steps.day(step)).value)

    return at


def block_of(forecaster: Forecaster, step: int) -> int:
    """Return the first step of the block that `step` is in: as long as the horizon.

    The values of a block are held to the forecast that was made before it began.
    """
    return step // forecaster.horizon * forecaster.horizon


class _At:
    """One look of a forecaster: what it needs, and the time that it may take."""

    def __init__(self, watch: Watch, forecaster: Forecaster, now: Instant) -> None:
        self.watch = watch
        self.forecaster = forecaster
        self.now = now
        self.steps = steps_of(watch, forecaster)
        self.here = self.steps.number(now)
        self._until = monotonic() + forecaster.max_seconds

    def forecast(self, series: Series, before: int, steps: int) -> Issued:
        """Forecast `steps` steps from `before` on. Raises TimeoutError when time is up."""
        if monotonic() > self._until:
            raise TimeoutError
        said = forecast(series, self.forecaster.method, now=before, steps=steps)
        return Issued(before, self.now, said)


def _run(watch: Watch, forecaster: Forecaster, standing: Standing) -> list[Judged]:
    now = watch.clock()
    before = standing.looked_at or look_at_or_before(now, forecaster.every)
    due = looks(before, now, forecaster.every)
    if not due.count:
        return []
    look = look_once(watch, forecaster, now)
    if isinstance(look, Failure):
        state = State.UNREADABLE if look.code == UNREADABLE else State.SWITCHED_OFF
        return keep(watch, [Answer(forecaster, standing, look, state)])
    saved = partial(look.save, forecaster=forecaster, now=now)
    version = standing.judged_version
    answer = Answer(
        forecaster, standing, look.findings, State.JUDGED, version, due.last, also=saved
    )
    return keep(watch, [answer])


def _crossings(at: _At, warns: Crossing, series: Sequence[Series]) -> Look:
    limit = limit_of(at.watch, warns, at.steps)
    last = at.here + at.forecaster.horizon
    findings, issued = [], []
    for one in series:
        # A step that has a value is known, though it may not be over.
        before = max(at.here, one.end)
        made = at.forecast(one, before, last - before + 1)
        issued.append(made)
        if isinstance(made.said, Forecast):
            found = crossing(at.forecaster, warns, made.said, limit, at.steps, at.now)
            findings += [found] if found else []
    became = _settled(at, warns, limit, series)
    return Look(tuple(findings), tuple(issued), at.here + 2, became)


def _settled(
    at: _At, warns: Crossing, limit: Limit, series: Sequence[Series]
) -> tuple[Settled, ...]:
    """Return what became of the warnings that are open, as far as the series tell."""
    since = at.steps.begins(at.here - at.forecaster.method.history)
    with at.watch.control.transaction() as connection:
        raised = find_warnings(connection, rule_id=at.forecaster.id, since=since)
    by_key = {one.key: one for one in series}
    found = []
    for warning in raised:
        key = tuple(warning.facts.get(column) for column in at.forecaster.per)
        if warning.outcome is None and key in by_key:
            found.append(settled(at.forecaster, warns, warning, by_key[key], limit, at.steps))
    return tuple(one for one in found if one is not None)


def _anomalies(at: _At, warns: Anomaly, series: Sequence[Series]) -> Look:
    length = at.forecaster.horizon
    oldest = block_of(at.forecaster, at.here - max(length, warns.run))
    blocks = range(oldest, at.here + 1, length)
    with at.watch.control.transaction() as connection:
        kept = store.issued_by(connection, at.forecaster.id)
    issued = {(one.said.key, one.made_before): one for one in kept if one.made_before in blocks}
    findings: list[Finding] = []
    for one in series:
        for block in blocks:
            if (one.key, block) not in issued:
                issued[one.key, block] = at.forecast(one, block, length)
        expected = {b: f for b in blocks if isinstance(f := issued[one.key, b].said, Forecast)}
        findings += unusual(at.forecaster, warns, one, expected, at.steps)
    fresh = _fresh(at.watch, at.forecaster, findings, at.steps)
    return Look(fresh, tuple(issued.values()), oldest)


def _fresh(
    watch: Watch, forecaster: Forecaster, findings: Sequence[Finding], steps: Steps
) -> tuple[Finding, ...]:
    """Return findings without the steps of which a warning tells already."""
    if not findings:
        return ()
    start, end = min(f.at for f in findings), max(f.until for f in findings)
    within = forecaster.merge_within
    with watch.control.transaction() as connection:
        known = warnings_near(connection, forecaster.id, start, end, within)
    left = []
    for finding in findings:
        known_steps = {
            step
            for warning in known
            if warning.merge_key == finding.merge_key
            for step in range(steps.number(warning.at), steps.number(warning.last_at) + 1)
        }
        own = range(steps.number(finding.at), steps.number(finding.until) + 1)
        new = [step for step in own if step not in known_steps]
        left += [replace(finding, count=len(new))] if new else []
    return tuple(left)


def _run_length(forecaster: Forecaster) -> int:
    return forecaster.warns.run if isinstance(forecaster.warns, Anomaly) else 0
