"""Measures indicators at one moment and one version of each data set, now or as it was then."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import duckdb

from shuzhi.decide.indicators import answers
from shuzhi.decide.indicators.answers import Answer
from shuzhi.decide.indicators.errors import IndicatorError
from shuzhi.decide.indicators.facts import Lent, keep_facts
from shuzhi.decide.indicators.model import Composed, Goal, Indicator, IndicatorId, Measured
from shuzhi.decide.indicators.moments import at_moments, moments
from shuzhi.decide.sql import Failure, ask
from shuzhi.gather.lake import Lake
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import ShuzhiError
from shuzhi.kernel.events import Publish, ignore
from shuzhi.kernel.ids import DatasetName
from shuzhi.kernel.instant import Clock, Instant
from shuzhi.kernel.law import Law

MOST_GROUPS = 10_000


@dataclass(frozen=True)
class Measuring:
    """What indicators need of the platform.

    `zone` (an IANA name) is where the city's days begin; `lent` are facts of the wings above.
    """

    control: Control
    lake: Lake
    law: Law
    zone: str
    clock: Clock
    goals: Mapping[str, Goal]
    lent: Lent = field(default_factory=dict)
    publish: Publish = ignore
    memory_limit: str = "1GB"


@dataclass(frozen=True)
class State:
    """The versions at which data sets are read, and why some cannot be."""

    versions: Mapping[str, int]
    faults: Mapping[str, ShuzhiError] = field(default_factory=dict)


def newest_state(measuring: Measuring, reads: Iterable[DatasetName]) -> State:
    """Return the newest versions of these data sets, once lent facts were brought up to date."""
    versions: dict[str, int] = {}
    faults: dict[str, ShuzhiError] = {}
    for name in sorted(set(reads)):
        try:
            facts = measuring.lent.get(name)
            if facts is not None:
                keep_facts(measuring.control, measuring.lake, name, facts, measuring.clock())
            if measuring.lake.exists(name):
                versions[name] = measuring.lake.version(name)
        except ShuzhiError as error:
            faults[name] = error
    return State(versions, faults)


class Bench:
    """Answers formulas at `now` over data sets in a `state`, each once; to be closed."""

    def __init__(self, measuring: Measuring, state: State, now: Instant) -> None:
        self.state = state
        self._measuring = measuring
        self._moments = moments(now, measuring.zone)
        self._outcomes: dict[IndicatorId, Answer | ShuzhiError] = {}
        self._commits: dict[str, Instant] = {}
        self._open = ExitStack()
        self._reads: tuple[DatasetName, ...] | None = None
        self._connection: duckdb.DuckDBPyConnection | None = None

    def close(self) -> None:
        """Let go of the lake."""
        self._open.close()

    def newest_commit(self, names: Collection[str]) -> Instant | None:
        """Return when the newest of these data sets was written; None for none of them."""
        for name in names:
            if name not in self._commits:
                version = self.state.versions[name]
                self._commits[name] = self._measuring.lake.committed_at(name, version)
        return max((self._commits[name] for name in names), default=None)

    def answer(self, goal: Goal, indicator: Indicator) -> Answer:
        """Return the values of an indicator, without colours.

        Raises:
            ShuzhiError: why there are none; `decide.indicator_waits` while a data set is not
                there, `decide.indicator_failed` for SQL that fails or runs too long, as
                `answers.measured`, and what reading the lake raises.
        """
        if indicator.id not in self._outcomes:
            self._outcomes[indicator.id] = self._tried(goal, indicator)
        outcome = self._outcomes[indicator.id]
        if isinstance(outcome, ShuzhiError):
            raise outcome
        return outcome

    def _tried(self, goal: Goal, indicator: Indicator) -> Answer | ShuzhiError:
        formula = indicator.formula
        try:
            if isinstance(formula, Measured):
                return self._measured(indicator, formula)
            return self._composed(goal, formula)
        except ShuzhiError as error:
            return error

    def _composed(self, goal: Goal, formula: Composed) -> Answer:
        below = {name: self.answer(goal, goal.named[name]) for name in formula.of}
        return answers.composed(formula, below)

    def _measured(self, indicator: Indicator, formula: Measured) -> Answer:
        connection = self._connected(formula.reads)
        sql = at_moments(formula.sql, self._moments)
        rows = ask(connection, sql, max_seconds=formula.max_seconds, max_rows=MOST_GROUPS)
        if isinstance(rows, Failure):
            raise failed(rows)
        return answers.measured(rows, indicator, formula, self._measuring.zone)

    def _connected(self, reads: tuple[DatasetName, ...]) -> duckdb.DuckDBPyConnection:
        """Return a connection that can read these data sets; only the newest is kept open."""
        for name in reads:
            if name in self.state.faults:
                raise self.state.faults[name]
            if name not in self.state.versions:
                raise IndicatorError("decide.indicator_waits", f"There is no data set {name} yet.")
        if self._connection is None or self._reads != reads:
            self._open.close()
            self._connection = None
            lake, limit = self._measuring.lake, self._measuring.memory_limit
            opened = lake.duck(only=reads, version=self.state.versions, memory_limit=limit)
            self._connection = self._open.enter_context(opened)
            self._reads = reads
        return self._connection


def failed(failure: Failure) -> IndicatorError:
    """Return the refusal of a query that has no answer."""
    return IndicatorError(
        "decide.indicator_failed",
        f"The query has no answer: {failure.reason}.",
        next_step="Correct its SQL, or the data that it reads.",
    )
