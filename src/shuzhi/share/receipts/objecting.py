"""The verbs of objections: make, answer, withdraw; and what their clocks do by themselves."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update

from shuzhi.audit import Entry, queue
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.prepared import Prepared
from shuzhi.share.agreements import Actor, AgreementId, Time
from shuzhi.share.agreements.plain import plain, unplain
from shuzhi.share.agreements.waiting import may_act, may_be_dated
from shuzhi.share.receipts.errors import ReceiptError, unknown
from shuzhi.share.receipts.events import ObjectionMoved
from shuzhi.share.receipts.model import ReceiptId
from shuzhi.share.receipts.objections import (
    Objection,
    ObjectionId,
    ObjectionState,
    answered,
    dated,
    made,
    overdue,
    withdrawn,
)
from shuzhi.share.receipts.office import ReceiptOffice
from shuzhi.share.receipts.queries import is_about, receipt, require_page
from shuzhi.share.receipts.sealing import sealed, unsealed
from shuzhi.share.receipts.store import objection_table
from shuzhi.share.receipts.subjects import subject_number

_HOLDS = (ObjectionState.WAITING.value, ObjectionState.STOPPED.value)
_BINDING = b"subject of an objection"
_o = objection_table.c
_STOPPED = Prepared(
    select(_o.kind, _o.subject)
    .where(_o.agreement == bindparam("of"), _o.state == bindparam("stopped"))
    .order_by(_o.id)
)


def object_to(
    office: ReceiptOffice, number: ReceiptId, kind: str, subject: str, *, reason: str, by: str
) -> Objection:
    """Object to a use of the data of `subject`, which a receipt tells of (异议).

    Raises:
        ReceiptError: `share.receipt_unknown`, `share.not_touched` when the receipt is not about
            this subject, `share.objection_open` when one waits, or stopped the use already.
    """
    found = receipt(office, number)
    if not is_about(office, found, kind, subject):
        raise _not_touched(f"Receipt {number} is not about this subject.")
    at, sharing = office.sharing.clock(), office.sharing
    whom = (kind, subject_number(office, kind, subject))
    new = made(found, whom, reason, by, at, sharing.authority, sharing.time)
    with sharing.control.transaction() as connection:
        _require_new(connection, new)
        row = {**_row(new), "subject": sealed(office.objection_key, subject.encode(), _BINDING)}
        query = insert(objection_table).values(row).returning(objection_table.c.id)
        kept = _with_id(new, connection.execute(query).scalar_one())
        queue(connection, _entry("made", kept, at, by))
    sharing.publish(_event(kept, at))
    return kept


def answer_objection(
    office: ReceiptOffice, number: ObjectionId, *, by: Actor, text: str, is_stopped: bool
) -> Objection:
    """Answer an objection: the use is kept, or stopped at once.

    Raises:
        ReceiptError: `share.objection_unknown`; as `objections.answered`.
    """
    at = office.sharing.clock()
    with office.sharing.control.transaction() as connection:
        held = _held(connection, number)
        after = answered(held, by, text, at, is_stopped=is_stopped)
        _write(connection, after)
        queue(connection, _entry(after.state.value, after, at, by.person))
    office.sharing.publish(_event(after, at))
    return after


def withdraw_objection(
    office: ReceiptOffice, number: ObjectionId, kind: str, subject: str, *, by: str
) -> Objection:
    """Take an objection back; only its own subject does.

    Raises:
        ReceiptError: `share.objection_unknown`, `share.not_touched`, `share.objection_settled`.
    """
    at = office.sharing.clock()
    with office.sharing.control.transaction() as connection:
        held = _held(connection, number)
        if (held.kind, held.number) != (kind, subject_number(office, kind, subject)):
            raise _not_touched(f"Objection {number} is not of this subject.")
        after = withdrawn(held, at)
        _write(connection, after)
        queue(connection, _entry("withdrawn", after, at, by))
    office.sharing.publish(_event(after, at))
    return after


def tick_objections(office: ReceiptOffice) -> tuple[Objection, ...]:
    """Break the clock of every objection that was not answered in time; return those.

    Doing it again breaks none twice.
    """
    at = office.sharing.clock()
    broken: list[Objection] = []
    with office.sharing.control.transaction() as connection:
        for held in _waiting(connection, may_act(objection_table, at)):
            after = overdue(_dated(connection, held, at, office.sharing.time) or held, at)
            if after.is_overdue:
                _write(connection, after)
                queue(connection, _entry("overdue", after, at, "system"))
                broken.append(after)
    for each in broken:
        office.sharing.publish(_event(each, at))
    return tuple(broken)


def date_objections(office: ReceiptOffice, *, anew: bool = True) -> int:
    """Date the clocks that waited for the calendar and are known by now; return how many.

    `anew` dates again what a calendar dated that counted other days; what has broken by then stays.
    Doing it again adds nothing.
    """
    time = office.sharing.time
    which = may_be_dated(objection_table, time, anew=anew)
    with office.sharing.control.transaction() as connection:
        at = office.sharing.clock()
        known = [_dated(connection, held, at, time) for held in _waiting(connection, which)]
    return sum(each is not None for each in known)


def objection(office: ReceiptOffice, number: ObjectionId) -> Objection:
    """Return one objection. Raises ReceiptError `share.objection_unknown`."""
    with office.sharing.control.transaction() as connection:
        return _held(connection, number)


def objections(
    office: ReceiptOffice,
    *,
    provider: PartyId | None = None,
    receipt: ReceiptId | None = None,
    state: ObjectionState | None = None,
    is_overdue: bool = False,
    before: int | None = None,
    limit: int = 50,
) -> tuple[Objection, ...]:
    """Return objections, the newest first; pages as `receipts`.

    `is_overdue` leaves those whose provider did not answer in time and has not answered since.
    """
    c = objection_table.c
    where = [
        None if provider is None else c.provider == provider,
        None if receipt is None else c.receipt == receipt,
        None if state is None else c.state == state.value,
        c.is_overdue.is_(True) & (c.state == ObjectionState.WAITING) if is_overdue else None,
        None if before is None else c.id < before,
    ]
    query = select(objection_table).where(*(term for term in where if term is not None))
    with office.sharing.control.transaction() as connection:
        rows = connection.execute(query.order_by(c.id.desc()).limit(require_page(limit)))
        return tuple(_of_row(row) for row in rows.mappings())


def objections_of(office: ReceiptOffice, kind: str, subject: str) -> tuple[Objection, ...]:
    """Return what a subject objected to, the oldest first."""
    c = objection_table.c
    where = (c.kind == kind, c.number == subject_number(office, kind, subject))
    query = select(objection_table).where(*where).order_by(c.id)
    with office.sharing.control.transaction() as connection:
        return tuple(_of_row(row) for row in connection.execute(query).mappings())


def stopped_subjects(office: ReceiptOffice, agreement: AgreementId) -> tuple[tuple[str, str], ...]:
    """Return the subjects (kind and id) whose rows no longer leave by an agreement."""
    given = {"of": agreement, "stopped": ObjectionState.STOPPED.value}
    with office.sharing.control.transaction() as connection:
        rows = _STOPPED.rows(connection, given)
    opened = ((kind, unsealed(office.objection_key, text, _BINDING)) for kind, text in rows)
    return tuple((kind, _certain(raw).decode()) for kind, raw in opened)


def _certain(raw: bytes | None) -> bytes:
    """A stop that cannot be read would let through what must not leave."""
    if raw is None:
        raise ReceiptError(
            "share.objection_unreadable",
            "An objection was sealed with another city key than this one.",
            next_step="Put back the key file keys/city that the city had before.",
        )
    return raw


def _require_new(connection: Connection, new: Objection) -> None:
    c = objection_table.c
    same = (c.agreement == new.agreement, c.kind == new.kind, c.number == new.number)
    found = connection.scalars(select(c.id).where(*same, c.state.in_(_HOLDS))).first()
    if found is not None:
        raise ReceiptError(
            "share.objection_open",
            f"Objection {found} is about this use already.",
            next_step=f"Look at objection {found}.",
        )


def _held(connection: Connection, number: ObjectionId) -> Objection:
    query = select(objection_table).where(objection_table.c.id == number).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise unknown("objection", number)
    return _of_row(row)


def _of_row(row: Any) -> Objection:
    return unplain(Objection, {**row["content"], "id": row["id"]})


def _with_id(objection: Objection, number: int) -> Objection:
    return unplain(Objection, {**plain(objection), "id": number})


def _waiting(connection: Connection, which: ColumnElement[bool]) -> list[Objection]:
    """Return objections, held until the transaction ends."""
    query = select(objection_table).where(which).order_by(objection_table.c.id).with_for_update()
    return [_of_row(row) for row in connection.execute(query).mappings()]


def _dated(connection: Connection, held: Objection, at: Instant, time: Time) -> Objection | None:
    """Write the deadline that the calendar sets or moves; None where it does neither."""
    found = dated(held, at, time)
    if found is None:
        return None
    after = replace(held, run=found.now)
    _write(connection, after)
    queue(connection, _entry("clock_dated", after, at, "system", **found.facts))
    return after


def _write(connection: Connection, objection: Objection) -> None:
    mine = update(objection_table).where(objection_table.c.id == objection.id)
    connection.execute(mine.values(_row(objection)))


def _row(objection: Objection) -> dict[str, Any]:
    run = objection.run
    return {
        "receipt": objection.receipt,
        "agreement": objection.agreement,
        "provider": objection.provider,
        "kind": objection.kind,
        "number": objection.number,
        "state": objection.state.value,
        "is_overdue": objection.is_overdue,
        "next_at": run.due_at if run.is_live else None,
        "has_no_deadline": run.is_live and run.due_at is None,
        "content": plain(objection),
    }


def _entry(what: str, objection: Objection, at: Instant, by: str, **more: str) -> Entry:
    """Return the audit entry: neither whom it is about nor what was said, but the hash of that."""
    said = f"{objection.reason}\n{objection.answer}".encode()
    facts = {
        "receipt": objection.receipt,
        "agreement": objection.agreement,
        "dataset": objection.dataset,
        "provider": objection.provider,
        "state": objection.state.value,
        "due_at": objection.run.due_at and objection.run.due_at.isoformat(),
        "said_sha256": hashlib.sha256(said).hexdigest(),
        **more,
    }
    return Entry(f"objection.{what}", at, by, f"objection:{objection.id}", facts)


def _event(objection: Objection, at: Instant) -> ObjectionMoved:
    return ObjectionMoved(
        at,
        objection.id,
        objection.receipt,
        objection.agreement,
        objection.provider,
        objection.state.value,
        objection.is_overdue,
    )


def _not_touched(message: str) -> ReceiptError:
    return ReceiptError(
        "share.not_touched",
        message,
        next_step="Look up which receipts it is in: shuzhi receipt uses-of.",
    )
