"""The tables of receipts: what left, whom it was about, and what was objected to.

Receipts are never changed. The subjects of a large delivery are not here but in a table of a lake
of their own (`subjects.py`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    insert,
    select,
)

from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements.plain import plain, unplain
from shuzhi.share.agreements.store import agreement_table
from shuzhi.share.receipts.model import Delivered, Receipt, ReceiptId, SubjectSetId

set_table = Table(
    "receipt_subject_set",
    metadata,
    # Given by us: a large set is in its lake before it is here.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    # What the set is of, so that it is made once: hash of data set, version, rows and columns.
    Column("origin", String(64), index=True),
    Column("subjects", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("is_in_lake", Boolean, nullable=False),
)

subject_table = Table(
    "receipt_subject",
    metadata,
    Column("subject", BigInteger, primary_key=True, autoincrement=False),
    Column("subject_set", BigInteger, ForeignKey(set_table.c.id), primary_key=True),
)

receipt_table = Table(
    "receipt",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", InstantColumn, nullable=False),
    Column("agreement", RowId, ForeignKey(agreement_table.c.id), nullable=False),
    Column("assigner", String(120), nullable=False),
    Column("assignee", String(120), nullable=False),
    Column("dataset", String(300), nullable=False),
    Column("subject_set", BigInteger, ForeignKey(set_table.c.id), index=True),
    Column("content", JSON, nullable=False),
    Index("ix_receipt_agreement_at", "agreement", "at"),
    Index("ix_receipt_assigner_id", "assigner", "id"),
    Index("ix_receipt_assignee_id", "assignee", "id"),
    Index("ix_receipt_dataset_id", "dataset", "id"),
    sqlite_autoincrement=True,
)

objection_table = Table(
    "objection",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("receipt", RowId, ForeignKey(receipt_table.c.id), nullable=False),
    Column("agreement", RowId, ForeignKey(agreement_table.c.id), nullable=False),
    Column("provider", String(120), nullable=False),
    Column("kind", String(120), nullable=False),
    Column("number", BigInteger, nullable=False),
    # The id of the subject, sealed.
    Column("subject", String(2_000), nullable=False),
    Column("state", String(16), nullable=False),
    Column("is_overdue", Boolean, nullable=False),
    Column("next_at", InstantColumn, index=True),
    Column("has_no_deadline", Boolean, nullable=False),
    Column("content", JSON, nullable=False),
    Index("ix_objection_agreement_state", "agreement", "state"),
    Index("ix_objection_provider_state", "provider", "state"),
    sqlite_autoincrement=True,
)

# A receipt with how many subjects its set has.
RECEIPTS = select(receipt_table, set_table.c.subjects).outerjoin(
    set_table, set_table.c.id == receipt_table.c.subject_set
)


def insert_receipt(
    connection: Connection, what: Delivered, at: Instant, subject_set: SubjectSetId | None
) -> ReceiptId:
    """Write a receipt and return its id."""
    row: dict[str, Any] = {
        "at": at,
        "agreement": what.agreement,
        "assigner": what.assigner,
        "assignee": what.assignee,
        "dataset": what.dataset,
        "subject_set": subject_set,
        "content": plain(what),
    }
    made = insert(receipt_table).values(row).returning(receipt_table.c.id)
    return ReceiptId(connection.execute(made).scalar_one())


def receipt_of(row: RowMapping) -> Receipt:
    """Return the receipt of a row of `RECEIPTS`."""
    content = unplain(Delivered, row["content"])
    return Receipt(row["id"], row["at"], content, row["subjects"], row["subject_set"])
