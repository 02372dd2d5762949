"""The verb of receipts: record one, durably and with its audit entry, before anything leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from shuzhi.audit import Entry, queue
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements.plain import canonical, plain
from shuzhi.share.receipts.events import DataDelivered
from shuzhi.share.receipts.model import Delivered, Receipt
from shuzhi.share.receipts.office import ReceiptOffice
from shuzhi.share.receipts.store import insert_receipt
from shuzhi.share.receipts.subjects import SubjectSet, staged

Also = Callable[[Connection, Instant], None]
# An entry of the log has 65,535 bytes; longer lists stand there as their hash.
_MOST_LISTED = 30_000


def record_receipt(
    office: ReceiptOffice,
    what: Delivered,
    *,
    subjects: SubjectSet | None = None,
    also: Also | None = None,
) -> Receipt:
    """Write the receipt of what is about to leave; it is durable when this returns.

    The audit entry is queued in the same transaction, so that there is never one without the
    other. `also` is done in it as well, before all else; what it raises leaves nothing written.
    Subjects of a large delivery are on the disk before.

    Raises:
        BrokenError: as `Control.transaction` and `Lake.append`: then nothing may leave.
    """
    write_set = None if subjects is None else staged(office, subjects)
    with office.sharing.control.transaction() as connection:
        at = office.sharing.clock()
        if also is not None:
            also(connection, at)
        kept = None if write_set is None else write_set(connection)
        number = insert_receipt(connection, what, at, kept)
        count = None if subjects is None else subjects.count
        receipt = Receipt(number, at, what, count, kept)
        queue(connection, entry_of(receipt, subjects))
    parties = (what.agreement, what.assigner, what.assignee)
    office.sharing.publish(DataDelivered(at, receipt.id, *parties, what.dataset))
    return receipt


def entry_of(receipt: Receipt, subjects: SubjectSet | None) -> Entry:
    """Return the audit entry of a receipt: all of it, of the subjects only number and hash."""
    facts: dict[str, Any] = plain(receipt.what)
    for name in ("columns", "masks"):
        content = canonical(facts[name])
        if len(content) > _MOST_LISTED // 2:
            facts[name] = {"sha256": hashlib.sha256(content).hexdigest()}
    facts["subjects"] = receipt.subjects
    facts["subjects_sha256"] = None if subjects is None else subjects.sha256
    del facts["asker"]
    return Entry("receipt.recorded", receipt.at, receipt.what.asker, f"receipt:{receipt.id}", facts)
