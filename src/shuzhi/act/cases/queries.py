"""Questions about cases: lists with filters and pages, a case's whole file, and what happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select

from shuzhi.act.cases.clocks import Reading, readings
from shuzhi.act.cases.errors import CaseError
from shuzhi.act.cases.journal import no_such_case
from shuzhi.act.cases.kind import Way
from shuzhi.act.cases.life_cycle import replay
from shuzhi.act.cases.model import Case, CaseId, Stage, Step, TaskState
from shuzhi.act.cases.office import Office
from shuzhi.act.cases.rows import step_of
from shuzhi.act.cases.store import (
    case_table,
    clock_table,
    concerns,
    read_cases,
    read_steps,
    step_table,
    task_table,
)
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant

_MOST = 500


@dataclass(frozen=True)
class Wanted:
    """Which cases are asked for; what is None is not asked. `party` has a part or answers for it.

    `is_late` asks for a running clock that is broken or has run out, `seen_by` for cases that
    concern one of these parties: see `CaseFile.parties`.
    """

    kind: str | None = None
    stages: tuple[Stage, ...] | None = None
    severity: str | None = None
    party: PartyId | None = None
    is_open: bool | None = None
    is_late: bool | None = None
    escalated_to: PartyId | None = None
    merge_key: str | None = None
    opened_from: Instant | None = None
    opened_before: Instant | None = None
    seen_by: frozenset[PartyId] | None = None


@dataclass(frozen=True)
class Page:
    """Some cases, the newest first; `after` asks for the next page, None at the end."""

    cases: tuple[Case, ...]
    after: CaseId | None


@dataclass(frozen=True)
class CaseFile:
    """Everything about a case: its state, its history, its clocks now, and what can be done."""

    case: Case
    steps: tuple[Step, ...]
    readings: tuple[Reading, ...]
    ways: tuple[Way, ...]

    @property
    def parties(self) -> frozenset[PartyId]:
        """Whom the case concerns: who answers, has or had a part, was asked, or reported it."""
        found = {self.case.responsible, self.case.escalated_to, self.steps[0].party}
        return frozenset(p for p in (*found, *(t.party for t in self.case.tasks)) if p is not None)


def cases(
    office: Office, wanted: Wanted | None = None, *, after: CaseId | None = None, limit: int = 50
) -> Page:
    """Return the cases that are `wanted`, at most `limit` (1 to 500) of those before `after`.

    Raises:
        CaseError: `act.bad_page`.
    """
    if not 1 <= limit <= _MOST:
        raise CaseError(
            "act.bad_page",
            f"A page has 1 to {_MOST} cases, not {limit}.",
            next_step="Ask for several pages.",
        )
    query = select(case_table.c.id).where(*_conditions(wanted or Wanted(), office.clock()))
    if after is not None:
        query = query.where(case_table.c.id < after)
    query = query.order_by(case_table.c.id.desc()).limit(limit + 1)
    with office.control.transaction() as connection:
        ids = [CaseId(case_id) for case_id in connection.scalars(query)]
        found = read_cases(connection, ids[:limit])
    last = ids[limit - 1] if len(ids) > limit else None
    return Page(tuple(found[case_id] for case_id in ids[:limit]), last)


def case(office: Office, case_id: CaseId) -> CaseFile:
    """Return the whole file of a case.

    Raises:
        CaseError: `act.no_such_case`, `act.no_such_kind`.
    """
    with office.control.transaction() as connection:
        found = _found(connection, case_id)
        steps = read_steps(connection, case_id)
    clocks = office.clocks(found.kind)
    shown = readings(found, clocks, office.clock())
    return CaseFile(found, steps, shown, tuple(clocks.kind.ways_from(found.stage)))


def among(
    office: Office, ids: Iterable[CaseId], *, seen_by: frozenset[PartyId]
) -> frozenset[CaseId]:
    """Return those of some cases that concern one of the parties of `seen_by`."""
    query = select(case_table.c.id).where(case_table.c.id.in_(sorted(ids)), concerns(seen_by))
    with office.control.transaction() as connection:
        return frozenset(map(CaseId, connection.scalars(query)))


def time_used(office: Office, case_id: CaseId) -> tuple[Reading, ...]:
    """Return what each clock of a case shows now. Raises as `case`."""
    return case(office, case_id).readings


def replayed(office: Office, case_id: CaseId) -> Case:
    """Return what the history of a case makes of it under its kind as it is now. Raises as `case`.

    It equals the stored state as long as the kind has not changed.
    """
    file = case(office, case_id)
    return replay(file.steps, office.clocks(file.case.kind))


def steps_since(office: Office, last: int, *, limit: int = _MOST) -> tuple[tuple[int, Step], ...]:
    """Return the steps of all cases after the one numbered `last`, oldest first, with numbers.

    Whoever reacts to cases and may have missed an event catches up with this.
    """
    query = select(step_table).where(step_table.c.id > last).order_by(step_table.c.id).limit(limit)
    with office.control.transaction() as connection:
        rows = connection.execute(query).mappings().all()
    return tuple((row["id"], step_of(row)) for row in rows)


def _found(connection: Connection, case_id: CaseId) -> Case:
    found = read_cases(connection, [case_id]).get(case_id)
    if found is None:
        raise no_such_case(case_id)
    return found


def _conditions(wanted: Wanted, now: Instant) -> Iterable[ColumnElement[bool]]:
    head = case_table.c
    equal = (
        (head.kind, wanted.kind),
        (head.severity, wanted.severity),
        (head.is_open, wanted.is_open),
        (head.escalated_to, wanted.escalated_to),
        (head.merge_key, wanted.merge_key),
    )
    yield from (column == value for column, value in equal if value is not None)
    if wanted.stages is not None:
        yield head.stage.in_([stage.value for stage in wanted.stages])
    if wanted.opened_from is not None:
        yield head.opened_at >= wanted.opened_from
    if wanted.opened_before is not None:
        yield head.opened_at < wanted.opened_before
    if wanted.party is not None:
        yield or_(head.responsible == wanted.party, _has_part(wanted.party))
    if wanted.seen_by is not None:
        yield concerns(wanted.seen_by)
    if wanted.is_late is not None:
        yield _is_late(now) if wanted.is_late else ~_is_late(now)


def _has_part(party: PartyId) -> ColumnElement[bool]:
    task = task_table.c
    is_live = task.state != TaskState.WITHDRAWN.value
    return exists().where(and_(task.case_id == case_table.c.id, task.party == party, is_live))


def _is_late(now: Instant) -> ColumnElement[bool]:
    clock = clock_table.c
    return exists().where(and_(clock.case_id == case_table.c.id, clock.due_at <= now))
