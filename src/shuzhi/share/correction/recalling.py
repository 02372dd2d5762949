"""What the platform does by itself: find that the lake is right, tell receivers, list, close.

Everything follows from the stores, so that doing it again, late, or after a crash adds nothing
twice: a correction is noted with its notices and its list in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import or_, select

from shuzhi.kernel.errors import RefusedError
from shuzhi.share.agreements.plain import plain
from shuzhi.share.correction.events import ReceiverTold
from shuzhi.share.correction.journal import SYSTEM, Journal, working
from shuzhi.share.correction.model import (
    Decision,
    Doubt,
    DoubtId,
    DoubtState,
    Notice,
    Used,
    Verb,
)
from shuzhi.share.correction.office import CorrectionOffice
from shuzhi.share.correction.receivers import by_party, deliveries, receipts_of
from shuzhi.share.correction.rows import find_used
from shuzhi.share.correction.store import (
    doubt_table,
    find_doubt,
    is_gone_through,
    put_decisions,
    put_notice,
    read_notices,
)
from shuzhi.share.receipts import Receipt

_CHUNK = 100


@dataclass(frozen=True)
class Ticked:
    """What a tick did: how many doubts moved, and those that could not be settled, with why."""

    moved: int
    refused: tuple[tuple[DoubtId, RefusedError], ...] = ()


@dataclass(frozen=True)
class _Reach:
    """Whom and what a wrong value reached."""

    used: Used
    receipts: tuple[Receipt, ...]
    decisions: tuple[Decision, ...]


def tick(office: CorrectionOffice) -> Ticked:
    """Let doubts go on by themselves: clocks break, corrections are found, recalls are closed.

    A doubt that cannot be settled stops no other.
    """
    moved = 0
    refused: list[tuple[DoubtId, RefusedError]] = []
    for number in _waiting(office):
        try:
            moved += _settled(office, number)
        except RefusedError as error:
            refused.append((number, error))
    return Ticked(moved, tuple(refused))


def _settled(office: CorrectionOffice, number: DoubtId) -> bool:
    with office.control.transaction() as connection:
        doubt = find_doubt(connection, number)
    reach = None if doubt is None else _reach(office, doubt)
    with working(office) as journal:
        held = journal.doubt(number)
        # What was looked for outside of the transaction holds only while the doubt is the same.
        if doubt is not None and reach is not None and held.version == doubt.version:
            _recalled(journal, held, reach)
    return bool(journal.events)


def _reach(office: CorrectionOffice, doubt: Doubt) -> _Reach | None:
    used = doubt.used
    if doubt.state is DoubtState.CORRECTING:
        what = doubt.what
        used = find_used(office.lake, what.dataset, what.key, what.column, doubt.value)
    if used is None or doubt.state not in (DoubtState.CORRECTING, DoubtState.RECALLING):
        return None
    left = receipts_of(office, used)
    found = () if used.first_version is None else tuple(office.decisions(used))
    return _Reach(used, left, (*deliveries(left), *found))


def _recalled(journal: Journal, doubt: Doubt, reach: _Reach) -> None:
    if doubt.state is DoubtState.CORRECTING:
        counts = {"receipts": len(reach.receipts), "decisions": len(reach.decisions)}
        facts = {"used": plain(reach.used), **counts}
        doubt = journal.take(doubt, Verb.HOLD, SYSTEM, facts)
    _tell(journal, doubt, reach)
    put_decisions(journal.connection, doubt.id, reach.decisions)
    if is_gone_through(journal.connection, doubt.id):
        journal.take(doubt, Verb.CLOSE, SYSTEM, {})


def _tell(journal: Journal, doubt: Doubt, reach: _Reach) -> None:
    """Tell every receiver once; one that received more since is told of that again."""
    now = journal.now(doubt)
    told = {notice.party: notice for notice in read_notices(journal.connection, doubt=doubt.id)}
    for party, numbers in by_party(reach.receipts).items():
        fresh = Notice(doubt.id, party, numbers, now)
        known = told.get(party)
        if known is not None and set(numbers) <= set(known.receipts):
            continue
        put_notice(journal.connection, fresh)
        journal.events.append(ReceiverTold(now, doubt.id, party))


def _waiting(office: CorrectionOffice) -> Iterator[DoubtId]:
    c = doubt_table.c
    is_due = or_(c.next_at <= office.now(), c.has_no_deadline.is_(True))
    moving = (DoubtState.CORRECTING.value, DoubtState.RECALLING.value)
    last = 0
    while True:
        query = select(c.id).where(or_(c.state.in_(moving), is_due), c.id > last)
        with office.control.transaction() as connection:
            found = connection.scalars(query.order_by(c.id).limit(_CHUNK)).all()
        if not found:
            return
        yield from map(DoubtId, found)
        last = found[-1]
