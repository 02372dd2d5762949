"""Periods that are scored: a month, a quarter or a year of the city's calendar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shuzhi.act.evaluation.errors import EvaluationError
from shuzhi.kernel.instant import Instant, start_of_day

_WRITTEN = re.compile(r"(2[01][0-9]{2})(?:-(?:(0[1-9]|1[0-2])|Q([1-4])))?")
_YEAR, _QUARTER = 12, 3


class Length(StrEnum):
    """How long a scheme's periods are."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_MONTHS = {Length.MONTH: 1, Length.QUARTER: _QUARTER, Length.YEAR: _YEAR}


@dataclass(frozen=True, order=True)
class Period:
    """Some whole months: `first` is the first day."""

    first: date
    length: Length

    def __str__(self) -> str:
        """Return the period as people write it: 2026-03, 2026-Q1, 2026."""
        if self.length is Length.YEAR:
            return str(self.first.year)
        if self.length is Length.QUARTER:
            return f"{self.first.year}-Q{(self.first.month + 2) // _QUARTER}"
        return f"{self.first.year}-{self.first.month:02}"

    @property
    def after(self) -> Period:
        """The next period of the same length."""
        return Period(_moved(self.first, _MONTHS[self.length]), self.length)

    @property
    def before(self) -> Period:
        """The period of the same length before this one."""
        return Period(_moved(self.first, -_MONTHS[self.length]), self.length)

    def starts_at(self, zone: str) -> Instant:
        """Return the instant at which the period begins in `zone`."""
        return start_of_day(self.first, zone)

    def ends_at(self, zone: str) -> Instant:
        """Return the instant at which the period is over in `zone`: the start of the next."""
        return self.after.starts_at(zone)


def parse_period(text: str) -> Period:
    """Read `2026-03`, `2026-Q1` or `2026`.

    Raises:
        EvaluationError: `act.bad_period`.
    """
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise EvaluationError(
            "act.bad_period",
            f"{text[:40]!r} is no period that can be scored.",
            next_step="Write a month as 2026-03, a quarter as 2026-Q1, a year as 2026.",
        )
    year, month, quarter = match.groups()
    if month:
        return Period(date(int(year), int(month), 1), Length.MONTH)
    if quarter:
        return Period(date(int(year), int(quarter) * _QUARTER - 2, 1), Length.QUARTER)
    return Period(date(int(year), 1, 1), Length.YEAR)


def _moved(day: date, months: int) -> date:
    total = day.year * _YEAR + day.month - 1 + months
    return date(total // _YEAR, total % _YEAR + 1, 1)
