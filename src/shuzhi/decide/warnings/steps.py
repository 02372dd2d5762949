"""Steps of a series: the hours or days of a city's own clock, numbered from 1 January 1970.

A season of 24 hours is one of the wall clock, so that a morning stays a morning when the clock is
changed: the hour that is left out in spring is a step without length, the one that comes twice in
autumn one step of two hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from shuzhi.gather.lake.query import literal
from shuzhi.kernel.instant import EPOCH, Instant, named_zone

# The wall clock of whatever zone, kept as if it were that of UTC.


class Grain(StrEnum):
    """How long a step is."""

    HOUR = "hour"
    DAY = "day"

    @property
    def span(self) -> timedelta:
        """Its length, where no clock is changed."""
        return timedelta(hours=1) if self is Grain.HOUR else timedelta(days=1)

    @property
    def season(self) -> int:
        """The season that nearly every series of a city has: a day of hours, a week of days."""
        return 24 if self is Grain.HOUR else 7


@dataclass(frozen=True)
class Steps:
    """The steps of one grain in one zone (an IANA name)."""

    grain: Grain
    zone: str

    def number(self, moment: Instant) -> int:
        """Return the step in which `moment` lies."""
        wall = moment.astimezone(self._place).replace(tzinfo=UTC)
        return int((wall - EPOCH) // self.grain.span)

    def begins(self, step: int) -> Instant:
        """Return when a step begins."""
        wall = (EPOCH + self.grain.span * step).replace(tzinfo=self._place)
        return Instant(wall.astimezone(UTC))

    def ends(self, step: int) -> Instant:
        """Return when a step is over: with the beginning of the next."""
        return self.begins(step + 1)

    def day(self, step: int) -> date:
        """Return the day in which a step begins."""
        return (EPOCH + self.grain.span * step).date()

    def sql(self, moment: str) -> str:
        """Return SQL for the number of the step in which the instant `moment` (SQL) lies."""
        seconds = int(self.grain.span.total_seconds())
        wall = f"timezone({literal(self.zone)}, {moment})"
        return f"floor(epoch_us({wall}) / {seconds}000000.0)::BIGINT"

    @cached_property
    def _place(self) -> ZoneInfo:
        return named_zone(self.zone)
