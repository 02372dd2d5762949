"""Deadlines of working days and of hours, with extensions and pauses."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.kernel.deadlines import Pause, due_at, due_day, if_known
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant, day_of, end_of_day, parse_instant
from shuzhi.kernel.workdays import china_working_days

CHINA = china_working_days()
SHANGHAI = "Asia/Shanghai"
_RANGE = {"min_value": datetime(2007, 1, 1), "max_value": datetime(2023, 1, 1)}  # noqa: DTZ001
_instants = st.datetimes(**_RANGE, timezones=st.just(UTC)).map(Instant)


def _at(text: str) -> Instant:
    return parse_instant(text, zone=SHANGHAI)


@st.composite
def _clocks(draw: st.DrawFn) -> tuple[Instant, list[Pause]]:
    received = draw(_instants)
    spans = draw(st.lists(st.tuples(st.integers(-500, 900), st.integers(0, 900)), max_size=4))
    starts = [(received + timedelta(hours=start), length) for start, length in spans]
    pauses = [Pause(Instant(s), Instant(s + timedelta(hours=length))) for s, length in starts]
    return received, pauses


def _walked(received: date, days: int, pauses: list[Pause]) -> date:
    """Count day by day: the plain meaning of the rule, slow and sure."""
    spans = [(day_of(p.suspended_at, SHANGHAI), day_of(p.resumed_at, SHANGHAI)) for p in pauses]
    following = (received + timedelta(days=i) for i in range(1, 4000))
    counted = (
        day
        for day in following
        if CHINA.is_working_day(day) and not any(start < day <= end for start, end in spans)
    )
    return [next(counted) for _ in range(days)][-1]


def test_the_day_of_receipt_is_that_of_the_zone_and_is_not_counted() -> None:
    late = _at("2026-03-02 23:59")
    assert due_day(CHINA, late, 1, SHANGHAI) == date(2026, 3, 3)
    assert due_day(CHINA, late, 1, "Pacific/Auckland") == date(2026, 3, 4)


def test_ten_days_over_the_spring_festival() -> None:
    # Off 15 to 23 February 2026; Saturdays the 14th and the 28th are worked.
    assert due_day(CHINA, _at("2026-02-10 09:00"), 10, SHANGHAI) == date(2026, 3, 2)


def test_an_extension_counts_from_the_original_due_day_not_from_the_consent() -> None:
    received = _at("2026-03-02 09:00")
    due = due_day(CHINA, received, 10, SHANGHAI)
    assert due_day(CHINA, received, 10, SHANGHAI, extended_by=10) == CHINA.add(due, 10)


def test_a_pause_gives_back_the_working_days_after_suspension_up_to_resumption() -> None:
    # Received Monday, suspended Tuesday, resumed Thursday: Tuesday and Friday count.
    pause = Pause(_at("2026-03-03 15:00"), _at("2026-03-05 10:00"))
    received = _at("2026-03-02 09:00")
    assert due_day(CHINA, received, 2, SHANGHAI, pauses=[pause]) == date(2026, 3, 6)


def test_a_pause_within_one_day_costs_nothing() -> None:
    pause = Pause(_at("2026-03-03 09:00"), _at("2026-03-03 17:00"))
    received = _at("2026-03-02 09:00")
    assert due_day(CHINA, received, 2, SHANGHAI, pauses=[pause]) == date(2026, 3, 4)


@given(_clocks(), st.integers(1, 60))
def test_pauses_in_any_order_and_overlapping_count_as_a_walk_does(
    clock: tuple[Instant, list[Pause]], days: int
) -> None:
    received, pauses = clock
    walked = _walked(day_of(received, SHANGHAI), days, pauses)
    assert due_day(CHINA, received, days, SHANGHAI, pauses=pauses) == walked
    assert due_day(CHINA, received, days, SHANGHAI, pauses=pauses[::-1]) == walked


@given(_clocks(), st.integers(1, 30), st.integers(0, 30))
def test_an_extension_is_a_longer_clock_with_pauses_too(
    clock: tuple[Instant, list[Pause]], days: int, more: int
) -> None:
    received, pauses = clock
    extended = due_day(CHINA, received, days, SHANGHAI, extended_by=more, pauses=pauses)
    assert extended == due_day(CHINA, received, days + more, SHANGHAI, pauses=pauses)


@given(_instants, st.integers(1, 60))
def test_a_deadline_lies_after_its_receipt(received: Instant, days: int) -> None:
    assert end_of_day(due_day(CHINA, received, days, SHANGHAI), SHANGHAI) > received


@given(_clocks(), st.integers(0, 2000))
def test_a_clock_of_hours_runs_its_hours_outside_pauses(
    clock: tuple[Instant, list[Pause]], hours: int
) -> None:
    received, pauses = clock
    due = due_at(received, hours, pauses=pauses)
    steps = (received + timedelta(hours=i) for i in range(int((due - received) / _HOUR)))
    ran = [t for t in steps if not any(p.suspended_at <= t < p.resumed_at for p in pauses)]
    assert len(ran) == hours


_HOUR = timedelta(hours=1)


def test_a_clock_of_hours_runs_at_night_and_on_holidays() -> None:
    assert due_at(_at("2026-02-16 20:00"), 24) == _at("2026-02-17 20:00")


def test_a_clock_that_runs_out_of_the_calendar_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"^kernel\.calendar_ends: "):
        due_day(CHINA, _at(f"{CHINA.last_year}-12-30 09:00"), 10, SHANGHAI)


def test_a_deadline_beyond_the_calendar_is_not_known_yet_and_no_other_refusal_is_hidden() -> None:
    start = _at(f"{CHINA.last_year}-12-30 09:00")
    assert if_known(lambda: due_day(CHINA, start, 1, SHANGHAI)) == date(CHINA.last_year, 12, 31)
    assert if_known(lambda: due_day(CHINA, start, 10, SHANGHAI)) is None
    with pytest.raises(RefusedError, match=r"^kernel\.negative_days: "):
        if_known(lambda: due_day(CHINA, start, -1, SHANGHAI))


def test_a_pause_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        Pause(_at("2026-03-03 09:00"), _at("2026-03-02 09:00"))
    assert str(caught.value) == (
        "kernel.pause_backwards: A clock suspended at 2026-03-03T01:00:00+00:00 cannot have been "
        "resumed before, at 2026-03-02T01:00:00+00:00. Correct one of the two."
    )
