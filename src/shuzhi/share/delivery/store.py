"""The tables of delivery: answers counted, subscriptions, and queries that were approved."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table

from shuzhi.kernel.control import RowId, metadata
from shuzhi.share.agreements.store import agreement_table

count_table = Table(
    "delivery_count",
    metadata,
    Column("agreement", RowId, ForeignKey(agreement_table.c.id), primary_key=True),
    Column("answers", Integer, nullable=False),
)

subscription_table = Table(
    "delivery_subscription",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("agreement", RowId, ForeignKey(agreement_table.c.id), nullable=False, index=True),
    Column("state", String(16), nullable=False, index=True),
    Column("content", JSON, nullable=False),
    sqlite_autoincrement=True,
)

approved_table = Table(
    "delivery_approved_query",
    metadata,
    Column("agreement", RowId, ForeignKey(agreement_table.c.id), primary_key=True),
    Column("name", String(120), primary_key=True),
    Column("content", JSON, nullable=False),
)
