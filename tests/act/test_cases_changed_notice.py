"""A notice that changes days already counted: open deadlines move by a step, ended ones stay."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.act.test_cases_year_end import KIND, lives

from shuzhi.act.cases import (
    CaseId,
    ClockDated,
    Clocks,
    Reading,
    Step,
    Ticked,
    TimeRules,
    Verb,
    case,
    check,
    close,
    date_clocks,
    feed_back,
    parse_case_kind,
    replay,
    replayed,
    resume,
    rounds_until,
    suspend,
    tick,
)
from shuzhi.act.cases.escalation import Ladder, owed_steps
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, day_of, end_of_day, parse_instant
from shuzhi.kernel.workdays import WorkingDays, china_working_days
from shuzhi.share.parties import Organisation

# Two years suffice, and are counted faster than twenty.
CHINA = replace(china_working_days(), first_year=2025)
ZONE = "Asia/Shanghai"
THURSDAY, SATURDAY = date(2025, 12, 25), date(2025, 12, 27)


def _at(text: str) -> Instant:
    return parse_instant(text, zone=ZONE)


MONDAY, DUE = _at("2025-12-22 10:00"), _at("2025-12-30 00:00")


def _off(since: Instant, *days: date, before: WorkingDays = CHINA) -> WorkingDays:
    """The calendar after a notice that gives `days` off."""
    made = replace(before, holidays=before.holidays | set(days))
    return made.after(before, since, "notice of a day off")


def _worked(since: Instant, *days: date, before: WorkingDays = CHINA) -> WorkingDays:
    """The calendar after a notice by which `days` are worked."""
    made = replace(before, working_weekends=before.working_weekends | set(days))
    return made.after(before, since, "notice of a worked day")


def _under(town: Any, calendar: WorkingDays) -> Any:
    """The same town once it has heard of a notice."""
    town.hand.now = max(town.hand.now, calendar.since)
    return replace(town, office=replace(town.office, calendar=calendar))


def _handle(town: Any, case_id: CaseId) -> Reading:
    found = case(town.office, case_id).readings
    return next(reading for reading in found if reading.clock == "handle")


@pytest.fixture
def monday(town: Any) -> Any:
    """The town on a Monday before a New Year."""
    town.hand.now = MONDAY
    return town


def test_a_day_that_becomes_a_holiday_moves_an_open_deadline_by_a_step(monday: Any) -> None:
    case_id = monday.in_hand()
    assert _handle(monday, case_id).due_at == DUE
    since = _at("2025-12-23 09:00")
    town = _under(monday, _off(since, THURSDAY))
    assert _handle(town, case_id).due_at == DUE
    assert [date_clocks(town.office) for _ in range(2)] == [1, 0]
    file, due = case(town.office, case_id), _at("2025-12-31 00:00")
    assert (_handle(town, case_id).due_at, file.case.runs[-1].next_at) == (due, due)
    step = file.steps[-1]
    assert (step.verb, step.by, step.party) == (Verb.DATE_CLOCK, "system", None)
    assert step.facts == {
        "clock": "handle",
        "due_at": due.isoformat(),
        "instead_of": DUE.isoformat(),
        "source": "notice of a day off",
    }
    assert monday.events[-1] == ClockDated(since, case_id, "river_pollution", "handle", due, DUE)
    assert replayed(town.office, case_id) == file.case


def test_nobody_is_late_by_a_day_that_became_a_holiday(monday: Any) -> None:
    case_id = monday.in_hand()
    town = _under(monday, _off(_at("2025-12-23 09:00"), THURSDAY))
    town.hand.now = _at("2025-12-30 09:00")
    # The tick that finds the old deadline passed finds it moved.
    assert tick(town.office) == Ticked(0, 0)
    assert not _handle(town, case_id).is_late
    town.hand.now = _at("2025-12-31 00:00")
    assert tick(town.office).broken == 1


def test_whoever_acts_first_finds_the_deadline_moved(monday: Any) -> None:
    case_id = monday.in_hand()
    seen = case(monday.office, case_id).case.version
    town = _under(monday, _off(_at("2025-12-23 09:00"), THURSDAY))
    suspend(town.office, case_id, by=town.dispatcher, asked_by="h.wang", reason="x", seen=seen)
    verbs = [step.verb for step in case(town.office, case_id).steps]
    assert verbs[-2:] == [Verb.DATE_CLOCK, Verb.SUSPEND]


def test_a_saturday_that_is_worked_brings_a_deadline_forward(monday: Any) -> None:
    case_id = monday.in_hand()
    town = _under(monday, _worked(_at("2025-12-23 09:00"), SATURDAY))
    assert date_clocks(town.office) == 1
    assert _handle(town, case_id).due_at == _at("2025-12-28 00:00")


def test_no_deadline_is_moved_into_the_past(monday: Any) -> None:
    case_id = monday.in_hand()
    town = _under(monday, _worked(_at("2025-12-29 09:00"), SATURDAY))
    assert (date_clocks(town.office), tick(town.office)) == (0, Ticked(0, 0))
    assert _handle(town, case_id).due_at == DUE
    later = monday.in_hand()
    town.hand.now = _at("2025-12-30 09:00")
    assert tick(town.office).broken == 1
    assert (_handle(town, case_id).is_late, _handle(town, later).is_late) == (True, False)


def test_it_runs_out_with_the_day_on_which_the_notice_came(monday: Any) -> None:
    case_id = monday.in_hand()
    wednesday = date(2025, 12, 31)
    sunday = SATURDAY + timedelta(days=1)
    off = _off(_at("2025-12-23 09:00"), date(2025, 12, 29), date(2025, 12, 30))
    town = _under(monday, off)
    assert date_clocks(town.office) == 1
    assert _handle(town, case_id).due_at == end_of_day(wednesday, ZONE)
    # Both days are worked after all, and a weekend too: it was due on the 26th.
    back = replace(CHINA, working_weekends=CHINA.working_weekends | {SATURDAY, sunday})
    town = _under(monday, back.after(off, _at("2025-12-30 09:00"), "notice of two days"))
    assert date_clocks(town.office) == 1
    assert _handle(town, case_id).due_at == end_of_day(date(2025, 12, 30), ZONE)
    assert not _handle(town, case_id).is_late


def test_what_was_late_or_closed_stays_as_it_was(monday: Any) -> None:
    broken, closed = monday.in_hand(), monday.checked(merge_key="closed")
    close(monday.office, closed, by=monday.desk)
    monday.hand.now = _at("2025-12-30 09:00")
    assert tick(monday.office).broken == 1
    until = monday.hand.now
    before = [_handle(monday, each) for each in (broken, closed)]
    rounds = list(rounds_until(monday.office, until, since=MONDAY))
    town = _under(monday, _off(_at("2025-12-30 10:00"), THURSDAY, date(2025, 12, 26)))
    date_clocks(town.office)
    after = [_handle(town, each) for each in (broken, closed)]
    assert [(r.due_at, r.is_late) for r in after] == [(r.due_at, r.is_late) for r in before]
    assert [r.is_late for r in after] == [True, False]
    town.hand.now = _at("2026-01-20 09:00")
    again = list(rounds_until(town.office, until, since=MONDAY))
    assert [(r.case_id, r.clocks[-1].due_at) for r in again] == [
        (r.case_id, r.clocks[-1].due_at) for r in rounds
    ]


def test_a_clock_that_stands_runs_on_by_the_new_days(monday: Any) -> None:
    case_id = monday.in_hand()
    suspend(monday.office, case_id, by=monday.dispatcher, asked_by="h.wang", reason="flood")
    town = _under(monday, _off(_at("2025-12-23 09:00"), THURSDAY))
    assert (date_clocks(town.office), _handle(town, case_id).is_late) == (0, False)
    resume(town.office, case_id, by=town.dispatcher)
    # Five days from the 22nd, and the 23rd given back.
    assert _handle(town, case_id).due_at == _at("2026-01-01 00:00")
    assert replayed(town.office, case_id) == case(town.office, case_id).case


def test_the_next_escalation_moves_too(monday: Any) -> None:
    case_id = monday.in_hand()
    monday.hand.now = _at("2025-12-30 00:00")
    assert tick(monday.office) == Ticked(1, 0)
    town = _under(monday, _off(_at("2025-12-30 09:00"), date(2025, 12, 30)))
    assert date_clocks(town.office) == 1
    step = case(town.office, case_id).steps[-1]
    assert (step.facts["instead_of"], step.facts["escalates_at"]) == (
        _at("2025-12-31 00:00").isoformat(),
        _at("2026-01-01 00:00").isoformat(),
    )
    town.hand.now = _at("2025-12-31 09:00")
    assert tick(town.office) == Ticked(0, 0)
    assert replayed(town.office, case_id) == case(town.office, case_id).case


def test_another_limit_of_the_kind_is_no_change_of_days(monday: Any) -> None:
    case_id = monday.in_hand()
    text = monday.kind_yaml.replace("ordinary: 5 working days", "ordinary: 3 working days")
    monday.office.kinds["river_pollution"] = parse_case_kind(text.encode(), file="shorter.yaml")
    town = _under(monday, _off(_at("2025-12-23 09:00"), THURSDAY))
    assert date_clocks(town.office) == 0
    assert _handle(town, case_id).due_at == DUE


def test_a_graver_report_finds_the_deadline_dated_by_a_step_of_its_own(monday: Any) -> None:
    short = replace(monday, office=replace(monday.office, calendar=replace(CHINA, last_year=2025)))
    monday.hand.now = _at("2025-12-29 10:00")
    case_id = short.in_hand(merge_key="weir")
    monday.hand.now = _at("2025-12-30 10:00")
    monday.report(merge_key="weir", severity="urgent")
    steps = case(monday.office, case_id).steps
    assert [step.verb for step in steps[-2:]] == [Verb.DATE_CLOCK, Verb.JOIN]
    assert steps[-2].facts["due_at"] == _at("2026-01-07 00:00").isoformat()
    assert _handle(monday, case_id).due_at == _at("2025-12-30 10:00")


def test_two_processes_at_once_date_a_clock_once(monday: Any) -> None:
    ids = [monday.in_hand(merge_key=f"weir {n}") for n in range(4)]
    town, both = _under(monday, _off(_at("2025-12-23 09:00"), THURSDAY)), Barrier(2)

    def dated(_: int) -> int:
        both.wait(timeout=60)
        return date_clocks(town.office)

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(dated, range(2)))
    assert sum(done) == len(ids)
    for case_id in ids:
        verbs = [step.verb for step in case(town.office, case_id).steps]
        assert verbs.count(Verb.DATE_CLOCK) == 1


def test_a_check_that_fails_lets_the_clock_run_on_by_the_new_days(monday: Any) -> None:
    case_id = monday.in_hand()
    feed_back(monday.office, case_id, by=monday.bridge, files=[monday.photo])
    town = _under(monday, _off(_at("2025-12-22 11:00"), THURSDAY))
    check(town.office, case_id, by=town.checker, is_good=False)
    assert _handle(town, case_id).due_at == _at("2025-12-31 00:00")


_DAYS = [date(2025, 12, 22) + timedelta(days=n) for n in range(30)]
_gaps = st.timedeltas(timedelta(0), timedelta(days=6))
_notices = st.lists(st.tuples(_gaps, st.sampled_from(_DAYS)), max_size=4)


def _noticed(notices: list[tuple[timedelta, date]]) -> WorkingDays:
    """The calendar that notices, one after the other, changed while a case lived."""
    since, known = MONDAY, CHINA
    for gap, day in notices:
        since = Instant(since + gap)
        known = (_off if day.weekday() < 5 else _worked)(since, day, before=known)
    return known


def _lived(clocks: Clocks, gaps: list[timedelta], rest: timedelta) -> list[Step]:
    """The steps of a case whose clocks do what they owe before each act, and after the last."""
    ladder = Ladder(Organisation({}), PartyId("city"))
    first, *acts = lives(gaps)
    steps = [first]
    for act in acts:
        steps += owed_steps(replay(steps, clocks), clocks, ladder, act.at)[1]
        steps.append(replace(act, number=len(steps) + 1))
    at = Instant(steps[-1].at + rest)
    return [*steps, *owed_steps(replay(steps, clocks), clocks, ladder, at)[1]]


@given(_notices, st.lists(_gaps, max_size=5), st.timedeltas(timedelta(0), timedelta(days=20)))
def test_under_any_notices_a_history_gives_one_state_with_nothing_left_to_date(
    notices: list[tuple[timedelta, date]], gaps: list[timedelta], rest: timedelta
) -> None:
    clocks = Clocks(KIND, TimeRules(_noticed(notices), ZONE, KIND.office_hours))
    steps = _lived(clocks, gaps, rest)
    at = steps[-1].at
    lived = replay(steps, clocks)
    assert owed_steps(lived, clocks, Ladder(Organisation({}), PartyId("city")), at) == (lived, ())
    dated = [step for step in steps if step.verb is Verb.DATE_CLOCK]
    for step in dated:
        calendar = clocks.known_at(step.at).rules.calendar
        due, was = (parse_instant(step.facts[name]) for name in ("due_at", "instead_of"))
        # What is brought forward still ends after the notice came.
        assert calendar.since is not None
        assert due > was or due > calendar.since
    calendar = clocks.known_at(at).rules.calendar
    bare = clocks.on(replace(calendar, before=None, since=None))
    as_counted = {run.clock: run.due_at for run in replay(steps, bare).runs}
    latest = MONDAY if calendar.since is None else end_of_day(day_of(calendar.since, ZONE), ZONE)
    for run in lived.runs:
        if run.is_running and run.broken_at is None:
            counted = as_counted[run.clock]
            assert run.due_at == counted or counted < run.due_at <= latest


@pytest.mark.parametrize("order", [(_off, _worked), (_worked, _off)])
def test_the_deadline_is_the_same_whatever_notice_comes_first(monday: Any, order: Any) -> None:
    case_id, days, calendar = monday.in_hand(), {_off: THURSDAY, _worked: SATURDAY}, CHINA
    for change, day in zip(order, ("2025-12-23 09:00", "2025-12-24 09:00"), strict=True):
        calendar = change(_at(day), days[change], before=calendar)
        assert date_clocks(_under(monday, calendar).office) == 1
    assert _handle(monday, case_id).due_at == _at("2025-12-30 00:00")
