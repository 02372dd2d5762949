"""The clocks of applications and agreements: when they start, stand, run on and run out.

Pure. A run keeps the term that it was started by, so that a law that changes later does not touch
it. One that runs into a year whose calendar is unknown keeps running without a deadline, and gets
it as soon as the calendar is known; a notice that changes its days gives it another one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from shuzhi.kernel.deadlines import Pause, Undatable, due_as_known, due_day
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, day_of, end_of_day
from shuzhi.kernel.law import Law, LawUnit
from shuzhi.kernel.workdays import WorkingDays


class Clock(StrEnum):
    """What is to be done before a clock runs out."""

    ASSIGNMENT = "assignment"  # the authority names a candidate provider
    ANSWER = "answer"  # the provider agrees or refuses
    NEGOTIATION = "negotiation"
    MEDIATION = "mediation"
    DECISION = "decision"
    PROVISION = "provision"  # the provider hands over the data
    END_NOTICE = "end_notice"
    END = "end"
    DISPOSAL_NOTICE = "disposal_notice"
    DISPOSAL = "disposal"


@dataclass(frozen=True)
class Term:
    """A number of days by law, as it stood when a clock was started by it."""

    parameter: str
    days: int
    unit: LawUnit
    legal_basis: str
    is_verified: bool
    extendable_by: int = 0


@dataclass(frozen=True)
class ClockRun(Undatable):
    """One run of a clock, against `party`. `due_at` is None while nobody can say.

    One with a `term` counts from `started_at`; one without ends at the instant it was given.
    """

    clock: Clock
    party: PartyId
    started_at: Instant
    term: Term | None = None
    due_at: Instant | None = None
    extended_by: int = 0
    pauses: tuple[tuple[Instant, Instant | None], ...] = ()
    broken_at: Instant | None = None
    ended_at: Instant | None = None

    @property
    def is_paused(self) -> bool:
        """Whether it stands still now."""
        return bool(self.pauses) and self.pauses[-1][1] is None

    @property
    def is_live(self) -> bool:
        """Whether it may still run out."""
        return self.ended_at is None and self.broken_at is None and not self.is_paused

    @property
    def why_undated(self) -> str | None:
        """As of every deadline; a clock that stands still or has ended waits for no calendar."""
        return super().why_undated if self.is_live else None

    def is_due(self, now: Instant) -> bool:
        """Whether it has run out by `now` and nothing was done about it yet."""
        return self.is_live and self.due_at is not None and self.due_at <= now


@dataclass(frozen=True)
class Dated:
    """A run `now`, with the deadline that it gets instead of what it `was`, by a notice."""

    was: ClockRun
    now: ClockRun
    source: str

    @property
    def facts(self) -> dict[str, str]:
        """What a history tells of it: which clock, its deadline, the one before, and why."""
        told = {"due_at": self.now.due_at, "instead_of": self.was.due_at}
        facts = {name: at.isoformat() for name, at in told.items() if at is not None}
        source = {"source": self.source} if self.source else {}
        return {"clock": self.now.clock.value, **facts, **source}


@dataclass(frozen=True)
class Time:
    """What clocks count by: dated law, the working-day calendar, the city's zone."""

    law: Law
    calendar: WorkingDays
    zone: str

    def term(self, parameter: str, at: Instant) -> Term:
        """Return a number of law as it stands at `at`.

        Raises:
            RefusedError: `kernel.law_unknown`, `kernel.law_not_in_force`.
        """
        day = day_of(at, self.zone)
        found = self.law.parameter(parameter)
        value = found.value_on(day)
        basis = value.legal_basis or found.legal_basis
        more = int(value.extendable_by or 0)
        said = f"{basis.law} {basis.article}"
        unit = LawUnit(found.unit)
        return Term(parameter, value.whole, unit, said, value.is_verified, more)

    def is_on(self, parameter: str, at: Instant) -> bool:
        """Whether a switch of law (a count of 0 or 1) is on at `at`. Raises as `term`."""
        return self.term(parameter, at).days > 0

    def known_at(self, at: Instant) -> Time:
        """Return the same with the calendar as it was known at `at`."""
        return replace(self, calendar=self.calendar.known_at(at))

    def wound(self, run: ClockRun) -> ClockRun:
        """Return `run` with its deadline, as far as it can be known, and as notices moved it."""
        if run.term is None or not run.is_live:
            return run
        return replace(run, due_at=self._due(run, run.term))

    def datable(self, runs: Iterable[ClockRun]) -> Dated | None:
        """Return one of `runs` that gets its deadline by the calendar, or another one; or None."""
        pairs = ((run, self.wound(run)) for run in runs if run.is_live)
        source = self.calendar.source
        dated = (Dated(was, now, source) for was, now in pairs if now.due_at != was.due_at)
        return next((each for each in dated if each.now.due_at is not None), None)

    def _due(self, run: ClockRun, term: Term) -> Instant | None:
        days = term.days + run.extended_by
        if term.unit is LawUnit.DAYS:
            last = day_of(run.started_at, self.zone) + timedelta(days=days)
            return end_of_day(last, self.zone)
        pauses = [Pause(start, end) for start, end in run.pauses if end is not None]

        def count(calendar: WorkingDays) -> Instant:
            last = due_day(calendar, run.started_at, days, self.zone, pauses=pauses)
            return end_of_day(last, self.zone)

        start, newest = run.started_at, self.calendar.since or run.started_at
        return due_as_known(self.calendar, count, started_at=start, at=newest, zone=self.zone)


def paused(run: ClockRun, at: Instant) -> ClockRun:
    """Return `run` standing still from `at`."""
    return replace(run, pauses=(*run.pauses, (at, None)), due_at=None) if run.is_live else run


def resumed(run: ClockRun, at: Instant) -> ClockRun:
    """Return `run` running on from `at`; wind it for its deadline."""
    if not run.is_paused:
        return run
    return replace(run, pauses=(*run.pauses[:-1], (run.pauses[-1][0], at)))


def live(runs: Iterable[ClockRun], clock: Clock) -> ClockRun | None:
    """Return the run of `clock` that has not ended, broken or paused ones included."""
    return next((r for r in runs if r.clock is clock and r.ended_at is None), None)


def next_at(runs: Iterable[ClockRun]) -> Instant | None:
    """Return when the first of `runs` has to act."""
    return min((r.due_at for r in runs if r.is_live and r.due_at is not None), default=None)


def has_no_deadline(runs: Iterable[ClockRun]) -> bool:
    """Whether one of `runs` waits for a calendar to know its deadline."""
    return any(r.is_live and r.due_at is None for r in runs)
