"""The clocks of cases: limits, pauses, breaking and escalating, across holidays and long sleeps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shuzhi.act.cases import (
    CaseEscalated,
    CaseId,
    CaseKind,
    ClockBroken,
    ClockState,
    Office,
    Order,
    Reading,
    Report,
    Span,
    SpanUnit,
    Ticked,
    Verb,
    case,
    check,
    close,
    dispatch,
    feed_back,
    file_case,
    open_case,
    parse_case_kind,
    reopen,
    replayed,
    resume,
    suspend,
    take,
    tick,
    time_used,
    verify,
)
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, parse_instant

ONE_CLOCK = """
id: repair
title: {{zh: 维修, en: Repair}}
severities: [ordinary]
steps:
  feed_back: {{from: NEW, by: desk}}
  check: {{from: FED_BACK, by: checker}}
  close: {{from: CHECKED, by: desk}}
clocks:
  - id: repair
    title: {{zh: 维修, en: Repaired}}
    over: NEW
    answers: handler
    limit: {limit}
closing: {{evidence: {{photo: 1}}}}
working_hours: ["09:00-12:00", "14:00-18:00"]
"""


def _at(text: str) -> Instant:
    return parse_instant(text, zone="Asia/Shanghai")


def _clock(town: Any, case_id: CaseId, clock: str = "handle", round_: int = 1) -> Reading:
    found = time_used(town.office, case_id)
    return next(r for r in found if (r.clock, r.round) == (clock, round_))


def _repair(town: Any, limit: str) -> Reading:
    """Open a case with one clock of `limit` and read it."""
    kind = parse_case_kind(ONE_CLOCK.format(limit=limit).encode(), file="repair.yaml")
    town.office.kinds[kind.id] = kind
    report = Report("repair", "ordinary", town.desk, PartyId("bridge"))
    return _clock(town, open_case(town.office, report).case_id, "repair")


@pytest.mark.parametrize(
    ("opened", "limit", "due"),
    [
        # Spring Festival 2026: off 15 to 23 February; Saturdays the 14th and the 28th are worked.
        ("2026-02-10 09:00", "5 working days", "2026-02-25 00:00"),
        ("2026-02-13 16:00", "1 working day", "2026-02-15 00:00"),
        ("2026-02-14 16:00", "1 working day", "2026-02-25 00:00"),
        ("2026-02-18 16:00", "1 working day", "2026-02-25 00:00"),
        ("2026-02-27 16:00", "1 working day", "2026-03-01 00:00"),
        # National Day and Mid-Autumn 2025: off 1 to 8 October; 28 September and 11 October worked.
        ("2025-09-26 09:00", "4 working days", "2025-10-10 00:00"),
        ("2025-10-10 09:00", "1 working day", "2025-10-12 00:00"),
        ("2026-02-14 16:00", "4 working hours", "2026-02-24 11:00"),
        ("2026-02-14 20:00", "8 working hours", "2026-02-25 10:00"),
        ("2026-03-02 12:30", "90 working minutes", "2026-03-02 15:30"),
        ("2026-03-02 11:00", "1 working hour", "2026-03-02 12:00"),
        ("2026-02-14 16:00", "24 hours", "2026-02-15 16:00"),
        ("2026-02-14 23:50", "30 minutes", "2026-02-15 00:20"),
    ],
)
def test_a_clock_runs_out(town: Any, opened: str, limit: str, due: str) -> None:
    town.hand.now = _at(opened)
    reading = _repair(town, limit)
    assert (reading.due_at, reading.is_late) == (_at(due), False)


@pytest.mark.parametrize(
    ("limit", "last_instant"),
    [
        ("1 working day", "2026-02-24 23:59:59.999999"),
        ("4 working hours", "2026-02-24 10:59:59.999999"),
        ("24 hours", "2026-02-15 15:59:59.999999"),
    ],
)
def test_a_clock_breaks_at_its_deadline_and_not_before(
    town: Any, limit: str, last_instant: str
) -> None:
    town.hand.now = _at("2026-02-14 16:00")
    _repair(town, limit)
    town.hand.now = _at(last_instant)
    assert tick(town.office) == Ticked(0, 0)
    town.hand.forward(microseconds=1)
    assert tick(town.office) == Ticked(1, 0)


def test_severity_chooses_the_limit_and_a_graver_report_shortens_it(town: Any) -> None:
    town.hand.now = _at("2026-02-14 16:00")
    case_id = town.dispatched(merge_key="weir")
    assert _clock(town, case_id).limit == Span(5, SpanUnit.WORKING_DAYS)
    town.hand.forward(hours=2)
    town.report(merge_key="weir", severity="urgent")
    reading = _clock(town, case_id)
    assert (reading.limit, reading.due_at) == (
        Span(1440, SpanUnit.MINUTES), _at("2026-02-15 16:00"),
    )  # fmt: skip


def test_a_clock_stands_while_the_case_is_suspended(town: Any) -> None:
    town.hand.now = _at("2026-03-02 10:00")
    case_id = town.in_hand()
    town.hand.now = _at("2026-03-04 10:00")
    suspend(town.office, case_id, by=town.dispatcher, asked_by="h.wang", reason="flood")
    town.hand.now = _at("2026-03-18 10:00")
    standing = _clock(town, case_id)
    assert (standing.state, standing.used) == (ClockState.STANDING, Span(2, SpanUnit.WORKING_DAYS))
    assert tick(town.office).broken == 0
    resume(town.office, case_id, by=town.dispatcher)
    # Two of five days were used by Wednesday the 4th; three are left after Wednesday the 18th.
    assert _clock(town, case_id).due_at == _at("2026-03-24 00:00")


def test_minutes_stand_too(town: Any) -> None:
    case_id = town.in_hand(severity="urgent")
    town.hand.forward(hours=23)
    suspend(town.office, case_id, by=town.dispatcher, asked_by="h.wang", reason="flood")
    town.hand.forward(days=30)
    resume(town.office, case_id, by=town.dispatcher)
    town.hand.forward(minutes=59)
    reading = _clock(town, case_id)
    assert (reading.used, reading.is_late) == (Span(23 * 60 + 59, SpanUnit.MINUTES), False)
    town.hand.forward(minutes=1)
    assert _clock(town, case_id).is_late


def test_the_time_of_a_failed_check_is_not_the_handlers_but_what_follows_is(town: Any) -> None:
    case_id = town.in_hand(severity="urgent")
    town.hand.forward(hours=10)
    feed_back(town.office, case_id, by=town.bridge, files=[town.photo])
    town.hand.forward(hours=100)
    check(town.office, case_id, by=town.checker, is_good=False)
    town.hand.forward(hours=10)
    assert _clock(town, case_id).used == Span(20 * 60, SpanUnit.MINUTES)


def test_what_is_fed_back_too_late_stays_late(town: Any) -> None:
    case_id = town.in_hand(severity="urgent")
    town.hand.forward(hours=25)
    feed_back(town.office, case_id, by=town.bridge, files=[town.photo])
    check(town.office, case_id, by=town.checker, is_good=True)
    close(town.office, case_id, by=town.desk)
    reading = _clock(town, case_id)
    assert (reading.state, reading.is_late) == (ClockState.ENDED, True)
    verbs = [step.verb for step in case(town.office, case_id).steps]
    assert verbs[-4:] == [Verb.BREAK_CLOCK, Verb.FEED_BACK, Verb.CHECK, Verb.CLOSE]


def test_reopening_starts_the_clocks_anew(town: Any) -> None:
    case_id = town.checked(severity="urgent")
    close(town.office, case_id, by=town.desk)
    town.hand.forward(days=3)
    reopen(town.office, case_id, by=town.desk, reason="foam again")
    verify(town.office, case_id, by=town.desk)
    file_case(town.office, case_id, by=town.desk)
    orders = [Order(PartyId("bridge"), is_lead=True)]
    dispatch(town.office, case_id, by=town.dispatcher, orders=orders)
    assert _clock(town, case_id, round_=2).due_at == town.hand.now + timedelta(hours=24)
    assert _clock(town, case_id).state is ClockState.ENDED


def test_a_broken_clock_goes_up_from_town_to_district_to_city(town: Any) -> None:
    town.hand.now = _at("2026-03-02 10:00")
    case_id = town.in_hand(severity="urgent")
    seen: list[tuple[int, int]] = []
    # Due on Tuesday at 10:00; a working day later is the end of Wednesday, then of Thursday.
    for moment in ("03-03 10:00", "03-04 23:59", "03-05 00:00", "03-06 00:00", "03-20 00:00"):
        town.hand.now = _at(f"2026-{moment}")
        ticked = tick(town.office)
        seen.append((ticked.broken, ticked.escalated))
    assert seen == [(1, 0), (0, 0), (0, 1), (0, 1), (0, 0)]
    due = _at("2026-03-03 10:00")
    told = [e for e in town.events if isinstance(e, ClockBroken | CaseEscalated)]
    kind = "river_pollution"
    assert told == [
        ClockBroken(due, case_id, kind, "handle", due, PartyId("bridge")),
        CaseEscalated(_at("2026-03-05 00:00"), case_id, kind, "handle", due, PartyId("north")),
        CaseEscalated(_at("2026-03-06 00:00"), case_id, kind, "handle", due, PartyId("city")),
    ]
    assert case(town.office, case_id).case.escalated_to == "city"
    assert replayed(town.office, case_id) == case(town.office, case_id).case


def test_a_long_sleep_is_made_up_for_once(town: Any) -> None:
    case_id = town.in_hand(severity="urgent")
    town.hand.forward(days=100)
    assert tick(town.office) == Ticked(1, 2)
    assert tick(town.office) == Ticked(0, 0)
    assert replayed(town.office, case_id) == case(town.office, case_id).case


def test_a_department_of_the_city_goes_up_to_the_city(town: Any) -> None:
    town.dispatched()
    case_id = town.report()
    verify(town.office, case_id, by=town.desk)
    file_case(town.office, case_id, by=town.desk)
    orders = [Order(PartyId("water"), is_lead=True)]
    dispatch(town.office, case_id, by=town.dispatcher, orders=orders)
    town.hand.forward(days=60)
    tick(town.office)
    ups = [e.to for e in town.events if isinstance(e, CaseEscalated) and e.case_id == case_id]
    assert ups == ["city"]


def test_the_desk_answers_for_its_own_clocks(town: Any) -> None:
    town.report()
    town.hand.forward(minutes=30)
    tick(town.office)
    broken = town.events[-1]
    assert (broken.clock, broken.party) == ("answer", "city")


def test_a_suspended_case_does_not_escalate(town: Any) -> None:
    case_id = town.in_hand(severity="urgent")
    town.hand.forward(hours=25)
    tick(town.office)
    suspend(town.office, case_id, by=town.dispatcher, asked_by="h.wang", reason="flood")
    town.hand.forward(days=30)
    assert tick(town.office) == Ticked(0, 0)
    resume(town.office, case_id, by=town.dispatcher)
    assert tick(town.office) == Ticked(0, 0)
    town.hand.forward(days=4)
    assert tick(town.office).escalated > 0


def test_cases_of_a_kind_that_is_gone_wait_for_it(town: Any, kind: CaseKind) -> None:
    town.report()
    town.hand.forward(days=1)
    del town.office.kinds[kind.id]
    assert tick(town.office) == Ticked(0, 0)
    town.office.kinds[kind.id] = kind
    assert tick(town.office).broken == 1


def test_a_stated_deadline_is_kept_and_moved_by_pauses(town: Any) -> None:
    stated = town.kind_yaml.replace(
        "limit: {ordinary: 5 working days, urgent: 24 hours}", "limit: stated"
    )
    kind = parse_case_kind(stated.encode(), file="stated.yaml")
    town.office.kinds[kind.id] = kind
    case_id = town.in_hand(due={"handle": Instant(town.hand.now + timedelta(hours=5))})
    suspend(town.office, case_id, by=town.dispatcher, asked_by="h.wang", reason="flood")
    town.hand.forward(hours=48)
    resume(town.office, case_id, by=town.dispatcher)
    reading = _clock(town, case_id)
    assert (reading.limit, reading.due_at) == (None, town.hand.now + timedelta(hours=5))
    assert replayed(town.office, case_id) == case(town.office, case_id).case


def test_a_take_does_not_move_a_clock(town: Any) -> None:
    case_id = town.dispatched()
    before = _clock(town, case_id).due_at
    town.hand.forward(days=2)
    take(town.office, case_id, by=town.bridge)
    assert _clock(town, case_id).due_at == before


def test_kinds_share_an_office(town: Any) -> None:
    assert isinstance(town.office, Office)
    assert _repair(town, "1 hour").clock == "repair"
