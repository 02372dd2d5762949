"""Instants: points in time, always aware and in UTC inside the house.

A wall-clock text without an offset is not an instant until somebody says in which zone it was
written.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import NewType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shuzhi.kernel.errors import RefusedError

Instant = NewType("Instant", datetime)
Clock = Callable[[], Instant]


def system_clock() -> Instant:
    """Return the present instant."""
    return Instant(datetime.now(UTC))


def to_instant(moment: datetime, *, zone: str | None = None) -> Instant:
    """Return `moment` in UTC; a naive one is read in `zone` (an IANA name).

    Raises:
        RefusedError: `kernel.zone_missing` for a naive moment with no zone,
            `kernel.zone_unknown` for a zone that does not exist, `kernel.not_an_instant` for a
            moment whose UTC lies outside the years 1 to 9999.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_zone_of(zone, moment))
    try:
        return Instant(moment.astimezone(UTC))
    except OverflowError:
        raise _not_an_instant(moment.isoformat()) from None


def parse_instant(text: str, *, zone: str | None = None) -> Instant:
    """Read an ISO 8601 date-time (RFC 3339 and what Python accepts of ISO 8601).

    Raises:
        RefusedError: `kernel.not_an_instant` when the text is no date-time; else as `to_instant`.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise _not_an_instant(text) from None
    return to_instant(moment, zone=zone)


def day_of(moment: Instant, zone: str) -> date:
    """Return the calendar day that `moment` falls on in `zone` (an IANA name)."""
    return moment.astimezone(named_zone(zone)).date()


def wall_clock(moment: Instant, zone: str) -> str:
    """Return `moment` as people in `zone` (an IANA name) write it, to the minute."""
    return f"{moment.astimezone(named_zone(zone)):%Y-%m-%d %H:%M}"


def start_of_day(day: date, zone: str) -> Instant:
    """Return the instant at which `day` begins in `zone`: midnight, itself in it."""
    midnight = datetime.combine(day, time(), tzinfo=named_zone(zone))
    return Instant(midnight.astimezone(UTC))


def end_of_day(day: date, zone: str) -> Instant:
    """Return the instant at which `day` is over in `zone`: midnight, itself no longer in it."""
    return start_of_day(day + timedelta(days=1), zone)


def named_zone(name: str) -> ZoneInfo:
    """Return the time zone with this IANA name, or refuse it (`kernel.zone_unknown`)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RefusedError(
            "kernel.zone_unknown",
            f"There is no time zone {name[:60]!r}.",
            next_step="Use an IANA name such as Asia/Shanghai.",
        ) from None


def _zone_of(name: str | None, moment: datetime) -> ZoneInfo:
    if name is None:
        raise RefusedError(
            "kernel.zone_missing",
            f"{moment.isoformat()} has no time zone.",
            next_step="Add an offset such as +08:00, or name the zone it was written in.",
        )
    return named_zone(name)


def _not_an_instant(text: str) -> RefusedError:
    return RefusedError(
        "kernel.not_an_instant",
        f"{text[:40]!r} is not a date and time.",
        next_step="Write it as 2026-03-01T08:30:00+08:00.",
    )


EPOCH = Instant(datetime(1970, 1, 1, tzinfo=UTC))
"""Where counts of seconds, hours and days begin (POSIX)."""
