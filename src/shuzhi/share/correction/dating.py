"""Dates the clocks of doubts that waited for a holiday notice, or that one moved."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from shuzhi.share.agreements.waiting import may_be_dated
from shuzhi.share.correction.journal import working
from shuzhi.share.correction.model import Doubt, DoubtId
from shuzhi.share.correction.office import CorrectionOffice
from shuzhi.share.correction.store import doubt_table, find_doubt


def date_clocks(office: CorrectionOffice, *, anew: bool = True) -> int:
    """Date each clock that waited for the calendar and is known by now; return how many doubts.

    `anew` dates again what a calendar dated that counted other days; what has broken by then stays.
    Doing it again adds nothing.
    """
    return sum(_dated(office, number) for number in tuple(_waiting(office, anew=anew)))


def _waiting(office: CorrectionOffice, *, anew: bool) -> Iterator[DoubtId]:
    c, which = doubt_table.c, may_be_dated(doubt_table, office.time, anew=anew)
    with office.control.transaction() as connection:
        numbers = connection.scalars(select(c.id).where(which).order_by(c.id)).all()
        for number in map(DoubtId, numbers):
            found = find_doubt(connection, number)
            if found is not None and _is_datable(office, found):
                yield number


def _is_datable(office: CorrectionOffice, doubt: Doubt) -> bool:
    return office.time.known_at(office.now()).datable(doubt.runs) is not None


def _dated(office: CorrectionOffice, number: DoubtId) -> bool:
    with working(office) as journal:
        journal.doubt(number)
    return bool(journal.events)
