"""Who is the source of a datum (一数一源): one table of registered source departments.

A datum is a semantic name (`meaning:person.birth_date`) or a column (`column:population.born_on`).
Whoever collects what nobody holds becomes its source; where there are several, the authority names
one as the lead (数源部门; 政务数据共享条例, article 19).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Column, Connection, String, Table, Text, insert, select, update

from shuzhi.audit import Entry, queue
from shuzhi.kernel.control import Control, InstantColumn, metadata
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import Actor, SharingOffice
from shuzhi.share.agreements.errors import require_text
from shuzhi.share.forms.errors import FormError
from shuzhi.share.parties import party as registered_party

_DATUM = re.compile(r"(meaning|column):[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_MOST = 250

source_table = Table(
    "forms_source",
    metadata,
    Column("datum", String(_MOST), primary_key=True),
    Column("party", String(120), primary_key=True),
    Column("standing", String(12), nullable=False),
    Column("since", InstantColumn, nullable=False),
    Column("by", String(120), nullable=False),
    Column("why", Text, nullable=False),
)


class Standing(StrEnum):
    """What a party is to a datum, the strongest last."""

    COLLECTOR = "collector"  # a form of it collects what nobody held
    SOURCE = "source"  # registered by the authority
    LEAD = "lead"  # the one that counts among several


@dataclass(frozen=True)
class Source:
    """A party that is a source of a datum, since when, by whose word and why."""

    datum: str
    party: PartyId
    standing: Standing
    since: Instant
    by: str
    why: str


def meaning_datum(meaning: str) -> str:
    """Return the datum of a semantic name."""
    return f"meaning:{meaning}"


def column_datum(dataset: str, column: str) -> str:
    """Return the datum of a column."""
    return f"column:{dataset}.{column}"


def sources(control: Control, datum: str) -> tuple[Source, ...]:
    """Return the sources of a datum: the lead first, then by the day since when."""
    with control.transaction() as connection:
        return read_sources(connection, datum)


def read_sources(connection: Connection, datum: str) -> tuple[Source, ...]:
    """Return the sources of a datum, as `sources` does."""
    query = select(source_table).where(source_table.c.datum == datum)
    found = [
        Source(
            row["datum"],
            PartyId(row["party"]),
            Standing(row["standing"]),
            row["since"],
            row["by"],
            row["why"],
        )
        for row in connection.execute(query).mappings()
    ]
    order = tuple(Standing)
    return tuple(sorted(found, key=lambda s: (-order.index(s.standing), s.since, s.party)))


def all_sources(control: Control) -> tuple[Source, ...]:
    """Return every source of every datum, datum by datum."""
    with control.transaction() as connection:
        data = connection.scalars(
            select(source_table.c.datum).distinct().order_by(source_table.c.datum)
        ).all()
        return tuple(source for datum in data for source in read_sources(connection, datum))


def note_collector(connection: Connection, source: Source) -> bool:
    """Register a collector; one that stands there already stays. Return whether it is new."""
    c = source_table.c
    known = select(c.party).where(c.datum == source.datum, c.party == source.party)
    if connection.execute(known).first() is not None:
        return False
    _insert(connection, source)
    return True


def designate(
    office: SharingOffice,
    datum: str,
    party: PartyId,
    *,
    by: Actor,
    why: str,
    is_lead: bool = True,
) -> Source:
    """Register `party` as a source of a datum, or as its lead; the authority does it.

    A lead that was there before stays a source.

    Raises:
        FormError: `share.source_not_yours`, `share.datum_bad`.
        RefusedError: `share.party_unknown`, `share.reason_missing`, `share.bad_text`.
    """
    _require_authority(office, by)
    _require_datum(datum)
    registered_party(office.control, party)
    standing = Standing.LEAD if is_lead else Standing.SOURCE
    made = Source(
        datum, party, standing, office.clock(), by.person, require_text(why, "The reason")
    )
    c = source_table.c
    with office.control.transaction() as connection:
        if is_lead:
            before = update(source_table).where(c.datum == datum, c.standing == Standing.LEAD.value)
            connection.execute(before.values(standing=Standing.SOURCE.value))
        mine = update(source_table).where(c.datum == datum, c.party == party)
        if not connection.execute(mine.values(_row(made))).rowcount:
            _insert(connection, made)
        queue(connection, _entry(made))
    return made


def _require_authority(office: SharingOffice, by: Actor) -> None:
    if by.party != office.authority:
        raise FormError(
            "share.source_not_yours",
            f"The sources of data are named by {office.authority}, not by {by.party}.",
            next_step="Ask the party that manages sharing.",
        )


def _require_datum(datum: str) -> None:
    if len(datum) > _MOST or not _DATUM.fullmatch(datum):
        raise FormError(
            "share.datum_bad",
            f"{datum[:80]!r} names no datum.",
            next_step="Write meaning:person.birth_date, or column:DATASET.COLUMN.",
        )


def _insert(connection: Connection, source: Source) -> None:
    connection.execute(insert(source_table).values(_row(source)))


def _row(source: Source) -> dict[str, object]:
    return {
        "datum": source.datum,
        "party": source.party,
        "standing": source.standing.value,
        "since": source.since,
        "by": source.by,
        "why": source.why,
    }


def _entry(made: Source) -> Entry:
    facts = {"party": made.party, "standing": made.standing.value}
    return Entry("source.designated", made.since, made.by, made.datum, facts)
