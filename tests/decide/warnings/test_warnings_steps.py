"""Steps: hours and days of a wall clock, also where it is changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shuzhi.decide.warnings.steps import Grain, Steps
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC")
MOMENTS = st.integers(365 * 86_400, 67 * 365 * 86_400).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)


@given(MOMENTS, st.sampled_from(Grain), st.sampled_from(ZONES))
def test_a_moment_lies_in_its_step(moment: datetime, grain: Grain, zone: str) -> None:
    steps = Steps(grain, zone)
    number = steps.number(Instant(moment))
    assert steps.begins(number) <= moment < steps.ends(number)


@settings(deadline=None, max_examples=50)
@given(MOMENTS, st.sampled_from(Grain), st.sampled_from(ZONES))
def test_the_lake_counts_the_same_steps(moment: datetime, grain: Grain, zone: str) -> None:
    steps = Steps(grain, zone)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        sql = f"SELECT {steps.sql('?::TIMESTAMPTZ')}"
        assert connection.execute(sql, [moment]).fetchone() == (steps.number(Instant(moment)),)


def test_the_hour_left_out_in_spring_has_no_length() -> None:
    steps = Steps(Grain.HOUR, "Europe/Berlin")
    before = steps.number(Instant(datetime(2026, 3, 29, 0, 30, tzinfo=UTC)))
    after = steps.number(Instant(datetime(2026, 3, 29, 1, 30, tzinfo=UTC)))
    assert after == before + 2
    assert steps.begins(before + 1) == steps.ends(before + 1)


def test_the_hour_that_comes_twice_in_autumn_is_one_step_of_two_hours() -> None:
    steps = Steps(Grain.HOUR, "Europe/Berlin")
    number = steps.number(Instant(datetime(2026, 10, 25, 0, 30, tzinfo=UTC)))
    assert number == steps.number(Instant(datetime(2026, 10, 25, 1, 30, tzinfo=UTC)))
    assert steps.ends(number) - steps.begins(number) == timedelta(hours=2)


def test_a_day_has_twenty_three_to_twenty_five_hours() -> None:
    steps = Steps(Grain.DAY, "Europe/Berlin")
    first = steps.number(Instant(datetime(2026, 1, 1, 12, tzinfo=UTC)))
    lengths = {steps.ends(n) - steps.begins(n) for n in range(first, first + 365)}
    assert lengths == {timedelta(hours=h) for h in (23, 24, 25)}
    assert steps.day(first) == date(2026, 1, 1)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(RefusedError, match="no time zone"):
        Steps(Grain.DAY, "Mars/Olympus").number(Instant(datetime(2026, 1, 1, tzinfo=UTC)))
