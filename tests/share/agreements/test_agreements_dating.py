"""Deadlines of sharing that a notice sets or moves: each by a step, once, never into the past."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.share.agreements.conftest import an_entry

from shuzhi.kernel.deadlines import Pause, due_day
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, day_of, end_of_day, parse_instant
from shuzhi.kernel.law import Law, LawUnit
from shuzhi.kernel.workdays import WorkingDays, china_working_days
from shuzhi.share.agreements import (
    Act,
    ApplicationState,
    Clock,
    ClockRun,
    MatterKind,
    Verb,
    act,
    application,
    date_clocks,
    replayed,
    tick,
)
from shuzhi.share.agreements.clocks import Term, Time, live
from shuzhi.share.catalogue import Sharing, publish

# Three years suffice, and are counted faster than twenty.
CHINA = replace(china_working_days(), first_year=2025)
ZONE = "Asia/Shanghai"
MONDAY = parse_instant("2026-03-02T09:00:00+08:00")


def _off(before: WorkingDays, since: Instant, *days: date) -> WorkingDays:
    made = replace(before, holidays=before.holidays | set(days), before=None, since=None)
    return made.after(before, since, "a notice of this test")


def _noticed(exchange: Any, at: str, *days: date) -> None:
    exchange.to(at)
    exchange.calendar = _off(exchange.calendar, exchange.now, *days)


def _answer(exchange: Any, number: int) -> Any:
    return live(application(exchange.office, number).application.runs, Clock.ANSWER)


def _another(exchange: Any) -> Any:
    publish(exchange.control, an_entry("rivers", Sharing.CONDITIONAL), by="ecology", now=MONDAY)
    return exchange.submitted(dataset="rivers")


def test_a_clock_that_waited_is_dated_by_a_step_of_its_own(exchange: Any) -> None:
    exchange.to("2026-12-25T01:00:00+00:00")
    held = exchange.submitted(ends_on=date(2027, 6, 30))
    exchange.know_2027()
    assert [date_clocks(exchange.office) for _ in range(2)] == [1, 0]
    file = application(exchange.office, held.id)
    step, run = file.steps[-1], _answer(exchange, held.id)
    assert (step.verb, step.by, step.party) == (Verb.DATE_CLOCK, "system", None)
    assert step.facts == {"clock": "answer", "due_at": run.due_at.isoformat()}
    # Whoever looks at it is not made wrong by it.
    assert file.application.touched == 1
    assert replayed(exchange.office, MatterKind.APPLICATION, held.id) == file.application


def test_a_day_that_becomes_a_holiday_moves_an_open_deadline(exchange: Any) -> None:
    held = exchange.submitted()
    was = _answer(exchange, held.id).due_at
    _noticed(exchange, "2026-03-03T01:00:00+00:00", date(2026, 3, 5))
    assert [date_clocks(exchange.office) for _ in range(2)] == [1, 0]
    file = application(exchange.office, held.id)
    assert _answer(exchange, held.id).due_at == was + timedelta(days=1)
    assert file.steps[-1].facts == {
        "clock": "answer",
        "due_at": (was + timedelta(days=1)).isoformat(),
        "instead_of": was.isoformat(),
        "source": "a notice of this test",
    }
    assert replayed(exchange.office, MatterKind.APPLICATION, held.id) == file.application


def test_whoever_acts_first_finds_it_moved_and_nobody_is_late_by_a_holiday(exchange: Any) -> None:
    acted, waiting = exchange.submitted(), _another(exchange)
    due = _answer(exchange, waiting.id).due_at
    _noticed(exchange, "2026-03-03T01:00:00+00:00", date(2026, 3, 5))
    act(exchange.office, acted.id, Act(Verb.ASK_EXTENSION, exchange.ecology, days=5, text="x"))
    verbs = [step.verb for step in application(exchange.office, acted.id).steps]
    assert verbs[-2:] == [Verb.DATE_CLOCK, Verb.ASK_EXTENSION]
    exchange.now = due
    tick(exchange.office)
    found = application(exchange.office, waiting.id)
    assert found.steps[-1].verb is Verb.DATE_CLOCK
    assert _answer(exchange, waiting.id).broken_at is None


def test_what_was_late_or_over_stays(exchange: Any) -> None:
    late, over = exchange.submitted(), _another(exchange)
    act(exchange.office, over.id, Act(Verb.WITHDRAW, exchange.water))
    exchange.now = _answer(exchange, late.id).due_at
    tick(exchange.office)
    before = [application(exchange.office, each.id).application for each in (late, over)]
    later = Instant(exchange.now + timedelta(hours=1))
    _noticed(exchange, later.isoformat(), date(2026, 3, 5), date(2026, 3, 6))
    assert date_clocks(exchange.office) == 0
    after = [application(exchange.office, each.id).application for each in (late, over)]
    assert after == before
    assert after[1].state is ApplicationState.WITHDRAWN


def test_two_processes_at_once_date_it_once(exchange: Any) -> None:
    held = exchange.submitted()
    _noticed(exchange, "2026-03-03T01:00:00+00:00", date(2026, 3, 5))
    both = Barrier(2)

    def dated(_: int) -> int:
        both.wait(timeout=60)
        return date_clocks(exchange.office)

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(dated, range(2))) == 1
    verbs = [step.verb for step in application(exchange.office, held.id).steps]
    assert verbs.count(Verb.DATE_CLOCK) == 1


_gaps = st.timedeltas(timedelta(0), timedelta(days=5))
_days = st.integers(0, 30).map(lambda n: date(2026, 3, 3) + timedelta(days=n))


@given(st.lists(st.tuples(_gaps, _days), max_size=4), st.integers(1, 12), _gaps, _gaps)
def test_a_clock_ends_as_its_days_are_known_and_never_before_a_notice_came(
    notices: list[tuple[timedelta, date]], days: int, until: timedelta, stood: timedelta
) -> None:
    stopped, term = Instant(MONDAY + until), Term("x", days, LawUnit.WORKING_DAYS, "", True)
    resumed = Instant(stopped + stood)
    run = ClockRun(Clock.ANSWER, PartyId("city"), MONDAY, term, pauses=((stopped, resumed),))
    calendar, since = CHINA, MONDAY
    before = Time(Law({}), calendar, ZONE).wound(run).due_at
    for gap, day in notices:
        since = Instant(since + gap)
        calendar = _off(calendar, since, day)
        due = Time(Law({}), calendar, ZONE).wound(run).due_at
        assert before is not None
        assert due is not None
        assert due >= before
        pauses = [Pause(stopped, resumed)]
        counted = end_of_day(due_day(calendar, MONDAY, days, ZONE, pauses=pauses), ZONE)
        assert due == (before if before <= since else counted)
        assert day_of(due, ZONE) >= day_of(before, ZONE)
        before = due


@pytest.mark.parametrize("order", [(5, 6), (6, 5)])
def test_the_deadline_is_the_same_whatever_notice_comes_first(
    exchange: Any, order: tuple[int, int]
) -> None:
    held = exchange.submitted()
    for hour, day in enumerate(order):
        _noticed(exchange, f"2026-03-03T0{hour}:00:00+00:00", date(2026, 3, day))
        assert date_clocks(exchange.office) == 1
    assert _answer(exchange, held.id).due_at == parse_instant("2026-03-19T00:00:00+08:00")
