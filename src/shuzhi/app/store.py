"""The tables of a running platform: how each job went, and how far each reader of steps came."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)

from shuzhi.kernel.control import Control, InstantColumn, metadata
from shuzhi.kernel.instant import Instant

job_table = Table(
    "app_job",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("started_at", InstantColumn, nullable=False),
    Column("ended_at", InstantColumn, nullable=False),
    Column("done", Integer, nullable=False),
    Column("failure", Text, nullable=False),
)

position_table = Table(
    "app_position",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", BigInteger, nullable=False),
)


@dataclass(frozen=True)
class JobRun:
    """How a job went last: how much there was to do, or why it failed (empty: it did not)."""

    name: str
    started_at: Instant
    ended_at: Instant
    done: int
    failure: str


def save_run(control: Control, run: JobRun) -> None:
    """Keep `run` as the newest of its job."""
    values = {
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "done": run.done,
        "failure": run.failure,
    }
    with control.transaction() as connection:
        mine = update(job_table).where(job_table.c.name == run.name)
        if not connection.execute(mine.values(values)).rowcount:
            connection.execute(insert(job_table).values(name=run.name, **values))


def job_runs(control: Control) -> tuple[JobRun, ...]:
    """Return the newest run of every job, by name."""
    with control.transaction() as connection:
        rows = connection.execute(select(job_table).order_by(job_table.c.name)).mappings().all()
    return tuple(JobRun(**row) for row in rows)


def position(connection: Connection, name: str) -> int:
    """Return how far the reader `name` came; 0 before it began."""
    query = select(position_table.c.value).where(position_table.c.name == name)
    return connection.execute(query).scalar_one_or_none() or 0


def save_position(connection: Connection, name: str, value: int) -> None:
    """Note that the reader `name` came as far as `value`."""
    mine = update(position_table).where(position_table.c.name == name)
    if not connection.execute(mine.values(value=value)).rowcount:
        connection.execute(insert(position_table).values(name=name, value=value))
