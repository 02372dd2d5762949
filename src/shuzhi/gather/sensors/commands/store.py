"""The table of commands in the control store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Integer,
    Row,
    Select,
    String,
    Table,
    insert,
    select,
    update,
)

from shuzhi.gather.sensors.commands.model import Asked, Outcome, State
from shuzhi.gather.sensors.stations.model import MOST_MN
from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.instant import Instant

command_table = Table(
    "sensors_command",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("mn", String(MOST_MN), nullable=False, index=True),
    Column("cn", String(4), nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("over_time", Integer, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("asked_by", String(120), nullable=False),
    Column("asked_at", InstantColumn, nullable=False),
    Column("expires_at", InstantColumn, nullable=False),
    Column("state", String(8), nullable=False, index=True),
    Column("sent_at", InstantColumn),
    Column("ended_at", InstantColumn),
    Column("why", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("qn", String(17), nullable=False),
    Column("qn_return", Integer),
    Column("exe_return", Integer),
    Column("frames", Integer, nullable=False),
    Column("first_record", BigInteger),
    Column("last_record", BigInteger),
    Column("answer", JSON, nullable=False),
    # A number is never given twice.
    sqlite_autoincrement=True,
)

_ORDERED = select(command_table).order_by(command_table.c.id)


def insert_command(connection: Connection, values: Mapping[str, Any]) -> int:
    """Write a command that is asked for; return its number."""
    row = {**values, "state": State.ASKED.value, **_outcome_row(Outcome())}
    done = connection.execute(insert(command_table).values(row))
    return int(done.inserted_primary_key[0])  # type: ignore[index]


def read_command(connection: Connection, number: int) -> Asked | None:
    """Return the command with this number."""
    return next(_all(connection, _ORDERED.where(command_table.c.id == number)), None)


def read_commands(connection: Connection, mn: str, limit: int) -> tuple[Asked, ...]:
    """Return the newest commands to a station, newest first."""
    query = select(command_table).where(command_table.c.mn == mn)
    return tuple(_all(connection, query.order_by(command_table.c.id.desc()).limit(limit)))


def read_in_state(connection: Connection, state: State) -> tuple[Asked, ...]:
    """Return the commands in a state, oldest first."""
    return tuple(_all(connection, _ORDERED.where(command_table.c.state == state.value)))


def mark_sent(connection: Connection, number: int, now: Instant) -> None:
    """Note that a command is being sent."""
    changed = update(command_table).where(command_table.c.id == number)
    connection.execute(changed.values(state=State.SENT.value, sent_at=now))


def mark_over(connection: Connection, number: int, outcome: Outcome, now: Instant) -> None:
    """Note what came of a command."""
    state = State.FAILED if outcome.why else State.DONE
    changed = update(command_table).where(command_table.c.id == number)
    connection.execute(changed.values(state=state.value, ended_at=now, **_outcome_row(outcome)))


def _outcome_row(outcome: Outcome) -> dict[str, Any]:
    return {f.name: getattr(outcome, f.name) for f in fields(Outcome)} | {
        "answer": dict(outcome.answer)
    }


def _all(connection: Connection, query: Select[Any]) -> Iterator[Asked]:
    return map(_asked, connection.execute(query))


def _asked(row: Row[Any]) -> Asked:
    outcome = {f.name: getattr(row, f.name) for f in fields(Outcome)}
    known = {
        f.name: getattr(row, f.name) for f in fields(Asked) if f.name not in ("state", "outcome")
    }
    return Asked(**known, state=State(row.state), outcome=Outcome(**outcome))
