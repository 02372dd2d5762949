"""The runs of sources in the control store: what each read, stored and kept out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)

from shuzhi.gather.sources.model import Cursor
from shuzhi.gather.sources.report import Outcome, RunReport, State
from shuzhi.kernel.control import InstantColumn, metadata
from shuzhi.kernel.ids import DatasetName, SourceName
from shuzhi.kernel.instant import Instant

run_table = Table(
    "gather_run",
    metadata,
    Column("run_id", String(36), primary_key=True),
    Column("source", String(120), nullable=False, index=True),
    Column("dataset", String(120), nullable=False, index=True),
    Column("state", String(20), nullable=False),
    Column("started_at", InstantColumn, nullable=False),
    Column("ended_at", InstantColumn),
    *(Column(name, BigInteger, nullable=False) for name in Outcome.COUNTS),
    Column("unknown_columns", Text, nullable=False),
    Column("missing_columns", Text, nullable=False),
    Column("error_code", String(80)),
    Column("error", Text),
)

# `next_cursor` holds once the part `next_origin` stands in the lake under `next_number`: a process
# may end between the two stores, and a row that cannot be told again must not be read again.
cursor_table = Table(
    "gather_cursor",
    metadata,
    Column("source", String(120), primary_key=True),
    Column("cursor", Text),
    Column("next_cursor", Text),
    Column("next_origin", String(1000)),
    Column("next_number", BigInteger),
)

# The newest state of each part: `number` counts its states, so that one that comes back is new.
part_table = Table(
    "gather_part",
    metadata,
    Column("source", String(120), primary_key=True),
    Column("origin", String(1000), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("fingerprint", String(200), nullable=False),
)


def number_part(connection: Connection, source: str, origin: str, fingerprint: str) -> int:
    """Return the number of this state of a part: its last one's, or the next when it differs."""
    c = part_table.c
    where = (c.source == source) & (c.origin == origin)
    known = connection.execute(select(c.number, c.fingerprint).where(where)).one_or_none()
    if known is None:
        values = {"source": source, "origin": origin, "number": 1, "fingerprint": fingerprint}
        connection.execute(insert(part_table).values(values))
        return 1
    if known.fingerprint == fingerprint:
        return int(known.number)
    number = int(known.number) + 1
    values = {"number": number, "fingerprint": fingerprint}
    connection.execute(update(part_table).where(where).values(values))
    return number


def find_part(connection: Connection, source: str, origin: str, fingerprint: str) -> int | None:
    """Return the number of the newest state of a part; None when that is another one."""
    c = part_table.c
    where = (c.source == source) & (c.origin == origin) & (c.fingerprint == fingerprint)
    number = connection.execute(select(c.number).where(where)).scalar_one_or_none()
    return None if number is None else int(number)


def save_run(connection: Connection, report: RunReport) -> None:
    """Keep the state of a run; telling it again replaces it."""
    run_id = str(report.run_id)
    values = {
        "source": report.source,
        "dataset": report.dataset,
        "state": report.state.value,
        "started_at": report.started_at,
        "ended_at": report.ended_at,
        "unknown_columns": "\n".join(report.outcome.unknown_columns),
        "missing_columns": "\n".join(report.outcome.missing_columns),
        "error_code": report.error_code,
        "error": report.error,
        **report.outcome.counts(),
    }
    done = connection.execute(update(run_table).where(run_table.c.run_id == run_id).values(values))
    if not done.rowcount:
        connection.execute(insert(run_table).values(run_id=run_id, **values))


def end_abandoned(connection: Connection, source: SourceName) -> None:
    """Mark runs of `source` that still say they run as killed; only for who holds its lock."""
    c = run_table.c
    where = (c.source == source) & (c.state == State.RUNNING.value)
    connection.execute(update(run_table).where(where).values(state=State.KILLED.value))


def find_runs(connection: Connection, source: str | None, limit: int) -> list[RunReport]:
    """Return the newest runs first."""
    query = select(run_table).order_by(run_table.c.started_at.desc()).limit(limit)
    if source is not None:
        query = query.where(run_table.c.source == source)
    return [RunReport.of_row(dict(row._mapping)) for row in connection.execute(query)]


def find_newest(connection: Connection) -> list[RunReport]:
    """Return the newest run of each source, the oldest of these first."""
    c = run_table.c
    newest = select(c.source, func.max(c.started_at).label("at")).group_by(c.source).subquery()
    is_newest = (c.source == newest.c.source) & (c.started_at == newest.c.at)
    query = select(run_table).join(newest, is_newest).order_by(c.started_at, c.run_id)
    return [RunReport.of_row(dict(row._mapping)) for row in connection.execute(query)]


def find_ended(connection: Connection, start: Instant, end: Instant) -> list[RunReport]:
    """Return the runs that ended from `start` to before `end`, the first one first."""
    c = run_table.c
    query = select(run_table).where(c.ended_at >= start, c.ended_at < end)
    rows = connection.execute(query.order_by(c.ended_at, c.run_id))
    return [RunReport.of_row(dict(row._mapping)) for row in rows]


@dataclass(frozen=True)
class Mark:
    """Where a source's next run goes on, and what follows once one more part is in the lake."""

    cursor: Cursor | None
    next_cursor: Cursor | None
    next_origin: str
    next_number: int


def find_mark(connection: Connection, source: SourceName) -> Mark | None:
    """Return the source's mark; None before its first part with a cursor."""
    c = cursor_table.c
    query = select(c.cursor, c.next_cursor, c.next_origin, c.next_number)
    row = connection.execute(query.where(c.source == source)).one_or_none()
    return None if row is None else Mark(*row)


def save_next(
    connection: Connection, source: SourceName, cursor: Cursor, origin: str, number: int
) -> None:
    """Note, before a part is stored, where the run goes on once it is."""
    values = {"next_cursor": cursor, "next_origin": origin, "next_number": number}
    _save_mark(connection, source, values)


def save_cursor(connection: Connection, source: SourceName, cursor: Cursor) -> None:
    """Keep where the source's next run goes on."""
    _save_mark(connection, source, {"cursor": cursor})


def _save_mark(connection: Connection, source: SourceName, values: dict[str, Any]) -> None:
    where = cursor_table.c.source == source
    if not connection.execute(update(cursor_table).where(where).values(values)).rowcount:
        connection.execute(insert(cursor_table).values(source=source, **values))


def count_reads(connection: Connection, dataset: DatasetName) -> tuple[int, int]:
    """Return how many runs for `dataset` succeeded, and how many ended at all."""
    c = run_table.c
    query = select(c.state).where(c.dataset == dataset, c.state != State.RUNNING.value)
    states = list(connection.execute(query).scalars())
    return sum(state == State.DONE.value for state in states), len(states)
