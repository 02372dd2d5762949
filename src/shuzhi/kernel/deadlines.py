"""Deadlines: when a clock that law or agreement starts runs out.

Pure functions over a calendar; a clock of working days runs out with its last day, a clock of hours
at an instant, and both stand still while they are suspended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import TypeVar

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant, day_of, end_of_day
from shuzhi.kernel.workdays import CALENDAR_ENDS, WorkingDays

Moment = TypeVar("Moment", bound=date)


@dataclass(frozen=True)
class Pause:
    """A time in which a clock stood still, such as one in which the applicant mended the papers.

    A clock that still stands has no deadline; make the pause when the clock is resumed.
    """

    suspended_at: Instant
    resumed_at: Instant

    def __post_init__(self) -> None:
        if self.resumed_at < self.suspended_at:
            raise RefusedError(
                "kernel.pause_backwards",
                f"A clock suspended at {self.suspended_at.isoformat()} cannot have been resumed "
                f"before, at {self.resumed_at.isoformat()}.",
                next_step="Correct one of the two.",
            )


class Undatable:
    """What has a deadline that the calendar may not reach yet: `due_at` is None until it does."""

    due_at: Instant | None

    @property
    def why_undated(self) -> str | None:
        """The code of the reason why there is no `due_at`; None where there is one."""
        return CALENDAR_ENDS if self.due_at is None else None


def due_day(
    calendar: WorkingDays,
    received_at: Instant,
    days: int,
    zone: str,
    *,
    extended_by: int = 0,
    pauses: Iterable[Pause] = (),
) -> date:
    """Return the last day of a clock of `days` working days; `end_of_day` of it is the deadline.

    The day of receipt in `zone` is not counted. An extension counts on from the original due day.
    In a pause the day of suspension still counts and the day of resumption does not.

    Raises:
        RefusedError: `kernel.calendar_ends` when the clock runs out of the known years.
    """
    received = day_of(received_at, zone)
    due = calendar.add(received, days + extended_by)
    spans = ((day_of(p.suspended_at, zone), day_of(p.resumed_at, zone)) for p in pauses)
    for start, end in _merged(spans):
        if start < due and received < end:
            due = calendar.add(due, calendar.between(max(start, received), end))
    return due


def due_at(received_at: Instant, hours: int, *, pauses: Iterable[Pause] = ()) -> Instant:
    """Return the instant at which a clock of `hours` runs out; nights and holidays count."""
    return due_after(received_at, timedelta(hours=hours), pauses=pauses)


def due_after(received_at: Instant, span: timedelta, *, pauses: Iterable[Pause] = ()) -> Instant:
    """Return the instant at which a clock of any `span` runs out, as `due_at` does for hours."""
    due = received_at + span
    for start, end in _merged((p.suspended_at, p.resumed_at) for p in pauses):
        if start < due and received_at < end:
            due += end - max(start, received_at)
    return Instant(due)


def if_known(count: Callable[[], Moment]) -> Moment | None:
    """Return the deadline that `count` finds; None where it runs into a year that is not known yet.

    A clock waits for the next holiday notice in this way, and a matter does not. Other refusals
    are raised.
    """
    try:
        return count()
    except RefusedError as error:
        if error.code != CALENDAR_ENDS:
            raise
        return None


def due_as_known(
    calendar: WorkingDays,
    count: Callable[[WorkingDays], Instant],
    *,
    started_at: Instant,
    at: Instant,
    zone: str,
) -> Instant | None:
    """Return the deadline that `count` finds, as the calendars known until `at` leave it.

    A calendar that takes the place of another moves what has not run out by then: later, or
    earlier, but to no time before the end of the day, in `zone`, on which it became known. Where
    none reaches the deadline by `at`, the first one after it that does says it; else it is None.
    """
    due: Instant | None = None
    for each in calendar.versions(started_at):
        if due is not None and each.since is not None and each.since > at:
            break
        due = _moved(due, if_known(partial(count, each)), each.since, zone)
    return due


def _moved(
    due: Instant | None, counted: Instant | None, since: Instant | None, zone: str
) -> Instant | None:
    if due is None or since is None:
        return counted
    if counted is None or due <= since:
        return due
    return max(counted, min(due, end_of_day(day_of(since, zone), zone)))


def _merged(spans: Iterable[tuple[Moment, Moment]]) -> Iterator[tuple[Moment, Moment]]:
    """Yield the spans in order, each cut to what no earlier one covers."""
    covered: Moment | None = None
    for start, end in sorted(spans):
        fresh = start if covered is None or covered < start else covered
        if fresh < end:
            yield fresh, end
        covered = end if covered is None or covered < end else covered
