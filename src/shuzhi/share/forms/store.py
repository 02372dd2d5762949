"""The tables of forms: each as it stands, its steps, what was said of candidates, its fillings.

The steps keep every form and judgement that ever counted, so that the burden of last year is
computed by the form of last year.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    insert,
    select,
    update,
)

from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.ids import PartyId
from shuzhi.share.agreements.plain import plain, unplain
from shuzhi.share.forms.judging import Same
from shuzhi.share.forms.model import Filling, FillingId, FormId, Registered

form_table = Table(
    "forms_form",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("owner", String(120), nullable=False, index=True),
    Column("is_open", Boolean, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("content", JSON, nullable=False),
)

step_table = Table(
    "forms_step",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("form", String(60), ForeignKey(form_table.c.id), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("verb", String(20), nullable=False),
    Column("at", InstantColumn, nullable=False),
    Column("by", String(120), nullable=False),
    Column("party", String(120)),
    # The form as it stood after the step.
    Column("content", JSON, nullable=False),
    sqlite_autoincrement=True,
)

same_table = Table(
    "forms_same",
    metadata,
    Column("form", String(60), ForeignKey(form_table.c.id), primary_key=True),
    Column("field", String(60), primary_key=True),
    Column("dataset", String(120), primary_key=True),
    Column("column", String(120), primary_key=True),
    Column("is_same", Boolean, nullable=False),
    Column("by", String(120), nullable=False),
    Column("at", InstantColumn, nullable=False),
)

filling_table = Table(
    "forms_filling",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("form", String(60), ForeignKey(form_table.c.id), nullable=False),
    Column("version", Integer, nullable=False),
    Column("party", String(120)),
    Column("due_on", Date, nullable=False),
    Column("started_at", InstantColumn, nullable=False),
    Column("started_by", String(120), nullable=False),
    Column("handed_in_at", InstantColumn),
    Column("typed", JSON, nullable=False),
    Column("confirmed", JSON, nullable=False),
    # A request that comes twice, as after a crash, is known by this.
    Column("origin", String(200), unique=True),
    Index("ix_forms_filling_due_on", "form", "due_on", "party"),
    sqlite_autoincrement=True,
)


def find_form(connection: Connection, form: str, *, lock: bool = False) -> Registered | None:
    """Return a form; with `lock` nobody else changes it until the transaction ends."""
    query = select(form_table.c.content).where(form_table.c.id == form)
    found = connection.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    return None if found is None else unplain(Registered, found)


def read_forms(
    connection: Connection, *, owner: str | None = None, is_open: bool | None = None
) -> tuple[Registered, ...]:
    """Return forms in order of id, of one owner or of all."""
    query = select(form_table.c.content).order_by(form_table.c.id)
    if owner is not None:
        query = query.where(form_table.c.owner == owner)
    if is_open is not None:
        query = query.where(form_table.c.is_open.is_(is_open))
    return tuple(unplain(Registered, content) for content in connection.scalars(query))


def write_form(connection: Connection, held: Registered, digest: str) -> None:
    """Write a form as it stands, new or in the place of what stood there."""
    row = {
        "owner": held.form.owner,
        "is_open": held.withdrawn_at is None,
        "digest": digest,
        "content": plain(held),
    }
    mine = update(form_table).where(form_table.c.id == held.form.id)
    if not connection.execute(mine.values(row)).rowcount:
        connection.execute(insert(form_table).values(id=held.form.id, **row))


def form_digest(connection: Connection, form: str) -> str | None:
    """Return what tells the wording of a form from every other; None when there is no form."""
    query = select(form_table.c.digest).where(form_table.c.id == form)
    return connection.execute(query).scalar_one_or_none()


def append_step(connection: Connection, row: dict[str, Any]) -> None:
    """Append one line to the history of a form."""
    connection.execute(insert(step_table).values(row))


def read_steps(connection: Connection, form: str | None = None) -> tuple[RowMapping, ...]:
    """Return the steps of a form, or of all, oldest first."""
    query = select(step_table).order_by(step_table.c.id)
    if form is not None:
        query = query.where(step_table.c.form == form)
    return tuple(connection.execute(query).mappings())


def read_same(connection: Connection, form: str) -> tuple[Same, ...]:
    """Return what people said of candidates of a form's fields."""
    c = same_table.c
    query = select(same_table).where(c.form == form).order_by(c.field, c.dataset, c.column)
    rows = connection.execute(query).mappings()
    return tuple(Same(r["field"], r["dataset"], r["column"], r["is_same"]) for r in rows)


def write_same(connection: Connection, form: str, same: Same, by: str, at: Any) -> None:
    """Keep what somebody said of a candidate, in the place of what was said before."""
    c = same_table.c
    mine = update(same_table).where(
        c.form == form, c.field == same.field, c.dataset == same.dataset, c.column == same.column
    )
    said = {"is_same": same.is_same, "by": by, "at": at}
    if not connection.execute(mine.values(said)).rowcount:
        key = {"form": form, "field": same.field, "dataset": same.dataset, "column": same.column}
        connection.execute(insert(same_table).values(**key, **said))


def insert_filling(connection: Connection, filling: Filling) -> FillingId:
    """Write a filling that was started and return its id; its own is ignored."""
    row = plain(filling) | {"due_on": filling.due_on, "started_at": filling.started_at}
    del row["id"]
    made = connection.execute(insert(filling_table).values(row).returning(filling_table.c.id))
    return FillingId(made.scalar_one())


def write_filling(connection: Connection, filling: Filling) -> None:
    """Write a filling that was handed in."""
    row = {
        "handed_in_at": filling.handed_in_at,
        "typed": list(filling.typed),
        "confirmed": list(filling.confirmed),
    }
    connection.execute(update(filling_table).where(filling_table.c.id == filling.id).values(row))


def find_filling(connection: Connection, filling: int, *, lock: bool = False) -> Filling | None:
    """Return a filling; None when there is none."""
    query = select(filling_table).where(filling_table.c.id == filling)
    query = query.with_for_update() if lock else query
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _filling(row)


def filling_of(connection: Connection, origin: str) -> Filling | None:
    """Return the filling that the request with this origin made; None when it is new."""
    query = select(filling_table).where(filling_table.c.origin == origin)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _filling(row)


def read_fillings(
    connection: Connection,
    *,
    form: str | None = None,
    start: date | None = None,
    end: date | None = None,
    party: str | None = None,
) -> tuple[Filling, ...]:
    """Return fillings of what was due from `start` to before `end`, the oldest first."""
    c = filling_table.c
    query = select(filling_table).order_by(c.id)
    if form is not None:
        query = query.where(c.form == form)
    if party is not None:
        query = query.where(c.party == party)
    if start is not None:
        query = query.where(c.due_on >= start)
    if end is not None:
        query = query.where(c.due_on < end)
    return tuple(_filling(row) for row in connection.execute(query).mappings())


def _filling(row: RowMapping) -> Filling:
    party = row["party"]
    return Filling(
        FillingId(row["id"]),
        FormId(row["form"]),
        row["version"],
        None if party is None else PartyId(party),
        row["due_on"],
        row["started_at"],
        row["started_by"],
        row["handed_in_at"],
        tuple(row["typed"]),
        tuple(row["confirmed"]),
        row["origin"],
    )
