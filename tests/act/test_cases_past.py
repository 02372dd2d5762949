"""Looking back: rounds of cases as they stood at an instant, whatever was done since."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shuzhi.act.cases import (
    CaseId,
    Order,
    Round,
    Upload,
    check,
    close,
    dispatch,
    feed_back,
    file_case,
    parse_case_kind,
    rate,
    reopen,
    resume,
    return_case,
    rounds_until,
    suspend,
    take,
    tick,
    time_used,
    verify,
)
from shuzhi.act.cases.clocks import ClockState
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant


def _rounds(town: Any, at: Instant, since: Instant | None = None) -> list[Round]:
    return list(rounds_until(town.office, at, since=since or Instant(at - timedelta(days=365))))


def _closed(town: Any) -> CaseId:
    case_id: CaseId = town.checked()
    close(town.office, case_id, by=town.desk)
    return case_id


def test_a_round_says_who_answered_when_and_how_it_ended(town: Any) -> None:
    opened = town.hand.now
    case_id = town.dispatched()
    return_case(town.office, case_id, by=town.bridge, reason="not our road")
    orders = [Order(PartyId("ford"), is_lead=True)]
    dispatch(town.office, case_id, by=town.dispatcher, orders=orders)
    take(town.office, case_id, by=town.ford)
    suspend(town.office, case_id, by=town.dispatcher, asked_by="h.zhao", reason="flood")
    resume(town.office, case_id, by=town.dispatcher)
    town.hand.forward(hours=1)
    feed_back(town.office, case_id, by=town.ford, files=[town.photo])
    check(town.office, case_id, by=town.checker, is_good=True)
    close(town.office, case_id, by=town.desk)
    rate(town.office, case_id, by=town.desk, stars=4)
    closed = town.hand.now
    town.hand.forward(hours=1)
    (found,) = _rounds(town, town.hand.now)
    assert (found.number, found.responsible, found.opened_at) == (1, "ford", opened)
    assert (found.filed_at, found.closed_at, found.reopened_at) == (opened, closed, None)
    assert (found.stars, found.reports, found.returns, found.pauses) == (4, 1, 1, 1)
    clocks = {c.clock: c for c in found.clocks}
    assert (clocks["handle"].answers, clocks["answer"].answers) == ("ford", "city")
    assert (clocks["handle"].limit, clocks["handle"].is_late) == (5, False)


def test_what_was_done_after_the_instant_is_not_seen(town: Any) -> None:
    case_id = town.in_hand()
    town.hand.forward(hours=1)
    then = town.hand.now
    before = _rounds(town, then)
    feed_back(town.office, case_id, by=town.bridge, files=[town.photo])
    check(town.office, case_id, by=town.checker, is_good=True)
    close(town.office, case_id, by=town.desk)
    reopen(town.office, case_id, by=town.desk, reason="it flows again")
    town.hand.forward(days=30)
    tick(town.office)
    town.report(merge_key="later")
    assert _rounds(town, then) == before
    assert before[0].closed_at is None


def test_a_case_that_was_reopened_has_two_rounds_each_with_its_own_clocks(town: Any) -> None:
    case_id = _closed(town)
    town.hand.forward(days=1)
    reopen(town.office, case_id, by=town.desk, reason="it flows again")
    reopened = town.hand.now
    verify(town.office, case_id, by=town.desk)
    file_case(town.office, case_id, by=town.desk)
    orders = [Order(PartyId("ford"), is_lead=True)]
    dispatch(town.office, case_id, by=town.dispatcher, orders=orders)
    town.hand.forward(days=20)
    tick(town.office)
    first, second = _rounds(town, town.hand.now)
    assert (first.reopened_at, first.responsible, second.responsible) == (
        reopened,
        "bridge",
        "ford",
    )
    late = {(r.number, c.clock): c.is_late for r in (first, second) for c in r.clocks}
    assert late == {
        (1, "answer"): False,
        (1, "handle"): False,
        (2, "answer"): False,
        (2, "handle"): True,
    }


def test_the_deadline_of_a_clock_that_stands_moves_until_the_case_is_closed(town: Any) -> None:
    """A handler who was done in time is not late, and not due, because the check is slow."""
    case_id = town.in_hand(severity="urgent")
    town.hand.forward(hours=23)
    feed_back(town.office, case_id, by=town.bridge, files=[town.photo])
    town.hand.forward(days=3)
    (open_still,) = _rounds(town, town.hand.now)
    handle = next(c for c in open_still.clocks if c.clock == "handle")
    assert (handle.due_at, handle.is_late) == (town.hand.now + timedelta(hours=1), False)
    check(town.office, case_id, by=town.checker, is_good=True)
    close(town.office, case_id, by=town.desk)
    closed = town.hand.now
    town.hand.forward(days=9)
    (found,) = _rounds(town, town.hand.now)
    handle = next(c for c in found.clocks if c.clock == "handle")
    assert (handle.due_at, handle.is_late) == (closed + timedelta(hours=1), False)


def test_cases_that_ended_before_are_left_out_and_open_ones_are_not(town: Any) -> None:
    _closed(town)
    still_open = town.in_hand()
    since = Instant(town.hand.now + timedelta(days=1))
    town.hand.forward(days=2)
    assert [r.case_id for r in _rounds(town, town.hand.now, since)] == [still_open]


def test_many_cases_are_read_in_pages_each_once(town: Any) -> None:
    for n in range(1_203):
        town.report(merge_key=f"matter {n}")
    town.hand.forward(hours=1)
    found = [r.case_id for r in _rounds(town, town.hand.now)]
    assert len(found) == len(set(found)) == 1_203


def test_reports_that_joined_are_counted_in_their_round(town: Any) -> None:
    town.report(merge_key="smell")
    town.report(merge_key="smell")
    town.hand.forward(hours=1)
    assert [r.reports for r in _rounds(town, town.hand.now)] == [2]


def test_a_stated_deadline_is_still_read_when_the_case_was_reopened(town: Any) -> None:
    stated = town.kind_yaml.replace(
        "limit: {ordinary: 5 working days, urgent: 24 hours}", "limit: stated"
    )
    kind = parse_case_kind(stated.encode(), file="stated.yaml")
    town.office.kinds[kind.id] = kind
    due = Instant(town.hand.now + timedelta(hours=5))
    case_id = town.in_hand(due={"handle": due})
    town.hand.forward(hours=1)
    feed_back(town.office, case_id, by=town.bridge, files=[Upload("a.png", town.photo.raw)])
    check(town.office, case_id, by=town.checker, is_good=True)
    close(town.office, case_id, by=town.desk)
    reopen(town.office, case_id, by=town.desk, reason="it flows again")
    handle = [r for r in time_used(town.office, case_id) if r.clock == "handle"]
    assert [(r.round, r.state, r.due_at) for r in handle] == [(1, ClockState.ENDED, due)]
    town.hand.forward(hours=1)
    first, second = _rounds(town, town.hand.now)
    assert [(c.limit, c.used) for c in first.clocks if c.clock == "handle"] == [(300, 60)]
    assert [c.clock for c in second.clocks] == []
