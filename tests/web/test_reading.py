"""Numbers, times and spans as people read them, in both languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from shuzhi.act.cases import ClockState, Reading, Span, SpanUnit
from shuzhi.app import City
from shuzhi.kernel.instant import Instant
from shuzhi.web.pages.frame.languages import read_words
from shuzhi.web.pages.frame.reading import Reader

NOW = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))


def at(**span: float) -> Instant:
    return Instant(NOW + timedelta(**span))


@pytest.fixture(scope="module")
def readers(city: City) -> dict[str, Reader]:
    then = replace(city, clock=lambda: NOW)
    return {language: Reader(then, read_words(), language) for language in ("zh", "en")}


def test_an_instant_is_shown_on_the_citys_clock(readers: dict[str, Reader]) -> None:
    assert readers["zh"].moment(NOW) == "2026-03-02 16:00"
    assert readers["en"].moment(NOW) == "2 Mar 2026 16:00"
    assert 'datetime="2026-03-02T08:00:00+00:00"' in readers["en"].when(NOW)


def test_a_deadline_at_midnight_is_the_end_of_the_day_before(readers: dict[str, Reader]) -> None:
    midnight = Instant(datetime(2026, 3, 4, 16, tzinfo=UTC))
    assert readers["zh"].due(midnight) == "2026-03-04（周三）当日结束前"
    assert readers["en"].due(midnight) == "end of Wed 4 Mar 2026"
    assert readers["zh"].due(NOW) == "2026-03-02 16:00"


def test_spans_are_said_in_the_unit_of_their_clock(readers: dict[str, Reader]) -> None:
    reader = readers["zh"]
    assert reader.span(Span(5, SpanUnit.WORKING_DAYS)) == "5 个工作日"
    assert reader.span(Span(125, SpanUnit.WORKING_MINUTES)) == "2 小时 5 分（工作时间）"
    assert reader.span(Span(30, SpanUnit.MINUTES)) == "0 小时 30 分"
    assert reader.span(None) == "–"


@pytest.mark.parametrize(
    ("state", "due", "is_late", "shown"),
    [
        (ClockState.RUNNING, at(hours=18), False, ("soon", "18 h left")),
        (ClockState.RUNNING, at(days=3), False, ("good", "3 d left")),
        (ClockState.RUNNING, at(hours=-6), True, ("late", "late by 6 h")),
        (ClockState.STANDING, at(hours=1), False, ("still", "stands still")),
        (ClockState.ENDED, at(hours=1), False, ("good", "kept")),
        (ClockState.ENDED, at(hours=-1), True, ("late", "was late")),
        (ClockState.RUNNING, None, False, ("", "not known yet")),
        (ClockState.STANDING, None, False, ("still", "stands still")),
        (ClockState.ENDED, None, False, ("", "not known yet")),
    ],
)
def test_a_clock_says_how_it_stands(
    readers: dict[str, Reader],
    state: ClockState,
    due: Instant | None,
    is_late: bool,
    shown: tuple[str, str],
) -> None:
    used = Span(1, SpanUnit.MINUTES)
    assert readers["en"].left(Reading("handle", 1, state, used, None, due, is_late)) == shown


def test_no_percentage_rounds_a_fault_away(readers: dict[str, Reader]) -> None:
    reader = readers["en"]
    assert [reader.percent(share) for share in (1, 0.999999, Decimal("0.5"), None)] == [
        "100.00 %", "99.99 %", "50.00 %", "–",
    ]  # fmt: skip
    assert reader.percent(0.9999, 0) == "99 %"


def test_what_is_counted_is_named_without_braces(readers: dict[str, Reader]) -> None:
    assert (readers["zh"].unit("{case}"), readers["en"].unit("{case}")) == ("件", "cases")
    assert (readers["en"].unit("{bus}"), readers["en"].unit("mg/m3")) == ("bus", "mg/m3")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-03-02T08:00:00+00:00", "2 Mar 2026 16:00"),
        ("2026-13-99T08:00:00+00:00", "2026-13-99T08:00:00+00:00"),
        (2013, "2013"), (0.25, "0.25"), (True, "yes"), (None, "–"),
    ],
)  # fmt: skip
def test_a_fact_is_shown_as_it_is_and_times_on_the_citys_clock(
    readers: dict[str, Reader], value: object, shown: str
) -> None:
    assert readers["en"].fact(value) == shown
