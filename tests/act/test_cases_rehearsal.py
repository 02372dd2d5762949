"""Rehearsing other staffing: what past work cost, and how it would have gone with other people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shuzhi.act.cases import (
    Actor,
    Asked,
    CaseId,
    CaseRole,
    ClockLoad,
    Order,
    Rehearsal,
    Report,
    Span,
    SpanUnit,
    TimeRules,
    check,
    dispatch,
    feed_back,
    file_case,
    merge,
    open_case,
    rehearse_staffing,
    resume,
    return_case,
    suspend,
    take,
    verify,
)
from shuzhi.act.cases.queueing import Waiting, finishes
from shuzhi.act.cases.work import Hold, OfficeTime, Piece, efforts
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, parse_instant
from shuzhi.kernel.workdays import china_working_days

ZONE = "Asia/Shanghai"
HOURS = ((time(9), time(12)), (time(14), time(18)))
RULES = TimeRules(china_working_days(), ZONE, HOURS)
BRIDGE = PartyId("bridge")


def _at(text: str) -> Instant:
    return parse_instant(f"2026-03-{text}", zone=ZONE)


MARCH, APRIL = _at("01 00:00"), parse_instant("2026-04-01 00:00", zone=ZONE)
LINE = OfficeTime(RULES, MARCH, APRIL)


def _piece(number: int, *holds: tuple[str, str, str | None], **more: Any) -> Piece:
    """A piece of Bridge Town, in hand at these times, finished at the last of them."""
    made = tuple(Hold(p, _at(a), None if b is None else _at(b)) for p, a, b in holds)
    values: dict[str, Any] = {
        "party": BRIDGE,
        "is_lead": True,
        "severity": "ordinary",
        "arrived_at": _at("02 09:00"),
        "finished_at": made[-1].ended_at if made else None,
        "holds": made,
    }
    return Piece(CaseId(number), 1, **{**values, **more})


@pytest.mark.parametrize(
    ("at", "hours"),
    [
        ("01 12:00", 0),  # a Sunday
        ("02 09:00", 0),
        ("02 11:00", 2),
        ("02 13:00", 3),
        ("02 14:00", 3),
        ("02 23:00", 7),
        ("03 08:00", 7),
        ("07 12:00", 35),  # a Saturday
        ("09 10:00", 36),
    ],
)
def test_office_time_passes_in_office_hours_of_working_days(at: str, hours: int) -> None:
    assert LINE.until(_at(at)) == hours * 3_600


@settings(deadline=None)
@given(seconds=st.integers(1, 22 * 7 * 3_600))
def test_office_time_and_instants_are_inverse(seconds: int) -> None:
    at = LINE.at(seconds)
    assert at is not None
    assert LINE.until(at) == pytest.approx(seconds)
    assert at < APRIL


def test_there_is_no_instant_after_the_end() -> None:
    assert LINE.at(22 * 7 * 3_600 + 1) is None
    assert OfficeTime(RULES, _at("07 00:00"), _at("07 23:00")).at(1) is None


def test_what_one_person_has_in_hand_at_once_shares_the_time() -> None:
    done = [
        _piece(1, ("wang", "02 09:00", "02 11:00")),  # alone for an hour, then one of two
        _piece(2, ("wang", "02 10:00", "02 12:00")),
        _piece(3, ("zhao", "02 10:00", "02 12:00")),  # another person's time
    ]
    found = efforts(done, LINE, APRIL)
    assert [s / 3_600 for s in found.seconds] == pytest.approx([1.5, 1.5, 2.0])
    assert found.assumed == 0


def test_nights_and_breaks_cost_nothing() -> None:
    done = [_piece(1, ("wang", "02 17:00", "03 10:00")), _piece(2, ("li", "02 11:00", "02 15:00"))]
    found = efforts(done, LINE, APRIL)
    assert [s / 3_600 for s in found.seconds] == pytest.approx([2, 2])


def test_what_is_not_known_is_assumed_to_be_like_its_own_kind() -> None:
    done = [
        _piece(1, ("wang", "02 09:00", "02 10:00")),
        _piece(2, ("wang", "02 10:00", "02 12:00"), severity="urgent"),
        _piece(3),
        _piece(4, severity="urgent"),
        _piece(5, severity="other"),
        _piece(6, party=PartyId("ford")),
        _piece(7, ("li", "03 09:00", None)),
    ]
    found = efforts(done, LINE, APRIL)
    assert [s / 3_600 for s in found.seconds] == pytest.approx([1, 2, 1, 2, 1.5, 1.5, 1])
    assert found.assumed == 5


_HOLDS = st.lists(
    st.tuples(st.sampled_from(["wang", "li"]), st.integers(0, 20_000), st.integers(1, 9_000)),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(holds=_HOLDS)
def test_the_efforts_of_a_person_sum_up_to_the_time_in_which_there_was_work(
    holds: Sequence[tuple[str, int, int]],
) -> None:
    spans = [
        (p, Instant(MARCH + timedelta(minutes=a)), Instant(MARCH + timedelta(minutes=a + n)))
        for p, a, n in holds
    ]
    done = [
        Piece(CaseId(i), 1, PartyId(p), True, "x", a, b, (Hold(p, a, b),))
        for i, (p, a, b) in enumerate(spans)
    ]
    shared = efforts(done, LINE, APRIL)
    known = [s for s, p in zip(shared.seconds, done, strict=True) if _office_seconds(p.holds)]
    people = {hold.person for piece in done for hold in piece.holds}
    busy = [_office_seconds(_merged(p, done)) for p in people]
    assert sum(known) == pytest.approx(sum(busy))


def _merged(person: str, done: Sequence[Piece]) -> list[Hold]:
    """The times in which a person had anything in hand, none of them twice."""
    ours = [p.holds[0] for p in done if p.holds[0].person == person]
    merged, until = list[Hold](), MARCH
    for hold in sorted(ours, key=lambda hold: hold.started_at):
        end = hold.ended_at or APRIL
        merged.append(Hold(person, max(hold.started_at, until), max(end, until)))
        until = max(until, end)
    return merged


def _office_seconds(holds: Sequence[Hold]) -> float:
    return sum(LINE.until(h.ended_at or APRIL) - LINE.until(h.started_at) for h in holds)


def _hour(n: float) -> float:
    return n * 3_600


def test_a_queue_takes_the_gravest_first_and_then_the_oldest() -> None:
    queue = [
        Waiting(_at("02 09:00"), 0, _hour(2)),
        Waiting(_at("02 09:30"), 0, _hour(1)),
        Waiting(_at("02 10:00"), 1, _hour(1)),
    ]
    assert finishes(queue, 1, LINE) == (_at("02 11:00"), _at("02 15:00"), _at("02 12:00"))
    assert finishes(queue, 2, LINE) == (_at("02 11:00"), _at("02 10:30"), _at("02 11:30"))


def test_a_queue_without_anybody_is_never_done_and_work_goes_on_after_the_night() -> None:
    queue = [Waiting(_at("02 17:00"), 0, _hour(3)), Waiting(_at("31 17:30"), 0, _hour(1))]
    assert finishes(queue, 0, LINE) == (None, None)
    assert finishes(queue, 1, LINE) == (_at("03 11:00"), None)


_QUEUE = st.lists(
    st.builds(
        lambda minutes, gravity, effort: Waiting(
            Instant(MARCH + timedelta(minutes=minutes)), gravity, effort * 60.0
        ),
        st.integers(0, 30_000),
        st.integers(0, 2),
        st.integers(1, 900),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(queue=_QUEUE, handlers=st.integers(1, 5))
def test_in_the_queue_nobody_does_two_things_and_nobody_idles_while_work_waits(
    queue: Sequence[Waiting], handlers: int
) -> None:
    ended = [None if at is None else LINE.until(at) for at in finishes(queue, handlers, LINE)]
    pairs = [(w, at) for w, at in zip(queue, ended, strict=True) if at is not None]
    starts = [(at - w.effort_seconds, at) for w, at in pairs]
    for w, at in pairs:
        begun = at - w.effort_seconds
        busy = sum(a <= begun + 1e-3 < b for a, b in starts)
        assert busy <= handlers
        # Whoever waited did so because everybody was busy until then.
        waited = begun - LINE.until(w.arrived_at)
        at_work = sum(a < begun - 1e-3 <= b for a, b in starts)
        assert waited < 1e-2 or at_work >= handlers
    assert finishes(queue, handlers, LINE) == finishes(queue, handlers, LINE)


@settings(deadline=None)
@given(queue=_QUEUE, handlers=st.integers(1, 4))
def test_more_people_finish_no_less(queue: Sequence[Waiting], handlers: int) -> None:
    few, more = (finishes(queue, n, LINE) for n in (handlers, 25))
    assert all(b is not None and b <= a for a, b in zip(few, more, strict=True) if a is not None)


WANG = Actor("h.wang", BRIDGE, frozenset({CaseRole.HANDLER}))
SPAN = {"since": MARCH, "until": APRIL}


def _dispatched(town: Any, at: str, *helpers: str) -> CaseId:
    town.hand.now = _at(at)
    report = Report("river_pollution", "ordinary", town.desk, BRIDGE)
    case_id = open_case(town.office, report).case_id
    verify(town.office, case_id, by=town.desk)
    file_case(town.office, case_id, by=town.desk)
    orders = [Order(BRIDGE, is_lead=True), *(Order(PartyId(h), is_lead=False) for h in helpers)]
    dispatch(town.office, case_id, by=town.dispatcher, orders=orders)
    return case_id


def _done(town: Any, case_id: CaseId, start: str, end: str, by: Actor = WANG) -> None:
    town.hand.now = _at(start)
    take(town.office, case_id, by=by)
    town.hand.now = _at(end)
    feed_back(town.office, case_id, by=by, files=[town.photo])


def _month(town: Any) -> None:
    """One person does ten cases of a working day each, which all came on the first."""
    cases = [_dispatched(town, "02 09:00") for _ in range(10)]
    days = ["02", "03", "04", "05", "06", "09", "10", "11", "12", "13"]
    for case_id, day in zip(cases, days, strict=True):
        _done(town, case_id, f"{day} 09:00", f"{day} 18:00")
    town.hand.now = APRIL


def _rehearsed(town: Any, **asked: Any) -> Rehearsal:
    return rehearse_staffing(town.office, **SPAN, asked=Asked(**asked))


def test_a_rehearsal_of_the_past_staffing_comes_out_as_it_was(town: Any) -> None:
    _month(town)
    (bridge,) = _rehearsed(town).parties
    # Due at the end of the 9th: four of ten came later.
    assert (bridge.was.late, bridge.was.pieces, bridge.was.handlers) == (4, 10, 1)
    assert bridge.was_simulated == bridge.was == bridge.asked


def test_a_second_person_would_have_been_in_time(town: Any) -> None:
    _month(town)
    (bridge,) = _rehearsed(town, handlers={BRIDGE: 2}).parties
    assert (bridge.was.late, bridge.asked.late) == (4, 0)
    assert bridge.asked.mean_hours is not None
    assert bridge.was.mean_hours is not None
    assert bridge.asked.mean_hours < bridge.was.mean_hours
    assert (bridge.was.p50_hours, bridge.was.p90_hours) == (4 * 24 + 9, 10 * 24 + 9)
    assert (bridge.asked.p50_hours, bridge.asked.p90_hours) == (2 * 24 + 9, 4 * 24 + 9)


def test_each_clock_tells_what_was_past_it(town: Any) -> None:
    _month(town)
    (bridge,) = _rehearsed(town, handlers={BRIDGE: 2}).parties
    assert bridge.was.clocks == (ClockLoad("river_pollution", "handle", 10, 4),)
    assert bridge.asked.clocks == (ClockLoad("river_pollution", "handle", 10, 0),)
    assert (bridge.was.timed, bridge.asked.timed) == (10, 10)


def test_nobody_would_have_finished_nothing(town: Any) -> None:
    _month(town)
    (bridge,) = _rehearsed(town, handlers={BRIDGE: 0}).parties
    assert (bridge.asked.finished, bridge.asked.late, bridge.asked.open_at_end) == (0, 10, 10)
    assert bridge.asked.mean_hours is bridge.asked.p50_hours is None


def test_longer_hours_and_longer_limits_are_rehearsed_too(town: Any) -> None:
    _month(town)
    long = _rehearsed(town, hours=((time(8), time(22)),)).parties[0]
    assert (long.was.late, long.asked.late, long.asked.finished) == (4, 0, 10)
    slow = {"ordinary": Span(9, SpanUnit.WORKING_DAYS)}
    assert _rehearsed(town, limits=slow).parties[0].asked.late == 0
    quick = {"ordinary": Span(1, SpanUnit.WORKING_DAYS)}
    assert _rehearsed(town, limits=quick).parties[0].asked.late == 8


def test_a_rehearsal_says_that_it_is_one_and_what_it_assumed(town: Any) -> None:
    _month(town)
    _dispatched(town, "30 09:00")
    town.hand.now = APRIL
    found = _rehearsed(town)
    assert "模拟" in found.says.zh
    assert "simulation" in found.says.en
    assert found.assumed == 1
    # One that nobody had taken is taken in the simulation.
    bridge = found.parties[0]
    assert (bridge.was.open_at_end, bridge.was_simulated.open_at_end) == (1, 0)


def test_suspended_time_is_in_nobodys_hand_and_a_failed_check_gives_work_back(town: Any) -> None:
    case_id = _dispatched(town, "02 09:00")
    take(town.office, case_id, by=WANG)
    town.hand.now = _at("02 10:00")
    suspend(town.office, case_id, by=town.dispatcher, asked_by="h.wang", reason="flood")
    town.hand.now = _at("04 10:00")
    resume(town.office, case_id, by=town.dispatcher)
    town.hand.now = _at("04 11:00")
    feed_back(town.office, case_id, by=WANG, files=[town.photo])
    town.hand.now = _at("05 09:00")
    check(town.office, case_id, by=town.checker, is_good=False)
    town.hand.now = _at("05 12:00")
    feed_back(town.office, case_id, by=WANG, files=[town.photo])
    town.hand.now = APRIL
    (bridge,) = _rehearsed(town).parties
    # Five hours of work, without a break: from 09:00 to 16:00, with the noon off.
    assert bridge.was_simulated.mean_hours == 7.0
    assert bridge.was.mean_hours == 75.0


def test_what_was_merged_is_done_where_it_went(merging_town: Any) -> None:
    older = _dispatched(merging_town, "02 09:00")
    newer = _dispatched(merging_town, "02 10:00")
    merge(merging_town.office, newer, by=merging_town.desk, into=older, reason="the same pipe")
    _done(merging_town, older, "02 10:00", "02 12:00")
    merging_town.hand.now = APRIL
    (bridge,) = _rehearsed(merging_town).parties
    assert (bridge.was.pieces, bridge.was.open_at_end) == (1, 0)


def test_helpers_work_too_and_what_was_sent_back_is_nobodys(town: Any) -> None:
    case_id = _dispatched(town, "02 09:00", "ford")
    take(town.office, case_id, by=town.ford)
    town.hand.now = _at("02 10:00")
    feed_back(town.office, case_id, by=town.ford, files=[])
    _done(town, case_id, "02 10:00", "02 12:00")
    returned = _dispatched(town, "03 09:00")
    return_case(town.office, returned, by=WANG, reason="not our road")
    town.hand.now = APRIL
    bridge, ford = _rehearsed(town).parties
    assert (bridge.was.pieces, ford.was.pieces) == (1, 1)
    assert (ford.was.mean_hours, ford.was_simulated.mean_hours) == (1.0, 1.0)


def test_work_from_before_still_waits_at_the_start(town: Any) -> None:
    early = _dispatched(town, "02 09:00")
    _done(town, early, "16 09:00", "16 18:00")
    town.hand.now = APRIL
    since = _at("16 00:00")
    found = rehearse_staffing(town.office, since=since, until=APRIL, asked=Asked())
    (bridge,) = found.parties
    assert (bridge.was.late, bridge.was_simulated.late) == (1, 1)
    assert bridge.was.mean_hours == bridge.was_simulated.mean_hours


def test_without_work_there_is_nothing_to_rehearse(town: Any) -> None:
    _dispatched(town, "02 09:00")
    with pytest.raises(RefusedError) as refused:
        _rehearsed(town)
    assert refused.value.code == "act.nothing_to_rehearse"


def test_without_working_hours_they_must_be_said(town: Any) -> None:
    _month(town)
    kind = town.office.kinds["river_pollution"]
    town.office.kinds[kind.id] = replace(kind, office_hours=())
    with pytest.raises(RefusedError) as refused:
        _rehearsed(town)
    assert refused.value.code == "act.hours_missing"
    assert _rehearsed(town, hours=HOURS).parties[0].asked.finished == 10
