"""How a doubt goes on: who may do what in which state, and what a step makes of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import Clock, ClockRun, Time
from shuzhi.share.agreements.plain import unplain
from shuzhi.share.correction.model import (
    Doubt,
    Doubted,
    Doubter,
    DoubtId,
    DoubtState,
    Step,
    Used,
    Verb,
)

# The number of days is law: 政务数据共享条例, article 26.
TERM = "correction"
_CHECKING, _CORRECTING = DoubtState.CHECKING, DoubtState.CORRECTING
_ANSWERS = (Verb.REFER, Verb.KEEP, Verb.ACCEPT)
# In which states a verb is done, by people and by the platform.
WAYS: Mapping[Verb, tuple[DoubtState, ...]] = {
    Verb.REFER: (_CHECKING, _CORRECTING),
    Verb.KEEP: (_CHECKING, _CORRECTING),
    Verb.ACCEPT: (_CHECKING, _CORRECTING),
    Verb.WITHDRAW: (_CHECKING, _CORRECTING),
    Verb.ACKNOWLEDGE: (DoubtState.RECALLING,),
    Verb.REVIEW: (DoubtState.RECALLING,),
    Verb.HOLD: (_CORRECTING,),
    Verb.CLOSE: (DoubtState.RECALLING,),
    Verb.REOPEN: (DoubtState.CLOSED,),
    Verb.BREAK_CLOCK: (_CHECKING, _CORRECTING),
    Verb.DATE_CLOCK: (_CHECKING, _CORRECTING),
}
# What each verb leads to; the others leave a doubt where it is.
_TO = {
    Verb.SUBMIT: _CHECKING,
    Verb.REFER: _CHECKING,
    Verb.KEEP: DoubtState.KEPT,
    Verb.ACCEPT: _CORRECTING,
    Verb.WITHDRAW: DoubtState.WITHDRAWN,
    Verb.HOLD: DoubtState.RECALLING,
    Verb.CLOSE: DoubtState.CLOSED,
    Verb.REOPEN: DoubtState.RECALLING,
}


def state_after(verb: Verb, before: DoubtState) -> DoubtState:
    """Return where a doubt stands after `verb`."""
    return _TO.get(verb, before)


def may(doubt: Doubt, verb: Verb, party: PartyId | None) -> bool:
    """Whether `party` may do `verb` about a doubt now, as far as that lies with the doubt."""
    if doubt.state not in WAYS.get(verb, ()):
        return False
    if verb in _ANSWERS:
        return party == doubt.responsible
    if verb is Verb.WITHDRAW:
        return party == doubt.party
    # Who may acknowledge or review depends on the notice or the decision.
    return verb in (Verb.ACKNOWLEDGE, Verb.REVIEW)


def clock_of(responsible: PartyId, at: Instant, time: Time) -> ClockRun:
    """Return the clock within which `responsible` verifies, corrects and feeds back.

    Raises:
        RefusedError: `kernel.law_unknown`, `kernel.law_not_in_force`.
    """
    return ClockRun(Clock.ANSWER, responsible, at, time.term(TERM, at))


def follow(doubt: Doubt | None, step: Step, time: Time) -> Doubt:
    """Return the doubt after one more step; the first one makes it."""
    time = time.known_at(step.at)
    if doubt is None:
        return _wound(_begun(step), time)
    moved = replace(doubt, state=step.state, changed_at=step.at, version=step.number)
    change = _CHANGES.get(step.verb)
    return _wound(moved if change is None else change(moved, step), time)


def replay(steps: Iterable[Step], time: Time) -> Doubt:
    """Return what a history makes of a doubt."""
    doubt: Doubt | None = None
    for step in steps:
        doubt = follow(doubt, step, time)
    if doubt is None:
        raise ValueError("A doubt has at least one step.")
    return doubt


def _begun(step: Step) -> Doubt:
    facts = step.facts
    return Doubt(
        DoubtId(step.doubt),
        unplain(Doubted, facts["what"]),
        Doubter(facts["doubter"]),
        step.by,
        PartyId(step.party or ""),
        PartyId(facts["responsible"]),
        PartyId(facts["authority"]),
        step.state,
        step.at,
        step.at,
        runs=(unplain(ClockRun, facts["starts"]),),
        doubted_version=facts.get("version"),
    )


def _referred(doubt: Doubt, step: Step) -> Doubt:
    ended = _ended(doubt, step.at)
    run = unplain(ClockRun, step.facts["starts"])
    return replace(
        ended,
        responsible=PartyId(step.facts["to"]),
        reason=step.facts["text"],
        value=None,
        is_accepted=False,
        runs=(*ended.runs, run),
    )


def _accepted(doubt: Doubt, step: Step) -> Doubt:
    return replace(doubt, value=step.facts["value"], is_accepted=True, reason=step.facts["text"])


def _said(doubt: Doubt, step: Step) -> Doubt:
    return replace(_ended(doubt, step.at), reason=step.facts["text"])


def _held(doubt: Doubt, step: Step) -> Doubt:
    return replace(_ended(doubt, step.at), used=unplain(Used, step.facts["used"]))


def _broken(doubt: Doubt, step: Step) -> Doubt:
    runs = tuple(
        replace(run, broken_at=step.at) if run.is_due(step.at) else run for run in doubt.runs
    )
    return replace(doubt, runs=runs)


def _ended(doubt: Doubt, at: Instant) -> Doubt:
    runs = tuple(run if run.ended_at is not None else replace(run, ended_at=at)
                 for run in doubt.runs)  # fmt: skip
    return replace(doubt, runs=runs)


def _wound(doubt: Doubt, time: Time) -> Doubt:
    return replace(doubt, runs=tuple(time.wound(run) for run in doubt.runs))


_CHANGES: Mapping[Verb, Callable[[Doubt, Step], Doubt]] = {
    Verb.REFER: _referred,
    Verb.ACCEPT: _accepted,
    Verb.KEEP: _said,
    Verb.WITHDRAW: _said,
    Verb.HOLD: _held,
    Verb.BREAK_CLOCK: _broken,
}


def owed(doubt: Doubt, at: Instant) -> dict[str, Any] | None:
    """Return what a clock that has run out is to be written with; None while none has."""
    due = next((run for run in doubt.runs if run.is_due(at)), None)
    if due is None or due.due_at is None:
        return None
    return {"due_at": due.due_at.isoformat(), "party": due.party}
