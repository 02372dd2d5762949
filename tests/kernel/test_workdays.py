"""The working-day calendar, against the State Council's notices and against its own laws."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.workdays import Notice, WorkingDays, china_working_days

CHINA = china_working_days()
_days = st.dates(date(CHINA.first_year, 1, 1), date(CHINA.last_year - 2, 12, 31))
_counts = st.integers(1, 200)


def _oracle(folder: Path) -> dict[date, bool]:
    file = folder / "data/12_calendar/china_workdays/holiday_cn_2007_2026.csv"
    with file.open(encoding="utf-8-sig") as rows:
        return {date.fromisoformat(r["date"]): r["is_off"] == "False" for r in csv.DictReader(rows)}


def _year(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=i) for i in range((date(year + 1, 1, 1) - first).days)]


# 2023 to 2026 are the years for which the oracle says that it was compared with other sources;
# 2007 to 2022 agree as well and are compared here all the same; it says nothing of 2004 to 2006.
@pytest.mark.real_data
@pytest.mark.parametrize("year", range(2007, 2027))
def test_every_day_is_as_the_notices_say(shared: Path, year: int) -> None:
    special = _oracle(shared)
    said = {day: special.get(day, day.weekday() < 5) for day in _year(year)}
    assert {day: CHINA.is_working_day(day) for day in said} == said


@pytest.mark.parametrize(("year", "count"), [(2023, 249), (2024, 251), (2025, 248), (2026, 248)])
def test_a_year_has_its_number_of_working_days(year: int, count: int) -> None:
    assert CHINA.between(date(year - 1, 12, 31), date(year, 12, 31)) == count


def test_counting_leaves_out_the_first_day_and_skips_the_national_holiday() -> None:
    # Off 1 to 8 October 2025; Saturday the 11th and Sunday 28 September are worked.
    assert CHINA.add(date(2025, 9, 26), 1) == date(2025, 9, 28)
    assert CHINA.add(date(2025, 9, 30), 3) == date(2025, 10, 11)
    assert CHINA.between(date(2025, 9, 26), date(2025, 10, 11)) == 6


@given(_days, _counts)
def test_a_count_ends_on_a_working_day_after_its_start(day: date, n: int) -> None:
    end = CHINA.add(day, n)
    assert CHINA.is_working_day(end)
    assert end > day


@given(_days, st.integers(0, 200))
def test_between_undoes_add(day: date, n: int) -> None:
    assert CHINA.between(day, CHINA.add(day, n)) == n


@given(_days, _days)
def test_between_counts_what_a_walk_counts(a: date, b: date) -> None:
    start, end = min(a, b), max(a, b)
    walk = (start + timedelta(days=i) for i in range(1, (end - start).days + 1))
    assert CHINA.between(start, end) == sum(map(CHINA.is_working_day, walk))
    assert CHINA.between(end, start) == -CHINA.between(start, end)


@given(_days, _counts, _counts)
def test_an_extension_counts_on_from_the_original_due_day(day: date, n: int, more: int) -> None:
    assert CHINA.add(CHINA.add(day, n), more) == CHINA.add(day, n + more)


@given(_days, _days, _counts, _counts)
def test_later_or_longer_never_ends_earlier(a: date, b: date, n: int, m: int) -> None:
    assert CHINA.add(min(a, b), n) <= CHINA.add(max(a, b), n)
    assert CHINA.add(a, min(n, m)) <= CHINA.add(a, max(n, m))


_ENDS = (
    "kernel.calendar_ends: The working-day calendar knows 2004 to 2026; {}. Load the State "
    "Council's holiday notice for 2027 (shuzhi calendar load FILE), or use days from 2004 on."
)
# Cut at 2026, so that a later release of the package changes no test.
_SHORT = WorkingDays(2004, 2026, CHINA.holidays, CHINA.working_weekends)


@pytest.mark.parametrize("day", [date(2003, 12, 31), date(2027, 1, 1), date.max, date.min])
def test_a_day_outside_the_known_years_is_refused(day: date) -> None:
    with pytest.raises(RefusedError) as caught:
        _SHORT.is_working_day(day)
    assert str(caught.value) == _ENDS.format(f"{day} lies outside")


def test_a_count_that_runs_past_the_last_known_year_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        _SHORT.add(date(2026, 12, 30), 2)
    assert str(caught.value) == _ENDS.format("2 working days from 2026-12-30 run past its end")
    assert _SHORT.add(date(2026, 12, 30), 1) == date(2026, 12, 31)


def test_an_instant_is_no_day() -> None:
    with pytest.raises(TypeError, match=r"^An instant has a day only in a zone: use day_of\.$"):
        CHINA.is_working_day(datetime(2025, 10, 1, tzinfo=UTC))


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        CHINA.add(date(2025, 1, 2), -1)
    assert str(caught.value) == (
        "kernel.negative_days: A clock cannot run for -1 working days. "
        "Give a number of days that is not negative."
    )


_NEXT = Notice(
    2027,
    "an example, not the State's",
    frozenset({date(2026, 12, 31), date(2027, 1, 1), date(2027, 5, 1), date(2027, 10, 1)}),
    frozenset({date(2027, 1, 3)}),
)


def test_a_notice_adds_a_year_and_may_move_the_december_before() -> None:
    calendar = _SHORT.with_notice(_NEXT)
    assert calendar.last_year == 2027
    assert calendar.add(date(2026, 12, 30), 1) == date(2027, 1, 3)
    assert not calendar.is_working_day(date(2027, 10, 1))
    assert calendar.add(date(2027, 10, 1), 1) == date(2027, 10, 4)


def test_an_amended_notice_replaces_its_year_alone() -> None:
    amended = Notice(2027, "amended", frozenset({date(2027, 1, 1)}), frozenset())
    calendar = _SHORT.with_notice(_NEXT).with_notice(amended)
    assert not calendar.is_working_day(date(2027, 1, 3))
    assert calendar.is_working_day(date(2027, 10, 1))
    assert calendar.between(date(2004, 1, 1), date(2026, 11, 30)) == (
        CHINA.between(date(2004, 1, 1), date(2026, 11, 30))
    )


def test_adding_a_notice_leaves_the_calendar_it_was_added_to() -> None:
    _SHORT.with_notice(_NEXT)
    assert _SHORT.is_working_day(date(2026, 12, 31))
    assert _SHORT.last_year == 2026


def test_a_notice_that_leaves_a_year_unknown_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        _SHORT.with_notice(Notice(2028, "too early", frozenset(), frozenset()))
    assert str(caught.value) == (
        "kernel.notice_leaves_gap: The notice for 2028 does not join the calendar, which knows "
        "2004 to 2026. Load the notice for 2027 first."
    )
