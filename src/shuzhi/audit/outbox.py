"""From a change of state to the log, exactly once.

The entry is queued in the transaction of the change, so that there is never one without the other,
and moved to the log afterwards. Each carries the number it had in the queue: after a crash between
the two stores, what the log has already is not appended again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    Table,
    delete,
    insert,
    select,
    text,
)

from shuzhi.audit.model import Entry, number_of, numbered
from shuzhi.kernel.control import Control, metadata

_BATCH = 5_000

outbox_table = Table(
    "audit_outbox",
    metadata,
    Column("no", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    # A number is never given twice, also after the row that had it is gone.
    sqlite_autoincrement=True,
)


class Appendable(Protocol):
    """What the outbox needs of the log."""

    def append(self, entries: Sequence[bytes]) -> int:
        """Add entries durably and return the index of the first."""
        ...

    def last(self) -> bytes | None:
        """Return the newest entry; None while the log is empty."""
        ...


def queue(connection: Connection, *entries: Entry) -> None:
    """Keep entries for the log in the transaction of the change that they tell of."""
    rows = [{"content": entry.canonical()} for entry in entries]
    if rows:
        connection.execute(insert(outbox_table), rows)


def flush(control: Control, log: Appendable) -> int:
    """Move all queued entries to the log, oldest first, each exactly once; return how many."""
    moved = 0
    while rows := _oldest(control):
        newest = log.last()
        known = 0 if newest is None else number_of(newest)
        fresh = [numbered(content, no) for no, content in rows if no > known]
        if fresh:
            log.append(fresh)
        with control.transaction() as connection:
            connection.execute(delete(outbox_table).where(outbox_table.c.no <= rows[-1][0]))
        moved += len(fresh)
    return moved


def _oldest(control: Control) -> list[tuple[int, bytes]]:
    with control.transaction() as connection:
        if connection.dialect.name == "postgresql":
            # Numbers are given before the commit: wait for who took a lower one and is not done.
            connection.execute(text("LOCK TABLE audit_outbox IN SHARE ROW EXCLUSIVE MODE"))
        query = select(outbox_table.c.no, outbox_table.c.content).order_by(outbox_table.c.no)
        return [(row.no, row.content) for row in connection.execute(query.limit(_BATCH))]
