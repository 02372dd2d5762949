"""Questions about requests for services: one's own, an office's, and how far each is."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select

from shuzhi.act.cases import CaseId, ClockState, Stage, Verb, case
from shuzhi.act.services.errors import ServiceError
from shuzhi.act.services.model import Progress, RequestId, ServiceRequest
from shuzhi.act.services.office import ServicesOffice
from shuzhi.act.services.store import request_of, request_table
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant

_MOST = 200
_PROGRESS = {
    Stage.DISPATCHED: Progress.IN_HAND,
    Stage.IN_HAND: Progress.IN_HAND,
    Stage.RETURNED: Progress.IN_HAND,
    Stage.SUSPENDED: Progress.IN_HAND,
    Stage.REOPENED: Progress.IN_HAND,
    Stage.FED_BACK: Progress.CHECKED,
    Stage.CHECKED: Progress.CHECKED,
    Stage.CLOSED: Progress.DONE,
    Stage.RATED: Progress.DONE,
}


@dataclass(frozen=True)
class RequestFile:
    """A request, how far it is, until when it is due, and if it is late.

    `due_at` is None when nothing runs, and while the calendar does not reach it: `is_undated`.
    `said` is what the office wrote when it closed the case; what it wrote before is its own.
    """

    request: ServiceRequest
    progress: Progress
    changed_at: Instant
    due_at: Instant | None
    is_undated: bool
    is_late: bool
    said: str


def request(office: ServicesOffice, number: int, *, account: str | None = None) -> RequestFile:
    """Return the file of a request; of an `account` only its own.

    Raises:
        ServiceError: `act.no_such_request`, also for one of somebody else.
    """
    with office.control.transaction() as connection:
        query = select(request_table).where(request_table.c.id == number)
        row = connection.execute(query).mappings().one_or_none()
    found = None if row is None else request_of(row)
    if found is None or (account is not None and found.account != account):
        raise ServiceError(
            "act.no_such_request",
            f"There is no request {number} of yours.",
            next_step="Look at the list of your requests.",
        )
    return _file(office, found)


def requests(
    office: ServicesOffice,
    *,
    account: str | None = None,
    owner: PartyId | None = None,
    before: RequestId | None = None,
    limit: int = 20,
) -> tuple[RequestFile, ...]:
    """Return requests, the newest first: those of an account, those to an office.

    At most `limit` (1 to 200) of those before the one numbered `before`.

    Raises:
        ServiceError: `act.bad_page`.
    """
    if not 1 <= limit <= _MOST:
        raise ServiceError(
            "act.bad_page",
            f"A page has 1 to {_MOST} of them, not {limit}.",
            next_step="Ask for several pages.",
        )
    c = request_table.c
    where: list[ColumnElement[bool]] = []
    if account is not None:
        where.append(c.account == account)
    if owner is not None:
        where.append(c.owner == owner)
    if before is not None:
        where.append(c.id < before)
    query = select(request_table).where(*where).order_by(c.id.desc()).limit(limit)
    with office.control.transaction() as connection:
        found = [request_of(row) for row in connection.execute(query).mappings()]
    return tuple(_file(office, each) for each in found)


def _file(office: ServicesOffice, found: ServiceRequest) -> RequestFile:
    held = case(office.cases, CaseId(found.case_id))
    progress = _PROGRESS.get(held.case.stage, Progress.RECEIVED)
    running = [r for r in held.readings if r.state is ClockState.RUNNING]
    known = [r.due_at for r in running if r.due_at is not None]
    due = min(known, default=None)
    texts = [str(s.facts.get("text", "")) for s in held.steps if s.verb is Verb.CLOSE]
    is_late = any(r.is_late for r in running)
    said = texts[-1] if texts else ""
    is_undated = bool(running) and due is None
    return RequestFile(found, progress, held.steps[-1].at, due, is_undated, is_late, said)
