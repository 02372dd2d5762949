"""From a change of state to the log, exactly once.

The entry is queued in the transaction of the change, so that there is never one without the other,
and moved to the log afterwards. Each carries the number it had in the queue: after a crash between
the two stores, what the log ends with already is not appended again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import (
    Column,
    Connection,
    LargeBinary,
    Table,
    bindparam,
    delete,
    insert,
    select,
)

from shuzhi.audit.errors import BrokenLogError
from shuzhi.audit.model import Entry, number_of, numbered
from shuzhi.kernel.control import Control, RowId, hold_table, metadata
from shuzhi.kernel.prepared import Prepared

_BATCH = 5_000

outbox_table = Table(
    "audit_outbox",
    metadata,
    Column("no", RowId, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    # A number is never given twice, also after the row that had it is gone.
    sqlite_autoincrement=True,
)

_QUEUE = Prepared(insert(outbox_table).values(content=bindparam("content")))


class Appendable(Protocol):
    """What the outbox needs of the log."""

    def append(self, entries: Sequence[bytes]) -> int:
        """Add entries durably and return the index of the first."""
        ...

    def tail(self, count: int) -> list[bytes]:
        """Return the newest `count` entries, or all where there are fewer."""
        ...

    @property
    def moving(self) -> AbstractContextManager[object]:
        """What a thread holds while it moves entries here."""
        ...


def queue(connection: Connection, *entries: Entry) -> None:
    """Keep entries for the log in the transaction of the change that they tell of."""
    for entry in entries:
        _QUEUE.run(connection, {"content": entry.canonical()})


def queued(control: Control) -> bool:
    """Return whether entries wait to be moved to the log."""
    with control.transaction() as connection:
        return connection.execute(select(outbox_table.c.no).limit(1)).first() is not None


def flush(control: Control, log: Appendable) -> int:
    """Move all queued entries to the log, oldest first, each exactly once; return how many.

    Raises:
        BrokenLogError: `audit.outbox_behind` when the queue has numbers that the log has given to
            other entries: one of the two was put back to an earlier state. Nothing is moved then.
    """
    moved = 0
    with log.moving:
        while rows := _oldest(control):
            fresh = _unmoved(rows, log)
            if fresh:
                log.append(fresh)
            with control.transaction() as connection:
                connection.execute(delete(outbox_table).where(outbox_table.c.no <= rows[-1][0]))
            moved += len(fresh)
    return moved


def _unmoved(rows: Sequence[tuple[int, bytes]], log: Appendable) -> list[bytes]:
    """Return the queued entries that the log does not have, as they are to stand there."""
    newest = max(map(number_of, log.tail(1)), default=0)
    contents = [numbered(content, no) for no, content in rows]
    known = sum(no <= newest for no, _ in rows)
    if known and log.tail(known) != contents[:known]:
        raise BrokenLogError(
            "audit.outbox_behind",
            f"The queue holds entry number {rows[0][0]:,}, and the log has {newest:,} already, "
            "but not as the same entries.",
            next_step="The control store or the log was put back to an earlier state: restore "
            "both from one moment.",
        )
    return contents[known:]


def _oldest(control: Control) -> list[tuple[int, bytes]]:
    with control.transaction() as connection:
        hold_table(connection, outbox_table)
        query = select(outbox_table.c.no, outbox_table.c.content).order_by(outbox_table.c.no)
        return [(row.no, row.content) for row in connection.execute(query.limit(_BATCH))]
