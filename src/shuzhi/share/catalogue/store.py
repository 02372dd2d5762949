"""Tables of the catalogue in the control store, and the reads and writes on them.

`catalogue_entry` holds the whole entry and `catalogue_history` each state it was in;
`catalogue_column` has the few numbers that searches count, in narrow rows; `no` is an entry's
small number in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Row,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
    update,
)

from shuzhi.kernel.control import InstantColumn, metadata
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.prepared import Prepared
from shuzhi.share.catalogue.guide import EntryFinding
from shuzhi.share.catalogue.model import Entry

# SQLite gives no more than 32,766 bound values; a batch stays far below.
BATCH = 500

entry_table = Table(
    "catalogue_entry",
    metadata,
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("id", String(1000), nullable=False, unique=True),
    Column("origin", String(200), nullable=False, index=True),
    Column("provider_key", String(500), nullable=False),
    Column("title_key", String(1000), nullable=False),
    Column("version", Integer, nullable=False),
    Column("is_withdrawn", Boolean, nullable=False),
    Column("document", Text, nullable=False),
    Column("findings", Text, nullable=False),
    Column("changed_at", InstantColumn, nullable=False),
    Column("changed_by", String(200), nullable=False),
    Column("quality_score", Float),
    Column("row_count", BigInteger),
    Column("data_at", InstantColumn),
    Index("ix_catalogue_entry_same_title", "provider_key", "title_key"),
)

_DOCUMENT = Prepared(select(entry_table.c.document).where(entry_table.c.id == bindparam("of")))

history_table = Table(
    "catalogue_history",
    metadata,
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("action", String(20), nullable=False),
    Column("document", Text, nullable=False),
    Column("changed_at", InstantColumn, nullable=False),
    Column("changed_by", String(200), nullable=False),
)

# Facet values as small numbers: what is counted is then a number, not a word.
value_table = Table(
    "catalogue_value",
    metadata,
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("facet", String(20), nullable=False),
    Column("value", String(500), nullable=False),
    Column("label_zh", String(500), nullable=False),
    Column("label_en", String(500), nullable=False),
    UniqueConstraint("facet", "value"),
)

column_table = Table(
    "catalogue_column",
    metadata,
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False, index=True),
    Column("is_withdrawn", Boolean, nullable=False),
    Column("provider", Integer, nullable=False),
    Column("sharing", Integer, nullable=False),
    Column("grade", Integer, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("format", Integer, nullable=False),
    Column("origin", Integer, nullable=False),
    Column("title_words", SmallInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("score", Integer, nullable=False),
)

theme_table = Table(
    "catalogue_theme",
    metadata,
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("theme", Integer, primary_key=True, autoincrement=False),
)

# One row. A change takes the next number, and takes it first: so writers queue, and a reader that
# has seen a number has seen all changes below it.
revision_table = Table(
    "catalogue_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", Integer, nullable=False),
)

# What the newest harvest of a catalogue could not use, with the reason and the record itself.
refusal_table = Table(
    "catalogue_refusal",
    metadata,
    Column("origin", String(120), primary_key=True),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("place", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("harvested_at", InstantColumn, nullable=False),
)

_ENTRY = TypeAdapter(Entry)
_FINDINGS = TypeAdapter(tuple[EntryFinding, ...])


def write_document(entry: Entry) -> str:
    """Return `entry` as JSON; equal entries give equal texts."""
    return _ENTRY.dump_json(entry, exclude_defaults=True).decode()


def read_entry(document: str) -> Entry:
    """Return the entry that `write_document` wrote."""
    return _ENTRY.validate_json(document)


def write_findings(findings: tuple[EntryFinding, ...]) -> str:
    """Return `findings` as JSON."""
    return _FINDINGS.dump_json(findings).decode()


def read_findings(document: str) -> tuple[EntryFinding, ...]:
    """Return the findings that `write_findings` wrote."""
    return _FINDINGS.validate_json(document)


def next_revision(connection: Connection) -> int:
    """Take the next revision number and hold off other writers until the transaction ends."""
    bump = (
        update(revision_table)
        .where(revision_table.c.id == 1)
        .values(value=revision_table.c.value + 1)
        .returning(revision_table.c.value)
    )
    taken = connection.execute(bump).scalar()
    if taken is None:
        connection.execute(insert(revision_table).values(id=1, value=1))
        return 1
    return int(taken)


def next_number(connection: Connection, table: Table) -> int:
    """Return the first free `no` of `table`; only for one that holds the revision."""
    return int(connection.execute(select(func.coalesce(func.max(table.c.no), 0))).scalar_one()) + 1


def find_document(connection: Connection, entry_id: str) -> str | None:
    """Return the document of one entry, None when there is none."""
    rows = _DOCUMENT.rows(connection, {"of": entry_id})
    return rows[0][0] if rows else None


def find_by_ids(connection: Connection, ids: Sequence[str]) -> dict[str, Row[*tuple[Any, ...]]]:
    """Return the rows of `catalogue_entry` with these ids, by id."""
    return {
        row.id: row
        for batch in batches(ids)
        for row in connection.execute(select(entry_table).where(entry_table.c.id.in_(batch)))
    }


def find_same_titles(
    connection: Connection, title_keys: Sequence[str]
) -> dict[tuple[str, str], list[str]]:
    """Return the ids of standing entries with these titles, by provider key and title key."""
    found: dict[tuple[str, str], list[str]] = {}
    c = entry_table.c
    for batch in batches(title_keys):
        query = select(c.provider_key, c.title_key, c.id).where(
            c.title_key.in_(batch), c.is_withdrawn.is_(False)
        )
        for row in connection.execute(query.order_by(c.no)):
            found.setdefault((row.provider_key, row.title_key), []).append(row.id)
    return found


def ids_of(connection: Connection, origin: str) -> list[str]:
    """Return the ids of the entries of `origin` that stand in the catalogue."""
    c = entry_table.c
    query = select(c.id).where(c.origin == origin, c.is_withdrawn.is_(False))
    return list(connection.scalars(query.order_by(c.no)))


def replace_refusals(
    connection: Connection, origin: str, rows: Sequence[tuple[str, str, str]], now: Instant
) -> None:
    """Keep what the newest harvest of `origin` refused: place, reason, record."""
    connection.execute(refusal_table.delete().where(refusal_table.c.origin == origin))
    kept = [
        {
            "origin": origin,
            "no": no,
            "place": place,
            "reason": reason,
            "record": record,
            "harvested_at": now,
        }
        for no, (place, reason, record) in enumerate(rows, start=1)
    ]
    if kept:
        connection.execute(refusal_table.insert(), kept)


def read_refusals(connection: Connection, origin: str) -> list[tuple[str, str, str]]:
    """Return what the newest harvest of `origin` refused: place, reason, record."""
    c = refusal_table.c
    query = select(c.place, c.reason, c.record).where(c.origin == origin).order_by(c.no)
    return [(r.place, r.reason, r.record) for r in connection.execute(query)]


def batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield `values` in runs that one statement can bind."""
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]
