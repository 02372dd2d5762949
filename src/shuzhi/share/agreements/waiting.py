"""Which clocks have to act by now, or are to be dated, as queries of any table of clocks see them.

Such a table keeps `next_at`, when a clock has to act, and `has_no_deadline` for one that waits for
a calendar.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, or_

from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements.clocks import Time


def may_act(table: Table, at: Instant) -> ColumnElement[bool]:
    """Return the condition that a clock has run out by `at`, or waits for a calendar."""
    return or_(table.c.next_at <= at, table.c.has_no_deadline.is_(True))


def may_be_dated(table: Table, time: Time, *, anew: bool) -> ColumnElement[bool]:
    """Return the condition that a clock waits for a calendar; `anew`, that an older one dated it.

    Where no calendar took the place of another one, none did.
    """
    waits = table.c.has_no_deadline.is_(True)
    is_anew = anew and time.calendar.before is not None
    return or_(waits, table.c.next_at.is_not(None)) if is_anew else waits
