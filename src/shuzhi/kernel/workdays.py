"""The working-day calendar: which days the State counts, and counting along them.

Days known to the package `chinese_calendar` come with it; a later year is added from the State
Council's yearly holiday notice, and beyond the last known year the answer is an honest refusal.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache, cached_property

import chinese_calendar

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

# The code of a refusal that the next notice ends.
CALENDAR_ENDS = "kernel.calendar_ends"
_FRIDAY = 4
_DECEMBER = 12


@dataclass(frozen=True)
class Notice:
    """A yearly holiday notice of the State Council (国务院办公厅关于…年部分节假日安排的通知).

    `holidays` are the days off, weekends within them included; `working_weekends` (调休) the
    Saturdays and Sundays on which the State works. A notice may name days of the December before
    its year, as those for 2007, 2008, 2012, 2019 and 2023 did.
    """

    year: int
    legal_reference: str
    holidays: frozenset[date]
    working_weekends: frozenset[date]

    def covers(self, day: date) -> bool:
        """Tell whether a notice for this year may speak of `day`."""
        return day.year == self.year or (day.year, day.month) == (self.year - 1, _DECEMBER)


@dataclass(frozen=True)
class WorkingDays:
    """Working days from 1 January of `first_year` to 31 December of `last_year`.

    Counting leaves out the day it starts from (the day of receipt) and counts the day it ends on.
    A calendar that took the place of another one keeps it as `before`, with the instant `since`
    when it did, and its `source`: what says that the days are others.
    """

    first_year: int
    last_year: int
    holidays: frozenset[date]
    working_weekends: frozenset[date]
    before: WorkingDays | None = None
    since: Instant | None = None
    source: str = ""

    @property
    def ends_at(self) -> date:
        """The last day that is known."""
        return date(self.last_year, 12, 31)

    def is_working_day(self, day: date) -> bool:
        """Tell whether the State works on `day`; refuses days outside the known years."""
        return self._is_working(self._known(day))

    def add(self, day: date, n: int) -> date:
        """Return the `n`-th working day after `day`; `day` itself when `n` is 0.

        Raises:
            RefusedError: `kernel.calendar_ends` when `day` or the answer lies outside the known
                years, `kernel.negative_days` when `n` is negative.
        """
        if n < 0:
            raise RefusedError(
                "kernel.negative_days",
                f"A clock cannot run for {n} working days.",
                next_step="Give a number of days that is not negative.",
            )
        if n == 0:
            return self._known(day)
        at = bisect_right(self._days, self._known(day)) + n - 1
        if at >= len(self._days):
            raise self._ends(f"{n} working days from {day} run past its end")
        return self._days[at]

    def between(self, start: date, end: date) -> int:
        """Count the working days after `start` up to and with `end`; negative when `end` is first.

        It is the inverse of `add`: `between(d, add(d, n)) == n`. Refuses as `is_working_day`.
        """
        known_start, known_end = self._known(start), self._known(end)
        return bisect_right(self._days, known_end) - bisect_right(self._days, known_start)

    def with_notice(self, notice: Notice) -> WorkingDays:
        """Return the calendar with a year added, or replaced by its amended notice.

        Raises:
            RefusedError: `kernel.notice_leaves_gap` when a year between would stay unknown.
        """
        if not self.first_year <= notice.year <= self.last_year + 1:
            raise RefusedError(
                "kernel.notice_leaves_gap",
                f"The notice for {notice.year} does not join the calendar, which knows "
                f"{self.first_year} to {self.last_year}.",
                next_step=f"Load the notice for {self.last_year + 1} first.",
            )
        return WorkingDays(
            self.first_year,
            max(self.last_year, notice.year),
            _without(self.holidays, notice) | notice.holidays,
            _without(self.working_weekends, notice) | notice.working_weekends,
        )

    def after(self, before: WorkingDays, since: Instant, source: str) -> WorkingDays:
        """Return the calendar as it took the place of `before`, at `since`, by `source`."""
        return replace(self, before=before, since=since, source=source)

    def known_at(self, at: Instant) -> WorkingDays:
        """Return the calendar as it was known at `at`."""
        known = self
        while known.before is not None and known.since is not None and known.since > at:
            known = known.before
        return known

    def versions(self, since: Instant) -> tuple[WorkingDays, ...]:
        """Return the calendar as it was known at `since`, and as it came to be known after it."""
        found = [self]
        while (newest := found[-1]).before and newest.since is not None and newest.since > since:
            found.append(newest.before)
        return tuple(reversed(found))

    def older(self) -> tuple[WorkingDays, ...]:
        """Return every calendar that this one took the place of, the newest first."""
        return () if self.before is None else (self.before, *self.before.older())

    def has_days_of(self, other: WorkingDays) -> bool:
        """Tell whether both know the same days, and say the same of each."""
        return _said(self) == _said(other)

    @cached_property
    def _days(self) -> tuple[date, ...]:
        first, last = date(self.first_year, 1, 1), self.ends_at
        days = map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))
        return tuple(day for day in days if self._is_working(day))

    def _is_working(self, day: date) -> bool:
        return day in self.working_weekends or (
            day.weekday() <= _FRIDAY and day not in self.holidays
        )

    def _known(self, day: date) -> date:
        # A datetime passes as a date for the type checker, but equals none of the days listed.
        if isinstance(day, datetime):
            raise TypeError("An instant has a day only in a zone: use day_of.")
        if self.first_year <= day.year <= self.last_year:
            return day
        raise self._ends(f"{day} lies outside")

    def _ends(self, why: str) -> RefusedError:
        return RefusedError(
            CALENDAR_ENDS,
            f"The working-day calendar knows {self.first_year} to {self.last_year}; {why}.",
            next_step=f"Load the State Council's holiday notice for {self.last_year + 1} "
            f"(shuzhi calendar load FILE), or use days from {self.first_year} on.",
        )


@cache
def china_working_days() -> WorkingDays:
    """Return the calendar of mainland China as the installed `chinese_calendar` knows it."""
    holidays = frozenset(chinese_calendar.holidays)
    # The package's own limits: it refuses years in which it lists no holiday.
    return WorkingDays(
        min(holidays).year,
        max(holidays).year,
        holidays,
        frozenset(chinese_calendar.workdays),
    )


def _said(days: WorkingDays) -> tuple[int, int, frozenset[date], frozenset[date]]:
    return days.first_year, days.last_year, days.holidays, days.working_weekends


def _without(days: frozenset[date], notice: Notice) -> frozenset[date]:
    spoken_of = notice.holidays | notice.working_weekends
    return frozenset(day for day in days if day.year != notice.year and day not in spoken_of)
