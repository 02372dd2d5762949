"""A calendar that others take the place of: what was known when, and what it makes of deadlines."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shuzhi.kernel.deadlines import due_as_known, due_day
from shuzhi.kernel.instant import Instant, day_of, end_of_day, parse_instant
from shuzhi.kernel.workdays import Notice, WorkingDays, china_working_days

# Two years suffice, and are counted faster than twenty.
CHINA = replace(china_working_days(), first_year=2025)
ZONE = "Asia/Shanghai"
START = parse_instant("2025-12-22 10:00", zone=ZONE)
_gaps = st.timedeltas(timedelta(0), timedelta(days=9))
_changes = st.lists(st.tuples(_gaps, st.integers(0, 30)), max_size=5)


def _changed(changes: list[tuple[timedelta, int]]) -> WorkingDays:
    """China's calendar, which gives one day more off from one instant and another."""
    known, since = CHINA, START
    for gap, n in changes:
        since = Instant(since + gap)
        day = date(2025, 12, 23) + timedelta(days=n)
        made = replace(known, holidays=known.holidays ^ {day}, before=None, since=None)
        known = made.after(known, since, f"day {n}")
    return known


def _due(calendar: WorkingDays, days: int, at: Instant) -> Instant | None:
    def count(known: WorkingDays) -> Instant:
        return end_of_day(due_day(known, START, days, ZONE), ZONE)

    return due_as_known(calendar, count, started_at=START, at=at, zone=ZONE)


@given(_changes, _gaps)
def test_what_was_known_at_an_instant_is_the_newest_version_until_then(
    changes: list[tuple[timedelta, int]], gap: timedelta
) -> None:
    calendar, at = _changed(changes), Instant(START + gap)
    known = calendar.known_at(at)
    assert known.since is None or known.since <= at
    versions = calendar.versions(at)
    assert (versions[0], versions[-1]) == (known, calendar)
    assert all(a is b.before for a, b in pairwise(versions))


@given(_changes, st.integers(1, 12), _gaps)
def test_a_deadline_that_runs_is_never_moved_into_the_past(
    changes: list[tuple[timedelta, int]], days: int, gap: timedelta
) -> None:
    calendar, at = _changed(changes), Instant(START + gap)
    due = _due(calendar, days, at)
    assert due is not None
    for each in calendar.known_at(at).versions(START)[1:]:
        assert each.since is not None
        assert each.before is not None
        before = _due(each.before, days, each.since)
        now = _due(each, days, each.since)
        assert before is not None
        assert now is not None
        today = end_of_day(day_of(each.since, ZONE), ZONE)
        # What has run out stays; what runs ends today at the earliest, if not before it anyhow.
        assert now == before if before <= each.since else now >= min(before, today)


@given(_changes, st.integers(1, 12), _gaps, _gaps)
def test_what_is_changed_after_an_instant_says_nothing_of_it(
    changes: list[tuple[timedelta, int]], days: int, gap: timedelta, more: timedelta
) -> None:
    calendar, at = _changed(changes), Instant(START + gap)
    newest = max(at, calendar.since or at)
    later = replace(CHINA, holidays=frozenset()).after(calendar, Instant(newest + more), "none")
    if later.since is not None and later.since > at:
        assert _due(later, days, at) == _due(calendar, days, at)


@given(st.lists(st.integers(0, 3), min_size=4, max_size=4), st.integers(1, 30))
def test_a_deadline_is_dated_by_the_first_calendar_that_reaches_it_and_alike_by_all(
    hours: list[int], days: int
) -> None:
    known, since = replace(CHINA, last_year=2025), START
    for year, gap in zip((2026, 2027), hours, strict=False):
        since = Instant(since + timedelta(hours=gap + 1))
        holiday = frozenset({date(year, 1, 1)})
        made = known.with_notice(Notice(year, f"an example of {year}", holiday, frozenset()))
        known = made.after(known, since, f"notice for {year}")
    assert _due(known, days, since) == _due(replace(known, before=None, since=None), days, since)
