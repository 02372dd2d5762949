"""The end of the known calendar: no case is lost to it, and no deadline guessed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shuzhi.act.cases import (
    CaseEscalated,
    CaseFile,
    CaseId,
    CaseKind,
    ClockDated,
    Clocks,
    ClockState,
    ClockTally,
    Reading,
    Report,
    Span,
    SpanUnit,
    Stage,
    Step,
    Ticked,
    TimeRules,
    Verb,
    Wanted,
    case,
    cases,
    close,
    date_clocks,
    feed_back,
    open_case,
    parse_case_kind,
    readings,
    rehearse_staffing,
    replay,
    replayed,
    resume,
    rounds_until,
    suspend,
    tally,
    tick,
    verify,
)
from shuzhi.act.cases.escalation import Ladder, owed_steps
from shuzhi.act.cases.rehearsal import Asked
from shuzhi.act.evaluation.counts import COUNTS, DueRule, Window
from shuzhi.act.evaluation.facts import FactKind
from shuzhi.app.act.score_facts import case_fact
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, parse_instant
from shuzhi.kernel.workdays import Notice, WorkingDays, china_working_days
from shuzhi.share.parties import Organisation

CHINA = china_working_days()
SHORT = replace(CHINA, last_year=2025)
REPAIR = """
id: repair
title: {zh: 维修, en: Repair}
severities: [ordinary]
steps:
  verify: {from: NEW, by: desk}
  suspend: {from: VERIFIED, by: desk}
  resume: {from: SUSPENDED, by: desk}
  feed_back: {from: NEW, by: desk}
  check: {from: FED_BACK, by: checker}
  close: {from: CHECKED, by: desk}
clocks:
  - id: days
    title: {zh: 天, en: Days}
    over: [NEW, VERIFIED]
    answers: handler
    limit: 10 working days
  - id: hours
    title: {zh: 小时, en: Hours}
    over: [NEW, VERIFIED]
    answers: handler
    limit: 80 working hours
    escalate_every: 4 working hours
closing: {evidence: {photo: 1}}
working_hours: ["09:00-12:00", "14:00-18:00"]
"""
KIND = parse_case_kind(REPAIR.encode(), file="repair.yaml")
DECEMBER = parse_instant("2025-12-22 10:00", zone="Asia/Shanghai")


def _at(text: str) -> Instant:
    return parse_instant(text, zone="Asia/Shanghai")


def _before(town: Any) -> Any:
    """The same town while the calendar ends with 2025."""
    town.hand.now = DECEMBER
    return replace(town, office=replace(town.office, calendar=SHORT))


def _handle(file: CaseFile) -> Reading:
    return next(reading for reading in file.readings if reading.clock == "handle")


def test_a_case_is_opened_whose_deadline_nobody_knows_yet(town: Any) -> None:
    early = _before(town)
    case_id = early.in_hand()
    assert _handle(case(town.office, case_id)).due_at == _at("2025-12-30 00:00")
    early.hand.now = _at("2025-12-29 10:00")
    late = early.in_hand()
    reading = _handle(case(early.office, late))
    assert (reading.state, reading.due_at, reading.is_late) == (ClockState.RUNNING, None, False)
    assert (reading.why_undated, reading.used.amount) == ("kernel.calendar_ends", 0)
    (clock,) = [c for c in tally(early.office, soon=timedelta(days=1)).clocks if c.running]
    assert clock == ClockTally("river_pollution", "handle", running=2, soon=1, late=0, undated=1)


def test_an_undated_clock_is_never_late_nor_counted_past_what_is_known(town: Any) -> None:
    early = _before(town)
    early.hand.now = _at("2025-12-29 10:00")
    case_id = early.in_hand()
    early.hand.now = _at("2026-03-01 10:00")
    assert (tick(early.office), date_clocks(early.office)) == (Ticked(0, 0), 0)
    reading = _handle(case(early.office, case_id))
    # The 30th and the 31st are known.
    assert (reading.is_late, reading.used) == (False, Span(2, SpanUnit.WORKING_DAYS))
    assert cases(early.office, Wanted(is_late=True)).cases == ()
    assert tally(early.office, soon=timedelta(days=1)).late == 0


def test_a_clock_is_dated_once_as_soon_as_the_calendar_is_there(town: Any) -> None:
    early = _before(town)
    early.hand.now = _at("2025-12-29 10:00")
    case_id = early.in_hand()
    early.hand.now = _at("2025-12-31 10:00")
    at_once = town.in_hand(merge_key="at once")
    early.hand.now = _at("2026-01-04 10:00")
    assert [date_clocks(town.office) for _ in range(2)] == [1, 0]
    file = case(town.office, case_id)
    due = _at("2026-01-07 00:00")
    assert (_handle(file).due_at, file.case.runs[-1].next_at) == (due, due)
    step = file.steps[-1]
    assert (step.verb, step.by, step.party) == (Verb.DATE_CLOCK, "system", None)
    assert step.facts == {"clock": "handle", "due_at": "2026-01-06T16:00:00+00:00"}
    assert town.events[-1] == ClockDated(step.at, case_id, "river_pollution", "handle", due)
    assert replayed(town.office, case_id) == file.case
    assert case(town.office, at_once).steps[-1].verb is Verb.TAKE
    town.hand.now = due
    assert tick(town.office).broken == 1


def test_whoever_acts_first_finds_the_clock_dated_and_what_it_owes_done(town: Any) -> None:
    early = _before(town)
    early.hand.now = _at("2025-12-29 10:00")
    case_id = early.in_hand()
    early.hand.now = _at("2026-02-02 10:00")
    seen = case(early.office, case_id).case.version
    feed_back(town.office, case_id, by=town.bridge, files=[town.photo], seen=seen)
    verbs = [step.verb for step in case(town.office, case_id).steps]
    assert verbs[-5:] == [
        Verb.DATE_CLOCK, Verb.BREAK_CLOCK, Verb.ESCALATE, Verb.ESCALATE, Verb.FEED_BACK,
    ]  # fmt: skip
    assert _handle(case(town.office, case_id)).is_late


def test_people_suspend_resume_and_join_what_has_no_deadline(town: Any) -> None:
    early = _before(town)
    early.hand.now = _at("2025-12-29 10:00")
    case_id = early.in_hand(merge_key="weir")
    suspend(early.office, case_id, by=town.dispatcher, asked_by="h.wang", reason="flood")
    assert _handle(case(early.office, case_id)).due_at is None
    assert date_clocks(town.office) == 0
    early.hand.now = _at("2026-01-05 10:00")
    resume(early.office, case_id, by=town.dispatcher)
    assert date_clocks(town.office) == 1
    assert _handle(case(town.office, case_id)).due_at == _at("2026-01-13 00:00")
    early.report(merge_key="weir", severity="urgent")
    assert _handle(case(early.office, case_id)).due_at == _at("2026-01-06 10:00")


def test_a_clock_breaks_whose_next_escalation_nobody_can_date(town: Any) -> None:
    early = _before(town)
    early.hand.now = _at("2025-12-30 12:00")
    case_id = early.in_hand(severity="urgent")
    early.hand.now = _at("2025-12-31 12:00")
    assert [tick(early.office) for _ in range(2)] == [Ticked(1, 0), Ticked(0, 0)]
    assert _handle(case(early.office, case_id)).is_late
    early.hand.now = _at("2026-01-04 12:00")
    assert (date_clocks(early.office), date_clocks(town.office)) == (0, 1)
    step = case(town.office, case_id).steps[-1]
    # The first working day after New Year is Sunday the 4th.
    assert step.facts["escalates_at"] == "2026-01-04T16:00:00+00:00"
    town.hand.now = _at("2026-01-05 00:00")
    assert (tick(town.office), date_clocks(town.office)) == (Ticked(0, 1), 0)
    assert [e.to for e in town.events if isinstance(e, CaseEscalated)] == ["north"]
    assert not any(isinstance(e, ClockDated) for e in town.events)


def test_cases_open_in_a_year_that_nobody_knows(town: Any) -> None:
    early = _before(town)
    early.hand.now = _at("2026-01-05 10:00")
    case_id = early.in_hand()
    reading = _handle(case(early.office, case_id))
    assert (reading.due_at, reading.used.amount) == (None, 0)
    assert date_clocks(town.office) == 1
    assert _handle(case(town.office, case_id)).due_at == _at("2026-01-13 00:00")


def test_the_next_notice_dates_what_was_opened_in_the_week_before_christmas(town: Any) -> None:
    town.hand.now = _at(f"{CHINA.last_year}-12-21 09:00")
    town.office.kinds[KIND.id] = KIND
    report = Report("repair", "ordinary", town.desk, PartyId("bridge"))
    case_id = open_case(town.office, report).case_id
    assert {r.due_at for r in case(town.office, case_id).readings} == {None}
    year = CHINA.last_year + 1
    notice = Notice(year, "an example", frozenset({date(year, 1, 1)}), frozenset())
    office = replace(town.office, calendar=CHINA.with_notice(notice))
    assert date_clocks(office) == 2
    dues = {r.clock: r.due_at for r in case(office, case_id).readings}
    assert dues == {"days": _at("2027-01-06 00:00"), "hours": _at("2027-01-06 12:00")}


def test_scores_count_an_undated_case_neither_as_due_nor_as_kept(town: Any) -> None:
    early = _before(town)
    early.hand.now = _at("2025-12-29 10:00")
    early.in_hand()
    early.hand.now = _at("2026-02-01 10:00")
    counts = COUNTS[FactKind.CASES]
    window = Window(_at("2025-12-01 00:00"), early.hand.now, DueRule.DEADLINE_OR_CLOSING)

    def counted(office: Any) -> dict[str, int]:
        (found,) = rounds_until(office, early.hand.now, since=window.starts_at)
        fact = case_fact(found)
        return {name: int(counts[name](fact, window)) for name in ("due", "overdue", "unfinished")}

    assert counted(early.office) == {"due": 0, "overdue": 0, "unfinished": 1}
    assert counted(town.office) == {"due": 1, "overdue": 1, "unfinished": 1}


def test_a_rehearsal_up_to_new_year_needs_no_calendar_beyond(town: Any) -> None:
    early = _before(town)
    early.hand.now = _at("2025-12-29 10:00")
    early.in_hand()
    until = _at("2025-12-31 18:00")
    early.hand.now = until
    found = rehearse_staffing(early.office, since=DECEMBER, until=until, asked=Asked())
    (party,) = found.parties
    assert [(load.timed, load.late) for load in (party.was, party.asked)] == [(1, 0), (1, 0)]


def _step(number: int, verb: Verb, at: Instant, stage: Stage, **facts: Any) -> Step:
    return Step(CaseId(1), number, verb, at, "d.chen", PartyId("city"), stage, facts)


def lives(gaps: Sequence[timedelta]) -> Iterator[Step]:
    """A case that is suspended and resumed after one gap of time and another."""
    opening = {"kind": "repair", "title": "", "severity": "ordinary", "merge_key": None, "due": {}}
    at = DECEMBER
    yield _step(1, Verb.OPEN, at, Stage.NEW, **opening, responsible="bridge")
    for number, gap in enumerate(gaps, start=2):
        at = Instant(at + gap)
        verb, stage = (
            (Verb.RESUME, Stage.VERIFIED) if number % 2 else (Verb.SUSPEND, Stage.SUSPENDED)
        )
        yield _step(number, verb, at, stage)


def _clocks(calendar: WorkingDays, kind: CaseKind = KIND) -> Clocks:
    hours = ((time(9), time(12)), (time(14), time(18)))
    return Clocks(kind, TimeRules(calendar, "Asia/Shanghai", hours))


@given(
    st.lists(st.timedeltas(timedelta(0), timedelta(days=9)), max_size=6),
    st.timedeltas(timedelta(0), timedelta(days=60)),
)
def test_dated_later_is_dated_at_once(gaps: list[timedelta], rest: timedelta) -> None:
    steps = list(lives(gaps))
    now = Instant(steps[-1].at + rest)
    ladder = Ladder(Organisation({}), PartyId("city"))
    at_once, blind = (replay(steps, _clocks(calendar)) for calendar in (CHINA, SHORT))
    # Nothing is said, while nobody knows, that will have to be taken back.
    known = {r.clock: r for r in readings(at_once, _clocks(CHINA), now)}
    for reading in readings(blind, _clocks(SHORT), now):
        assert reading.due_at in (None, known[reading.clock].due_at)
        assert known[reading.clock].is_late or not reading.is_late
    dated = [owed_steps(each, _clocks(CHINA), ladder, now)[0] for each in (at_once, blind)]
    assert dated[0].runs == dated[1].runs
    assert readings(dated[0], _clocks(CHINA), now) == readings(dated[1], _clocks(CHINA), now)


def test_a_closed_case_keeps_no_clock_waiting(town: Any) -> None:
    early = _before(town)
    early.hand.now = Instant(datetime(2025, 12, 29, 2, tzinfo=UTC))
    case_id = early.checked()
    close(early.office, case_id, by=town.desk)
    other = early.report()
    verify(early.office, other, by=town.desk)
    early.hand.forward(days=10)
    assert date_clocks(town.office) == 0
    assert [_handle(case(o, case_id)).is_late for o in (early.office, town.office)] == [False] * 2
