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
    contents = [small.content for small in leaving]
    subjects = [
        {"subject": small.subject, "subject_set": n} for small, n in zip(leaving, sets, strict=True)
    ]
    connection.execute(insert(set_table), [_set_row(row) for row in subjects])
    connection.execute(insert(subject_table), subjects)
    rows = [
        {**_row(small.alike.what, content), "at": at, "subject_set": n}
        for small, content, n in zip(leaving, contents, sets, strict=True)
    ]
    made = insert(receipt_table).returning(receipt_table.c.subject_set, receipt_table.c.id)
    given = {row.subject_set: ReceiptId(row.id) for row in connection.execute(made, rows)}
    ids = tuple(given[n] for n in sets)
    queue(connection, _entry(leaving, contents, ids, at))
    return ids


def turn_sha256(receipts: Sequence[tuple[ReceiptId, dict[str, Any]]]) -> str:
    """Return the hash over receipts that were written together: ids and contents, in order."""
    digest = hashlib.sha256()
    for number, content in receipts:
        digest.update(canonical([number, content]))
    return digest.hexdigest()


def _set_row(subject: dict[str, int]) -> dict[str, Any]:
    raw = subject["subject"].to_bytes(8, "little")
    return {
        "id": subject["subject_set"],
        "subjects": 1,
        "sha256": hashlib.sha256(raw).hexdigest(),
        "is_in_lake": False,
    }


def _row(what: Delivered, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "agreement": what.agreement,
        "assigner": what.assigner,
        "assignee": what.assignee,
        "dataset": what.dataset,
        "content": content,
    }


def _entry(
    leaving: Sequence[Small],
    contents: Sequence[dict[str, Any]],
    ids: Sequence[ReceiptId],
    at: Instant,
) -> Entry:
    agreements = Counter(f"{small.alike.what.agreement}" for small in leaving)
    facts = {
        "receipts": len(ids),
        "first": ids[0],
        "last": ids[-1],
        "agreements": dict(agreements),
        "askers": sorted({small.alike.what.asker for small in leaving})[:100],
        "sha256": turn_sha256(list(zip(ids, contents, strict=True))),
    }
    return Entry("receipt.many_recorded", at, "system", f"receipts:{ids[0]}", facts)
