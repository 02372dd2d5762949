"""Spans of time as clocks count them: minutes, minutes of office hours, working days.

Reads `5 working days` from YAML, and says when such a span runs out over the spells in which a
clock ran, and how much of it those spells used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from shuzhi.act.cases.model import Spell
from shuzhi.kernel.deadlines import Pause, due_after, due_day
from shuzhi.kernel.instant import Instant, day_of, end_of_day, named_zone
from shuzhi.kernel.workdays import WorkingDays

_SPAN = re.compile(r"([1-9][0-9]{0,5}) (working )?(minute|hour|day)s?")
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
_MINUTE = timedelta(minutes=1)
_TICK = timedelta(microseconds=1)


class SpanUnit(StrEnum):
    """What a span is counted in."""

    MINUTES = "minutes"
    WORKING_MINUTES = "working minutes"
    WORKING_DAYS = "working days"


@dataclass(frozen=True)
class Span:
    """An amount of time in one of three units; hours are kept as minutes."""

    amount: int
    unit: SpanUnit

    def __str__(self) -> str:
        """Return the span as it is written in YAML."""
        hours, minutes = divmod(self.amount, 60)
        is_hours = self.unit is not SpanUnit.WORKING_DAYS and hours and not minutes
        amount, unit = (self.amount, str(self.unit))
        if is_hours:
            amount, unit = hours, unit.replace("minutes", "hours")
        return f"{amount} {unit if amount != 1 else unit.removesuffix('s')}"


def parse_span(text: str) -> Span | None:
    """Read `30 minutes`, `24 hours`, `8 working hours` or `5 working days`; None for all else.

    Plain days are not read: nobody could tell whether they end with the day or by the hour.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        return None
    amount, is_working, unit = int(match[1]), bool(match[2]), match[3]
    if unit == "day":
        return Span(amount, SpanUnit.WORKING_DAYS) if is_working else None
    minutes = amount * (60 if unit == "hour" else 1)
    return Span(minutes, SpanUnit.WORKING_MINUTES if is_working else SpanUnit.MINUTES)


def parse_office_hours(text: str) -> tuple[time, time] | None:
    """Read `09:00-12:00`; None when it is no such text or ends before it starts."""
    match = _HOURS.fullmatch(text)
    if match is None:
        return None
    start, end = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
    return (start, end) if start < end else None


@dataclass(frozen=True)
class TimeRules:
    """How time is counted for a case: the calendar, the city's zone, and its kind's office hours.

    `office_hours` are sorted and do not overlap; they hold on every working day.
    """

    calendar: WorkingDays
    zone: str
    office_hours: tuple[tuple[time, time], ...] = ()


def runs_out(span: Span, spells: Sequence[Spell], rules: TimeRules) -> Instant:
    """Return when a clock of `span` runs out, running on after the last of its `spells`.

    The instant itself is too late already. A pause after it moves nothing.

    Raises:
        RefusedError: `kernel.calendar_ends` when it runs into a year whose calendar is unknown.
    """
    start, pauses = spells[0].started_at, _pauses(spells)
    if span.unit is SpanUnit.MINUTES:
        return due_after(start, span.amount * _MINUTE, pauses=pauses)
    if span.unit is SpanUnit.WORKING_DAYS:
        last_day = due_day(rules.calendar, start, span.amount, rules.zone, pauses=pauses)
        return end_of_day(last_day, rules.zone)
    return _office_time_over(span.amount * _MINUTE, spells, rules)


def runs_out_again(
    span: Span, since: Instant, spells: Sequence[Spell], rules: TimeRules
) -> Instant:
    """Return when a further `span` runs out that counts on from the deadline `since`."""
    # The day that ended with the deadline is the one that is not counted.
    start = since - _TICK if span.unit is SpanUnit.WORKING_DAYS else since
    rest = [s for s in spells if s.ended_at is None or s.ended_at > since]
    after = [Spell(max(s.started_at, Instant(start)), s.ended_at) for s in rest]
    if after and after[0].started_at > start:
        after.insert(0, Spell(Instant(start), Instant(start)))
    return runs_out(span, after or [Spell(Instant(start))], rules)


def stated_runs_out(stated_at: Instant, spells: Sequence[Spell]) -> Instant:
    """Return a deadline that was stated with the case, moved by the pauses before it."""
    start = spells[0].started_at
    return due_after(start, stated_at - start, pauses=_pauses(spells))


def used(unit: SpanUnit, spells: Sequence[Spell], now: Instant, rules: TimeRules) -> Span:
    """Return what the spells used until `now`, in whole units; never negative.

    Working time is counted as far as the calendar knows it.
    """
    bounds = [(s.started_at, max(s.started_at, s.ended_at or now)) for s in spells]
    if unit is SpanUnit.WORKING_DAYS:
        last = rules.calendar.ends_at
        days = ([min(day_of(at, rules.zone), last) for at in bound] for bound in bounds)
        return Span(sum(rules.calendar.between(a, b) for a, b in days), unit)
    if unit is SpanUnit.MINUTES:
        total = sum((b - a for a, b in bounds), timedelta())
    else:
        # The last instant of the last day that is known.
        known = Instant(end_of_day(rules.calendar.ends_at, rules.zone) - _TICK)
        bounds = [(min(a, known), min(b, known)) for a, b in bounds]
        office = (_overlap(o, s) for s in bounds for o in office_spells(*s, rules))
        total = sum((b - a for a, b in office), timedelta())
    return Span(total // _MINUTE, unit)


def _pauses(spells: Sequence[Spell]) -> list[Pause]:
    gaps = ((a.ended_at, b.started_at) for a, b in pairwise(spells))
    return [Pause(stopped, resumed) for stopped, resumed in gaps if stopped is not None]


def _office_time_over(left: timedelta, spells: Sequence[Spell], rules: TimeRules) -> Instant:
    *ended, last = spells
    # What runs still, or would run on, has no end but that of the calendar.
    bounds = [(s.started_at, s.ended_at or s.started_at) for s in ended]
    for start, end in (*bounds, (last.started_at, None)):
        for office in office_spells(start, end, rules):
            opens, closes = _overlap(office, (start, end or office[1]))
            if closes - opens >= left:
                return Instant(opens + left)
            left -= max(closes - opens, timedelta())
    raise AssertionError("an endless spell uses up every span or leaves the calendar")


def office_spells(
    start: Instant, end: Instant | None, rules: TimeRules
) -> Iterator[tuple[Instant, Instant]]:
    """Yield the office hours of every working day from `start` that overlap it up to `end`.

    They are whole, also where `start` or `end` lies within; without `end` they go on until the
    calendar ends, which is refused (`kernel.calendar_ends`).
    """
    zone, day = named_zone(rules.zone), day_of(start, rules.zone)
    while end is None or day <= day_of(end, rules.zone):
        if rules.calendar.is_working_day(day):
            for hours in rules.office_hours:
                opens, closes = (_instant(day, at, zone) for at in hours)
                if closes > start and (end is None or opens < end):
                    yield opens, closes
        day += timedelta(days=1)


def _overlap(
    office: tuple[Instant, Instant], spell: tuple[Instant, Instant]
) -> tuple[Instant, Instant]:
    return max(office[0], spell[0]), min(office[1], spell[1])


def _instant(day: date, at: time, zone: ZoneInfo) -> Instant:
    return Instant(datetime.combine(day, at, tzinfo=zone).astimezone(UTC))
