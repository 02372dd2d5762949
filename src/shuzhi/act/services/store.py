"""The table of requests for services; how far each is stands with its case."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    insert,
    select,
)

from shuzhi.act.services.model import Entered, MatterId, RequestId, ServiceRequest, Way
from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.ids import PartyId

request_table = Table(
    "services_request",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("matter", String(60), nullable=False),
    Column("account", String(60), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("asked_at", InstantColumn, nullable=False),
    Column("case_id", RowId, nullable=False),
    Column("form_version", Integer, nullable=False),
    Column("content", JSON, nullable=False),
    # What is sent twice, as after a lost answer, is known by this.
    Column("origin", String(200), nullable=False, unique=True),
    Index("ix_services_request_account", "account", "id"),
    Index("ix_services_request_owner", "owner", "id"),
    sqlite_autoincrement=True,
)


def insert_request(connection: Connection, made: ServiceRequest, origin: str) -> RequestId:
    """Write a new request and return its id; its own is ignored."""
    values: dict[str, Any] = {
        "matter": made.matter,
        "account": made.account,
        "owner": made.owner,
        "asked_at": made.asked_at,
        "case_id": made.case_id,
        "form_version": made.form_version,
        "content": {name: _plain(entered) for name, entered in made.content.items()},
        "origin": origin,
    }
    found = connection.execute(insert(request_table).values(values).returning(request_table.c.id))
    return RequestId(found.scalar_one())


def find_by_origin(connection: Connection, origin: str) -> ServiceRequest | None:
    """Return the request that was sent with this origin; None when it is new."""
    query = select(request_table).where(request_table.c.origin == origin)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else request_of(row)


def request_of(row: RowMapping) -> ServiceRequest:
    """Return the request of its row."""
    content = {
        name: Entered(each["value"], Way(each["way"]), each["dataset"])
        for name, each in row["content"].items()
    }
    return ServiceRequest(
        RequestId(row["id"]),
        MatterId(row["matter"]),
        row["account"],
        PartyId(row["owner"]),
        row["asked_at"],
        row["case_id"],
        row["form_version"],
        content,
    )


def _plain(entered: Entered) -> dict[str, Any]:
    return {"value": entered.value, "way": entered.way.value, "dataset": entered.dataset}
