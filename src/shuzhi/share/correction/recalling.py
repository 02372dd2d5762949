"""What the platform does by itself: find that the lake is right, tell receivers, list, close.

Everything follows from the stores, so that doing it again, late, or after a crash adds nothing
twice: a correction is noted with its notices and its list in one transaction. What was under way
while a doubt was closed is found by its receipt, and opens the doubt again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from shuzhi.kernel.errors import RefusedError
from shuzhi.share.agreements.plain import plain
from shuzhi.share.agreements.waiting import may_act
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
    closed_with,
    doubt_table,
    find_doubt,
    is_gone_through,
    put_decisions,
    put_notice,
    read_notices,
)
from shuzhi.share.receipts import Receipt, hold_receipts, newest_receipt, versions_left

_CHUNK = 100


@dataclass(frozen=True)
class Ticked:
    """What a tick did: how many doubts moved, and those that could not be settled, with why."""

    moved: int
    refused: tuple[tuple[DoubtId, RefusedError], ...] = ()


@dataclass(frozen=True)
class Reopened:
    """How many doubts were opened again, and the receipt up to which was looked."""

    moved: int
    last: int


@dataclass(frozen=True)
class _Reach:
    """Whom and what a wrong value reached, by the receipts up to the one numbered `last`.

    None for one that is not to be closed now, and so need not be whole.
    """

    used: Used
    last: int | None
    receipts: tuple[Receipt, ...]
    decisions: tuple[Decision, ...]

    def is_whole(self, connection: Connection) -> bool:
        """Whether nothing left with the value since; nobody may write receipts meanwhile."""
        if self.last is None:
            return False
        first, last = self.used.first_version, self.used.last_version
        if first is None or last is None:
            return True
        left = versions_left(connection, [self.used.dataset], self.last)
        return all(version is not None and not first <= version <= last for _, version in left)


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


def reopen(office: CorrectionOffice, *, after: int) -> Reopened:
    """Open each closed doubt again whose wrong value left by a receipt after the one so numbered.

    A version may be read while it stands, and its receipt be written when the doubt is closed: a
    long file, a page by a cursor, an index that is behind. Look on from the `last` that is given.
    Receivers of what is found are told as all others.
    """
    # First how far, then what is closed: whoever closes a doubt looks at all receipts before.
    last = newest_receipt(office.receipts)
    moved = sum(_reopened(office, doubt, after) for doubt in _closed(office, after))
    return Reopened(moved, last)


def _closed(office: CorrectionOffice, after: int) -> tuple[Doubt, ...]:
    """Return the closed doubts about versions that left by receipts after the one so numbered."""
    with office.control.moment() as now, now.transaction() as connection:
        c = doubt_table.c
        is_closed = c.state == DoubtState.CLOSED.value
        datasets = connection.scalars(select(c.dataset).where(is_closed).distinct()).all()
        left = versions_left(connection, datasets, after)
        found = {d.id: d for version in left for d in closed_with(connection, *version)}
    return tuple(found.values())


def _reopened(office: CorrectionOffice, doubt: Doubt, after: int) -> bool:
    found = () if doubt.used is None else receipts_of(office, doubt.used, after=after)
    with working(office) as journal:
        held = journal.doubt(doubt.id)
        notices = read_notices(journal.connection, doubt=held.id)
        told = {number for notice in notices for number in notice.receipts}
        fresh = [receipt for receipt in found if receipt.id not in told]
        if fresh and held.state is DoubtState.CLOSED:
            held = journal.take(held, Verb.REOPEN, SYSTEM, {"receipts": len(fresh)})
        _tell(journal, held, fresh)
        put_decisions(journal.connection, held.id, deliveries(fresh))
    return bool(journal.events)


def _settled(office: CorrectionOffice, number: DoubtId) -> bool:
    with office.control.transaction() as connection:
        doubt = find_doubt(connection, number)
        may_close = is_gone_through(connection, number)
    reach = None if doubt is None else _reach(office, doubt, may_close=may_close)
    with working(office) as journal:
        # A recall waits for days: until all have answered, nobody who writes waits for it.
        if reach is not None and reach.last is not None:
            hold_receipts(journal.connection)
        held = journal.doubt(number)
        # What was looked for outside of the transaction holds only while the doubt is the same.
        if doubt is not None and reach is not None and held.version == doubt.version:
            _recalled(journal, held, reach)
    return bool(journal.events)


def _reach(office: CorrectionOffice, doubt: Doubt, *, may_close: bool) -> _Reach | None:
    used = doubt.used
    if doubt.state is DoubtState.CORRECTING:
        what = doubt.what
        where = (what.dataset, what.key, what.column)
        used = find_used(office.lake, *where, doubt.value, doubted=doubt.doubted_version)
    if used is None or doubt.state not in (DoubtState.CORRECTING, DoubtState.RECALLING):
        return None
    last = newest_receipt(office.receipts) if may_close else None
    left = receipts_of(office, used)
    found = () if used.first_version is None else tuple(office.decisions(used))
    return _Reach(used, last, left, (*deliveries(left), *found))


def _recalled(journal: Journal, doubt: Doubt, reach: _Reach) -> None:
    if doubt.state is DoubtState.CORRECTING:
        counts = {"receipts": len(reach.receipts), "decisions": len(reach.decisions)}
        facts = {"used": plain(reach.used), **counts}
        doubt = journal.take(doubt, Verb.HOLD, SYSTEM, facts)
    _tell(journal, doubt, reach.receipts)
    put_decisions(journal.connection, doubt.id, reach.decisions)
    if is_gone_through(journal.connection, doubt.id) and reach.is_whole(journal.connection):
        journal.take(doubt, Verb.CLOSE, SYSTEM, {})


def _tell(journal: Journal, doubt: Doubt, left: Sequence[Receipt]) -> None:
    """Tell every receiver once; one that received more since is told of that again."""
    now = journal.now(doubt)
    told = {notice.party: notice for notice in read_notices(journal.connection, doubt=doubt.id)}
    for party, numbers in by_party(left).items():
        known = told.get(party, Notice(doubt.id, party, (), now))
        if set(numbers) <= set(known.receipts):
            continue
        all_of_them = tuple(sorted({*known.receipts, *numbers}))
        put_notice(journal.connection, Notice(doubt.id, party, all_of_them, now))
        journal.events.append(ReceiverTold(now, doubt.id, party))


def _waiting(office: CorrectionOffice) -> Iterator[DoubtId]:
    c = doubt_table.c
    is_due = may_act(doubt_table, office.now())
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
