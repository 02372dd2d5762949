"""The tables of delivery: how many answers each agreement has had."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, Table

from shuzhi.kernel.control import RowId, metadata
from shuzhi.share.agreements.store import agreement_table

count_table = Table(
    "delivery_count",
    metadata,
    Column("agreement", RowId, ForeignKey(agreement_table.c.id), primary_key=True),
    Column("answers", Integer, nullable=False),
)
