"""A case is the sum of its steps: what each step makes of it.

Pure, so that replaying a history gives the state again, and under other rules another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from shuzhi.act.cases.clocks import Clocks, advance
from shuzhi.act.cases.model import (
    UNTOUCHING,
    Case,
    Order,
    Stage,
    Step,
    Task,
    TaskState,
    Verb,
)
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import parse_instant

Name = TypeVar("Name", bound=str)


def begin(step: Step, clocks: Clocks) -> Case:
    """Return the case that an `open` step begins."""
    facts = step.facts
    case = Case(
        id=step.case_id,
        kind=facts["kind"],
        title=facts["title"],
        title_en=facts.get("title_en", ""),
        severity=facts["severity"],
        stage=step.stage,
        responsible=PartyId(facts["responsible"]),
        opened_at=step.at,
        changed_at=step.at,
        merge_key=facts["merge_key"],
        due={clock: parse_instant(text) for clock, text in facts["due"].items()},
    )
    return advance(case, clocks, step)


def follow(case: Case, step: Step, clocks: Clocks) -> Case:
    """Return `case` after one more step."""
    effect = _EFFECTS.get(step.verb)
    changed = replace(
        case if effect is None else effect(case, step),
        stage=step.stage,
        version=step.number,
        touched=case.touched if step.verb in UNTOUCHING else step.number,
        changed_at=step.at,
    )
    return advance(changed, clocks, step)


def replay(steps: Iterable[Step], clocks: Clocks) -> Case:
    """Return what a history makes of a case: the first step opens it."""
    first, *rest = steps
    case = begin(first, clocks)
    for step in rest:
        case = follow(case, step, clocks)
    return case


def _join(case: Case, step: Step) -> Case:
    more = step.facts.get("reports", 1)
    return replace(case, reports=case.reports + more, severity=step.facts["severity"])


def _dispatch(case: Case, step: Step) -> Case:
    orders = [Order(**order) for order in step.facts["orders"]]
    named = {order.party for order in orders}
    before = [t if t.party in named else replace(t, state=TaskState.WITHDRAWN) for t in case.tasks]
    kept = [t for t in before if t.state is TaskState.WITHDRAWN]
    given = [_given(case.task_of(order.party), order) for order in orders]
    lead = next(order.party for order in orders if order.is_lead)
    return replace(case, tasks=(*kept, *given), responsible=lead)


def _given(task: Task | None, order: Order) -> Task:
    started = task is not None and task.state in (TaskState.TAKEN, TaskState.FED_BACK)
    state = task.state if task is not None and started else TaskState.GIVEN
    return Task(order.party, order.is_lead, order.text, state)


def _take(case: Case, step: Step) -> Case:
    return _worked(_task_is(case, step.party, TaskState.TAKEN), step)


def _feed_back(case: Case, step: Step) -> Case:
    evidence = dict(case.evidence)
    for file in step.facts["evidence"]:
        evidence[file["kind"]] = evidence.get(file["kind"], 0) + 1
    done = _worked(_task_is(case, step.party, TaskState.FED_BACK), step)
    before = case.stage if step.stage is Stage.FED_BACK else case.stage_before
    return replace(done, evidence=evidence, stage_before=before)


def _return(case: Case, step: Step) -> Case:
    return _task_is(case, step.party, TaskState.RETURNED)


def _suspend(case: Case, _step: Step) -> Case:
    return replace(case, stage_before=case.stage)


def _check(case: Case, step: Step) -> Case:
    return case if step.facts["is_good"] else _task_is(case, case.lead, TaskState.TAKEN)


def _close(case: Case, step: Step) -> Case:
    return replace(case, closed_at=step.at, outcome=step.facts["outcome"])


def _merge(case: Case, step: Step) -> Case:
    withdrawn = tuple(replace(t, state=TaskState.WITHDRAWN) for t in case.tasks)
    outcome = f"merged into case {step.facts['into']}"
    return replace(case, closed_at=step.at, outcome=outcome, tasks=withdrawn)


def _rate(case: Case, step: Step) -> Case:
    return replace(case, stars=step.facts["stars"])


def _reopen(case: Case, _step: Step) -> Case:
    withdrawn = tuple(replace(t, state=TaskState.WITHDRAWN) for t in case.tasks)
    return replace(
        case,
        round=case.round + 1,
        tasks=withdrawn,
        evidence={},
        handled_by=(),
        handling_parties=(),
        closed_at=None,
        outcome=None,
        stars=None,
        stage_before=None,
        escalated_to=None,
    )


def _escalate(case: Case, step: Step) -> Case:
    return replace(case, escalated_to=PartyId(step.facts["to"]))


_EFFECTS: Mapping[Verb, Callable[[Case, Step], Case]] = {
    Verb.JOIN: _join,
    Verb.DISPATCH: _dispatch,
    Verb.TAKE: _take,
    Verb.FEED_BACK: _feed_back,
    Verb.RETURN: _return,
    Verb.SUSPEND: _suspend,
    Verb.CHECK: _check,
    Verb.CLOSE: _close,
    Verb.RATE: _rate,
    Verb.REOPEN: _reopen,
    Verb.MERGE: _merge,
    Verb.ESCALATE: _escalate,
}


def _task_is(case: Case, party: PartyId | None, state: TaskState) -> Case:
    task = case.task_of(party)
    tasks = tuple(replace(t, state=state) if t is task else t for t in case.tasks)
    return replace(case, tasks=tasks)


def _worked(case: Case, step: Step) -> Case:
    parties = () if step.party is None else (step.party,)
    return replace(
        case,
        handled_by=_with(case.handled_by, (step.by,)),
        handling_parties=_with(case.handling_parties, parties),
    )


def _with(known: tuple[Name, ...], more: tuple[Name, ...]) -> tuple[Name, ...]:
    return (*known, *(name for name in more if name not in known))
