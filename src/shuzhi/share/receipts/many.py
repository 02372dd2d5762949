"""Receipts of many small deliveries at once, each about one subject, in one transaction.

Each has its own receipt; the audit log has one entry for all that were written together, with the
root of the tree over them (`turns`). Who alters one of the receipts later makes the root fail.
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
from shuzhi.share.agreements.plain import plain
from shuzhi.share.receipts.model import Delivered, ReceiptId, SubjectNumber
from shuzhi.share.receipts.store import receipt_table, set_table, subject_table
from shuzhi.share.receipts.turns import OWN, common_sha256, leaf, turn_root

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
    def common_sha256(self) -> str:
        """The hash of what they have in common."""
        return common_sha256(self.content)

    @cached_property
    def _head(self) -> str:
        """The content as JSON, as far as one delivery says nothing else, and left open."""
        common = {name: value for name, value in self.content.items() if name not in OWN}
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
    about = [_subject_sha256(small.subject) for small in leaving]
    rows = [
        _rows(number, small, digest, moment)
        for number, small, digest in zip(ids, leaving, about, strict=True)
    ]
    for (table, names), filled in zip(_FILLED, zip(*rows, strict=True), strict=True):
        _insert(connection, table, names, filled)
    queue(connection, _entry(leaving, ids, about, at))
    return ids


def _subject_sha256(subject: SubjectNumber) -> str:
    """Return the hash of a set of one subject."""
    return hashlib.sha256(subject.to_bytes(8, "little")).hexdigest()


def _rows(number: ReceiptId, small: Small, digest: str, at: Any) -> tuple[tuple[Any, ...], ...]:
    """Return what is written of one delivery: a row for each of the tables."""
    # Numbers that are made in order lie together; no other set has one below zero.
    subject_set = -number
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


def _entry(
    leaving: Sequence[Small], ids: Sequence[ReceiptId], about: Sequence[str], at: Instant
) -> Entry:
    leaves = (
        leaf(number, s.alike.common_sha256, digest, s.sha256, s.size_bytes, s.question_sha256)
        for number, s, digest in zip(ids, leaving, about, strict=True)
    )
    turn = {"receipts": len(ids), "first": ids[0], "last": ids[-1], "root": turn_root(leaves)}
    return Entry(
        "receipt.many_recorded", at, "system", f"receipts:{ids[0]}", turn | _sides(leaving)
    )


def _sides(leaving: Sequence[Small]) -> dict[str, Any]:
    """Return between whom the receipts are; of several receivers none is told of the others."""
    common = {id(small.alike): small.alike.what for small in leaving}.values()
    if len({(what.assigner, what.assignee) for what in common}) > 1:
        return {}
    return {
        "assigner": leaving[0].alike.what.assigner,
        "assignee": leaving[0].alike.what.assignee,
        "agreements": dict(Counter(f"{small.alike.what.agreement}" for small in leaving)),
        "askers": sorted({what.asker for what in common})[:100],
    }
