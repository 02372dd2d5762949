"""Instants: aware, in UTC, and never guessed from a wall clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import (
    Instant,
    day_of,
    end_of_day,
    named_zone,
    parse_instant,
    start_of_day,
    system_clock,
    to_instant,
)

_ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"])
_INSIDE = {"min_value": datetime(1, 1, 3), "max_value": datetime(9999, 12, 29)}  # noqa: DTZ001
_instants = st.datetimes(**_INSIDE, timezones=st.just(UTC)).map(Instant)
_offsets = st.integers(-23 * 60, 23 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@given(_instants, _offsets)
def test_an_instant_written_at_any_offset_reads_back(moment: Instant, offset: timezone) -> None:
    assert parse_instant(moment.astimezone(offset).isoformat()) == moment


@given(_instants)
def test_what_is_read_is_in_utc(moment: Instant) -> None:
    assert parse_instant(moment.isoformat()).tzinfo is UTC


@given(_instants, _ZONES)
def test_a_day_ends_after_each_of_its_instants_and_belongs_to_the_next(
    moment: Instant, zone: str
) -> None:
    end = end_of_day(day_of(moment, zone), zone)
    assert moment < end
    assert day_of(end, zone) == day_of(moment, zone) + timedelta(days=1)


@given(_instants, _ZONES)
def test_a_day_begins_where_the_one_before_it_ends(moment: Instant, zone: str) -> None:
    day = day_of(moment, zone)
    assert start_of_day(day, zone) == end_of_day(day - timedelta(days=1), zone) <= moment


@given(st.text())
def test_any_text_is_an_instant_or_refused(text: str) -> None:
    try:
        assert parse_instant(text, zone="Asia/Shanghai").tzinfo is UTC
    except RefusedError as error:
        assert error.code == "kernel.not_an_instant"


def test_a_wall_clock_is_read_in_the_zone_named() -> None:
    assert parse_instant("2026-03-01 08:30", zone="Asia/Shanghai") == datetime(
        2026, 3, 1, 0, 30, tzinfo=UTC
    )


def test_an_offset_outranks_the_zone() -> None:
    assert parse_instant("2026-03-01T08:30Z", zone="Asia/Shanghai").hour == 8


def test_the_system_clock_is_aware() -> None:
    assert system_clock().utcoffset() == timedelta(0)


def test_shanghai_ends_its_day_at_16_utc() -> None:
    assert end_of_day(date(2026, 3, 1), "Asia/Shanghai") == datetime(2026, 3, 1, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "2026-03-01 08:30",
            "kernel.zone_missing: 2026-03-01T08:30:00 has no time zone. "
            "Add an offset such as +08:00, or name the zone it was written in.",
        ),
        (
            "yesterday",
            "kernel.not_an_instant: 'yesterday' is not a date and time. "
            "Write it as 2026-03-01T08:30:00+08:00.",
        ),
        (
            "0001-01-01T00:00:00+14:00",
            "kernel.not_an_instant: '0001-01-01T00:00:00+14:00' is not a date and time. "
            "Write it as 2026-03-01T08:30:00+08:00.",
        ),
    ],
)
def test_what_is_no_instant_is_refused(text: str, message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_instant(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "name", ["Asia/Chongking2", "", "..", "Asia", "\0", "a" * 5000, "/etc/passwd"]
)
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(RefusedError, match=r"^kernel\.zone_unknown: There is no time zone "):
        named_zone(name)


def test_a_naive_moment_needs_a_zone_that_exists() -> None:
    with pytest.raises(RefusedError, match=r"Use an IANA name such as Asia/Shanghai\.$"):
        to_instant(datetime(2026, 3, 1), zone="Beijing")  # noqa: DTZ001
