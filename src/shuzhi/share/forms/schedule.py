"""When a form falls due: once, or again and again from a first day on.

Pure arithmetic of days. A month that lacks the first day's number is due on its last day.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Every(StrEnum):
    """How often a form is due."""

    ONCE = "once"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


_DAYS = {Every.DAY: 1, Every.WEEK: 7}
_MONTHS = {Every.MONTH: 1, Every.QUARTER: 3, Every.HALF_YEAR: 6, Every.YEAR: 12}


@dataclass(frozen=True)
class Schedule:
    """Due on `first_due` and then `every` so often, on `until` at the latest (None: no end)."""

    every: Every
    first_due: date
    until: date | None = None

    def due_days(self, start: date, end: date) -> Iterator[date]:
        """Yield the days from `start` to before `end` on which the form is due, in order."""
        if start < end:
            yield from self._days(start, end - timedelta(days=1))

    def is_due_on(self, day: date) -> bool:
        """Whether the form is due on `day`."""
        return any(self._days(day, day))

    def _days(self, start: date, last: date) -> Iterator[date]:
        last = last if self.until is None else min(last, self.until)
        turn = self._first_turn(start)
        while (day := self._day(turn)) is not None and day <= last:
            if day >= start:
                yield day
            turn += 1

    def _first_turn(self, start: date) -> int:
        """Return a turn at or shortly before the first that is due from `start` on."""
        if self.every is Every.ONCE or start <= self.first_due:
            return 0
        if self.every in _DAYS:
            return (start - self.first_due).days // _DAYS[self.every]
        months = _month_number(start) - _month_number(self.first_due)
        return max(0, months // _MONTHS[self.every])

    def _day(self, turn: int) -> date | None:
        """Return the day of a turn; None after the last that a calendar can hold."""
        if self.every is Every.ONCE:
            return self.first_due if turn == 0 else None
        try:
            if self.every in _DAYS:
                return self.first_due + timedelta(days=turn * _DAYS[self.every])
            year, month = divmod(_month_number(self.first_due) + turn * _MONTHS[self.every], 12)
            last = calendar.monthrange(year, month + 1)[1]
            return date(year, month + 1, min(self.first_due.day, last))
        except (OverflowError, ValueError, calendar.IllegalMonthError):
            return None


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1
