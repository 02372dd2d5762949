"""Receipts of many small deliveries at once, each about one subject, in one transaction.

Each has its own receipt; the audit log has one entry for all that were written together, with the
hash over them. Who alters one of the receipts later makes the hash fail.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, text

from shuzhi.audit import Entry, queue
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.prepared import drive
from shuzhi.share.agreements.plain import canonical, plain
from shuzhi.share.receipts.model import Delivered, ReceiptId, SubjectNumber
from shuzhi.share.receipts.store import receipt_table, set_table, subject_table

_OWN = frozenset({"sha256", "size_bytes", "question_sha256"})
_FILLED = (
    (set_table, ("id", "subjects", "sha256", "is_in_lake")),
    (subject_table, ("subject", "subject_set")),
    (
        receipt_table,
        (
            *("id", "at", "agreement", "assigner", "assignee", "dataset"),
            *("subject_set", "content"),
        ),
    ),
)
# SQLite takes some 32,000 parameters in one statement.
_AT_ONCE = 1_000
_LAST_NUMBER = "SELECT seq FROM sqlite_sequence WHERE name = 'receipt'"
# Whoever waits for all receipts below a number waits for us as well, before we are given ours.
_WRITING = text("LOCK TABLE receipt IN ROW EXCLUSIVE MODE")
_NUMBERS_OF_A_SEQUENCE = text(
    "SELECT nextval(pg_get_serial_sequence('receipt', 'id')) FROM generate_series(1, :count)"
)


@dataclass(frozen=True)
class Alike:
    """What many deliveries have in common; its counts and hashes are those of none of them."""

    what: Delivered

    @cached_property
    def content(self) -> dict[str, Any]:
        """The content of their receipts."""
        made: dict[str, Any] = plain(self.what)
        return made

    @cached_property
    def sha256(self) -> str:
        """The hash of that content."""
        return hashlib.sha256(canonical(self.content)).hexdigest()

    @cached_property
    def _head(self) -> str:
        """The content as JSON, as far as one delivery says nothing else, and left open."""
        common = {name: value for name, value in self.content.items() if name not in _OWN}
        return json.dumps(common)[:-1]

    def content_of(self, small: Small) -> str:
        """Return the content of one of the receipts as JSON: it is made often."""
        return (
            f'{self._head}, "sha256": "{small.sha256}", "size_bytes": {small.size_bytes}, '
            f'"question_sha256": "{small.question_sha256}"}}'
        )


class Small(NamedTuple):
    """One delivery about one subject, and the hashes of its question and of what leaves."""

    alike: Alike
    subject: SubjectNumber
    sha256: str
    size_bytes: int
    question_sha256: str


def record_many(
    connection: Connection, leaving: Sequence[Small], at: Instant
) -> tuple[ReceiptId, ...]:
    """Write a receipt for each delivery and one audit entry for all; return their ids in order.

    They are durable when the transaction is: nothing may leave before.
    """
    if not leaving:
        return ()
    ids = _fresh_ids(connection, len(leaving))
    moment = _as_stored(connection, at)
    rows = [_rows(number, small, moment) for number, small in zip(ids, leaving, strict=True)]
    for (table, names), filled in zip(_FILLED, zip(*rows, strict=True), strict=True):
        _insert(connection, table, names, filled)
    queue(connection, _entry(leaving, ids, at))
    return ids


def turn_sha256(leaving: Sequence[Small], ids: Sequence[ReceiptId]) -> str:
    """Return the hash over receipts that were written together, in order.

    Of each: its id, the hash of what it has in common with those like it, and what is its own.
    """
    lines = (
        f"{number} {s.alike.sha256} {s.subject} {s.sha256} {s.size_bytes} {s.question_sha256}\n"
        for number, s in zip(ids, leaving, strict=True)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _rows(number: ReceiptId, small: Small, at: Any) -> tuple[tuple[Any, ...], ...]:
    """Return what is written of one delivery: a row for each of the tables."""
    # Numbers that are made in order lie together; no other set has one below zero.
    subject_set = -number
    digest = hashlib.sha256(small.subject.to_bytes(8, "little")).hexdigest()
    what = small.alike.what
    parties = (what.agreement, what.assigner, what.assignee, what.dataset)
    return (
        (subject_set, 1, digest, False),
        (small.subject, subject_set),
        (number, at, *parties, subject_set, small.alike.content_of(small)),
    )


def _as_stored(connection: Connection, at: Instant) -> Any:
    """Return a moment as the driver takes it."""
    dialect, kind = connection.dialect, receipt_table.c.at.type
    process = kind.dialect_impl(dialect).bind_processor(dialect)
    return at if process is None else process(at)


def _insert(
    connection: Connection,
    table: Table,
    names: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Write rows, with values as the driver takes them, by as few statements as may be.

    A statement for each row would stop the other threads of the process each time; to have
    SQLAlchemy write one out for so many rows takes longer than to run it.
    """
    sign = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        sql = _insertion(table.name, names, len(some), sign)
        drive(connection, sql, tuple(chain.from_iterable(some)))


@cache
def _insertion(table: str, names: Sequence[str], rows: int, sign: str) -> str:
    """Return SQL that writes so many rows."""
    place = f"({', '.join([sign] * len(names))})"
    places = ", ".join([place] * rows)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {places}"  # noqa: S608  (names of ours)


def _fresh_ids(connection: Connection, count: int) -> tuple[ReceiptId, ...]:
    """Return ids that no other receipt has, in order."""
    if connection.dialect.name == "postgresql":
        connection.execute(_WRITING)
        given = connection.scalars(_NUMBERS_OF_A_SEQUENCE, {"count": count})
        return tuple(sorted(map(ReceiptId, given)))
    # Nobody else writes before this transaction ends.
    (last,) = drive(connection, _LAST_NUMBER, ()).fetchone() or (0,)
    return tuple(ReceiptId(last + n) for n in range(1, count + 1))


def _entry(leaving: Sequence[Small], ids: Sequence[ReceiptId], at: Instant) -> Entry:
    agreements = Counter(f"{small.alike.what.agreement}" for small in leaving)
    facts = {
        "receipts": len(ids),
        "first": ids[0],
        "last": ids[-1],
        "agreements": dict(agreements),
        "askers": sorted({small.alike.what.asker for small in leaving})[:100],
        "sha256": turn_sha256(leaving, ids),
    }
    return Entry("receipt.many_recorded", at, "system", f"receipts:{ids[0]}", facts)
