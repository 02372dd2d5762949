"""The table of requests that change something: sent again, they count once and get the same answer.

A row stands from the moment a request is taken up; what it was answered with is kept for a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    String,
    Table,
    and_,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from shuzhi.kernel.control import Control, InstantColumn, metadata
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

MOST_KEY = 100
KEPT = timedelta(hours=24)
# Whoever has not answered by then was killed; nothing that is answered here takes so long.
_GIVEN_UP = timedelta(minutes=5)

repeat_table = Table(
    "app_repeat",
    metadata,
    # Whose key it is: keys of one account say nothing about another's.
    Column("owner", String(120), primary_key=True),
    Column("key", String(MOST_KEY), primary_key=True),
    # The SHA-256 of what was asked.
    Column("digest", String(64), nullable=False),
    Column("started_at", InstantColumn, nullable=False, index=True),
    # NULL while it is worked on.
    Column("status", Integer),
    Column("headers", JSON),
    Column("body", LargeBinary),
)


@dataclass(frozen=True)
class Named:
    """A request by the key that its sender gave it; `digest` is the SHA-256 of what it asks."""

    owner: str
    key: str
    digest: str


@dataclass(frozen=True)
class Answered:
    """What a request was answered with: HTTP status, headers and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def take_up(control: Control, named: Named, now: Instant) -> Answered | None:
    """Take up a request, or return what it was answered with before.

    Of several that come at once with one key, one is taken up.

    Raises:
        RefusedError: `app.key_reused` for another request under a key of the last day,
            `app.still_answering` while the first one is worked on.
    """
    row = {"owner": named.owner, "key": named.key}
    fresh = {"digest": named.digest, "started_at": now}
    c = repeat_table.c
    abandoned = and_(c.status.is_(None), c.started_at < now - _GIVEN_UP)
    with control.transaction() as connection:
        connection.execute(delete(repeat_table).where(c.started_at < now - KEPT))
        connection.execute(delete(repeat_table).where(_mine(named), abandoned))
        found = connection.execute(select(repeat_table).where(_mine(named))).mappings().first()
    if found is None:
        try:
            with control.transaction() as connection:
                connection.execute(insert(repeat_table).values(**row, **fresh))
        except IntegrityError:
            return take_up(control, named, now)
        return None
    if found["digest"] != named.digest:
        raise _reused()
    if found["status"] is None:
        raise _still_answering()
    return Answered(found["status"], found["headers"], found["body"])


def keep_answer(control: Control, named: Named, answered: Answered) -> None:
    """Keep what a request that was taken up is answered with."""
    values = {"status": answered.status, "headers": dict(answered.headers), "body": answered.body}
    with control.transaction() as connection:
        connection.execute(update(repeat_table).where(_mine(named)).values(values))


def let_go(control: Control, named: Named) -> None:
    """Forget a request that changed nothing: it may be tried again."""
    with control.transaction() as connection:
        connection.execute(delete(repeat_table).where(_mine(named)))


def _mine(named: Named) -> ColumnElement[bool]:
    return and_(repeat_table.c.owner == named.owner, repeat_table.c.key == named.key)


def _reused() -> RefusedError:
    return RefusedError(
        "app.key_reused",
        "Another request was sent with this key within the last day.",
        next_step="Make a new key for each thing that you want done.",
    )


def _still_answering() -> RefusedError:
    return RefusedError(
        "app.still_answering",
        "The first request with this key is still being worked on.",
        next_step="Wait a moment, then send the same again.",
    )
