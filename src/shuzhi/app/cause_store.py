"""The table of what may have caused a case: what each tracing answered, once a case."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    RowMapping,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
)

from shuzhi.act.cases import CaseId
from shuzhi.decide.tracing import Candidate, Place, Reason
from shuzhi.kernel.control import Control, InstantColumn, metadata
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant

cause_table = Table(
    "app_cause",
    metadata,
    Column("case_id", BigInteger, primary_key=True, autoincrement=False),
    Column("tracing", String(60), primary_key=True),
    Column("sought_at", InstantColumn, nullable=False),
    Column("failure", Text, nullable=False),
    Column("candidates", Text, nullable=False),
)


@dataclass(frozen=True)
class Sought:
    """What a tracing answered for a case: candidates in order, or why there is no answer."""

    case_id: CaseId
    tracing: str
    sought_at: Instant
    candidates: tuple[Candidate, ...] = ()
    failure: str = ""


def save_sought(control: Control, sought: Sought) -> None:
    """Keep what a tracing answered, in the place of what it said of the case before."""
    columns = cause_table.c
    candidates = json.dumps([asdict(c) for c in sought.candidates], ensure_ascii=False)
    values = {
        "case_id": sought.case_id,
        "tracing": sought.tracing,
        "sought_at": sought.sought_at,
        "failure": sought.failure,
        "candidates": candidates,
    }
    mine = (columns.case_id == sought.case_id) & (columns.tracing == sought.tracing)
    with control.transaction() as connection:
        connection.execute(delete(cause_table).where(mine))
        connection.execute(insert(cause_table).values(values))


def causes_of(control: Control, case_id: CaseId) -> tuple[Sought, ...]:
    """Return what the tracings answered for a case, by the name of the tracing."""
    query = select(cause_table).where(cause_table.c.case_id == case_id)
    with control.transaction() as connection:
        rows = connection.execute(query.order_by(cause_table.c.tracing)).mappings().all()
    return tuple(_sought(row) for row in rows)


def _sought(row: RowMapping) -> Sought:
    candidates = tuple(_candidate(each) for each in json.loads(row["candidates"]))
    case_id = CaseId(row["case_id"])
    return Sought(case_id, row["tracing"], row["sought_at"], candidates, row["failure"])


def _candidate(told: dict[str, Any]) -> Candidate:
    party, place = told["party"], told["place"]
    return Candidate(
        told["id"],
        told["title"],
        None if party is None else PartyId(party),
        told["score"],
        tuple(Reason(**reason) for reason in told["reasons"]),
        told["facts"],
        None if place is None else Place(**place),
    )
