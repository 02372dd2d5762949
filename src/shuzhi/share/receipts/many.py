"""Receipts of many small deliveries at once, each about one subject, in one transaction.

Each has its own receipt; the audit log has one entry for all that were written together, with the
hash over them. Who alters one of the receipts later makes the hash fail.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from secrets import randbits
from typing import Any

from sqlalchemy import Connection, insert

from shuzhi.audit import Entry, queue
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements.plain import canonical, plain
from shuzhi.share.receipts.model import Delivered, ReceiptId, SubjectNumber
from shuzhi.share.receipts.store import receipt_table, set_table, subject_table


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


@dataclass(frozen=True, slots=True)
class Small:
    """One delivery about one subject, and the hashes of its question and of what leaves."""

    alike: Alike
    subject: SubjectNumber
    sha256: str
    size_bytes: int
    question_sha256: str

    @property
    def content(self) -> dict[str, Any]:
        """What its receipt says."""
        return {
            **self.alike.content,
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            "question_sha256": self.question_sha256,
        }


def record_many(
    connection: Connection, leaving: Sequence[Small], at: Instant
) -> tuple[ReceiptId, ...]:
    """Write a receipt for each delivery and one audit entry for all; return their ids in order.

    They are durable when the transaction is: nothing may leave before.
    """
    if not leaving:
        return ()
    sets = [randbits(62) for _ in leaving]
    subjects = [
        {"subject": small.subject, "subject_set": n} for small, n in zip(leaving, sets, strict=True)
    ]
    connection.execute(insert(set_table), [_set_row(row) for row in subjects])
    connection.execute(insert(subject_table), subjects)
    rows = [
        {**_row(small), "at": at, "subject_set": n} for small, n in zip(leaving, sets, strict=True)
    ]
    made = insert(receipt_table).returning(receipt_table.c.subject_set, receipt_table.c.id)
    given = {row.subject_set: ReceiptId(row.id) for row in connection.execute(made, rows)}
    ids = tuple(given[n] for n in sets)
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


def _set_row(subject: dict[str, int]) -> dict[str, Any]:
    raw = subject["subject"].to_bytes(8, "little")
    return {
        "id": subject["subject_set"],
        "subjects": 1,
        "sha256": hashlib.sha256(raw).hexdigest(),
        "is_in_lake": False,
    }


def _row(small: Small) -> dict[str, Any]:
    what = small.alike.what
    return {
        "agreement": what.agreement,
        "assigner": what.assigner,
        "assignee": what.assignee,
        "dataset": what.dataset,
        "content": small.content,
    }


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
