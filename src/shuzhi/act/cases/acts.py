"""What somebody asks to do to a case, and whether the case and the person allow it.

Pure: `decide` answers with the step that would be written, or refuses and says what is possible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shuzhi.act.cases.errors import MOST_NAME, CaseError, require_text
from shuzhi.act.cases.evidence import lacking
from shuzhi.act.cases.kind import ENDS, CaseKind, Way
from shuzhi.act.cases.model import (
    MOST_STARS,
    Actor,
    Case,
    CaseId,
    EvidenceFile,
    Order,
    Stage,
    Step,
    TaskState,
    Verb,
)
from shuzhi.kernel.instant import Instant

_MOST_TEXT = 4_000
_REASONED = {Verb.RETURN, Verb.SUSPEND, Verb.REOPEN, Verb.MERGE}
_UNDONE = {TaskState.GIVEN, TaskState.TAKEN, TaskState.RETURNED}


@dataclass(frozen=True)
class Act:
    """One request: `verb` on `case` by somebody.

    `seen` is the version of the case that the person looked at; the act is refused when other
    people have done something since.
    `text` is a reason or a note; the rest belongs to single verbs: `orders` to dispatch, `evidence`
    to feed_back, `asked_by` to suspend, `is_good` to check, `outcome` to close, `stars` to rate,
    `into` to merge.
    """

    case: CaseId
    verb: Verb
    by: Actor
    seen: int | None = None
    text: str = ""
    orders: tuple[Order, ...] = ()
    evidence: tuple[EvidenceFile, ...] = ()
    asked_by: str | None = None
    is_good: bool = True
    outcome: str = "resolved"
    stars: int | None = None
    into: CaseId | None = None


def decide(kind: CaseKind, case: Case, act: Act, at: Instant) -> Step:
    """Return the step that `act` makes of `case` at `at`.

    Raises:
        CaseError: with the codes that `errors` lists; the message says what is possible now.
    """
    _refuse_text(act)
    _way(kind, case, act)
    check = _CHECKS.get(act.verb)
    if check is not None:
        check(kind, case, act)
    stage, facts = _stage_after(case, act), _facts(act)
    party = act.by.party
    return Step(case.id, case.version + 1, act.verb, at, act.by.person, party, stage, facts)


def possible(kind: CaseKind, case: Case) -> str:
    """Say what can be done now and by whom, as `take (handler), return (handler)`."""
    ways = kind.ways_from(case.stage)
    return ", ".join(f"{way.verb} ({' or '.join(sorted(way.roles))})" for way in ways) or "nothing"


def changed_meanwhile(case: Case, seen: int, since: Sequence[Step]) -> CaseError:
    """Refuse an act on a case to which somebody did `since` what its actor had not seen."""
    happened = ", ".join(f"{s.verb} by {s.by} at {s.at.isoformat()}" for s in since)
    return CaseError(
        "act.changed_meanwhile",
        f"Case {case.id} is no longer as you saw it (version {seen}): {happened}.",
        next_step="Look at the case again and decide anew.",
    )


def bad_merge(case: Case, why: str) -> CaseError:
    """Refuse to merge a case."""
    return CaseError(
        "act.bad_merge",
        f"Case {case.id} of {case.kind} cannot be merged so: {why}.",
        next_step="Name an older open case of the same kind and matter.",
    )


def _way(kind: CaseKind, case: Case, act: Act) -> Way:
    ways = [way for way in kind.ways_from(case.stage) if way.verb is act.verb]
    if not ways:
        raise CaseError(
            "act.wrong_stage",
            f"Case {case.id} is {case.stage} since {case.changed_at.isoformat()}: "
            f"{act.verb} is not possible.",
            next_step=f"Possible now: {possible(kind, case)}.",
        )
    for way in ways:
        if way.roles & act.by.roles:
            return way
    roles = " or ".join(sorted({role for way in ways for role in way.roles}))
    raise CaseError(
        "act.not_your_role",
        f"{act.verb} of case {case.id} is for a {roles}.",
        next_step=f"Ask a {roles} to do it.",
    )


def _refuse_text(act: Act) -> None:
    if act.verb in _REASONED and not act.text.strip():
        raise CaseError(
            "act.reason_missing",
            f"{act.verb} of case {act.case} needs a reason.",
            next_step="Say why.",
        )
    for text in (act.text, act.outcome, *(order.text for order in act.orders)):
        require_text(text, _MOST_TEXT, f"on case {act.case}")
    for person in (act.by.person, act.asked_by or ""):
        require_text(person, MOST_NAME, f"of a person's id on case {act.case}")


def _dispatch(_kind: CaseKind, case: Case, act: Act) -> None:
    parties = [order.party for order in act.orders]
    if sum(order.is_lead for order in act.orders) != 1 or len(set(parties)) < len(parties):
        raise CaseError(
            "act.one_lead",
            f"Case {case.id} goes to one lead, and to each party once; "
            f"{sum(o.is_lead for o in act.orders)} leads were named "
            f"for {len(set(parties))} of {len(parties)} orders.",
            next_step="Name one lead, and the other parties as helpers.",
        )


def _own_task(_kind: CaseKind, case: Case, act: Act) -> None:
    task = case.task_of(act.by.party)
    if task is None:
        parties = ", ".join(sorted(t.party for t in case.tasks if case.task_of(t.party) is t))
        raise CaseError(
            "act.not_your_task",
            f"{act.by.party or 'Nobody'} has no part in case {case.id}; it is with "
            f"{parties or 'nobody yet'}.",
            next_step="Ask the dispatcher to add your party.",
        )
    ready = {TaskState.GIVEN} if act.verb is Verb.TAKE else {TaskState.GIVEN, TaskState.TAKEN}
    if task.state not in ready:
        raise CaseError(
            "act.task_not_ready",
            f"The part of {task.party} in case {case.id} is {task.state} already.",
            next_step="Nothing more is asked of it now.",
        )


def _feed_back(kind: CaseKind, case: Case, act: Act) -> None:
    if not any(case.task_of(task.party) is task for task in case.tasks):
        _enough(kind, case, act)
        return
    _own_task(kind, case, act)
    if act.by.party != case.lead:
        return
    undone = sorted(t.party for t in case.tasks if not t.is_lead and t.state in _UNDONE)
    if undone:
        raise CaseError(
            "act.task_not_ready",
            f"The lead feeds case {case.id} back last; {', '.join(undone)} "
            f"{'has' if len(undone) == 1 else 'have'} not fed back.",
            next_step="Wait for them, or ask the dispatcher to send the case out again.",
        )
    _enough(kind, case, act)


def _enough(kind: CaseKind, case: Case, act: Act) -> None:
    has = dict(case.evidence)
    for file in act.evidence:
        has[file.kind] = has.get(file.kind, 0) + 1
    gaps = lacking(kind.evidence, has)
    if gaps:
        raise CaseError(
            "act.evidence_missing",
            f"Case {case.id} cannot be closed without evidence; it lacks {gaps}.",
            next_step="Add the files when feeding back.",
        )


def _suspend(_kind: CaseKind, case: Case, act: Act) -> None:
    if not act.asked_by or act.asked_by == act.by.person:
        raise CaseError(
            "act.approver_is_asker",
            f"Suspending case {case.id} needs somebody who asks and another who approves.",
            next_step="Name who asked, and let somebody else approve.",
        )


def _check(_kind: CaseKind, case: Case, act: Act) -> None:
    is_ours = act.by.person in case.handled_by or act.by.party in case.handling_parties
    if is_ours or act.by.party is None:
        raise CaseError(
            "act.check_not_independent",
            f"Case {case.id} was handled by {', '.join(case.handling_parties) or 'the desk'}; "
            "whoever checks it must be of another party.",
            next_step="Ask a checker of another party.",
        )


def _rate(_kind: CaseKind, case: Case, act: Act) -> None:
    if act.stars is None or not 1 <= act.stars <= MOST_STARS:
        raise CaseError(
            "act.bad_rating",
            f"Case {case.id} is rated with 1 to {MOST_STARS} stars.",
            next_step="Choose a number of stars.",
        )


def _merge(_kind: CaseKind, case: Case, act: Act) -> None:
    # Into the older one only: a later opening must not give the matter a later deadline.
    if act.into is None or act.into >= case.id:
        raise bad_merge(case, "it goes into an older case, and none was named")


_CHECKS: Mapping[Verb, Callable[[CaseKind, Case, Act], None]] = {
    Verb.DISPATCH: _dispatch,
    Verb.TAKE: _own_task,
    Verb.RETURN: _own_task,
    Verb.FEED_BACK: _feed_back,
    Verb.SUSPEND: _suspend,
    Verb.CHECK: _check,
    Verb.CLOSE: _enough,
    Verb.RATE: _rate,
    Verb.MERGE: _merge,
}


def _stage_after(case: Case, act: Act) -> Stage:
    if act.verb is Verb.RESUME or (act.verb is Verb.CHECK and not act.is_good):
        return case.stage_before or Stage.IN_HAND
    if act.verb is Verb.FEED_BACK and case.lead not in (None, act.by.party):
        return case.stage
    if act.verb is Verb.DISPATCH:
        kept = (case.task_of(order.party) for order in act.orders)
        started = (TaskState.TAKEN, TaskState.FED_BACK)
        return Stage.IN_HAND if any(t and t.state in started for t in kept) else Stage.DISPATCHED
    return ENDS[act.verb]


def _facts(act: Act) -> dict[str, Any]:
    facts: dict[str, Any] = {"text": act.text.strip()} if act.text.strip() else {}
    if act.verb is Verb.DISPATCH:
        facts["orders"] = [asdict(order) for order in act.orders]
    elif act.verb is Verb.FEED_BACK:
        facts["evidence"] = [asdict(file) for file in act.evidence]
    elif act.verb is Verb.SUSPEND:
        facts["asked_by"] = act.asked_by
    elif act.verb is Verb.CHECK:
        facts["is_good"] = act.is_good
    elif act.verb is Verb.CLOSE:
        facts["outcome"] = act.outcome
    elif act.verb is Verb.RATE:
        facts["stars"] = act.stars
    elif act.verb is Verb.MERGE:
        facts["into"] = act.into
    return facts
