"""What the clocks do by themselves: get a deadline, break, remind, send up, end an agreement.

Pure: the steps follow from the matter and the time, so that doing it twice, late, or after a crash
gives each step once.
"""

from __future__ import annotations

from typing import Any

from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements.agreeing import ending
from shuzhi.share.agreements.applying import gone_up
from shuzhi.share.agreements.clocks import Clock, ClockRun, Time
from shuzhi.share.agreements.life_cycle import follow
from shuzhi.share.agreements.model import (
    SYSTEM,
    Agreement,
    AgreementState,
    Application,
    Matter,
    Step,
    Verb,
    kind_of,
)
from shuzhi.share.agreements.plain import starting

_NOTICES = frozenset({Clock.END_NOTICE, Clock.DISPOSAL_NOTICE})
_TIERS = frozenset({Clock.NEGOTIATION, Clock.MEDIATION})


def owed_steps(matter: Matter, at: Instant, time: Time) -> tuple[Step, ...]:
    """Return the steps that the clocks of `matter` owe at `at`, the earliest first."""
    steps: list[Step] = []
    while step := _next(matter, at, time):
        matter = follow(matter, step, time)
        steps.append(step)
    return tuple(steps)


def is_datable(matter: Matter, at: Instant, time: Time) -> bool:
    """Tell whether a clock of `matter` gets its deadline, or another one, at `at`."""
    return time.known_at(at).datable(matter.runs) is not None


def _next(matter: Matter, at: Instant, time: Time) -> Step | None:
    # What could not be dated before may be due by now, and what was due may no longer be.
    known = time.known_at(at)
    if dated := known.datable(matter.runs):
        kind, number, by = kind_of(matter), matter.version + 1, SYSTEM.person
        facts = dated.facts
        return Step(kind, matter.id, number, Verb.DATE_CLOCK, at, by, None, matter.state, facts)
    run = _first_due(matter, at)
    return None if run is None else _step(matter, run, at, time)


def _first_due(matter: Matter, at: Instant) -> ClockRun | None:
    due = [(r.due_at, r.clock, r) for r in matter.runs if r.is_due(at) and r.due_at is not None]
    return min(due, key=lambda found: found[:2])[-1] if due else None


def _step(matter: Matter, run: ClockRun, at: Instant, time: Time) -> Step:
    due = None if run.due_at is None else run.due_at.isoformat()
    facts: dict[str, Any] = {"clock": run.clock.value, "due_at": due, "party": run.party}
    verb, state, more = _effect(matter, run, at, time)
    number = matter.version + 1
    return Step(
        kind_of(matter), matter.id, number, verb, at, SYSTEM.person, None, state, facts | more
    )


def _effect(
    matter: Matter, run: ClockRun, at: Instant, time: Time
) -> tuple[Verb, str, dict[str, Any]]:
    if isinstance(matter, Application) and run.clock in _TIERS:
        state, next_run = gone_up(matter, at, time)
        return Verb.GO_UP, state, starting(next_run)
    if isinstance(matter, Agreement) and run.clock is Clock.END:
        if matter.renewed_by is not None:
            return Verb.EXPIRE, AgreementState.RENEWED, {}
        return Verb.EXPIRE, AgreementState.ENDED, ending(matter, at, time)
    return (Verb.REMIND if run.clock in _NOTICES else Verb.BREAK_CLOCK), matter.state, {}
