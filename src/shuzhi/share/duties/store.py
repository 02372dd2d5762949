"""The table of breaches: each found once, ended when it is seen no more."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Index,
    RowMapping,
    String,
    Table,
    UniqueConstraint,
    insert,
    select,
    update,
)

from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.duties.model import Breach, BreachId, Seen

# What tells a breach of a duty from any other: party, subject, and since when.
Key = tuple[PartyId, str, Instant]
breach_table = Table(
    "duties_breach",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("duty", String(60), nullable=False),
    Column("party", String(120), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("since", InstantColumn, nullable=False),
    Column("found_at", InstantColumn, nullable=False),
    Column("ended_at", InstantColumn),
    Column("facts", JSON, nullable=False),
    UniqueConstraint("duty", "party", "subject", "since"),
    Index("ix_duties_breach_party", "party", "ended_at"),
    sqlite_autoincrement=True,
)


def known(connection: Connection, duty: str) -> dict[Key, Breach]:
    """Return every breach of a duty by party, subject and the time since when."""
    query = select(breach_table).where(breach_table.c.duty == duty)
    found = [breach_of(row) for row in connection.execute(query).mappings()]
    return {(b.party, b.subject, b.since): b for b in found}


def add(connection: Connection, duty: str, seen: Seen, found_at: Instant) -> Breach:
    """Write a breach that was found, and return it."""
    values = {
        "duty": duty,
        "party": seen.party,
        "subject": seen.subject,
        "since": seen.since,
        "found_at": found_at,
        "ended_at": seen.ended_at,
        "facts": seen.facts,
    }
    made = insert(breach_table).values(values).returning(breach_table.c.id)
    number = BreachId(connection.execute(made).scalar_one())
    return Breach(
        number,
        duty,
        seen.party,
        seen.subject,
        seen.since,
        found_at,
        seen.ended_at,
        seen.facts,
    )


def end(connection: Connection, breach: BreachId, at: Instant | None) -> None:
    """Note that a breach ended at `at`; with None that it goes on after all."""
    where = breach_table.c.id == breach
    connection.execute(update(breach_table).where(where).values(ended_at=at))


def breach_of(row: RowMapping) -> Breach:
    """Return the breach of its row."""
    return Breach(
        BreachId(row["id"]),
        row["duty"],
        PartyId(row["party"]),
        row["subject"],
        row["since"],
        row["found_at"],
        row["ended_at"],
        row["facts"],
    )
