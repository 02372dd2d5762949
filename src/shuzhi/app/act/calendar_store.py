"""The table of calendars: which days of work a city counted by, and since when.

Deadlines that were counted by one stand until a later one moves them; so each is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Integer,
    RowMapping,
    Table,
    Text,
    insert,
    select,
)

from shuzhi.kernel.control import Control, InstantColumn, RowId, hold_table, metadata
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.workdays import WorkingDays

calendar_table = Table(
    "app_calendar",
    metadata,
    Column("id", RowId, primary_key=True),
    # The first calendar of a city was known from the beginning.
    Column("since", InstantColumn),
    Column("source", Text, nullable=False),
    Column("first_year", Integer, nullable=False),
    Column("last_year", Integer, nullable=False),
    Column("holidays", JSON, nullable=False),
    Column("working_weekends", JSON, nullable=False),
    sqlite_autoincrement=True,
)
Source = Callable[[WorkingDays, WorkingDays], str]


def known_calendar(control: Control) -> WorkingDays | None:
    """Return the newest calendar that was noted, with those before it; None before the first."""
    with control.transaction() as connection:
        return _newest(connection)


def note_calendar(
    control: Control, count: Callable[[], WorkingDays], source: Source, now: Instant
) -> None:
    """Note that the days that `count` returns are known, from `now` on, if they are others.

    `source` says from the calendar before and the new one what changed it. Of many who note the
    same at once one writes.
    """
    with control.transaction() as connection:
        hold_table(connection, calendar_table)
        before, counted = _newest(connection), count()
        if before is None:
            connection.execute(insert(calendar_table).values(**_row(counted)))
        elif not counted.has_days_of(before):
            since = max(now, before.since or now)
            noted = counted.after(before, since, source(before, counted))
            connection.execute(insert(calendar_table).values(**_row(noted)))


def _newest(connection: Connection) -> WorkingDays | None:
    newest: WorkingDays | None = None
    for row in connection.execute(select(calendar_table).order_by(calendar_table.c.id)).mappings():
        newest = _calendar(row, newest)
    return newest


def _calendar(row: RowMapping, before: WorkingDays | None) -> WorkingDays:
    return WorkingDays(
        row["first_year"],
        row["last_year"],
        frozenset(map(date.fromisoformat, row["holidays"])),
        frozenset(map(date.fromisoformat, row["working_weekends"])),
        before,
        row["since"],
        row["source"],
    )


def _row(calendar: WorkingDays) -> dict[str, object]:
    return {
        "since": calendar.since,
        "source": calendar.source,
        "first_year": calendar.first_year,
        "last_year": calendar.last_year,
        "holidays": sorted(day.isoformat() for day in calendar.holidays),
        "working_weekends": sorted(day.isoformat() for day in calendar.working_weekends),
    }
