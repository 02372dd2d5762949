"""The table of tries: how often somebody tried something lately, counted over all processes.

Names are kept as keyed hashes, a bounded number of them, each until its span is over.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import (
    Column,
    Connection,
    Integer,
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


def waits_s(control: Control, key: bytes, counted: Counted, now: Instant) -> float:
    """Count a try; return 0.0 when it may be made, else in how many seconds the next may.

    `key` is what names are hashed with. What may not be made is not counted, and writes nothing.
    """
    try:
        with control.transaction() as connection:
            connection.execute(delete(try_table).where(_c.until <= now))
            return _wait_s(connection, key, counted, now)
    except IntegrityError:
        # Another process counted the first try of the same name at the same moment.
        return waits_s(control, key, counted, now)


def _wait_s(connection: Connection, key: bytes, counted: Counted, now: Instant) -> float:
    digest = hmac.digest(key, f"{counted.what}:{counted.name}".encode(), hashlib.sha256).hex()
    mine = _c.digest == digest
    known = connection.execute(select(_c.made, _c.until).where(mine)).one_or_none()
    if known is None:
        _make_room(connection)
        values = {"digest": digest, "since": now, "until": now + counted.span, "made": 1}
        connection.execute(insert(try_table).values(**values))
        return 0.0
    if known.made >= counted.most:
        return float((known.until - now).total_seconds())
    connection.execute(update(try_table).where(mine).values(made=_c.made + 1))
    return 0.0


def _make_room(connection: Connection) -> None:
    """Forget the oldest names where as many are kept as may be."""
    kept = connection.execute(select(func.count()).select_from(try_table)).scalar_one()
    if kept >= MOST_KEPT:
        oldest = select(_c.digest).order_by(_c.since).limit(kept + 1 - MOST_KEPT)
        connection.execute(delete(try_table).where(_c.digest.in_(oldest)))
