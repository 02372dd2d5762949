"""The table of parties in the control store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Column, Connection, Integer, Row, String, Table, bindparam, delete, select

from shuzhi.kernel.control import metadata
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Level, Party

# The superior is no foreign key: a whole tree is written at once, in any order.
party_table = Table(
    "party",
    metadata,
    Column("id", String(120), primary_key=True),
    Column("title_zh", String(200), nullable=False),
    Column("title_en", String(200), nullable=False),
    Column("level", Integer, nullable=False),
    Column("credit_code", String(18)),
    Column("superior_id", String(120), index=True),
)


_OF_IDS = select(party_table).where(party_table.c.id.in_(bindparam("ids", expanding=True)))


def read_parties(connection: Connection) -> tuple[Party, ...]:
    """Return every party, by level and id."""
    rows = connection.execute(
        select(party_table).order_by(party_table.c.level, party_table.c.id)
    ).all()
    return tuple(_party(row) for row in rows)


def read_line(connection: Connection, ids: Iterable[PartyId]) -> tuple[Party, ...]:
    """Return those of the parties `ids` that are registered, and everybody above them."""
    wanted, found = set(ids), dict[PartyId, Party]()
    while wanted:
        rows = connection.execute(_OF_IDS, {"ids": sorted(wanted)}).all()
        fresh = [_party(row) for row in rows]
        found |= {party.id: party for party in fresh}
        wanted = {p.superior_id for p in fresh if p.superior_id is not None} - found.keys()
    return tuple(found.values())


def write_parties(connection: Connection, parties: Sequence[Party]) -> None:
    """Write `parties`, in place of those with the same ids."""
    if not parties:
        return
    connection.execute(delete(party_table).where(party_table.c.id.in_([p.id for p in parties])))
    connection.execute(party_table.insert(), [_row(p) for p in parties])


def _row(party: Party) -> dict[str, object]:
    return {
        "id": party.id,
        "title_zh": party.title_zh,
        "title_en": party.title_en,
        "level": int(party.level),
        "credit_code": party.credit_code,
        "superior_id": party.superior_id,
    }


def _party(row: Row[tuple[object, ...]]) -> Party:
    return Party(
        id=PartyId(row.id),
        title_zh=row.title_zh,
        title_en=row.title_en,
        level=Level(row.level),
        credit_code=row.credit_code,
        superior_id=None if row.superior_id is None else PartyId(row.superior_id),
    )
