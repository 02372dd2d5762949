"""Cuts what is new in a table into windows of its cursor column, by keyset and never by OFFSET.

A window takes every row of each cursor value in it, so equal values never fall between two.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, DateTime, func, literal, select
from sqlalchemy.types import TypeEngine

from shuzhi.gather.sources.model import Cursor, SqlSource
from shuzhi.gather.sources.sql_connect import Database
from shuzhi.gather.sources.sql_query import Relation
from shuzhi.kernel.errors import RefusedError

_SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Window:
    """The rows whose cursor is above `low` (or at it) and at most `high`; no `low`: from the first.

    The values are the driver's own, so that they compare as the database compares.
    """

    low: Any
    includes_low: bool
    high: Any

    def holds(self, cursor: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return the condition that a row with this cursor is in the window."""
        return _above(cursor, self.low, includes_low=self.includes_low) & (
            cursor <= _bound(self.high)
        )


def windows(
    database: Database, rows: Relation, source: SqlSource, since: Cursor | None
) -> Iterator[Window]:
    """Yield the windows after `since` of about `part_rows` rows each, oldest first.

    They end at the greatest value at the start, so a table that grows does not keep a run going.

    Raises:
        RefusedError: `gather.cursor_unusable`, and as `Database.reading`.
    """
    cursor: ColumnElement[Any] = rows.clause.c[source.cursor_column or ""]
    top = _top(database, rows, cursor)
    if top is None:
        return
    low = None if since is None else _start(since, top, source)
    includes_low = not source.cursor_is_unique
    while True:
        high = _high(database, rows, cursor, Window(low, includes_low, top), source.part_rows)
        yield Window(low, includes_low, high)
        if high == top:
            return
        low, includes_low = high, False


def to_cursor(value: Any) -> Cursor:
    """Write a cursor value as text that `_from_cursor` reads back."""
    return value.isoformat() if isinstance(value, date) else str(value)


def _top(database: Database, rows: Relation, cursor: ColumnElement[Any]) -> Any:
    with database.reading() as connection:
        top = connection.scalar(select(func.max(cursor)).select_from(rows.clause))
        nulls = connection.scalar(select(literal(1)).where(cursor.is_(None)).limit(1))
    if nulls is not None:
        raise _unusable(
            "has rows without a value, which no run would ever read",
            "Name a column that is never NULL, or use `query` to say what such rows mean.",
        )
    return top


def _high(
    database: Database, rows: Relation, cursor: ColumnElement[Any], rest: Window, most_rows: int
) -> Any:
    """Return the cursor of the last row that a window of `most_rows` rows would hold."""
    at = select(cursor).select_from(rows.clause).where(rest.holds(cursor)).order_by(cursor)
    with database.reading() as connection:
        high = connection.scalar(at.offset(most_rows - 1).limit(1))
    return rest.high if high is None else high


def _start(since: Cursor, top: Any, source: SqlSource) -> Any:
    try:
        low = _from_cursor(since, top)
        if source.overlap_seconds:
            return _earlier(low, source.overlap_seconds)
        return low - source.overlap_steps if source.overlap_steps else low
    except (ValueError, TypeError, InvalidOperation, OverflowError):
        raise _unusable(
            f"is now of the kind {type(top).__name__}, which does not fit where the last run "
            "ended, or the overlap",
            "Use overlap_seconds for times and overlap_steps for numbers; if the column changed, "
            "load the source anew.",
        ) from None


def _from_cursor(text: Cursor, like: Any) -> Any:
    if isinstance(like, datetime | date):
        return type(like).fromisoformat(text)
    if isinstance(like, int | float | Decimal | str):
        return type(like)(text)
    raise TypeError(type(like).__name__)


def _earlier(low: Any, seconds: int) -> Any:
    if isinstance(low, datetime):
        return low - timedelta(seconds=seconds)
    if isinstance(low, date):
        return low - timedelta(days=math.ceil(seconds / _SECONDS_A_DAY))
    return _earlier_text(low, seconds)


def _earlier_text(low: str, seconds: int) -> str:
    """Move a time that the database keeps as text, in the way it is written there."""
    moment = datetime.fromisoformat(low) - timedelta(seconds=seconds)
    if low[4] != "-":
        raise ValueError("a compact date does not sort like the others")
    # Without fraction and zone the text sorts before every text of the same second.
    bare = moment.replace(tzinfo=None).isoformat(sep=low[10:11] or " ", timespec="seconds")
    return bare[: len(low)]


def _above(cursor: ColumnElement[Any], low: Any, *, includes_low: bool) -> ColumnElement[bool]:
    if low is None:
        return cursor.is_not(None)
    return cursor >= _bound(low) if includes_low else cursor > _bound(low)


def _bound(value: Any) -> ColumnElement[Any]:
    # Left to itself SQLAlchemy binds every datetime as one without zone, and PostgreSQL casts.
    kind: TypeEngine[Any] | None = None
    if isinstance(value, datetime):
        kind = DateTime(timezone=value.tzinfo is not None)
    elif isinstance(value, int):
        kind = BigInteger()
    return literal(value, kind)


def _unusable(why: str, next_step: str) -> RefusedError:
    return RefusedError(
        "gather.cursor_unusable", f"The column in `cursor_column` {why}.", next_step=next_step
    )
