"""How cases and their steps stand in rows, and come back out of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping

from shuzhi.act.cases.model import Case, CaseId, ClockRun, Spell, Stage, Step, Task, TaskState, Verb
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import parse_instant


def open_key(case: Case) -> str | None:
    """Return what another report must match to join `case`; None when it takes none."""
    if case.merge_key is None or not case.is_open:
        return None
    return f"{case.kind}/{case.merge_key}"


def step_of(row: RowMapping) -> Step:
    """Return the step of a row of `cases_step`."""
    party = row["party"]
    return Step(
        case_id=CaseId(row["case_id"]),
        number=row["number"],
        verb=Verb(row["verb"]),
        at=row["at"],
        by=row["by"],
        party=None if party is None else PartyId(party),
        stage=Stage(row["stage"]),
        facts=row["facts"],
        origin=row["origin"],
    )


def head_row(case: Case) -> dict[str, Any]:
    """Return the row of `cases_case`."""
    return {
        "id": case.id,
        "kind": case.kind,
        "title": case.title,
        "title_en": case.title_en,
        "severity": case.severity,
        "stage": case.stage.value,
        "stage_before": case.stage_before and case.stage_before.value,
        "responsible": case.responsible,
        "is_open": case.is_open,
        "opened_at": case.opened_at,
        "changed_at": case.changed_at,
        "closed_at": case.closed_at,
        "merge_key": case.merge_key,
        "open_key": open_key(case),
        "due": {clock: at.isoformat() for clock, at in case.due.items()},
        "version": case.version,
        "touched": case.touched,
        "round": case.round,
        "reports": case.reports,
        "outcome": case.outcome,
        "stars": case.stars,
        "escalated_to": case.escalated_to,
        "handled_by": list(case.handled_by),
        "handling_parties": list(case.handling_parties),
        "evidence": dict(case.evidence),
    }


def task_rows(case: Case) -> list[dict[str, Any]]:
    """Return the rows of `cases_task`."""
    return [
        {
            "case_id": case.id,
            "place": place,
            "party": task.party,
            "is_lead": task.is_lead,
            "text": task.text,
            "state": task.state.value,
        }
        for place, task in enumerate(case.tasks)
    ]


def clock_rows(case: Case) -> list[dict[str, Any]]:
    """Return the rows of `cases_clock`."""
    return [
        {
            "case_id": case.id,
            "round": run.round,
            "clock": run.clock,
            "spells": [[s.started_at.isoformat(), _iso(s)] for s in run.spells],
            "due_at": run.due_at,
            "next_at": run.next_at,
            "broken_at": run.broken_at,
            "was_due_at": run.was_due_at,
            "escalations": run.escalations,
            "escalated_to": run.escalated_to,
            "above": run.above,
        }
        for run in case.runs
    ]


def _iso(spell: Spell) -> str | None:
    return None if spell.ended_at is None else spell.ended_at.isoformat()


def step_row(step: Step) -> dict[str, Any]:
    """Return the row of `cases_step`."""
    return {
        "case_id": step.case_id,
        "number": step.number,
        "verb": step.verb.value,
        "at": step.at,
        "by": step.by,
        "party": step.party,
        "stage": step.stage.value,
        "facts": dict(step.facts),
        "origin": step.origin,
    }


def case_of(head: RowMapping, tasks: Sequence[RowMapping], runs: Sequence[RowMapping]) -> Case:
    """Return the case of its rows."""
    values: dict[str, Any] = dict(head)
    for name in ("is_open", "open_key"):
        del values[name]
    values["stage"] = Stage(values["stage"])
    values["stage_before"] = values["stage_before"] and Stage(values["stage_before"])
    values["due"] = {clock: parse_instant(at) for clock, at in values["due"].items()}
    values["handled_by"] = tuple(values["handled_by"])
    values["handling_parties"] = tuple(values["handling_parties"])
    return Case(
        **values, tasks=tuple(_task(row) for row in tasks), runs=tuple(_run(row) for row in runs)
    )


def _task(row: RowMapping) -> Task:
    return Task(PartyId(row["party"]), row["is_lead"], row["text"], TaskState(row["state"]))


def _run(row: RowMapping) -> ClockRun:
    values: dict[str, Any] = {k: v for k, v in row.items() if k not in ("case_id", "spells")}
    spells = tuple(
        Spell(parse_instant(start), None if end is None else parse_instant(end))
        for start, end in row["spells"]
    )
    return ClockRun(spells=spells, **values)
