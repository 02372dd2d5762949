"""The clocks of a case: when they run, stand, break and escalate, and what they have used.

A clock runs while its case stands in one of the clock's stages, and stands still elsewhere; each
round (opening, reopening) starts it anew. One whose deadline lies in a year that the calendar does
not know yet runs without a deadline, and gets it when the calendar is there; one whose days a later
notice changes gets another one. Pure functions; nothing here reads the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from shuzhi.act.cases.kind import CaseKind, ClockRule
from shuzhi.act.cases.model import Case, CaseRole, ClockRun, Spell, Step, Verb
from shuzhi.act.cases.spans import (
    Span,
    SpanUnit,
    TimeRules,
    runs_out,
    runs_out_again,
    stated_runs_out,
    used,
)
from shuzhi.kernel.deadlines import Undatable, due_as_known
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, parse_instant
from shuzhi.kernel.workdays import WorkingDays

_MINUTE = timedelta(minutes=1)
# An office that was opened before a notice came counts by the older calendar until it is closed.
_OPENED_BEFORE = timedelta(hours=1)


@dataclass(frozen=True)
class Clocks:
    """The clocks of a kind, on a calendar, in a zone."""

    kind: CaseKind
    rules: TimeRules

    def known_at(self, at: Instant) -> Clocks:
        """Return the clocks on the calendar as it was known at `at`."""
        return self.on(self.rules.calendar.known_at(at))

    def on(self, calendar: WorkingDays) -> Clocks:
        """Return the clocks on another calendar."""
        return replace(self, rules=replace(self.rules, calendar=calendar))


class ClockState(StrEnum):
    """Whether a clock runs, stands still (it may run on), or has ended with its round."""

    RUNNING = "running"
    STANDING = "standing"
    ENDED = "ended"


@dataclass(frozen=True)
class Reading(Undatable):
    """What a clock shows: used time, its limit (None where each case states a deadline), lateness.

    `due_at` is the deadline as far as it is known: while the clock stands it still moves. It is
    None while the calendar does not reach it; such a clock is not late.
    """

    clock: str
    round: int
    state: ClockState
    used: Span
    limit: Span | None
    due_at: Instant | None
    is_late: bool


def advance(case: Case, clocks: Clocks, step: Step) -> Case:
    """Return `case` with its clocks as they are after `step`."""
    clocks = clocks.known_at(step.at)
    past = tuple(run for run in case.runs if run.round != case.round)
    runs = {run.clock: run for run in case.runs if run.round == case.round}
    now = [
        run
        for rule in sorted(clocks.kind.clocks, key=lambda rule: rule.id)
        if (run := _advanced(case, clocks, step, rule, runs.get(rule.id)))
    ]
    return replace(case, runs=(*past, *now))


def readings(case: Case, clocks: Clocks, now: Instant) -> tuple[Reading, ...]:
    """Return what the clocks of `case` show at `now`, those of earlier rounds first."""
    pairs = ((clocks.kind.clock(run.clock), run) for run in case.runs)
    return tuple(_reading(case, clocks, rule, run, now) for rule, run in pairs if rule)


@dataclass(frozen=True)
class Dated:
    """A run that gets its deadline, or its next escalation, `now`; `was` has another one or none.

    `source` is what moved it: the notice.
    """

    was: ClockRun
    now: ClockRun
    source: str


def datable(case: Case, clocks: Clocks, at: Instant) -> Dated | None:
    """Return a run of `case` that gets its deadline, or its next escalation, at `at`.

    That is one that waited for the calendar, which knows by now when it has to act, or one that a
    calendar dated that counted other days.
    """
    return next(_datable(case, clocks.known_at(at), at), None)


def answering(case: Case, rule: ClockRule, desk: PartyId) -> PartyId:
    """Return the party that is late when the clock breaks."""
    return desk if rule.answers is CaseRole.DESK else case.responsible


def due_if_resumed(
    case: Case, clocks: Clocks, rule: ClockRule, run: ClockRun, at: Instant
) -> Instant | None:
    """Return the deadline of `run`; of one that stands unbroken, as if it ran on at `at`.

    None while the calendar does not reach it.
    """
    due = run.was_due_at or run.due_at or _due(case, clocks, rule, run, at)
    stopped = run.spells[-1].ended_at
    if stopped is None or due is None or stopped >= due or run.was_due_at is not None:
        return due
    return _due(case, clocks, rule, replace(run, spells=(*run.spells, Spell(at))), at)


def limit_of(case: Case, clocks: Clocks, rule: ClockRule, run: ClockRun) -> int | None:
    """Return how much time `run` had in the clock's own unit; None for none at all.

    A stated deadline is so many minutes from the clock's start.
    """
    limit = _limit(case, clocks.kind, rule)
    if limit is not None:
        return limit.amount
    return max((case.due[rule.id] - run.spells[0].started_at) // _MINUTE, 0) or None


def _advanced(
    case: Case,
    clocks: Clocks,
    step: Step,
    rule: ClockRule,
    run: ClockRun | None,
) -> ClockRun | None:
    runs_now = case.stage in rule.over
    if run is None:
        # Nobody stated a new deadline when the case was reopened.
        if not runs_now or (rule.limits is None and case.round > 1):
            return None
        run = ClockRun(rule.id, case.round, (Spell(step.at),))
    elif run.is_running and not runs_now:
        return _stopped(run, step.at)
    elif not run.is_running and runs_now:
        run = replace(run, spells=(*run.spells, Spell(step.at)))
    elif not runs_now or not _concerns(step, rule):
        return run
    if step.verb in (Verb.BREAK_CLOCK, Verb.ESCALATE):
        run = _struck(run, step)
    return _wound(case, clocks, rule, run, step.at)


def _datable(case: Case, clocks: Clocks, at: Instant) -> Iterator[Dated]:
    for run in case.runs:
        rule = clocks.kind.clock(run.clock)
        if rule is None or run.round != case.round or not run.is_running:
            continue
        if run.next_at is not None and _is_newer(run, clocks.rules.calendar):
            continue
        now = _wound(case, clocks, rule, run, at)
        if now.next_at in (None, run.next_at):
            continue
        if run.next_at is None or _is_of_older(case, clocks, rule, run, at):
            yield Dated(run, now, clocks.rules.calendar.source)


def _is_newer(run: ClockRun, calendar: WorkingDays) -> bool:
    """Tell whether `run` began under `calendar`, so that no other one can have dated it."""
    since, start = calendar.since, run.spells[0].started_at
    return calendar.before is None or (since is not None and since + _OPENED_BEFORE < start)


def _is_of_older(case: Case, clocks: Clocks, rule: ClockRule, run: ClockRun, at: Instant) -> bool:
    """Tell whether an older calendar dated `run`; else its kind has another limit since."""
    older = map(clocks.on, clocks.rules.calendar.older())
    return any(_wound(case, each, rule, run, at).next_at == run.next_at for each in older)


def _concerns(step: Step, rule: ClockRule) -> bool:
    """Tell whether a step that leaves a clock running may still move it."""
    return step.verb is Verb.JOIN or step.facts.get("clock") == rule.id


def _stopped(run: ClockRun, at: Instant) -> ClockRun:
    last = run.spells[-1]
    spells = (*run.spells[:-1], Spell(last.started_at, at))
    return replace(run, spells=spells, due_at=None, next_at=None)


def _struck(run: ClockRun, step: Step) -> ClockRun:
    above = step.facts["above"]
    run = replace(run, above=None if above is None else PartyId(above))
    if step.verb is Verb.BREAK_CLOCK:
        due = parse_instant(step.facts["due_at"])
        return replace(run, broken_at=step.at, was_due_at=due)
    to = PartyId(step.facts["to"])
    return replace(run, escalations=run.escalations + 1, escalated_to=to)


def _wound(case: Case, clocks: Clocks, rule: ClockRule, run: ClockRun, at: Instant) -> ClockRun:
    due = run.was_due_at or _due(case, clocks, rule, run, at)
    next_at = due if run.broken_at is None else _goes_up_at(clocks, rule, run, at)
    return replace(run, due_at=due, next_at=next_at)


def _goes_up_at(clocks: Clocks, rule: ClockRule, run: ClockRun, at: Instant) -> Instant | None:
    every, due = rule.escalate_every, run.was_due_at
    if every is None or due is None or run.above is None:
        return None
    whole = replace(every, amount=every.amount * (run.escalations + 1))
    return _counted(clocks, lambda by: runs_out_again(whole, due, run.spells, by), due, at)


def _due(case: Case, clocks: Clocks, rule: ClockRule, run: ClockRun, at: Instant) -> Instant | None:
    """Return the deadline of `run`, as the notices known at `at` leave it."""
    limit = _limit(case, clocks.kind, rule)
    if limit is None:
        return stated_runs_out(case.due[rule.id], run.spells)
    start = run.spells[0].started_at
    return _counted(clocks, lambda by: runs_out(limit, run.spells, by), start, at)


def _counted(
    clocks: Clocks, count: Callable[[TimeRules], Instant], start: Instant, at: Instant
) -> Instant | None:
    rules = clocks.rules
    return due_as_known(
        rules.calendar,
        lambda calendar: count(replace(rules, calendar=calendar)),
        started_at=start,
        at=at,
        zone=rules.zone,
    )


def _limit(case: Case, kind: CaseKind, rule: ClockRule) -> Span | None:
    if rule.limits is None:
        return None
    # A case may be older than its kind's list of severities.
    return rule.limits.get(case.severity, rule.limits[kind.severities[-1]])


def _reading(case: Case, clocks: Clocks, rule: ClockRule, run: ClockRun, now: Instant) -> Reading:
    state = ClockState.RUNNING if run.is_running else ClockState.STANDING
    if run.round != case.round or not case.is_open:
        state = ClockState.ENDED
    limit, last = _limit(case, clocks.kind, rule), run.spells[-1]
    # No later notice moves the deadline of what has ended.
    known_at = last.ended_at or now if state is ClockState.ENDED else now
    due = run.was_due_at or run.due_at or _due(case, clocks, rule, run, known_at)
    unit = SpanUnit.MINUTES if limit is None else limit.unit
    until = max(last.ended_at or now, last.started_at)
    is_late = run.broken_at is not None or (due is not None and until >= due)
    spent = used(unit, run.spells, now, clocks.rules)
    return Reading(run.clock, run.round, state, spent, limit, due, is_late)
