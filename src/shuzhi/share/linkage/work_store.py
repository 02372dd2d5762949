"""The table of works: what was asked to be done of linkages, how it stands, and what came of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)

from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.instant import Instant
from shuzhi.share.linkage.model import Figures, Work, WorkKind, WorkState

work_table = Table(
    "linkage_work",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("linkage", String(60), nullable=False, index=True),
    Column("kind", String(12), nullable=False),
    Column("state", String(12), nullable=False),
    Column("asked_at", InstantColumn, nullable=False),
    Column("asked_by", String(120), nullable=False),
    Column("begun_at", InstantColumn),
    Column("ended_at", InstantColumn),
    Column("starts", Integer, nullable=False),
    Column("failure", Text, nullable=False),
    # The number of the model or the run that was made.
    Column("made", RowId),
    Column("figures", JSON),
    # The linkage while the work is not ended, else NULL: no linkage has two at a time.
    Column("holds", String(60), unique=True),
    # What is sent twice, as after a lost answer, is known by this.
    Column("origin", String(200), unique=True),
    sqlite_autoincrement=True,
)
_c = work_table.c


def insert_work(
    connection: Connection, linkage: str, kind: WorkKind, at: Instant, by: str, origin: str
) -> int:
    """Keep what was asked and return its number."""
    values = {
        "linkage": linkage,
        "kind": kind.value,
        "state": WorkState.WAITING.value,
        "asked_at": at,
        "asked_by": by,
        "starts": 0,
        "failure": "",
        "holds": linkage,
        "origin": origin,
    }
    made = connection.execute(insert(work_table).values(**values).returning(_c.id))
    return int(made.scalar_one())


def find_asked(connection: Connection, origin: str) -> Work | None:
    """Return the work that one request asked for; None before it did."""
    return _one(connection, _c.origin == origin)


def find_open(connection: Connection, linkage: str) -> Work | None:
    """Return the work of a linkage that is not ended; None where there is none."""
    return _one(connection, _c.holds == linkage)


def read_open(connection: Connection) -> tuple[Work, ...]:
    """Return all works that are not ended, as they were asked for."""
    query = select(work_table).where(_c.holds.is_not(None)).order_by(_c.id)
    return tuple(_work(row) for row in connection.execute(query).mappings())


def find_works(
    connection: Connection,
    linkage: str,
    *,
    number: int | None = None,
    before: int | None = None,
    limit: int = 1,
) -> tuple[Work, ...]:
    """Return works of a linkage, the newest first: the one of a number, or those before one."""
    query = select(work_table).where(_c.linkage == linkage)
    if number is not None:
        query = query.where(_c.id == number)
    if before is not None:
        query = query.where(_c.id < before)
    query = query.order_by(_c.id.desc()).limit(limit)
    return tuple(_work(row) for row in connection.execute(query).mappings())


def newest_work(connection: Connection) -> tuple[int, str]:
    """Return the number of the newest work of all linkages, and how those stand that are open."""
    newest = connection.execute(select(func.max(_c.id))).scalar_one()
    still = (f"{each.id}:{each.state.value}:{each.starts}" for each in read_open(connection))
    return newest or 0, " ".join(still)


def put_begun(connection: Connection, work: Work, at: Instant) -> None:
    """Let a work be under way, once more where it was before."""
    running = WorkState.RUNNING.value
    _put(connection, work, state=running, begun_at=at, starts=work.starts + 1)


def put_back(connection: Connection, work: Work) -> None:
    """Let a work wait again that could not begin."""
    waiting = WorkState.WAITING.value
    _put(connection, work, state=waiting, begun_at=work.begun_at, starts=work.starts)


def put_done(connection: Connection, work: Work, made: int, figures: Figures, at: Instant) -> None:
    """Keep what came of a work."""
    done = {"state": WorkState.DONE.value, "made": made, "figures": asdict(figures)}
    _put(connection, work, **done, ended_at=at, holds=None)


def put_failed(connection: Connection, work: Work, failure: str, at: Instant) -> None:
    """Keep why nothing came of a work."""
    failed = WorkState.FAILED.value
    _put(connection, work, state=failed, failure=failure, ended_at=at, holds=None)


def _put(connection: Connection, work: Work, **values: Any) -> None:
    connection.execute(update(work_table).where(_c.id == work.id).values(**values))


def _one(connection: Connection, *where: Any) -> Work | None:
    row = connection.execute(select(work_table).where(*where)).mappings().one_or_none()
    return None if row is None else _work(row)


def _work(row: RowMapping) -> Work:
    return Work(
        row["id"],
        row["linkage"],
        WorkKind(row["kind"]),
        WorkState(row["state"]),
        row["asked_at"],
        row["asked_by"],
        row["begun_at"],
        row["ended_at"],
        row["starts"],
        row["failure"],
        row["made"],
        None if row["figures"] is None else Figures(**row["figures"]),
    )
