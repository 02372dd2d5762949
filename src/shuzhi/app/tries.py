"""The table of tries: how often somebody tried something lately, counted over all processes.

Names are kept as keyed hashes, a bounded number of each kind, each until its span is over.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Select,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from shuzhi.kernel.control import Control, InstantColumn, metadata
from shuzhi.kernel.instant import Instant

MOST_KEPT = 20_000

try_table = Table(
    "app_try",
    metadata,
    # An HMAC of what is counted and of its name.
    Column("digest", String(64), primary_key=True),
    # What is counted: names of one kind cannot push out those of another.
    Column("what", String(60), nullable=False, server_default=""),
    Column("since", InstantColumn, nullable=False),
    Column("until", InstantColumn, nullable=False, index=True),
    Column("made", Integer, nullable=False),
)
_c = try_table.c


@dataclass(frozen=True)
class Counted:
    """At most `most` tries of a name within `span` from the first; `what` is tried by whom."""

    what: str
    name: str
    most: int
    span: timedelta


def waits_s(control: Control, key: bytes, counted: Sequence[Counted], now: Instant) -> float:
    """Count a try under all of its names; return 0.0 when it may be made.

    Else return in how many seconds the next may be: then it is counted under none of them. `key` is
    what names are hashed with.
    """
    # In one order everywhere: else two who count would wait for each other.
    named = dict(sorted((_digest(key, each), each) for each in counted))
    try:
        with control.transaction() as connection:
            made = {digest: _made(connection, digest, now) for digest in named}
            waits = (_wait_s(each, *made[digest], now) for digest, each in named.items())
            if wait_s := max(waits, default=0.0):
                return wait_s
            for digest, each in named.items():
                _count(connection, digest, each, made[digest][0], now)
            _sweep(connection, now)
    except IntegrityError:
        # Another process counted the first try of the same name at the same moment.
        return waits_s(control, key, counted, now)
    return 0.0


def forget(control: Control, key: bytes, counted: Counted) -> None:
    """Let a name begin anew, as when a try turned out to be its own."""
    with control.transaction() as connection:
        connection.execute(delete(try_table).where(_c.digest == _digest(key, counted)))


def _digest(key: bytes, counted: Counted) -> str:
    return hmac.digest(key, f"{counted.what}:{counted.name}".encode(), hashlib.sha256).hex()


def _made(connection: Connection, digest: str, now: Instant) -> tuple[int | None, Instant]:
    """Return how many tries of a span were made (None: there is no such name) and its end."""
    mine = select(_c.made, _c.until).where(_c.digest == digest).with_for_update()
    known = connection.execute(mine).one_or_none()
    if known is None:
        return None, now
    return (known.made if known.until > now else 0), known.until


def _wait_s(counted: Counted, made: int | None, until: Instant, now: Instant) -> float:
    is_over = made is None or made < counted.most
    return 0.0 if is_over else float((until - now).total_seconds())


def _count(
    connection: Connection, digest: str, counted: Counted, made: int | None, now: Instant
) -> None:
    first = {"since": now, "until": now + counted.span, "made": 1}
    if made is None:
        _make_room(connection, counted.what)
        values = {"digest": digest, "what": counted.what, **first}
        connection.execute(insert(try_table).values(**values))
        return
    changed = {"made": made + 1} if made else first
    connection.execute(update(try_table).where(_c.digest == digest).values(**changed))


def _make_room(connection: Connection, what: str) -> None:
    """Forget the oldest names where as many are kept of their kind as may be."""
    alike = _c.what == what
    query = select(func.count()).select_from(try_table).where(alike)
    kept = connection.execute(query).scalar_one()
    if kept >= MOST_KEPT:
        oldest = select(_c.digest).where(alike).order_by(_c.since).limit(kept + 1 - MOST_KEPT)
        _forget(connection, oldest)


def _sweep(connection: Connection, now: Instant) -> None:
    _forget(connection, select(_c.digest).where(_c.until <= now))


def _forget(connection: Connection, names: Select[Any]) -> None:
    """Take names out of the table, but those that somebody is counting now: who waits may lock."""
    free = names.with_for_update(skip_locked=True)
    connection.execute(delete(try_table).where(_c.digest.in_(free)))
