"""What each step makes of an application or an agreement; replaying a history gives the state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from shuzhi.kernel.ids import PartyId
from shuzhi.share.agreements.clocks import Clock, ClockRun, Time, paused, resumed
from shuzhi.share.agreements.model import (
    UNTOUCHING,
    Agreement,
    AgreementId,
    AgreementState,
    Application,
    ApplicationId,
    ApplicationState,
    Asked,
    Extension,
    Matter,
    MatterKind,
    Receipt,
    Refused,
    Step,
    Terms,
    Verb,
)
from shuzhi.share.agreements.plain import started, unplain
from shuzhi.share.catalogue.model import Sharing

AnyMatter = TypeVar("AnyMatter", bound=Matter)

# In which states a clock has a meaning; a step that leads out of them ends it.
_OVER: Mapping[Clock, frozenset[str]] = {
    Clock.ASSIGNMENT: frozenset({ApplicationState.DOCKING}),
    Clock.ANSWER: frozenset({ApplicationState.WAITING, ApplicationState.INCOMPLETE}),
    Clock.NEGOTIATION: frozenset({ApplicationState.NEGOTIATING}),
    Clock.MEDIATION: frozenset({ApplicationState.MEDIATING}),
    Clock.DECISION: frozenset({ApplicationState.DECIDING}),
    Clock.PROVISION: frozenset({AgreementState.ACTIVE, AgreementState.SUSPENDED}),
    Clock.END_NOTICE: frozenset({AgreementState.ACTIVE, AgreementState.SUSPENDED}),
    Clock.END: frozenset({AgreementState.ACTIVE, AgreementState.SUSPENDED}),
    Clock.DISPOSAL_NOTICE: frozenset({AgreementState.ENDED}),
    Clock.DISPOSAL: frozenset({AgreementState.ENDED}),
}


# In these a clock may stand; a step that leads out of them lets it run on.
_STANDING = frozenset({ApplicationState.INCOMPLETE.value, AgreementState.SUSPENDED.value})


def begin(step: Step, time: Time) -> Matter:
    """Return the application or agreement that a first step begins."""
    if step.kind is MatterKind.APPLICATION:
        return _clocked(_application(step), step, time)
    return _clocked(_agreement(step), step, time)


def follow(matter: AnyMatter, step: Step, time: Time) -> AnyMatter:
    """Return `matter` after one more step."""
    effect = _EFFECTS.get(step.verb)
    is_application = isinstance(matter, Application)
    changes: dict[str, Any] = {
        "state": ApplicationState(step.state) if is_application else AgreementState(step.state),
        "version": step.number,
        "touched": matter.touched if step.verb in UNTOUCHING else step.number,
        "changed_at": step.at,
    }
    if effect is not None:
        changes |= effect(matter, step.facts, step)
    changed = replace(matter, **changes)
    return _clocked(changed, step, time)


def replay(steps: Iterable[Step], time: Time) -> Matter:
    """Return what a history makes of a matter: the first step begins it."""
    first, *rest = steps
    matter = begin(first, time)
    for step in rest:
        matter = follow(matter, step, time)
    return matter


def _application(step: Step) -> Application:
    facts = step.facts
    sharing, provider, renews = facts["sharing"], facts["provider"], facts["renews"]
    return Application(
        ApplicationId(step.matter),
        PartyId(facts["applicant"]),
        PartyId(facts["authority"]),
        PartyId(facts["government"]),
        unplain(Asked, facts["asked"]),
        ApplicationState(step.state),
        step.at,
        step.at,
        provider=None if provider is None else PartyId(provider),
        sharing=None if sharing is None else Sharing(sharing),
        missing=tuple(facts["missing"]),
        renews=None if renews is None else AgreementId(renews),
    )


def _agreement(step: Step) -> Agreement:
    facts = step.facts
    renews = facts["renews"]
    return Agreement(
        AgreementId(step.matter),
        ApplicationId(facts["application"]),
        PartyId(facts["authority"]),
        unplain(Terms, facts["terms"]),
        AgreementState(step.state),
        step.at,
        step.at,
        renews=None if renews is None else AgreementId(renews),
        provided_at=step.at if facts.get("is_provided") else None,
    )


def _clocked(matter: AnyMatter, step: Step, time: Time) -> AnyMatter:
    """Return `matter` with its clocks as they are after `step`."""
    fresh = list(started(step.facts))
    replaced = {run.clock for run in fresh}
    kept = [_after(run, step, matter.state, replaced) for run in matter.runs]
    time = time.known_at(step.at)
    runs = [
        after if _keeps_deadline(before, after, step) else time.wound(after)
        for before, after in zip(matter.runs, kept, strict=True)
    ]
    return replace(matter, runs=(*runs, *map(time.wound, fresh)))


def _keeps_deadline(before: ClockRun, after: ClockRun, step: Step) -> bool:
    """Whether a step leaves a deadline as it is: a notice moves it by a step of its own alone."""
    is_dated = step.verb is Verb.DATE_CLOCK and step.facts["clock"] == after.clock
    return after == before and after.due_at is not None and not is_dated


def _after(run: ClockRun, step: Step, state: str, replaced: set[Clock]) -> ClockRun:
    if run.ended_at is not None:
        return run
    named = step.facts.get("clock") == run.clock
    is_over = state not in _OVER[run.clock] or run.clock in replaced
    if is_over or (named and step.verb in (Verb.REMIND, Verb.PROVIDE)):
        return replace(run, ended_at=step.at)
    if named and step.verb is Verb.BREAK_CLOCK:
        return replace(run, broken_at=step.at)
    if named and step.verb is Verb.GRANT_EXTENSION:
        return replace(run, extended_by=run.extended_by + step.facts["days"])
    if named and step.facts.get("pauses"):
        return paused(run, step.at)
    return run if state in _STANDING else resumed(run, step.at)


def _complete(_: Any, facts: dict[str, Any], __: Step) -> dict[str, Any]:
    asked = unplain(Asked, facts["asked"])
    return {"asked": asked, "missing": tuple(facts["missing"]), "returned": ""}


def _assign(_: Any, facts: dict[str, Any], __: Step) -> dict[str, Any]:
    return {"provider": PartyId(facts["provider"]), "extension": None}


def _ask_extension(_: Any, facts: dict[str, Any], step: Step) -> dict[str, Any]:
    return {"extension": Extension(facts["days"], facts["reason"], step.by)}


def _extension_is(granted: bool) -> Callable[..., dict[str, Any]]:
    def effect(matter: Any, _: dict[str, Any], __: Step) -> dict[str, Any]:
        return {"extension": replace(matter.extension, is_granted=granted)}

    return effect


def _refuse(_: Any, facts: dict[str, Any], __: Step) -> dict[str, Any]:
    return {"refused": unplain(Refused, facts["refused"])}


def _suspend(_: Any, __: dict[str, Any], step: Step) -> dict[str, Any]:
    return {"suspended_by": step.party, "proposal": None}


def _end(_: Any, __: dict[str, Any], step: Step) -> dict[str, Any]:
    return {"ended_at": step.at, "proposal": None}


_EFFECTS: Mapping[Verb, Callable[[Any, dict[str, Any], Step], dict[str, Any]]] = {
    Verb.COMPLETE: _complete,
    Verb.RETURN: lambda _, facts, __: {"returned": facts["reason"]},
    Verb.ASSIGN: _assign,
    Verb.DECLINE: lambda *_: {"provider": None, "extension": None},
    Verb.ASK_EXTENSION: _ask_extension,
    Verb.GRANT_EXTENSION: _extension_is(granted=True),
    Verb.DENY_EXTENSION: _extension_is(granted=False),
    Verb.AGREE: lambda _, facts, __: {"agreement": AgreementId(facts["agreement"])},
    Verb.REFUSE: _refuse,
    Verb.DISPUTE: lambda *_: {"extension": None},
    Verb.DECIDE: lambda _, facts, __: {"is_ordered": facts["is_ordered"]},
    Verb.PROVIDE: lambda _, __, step: {"provided_at": step.at},
    Verb.PROPOSE: lambda _, facts, __: {"proposal": Verb(facts["proposal"])},
    Verb.SUSPEND: _suspend,
    Verb.RESUME: lambda *_: {"suspended_by": None, "proposal": None},
    Verb.RENEW: lambda _, facts, __: {"renewed_by": AgreementId(facts["agreement"])},
    Verb.END: _end,
    Verb.EXPIRE: _end,
    Verb.DISPOSE: lambda _, facts, __: {"receipt": unplain(Receipt, facts["receipt"])},
}
