"""The life of a case, from a report to its closing, and what is refused on the way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest

from shuzhi.act.cases import (
    Act,
    Actor,
    ActQueue,
    Case,
    CaseClosed,
    CaseId,
    CaseJoined,
    CaseKind,
    CaseMoved,
    CaseOpened,
    CaseRole,
    ClockState,
    Order,
    Report,
    Stage,
    Step,
    TaskState,
    Verb,
    act,
    act_all,
    case,
    check,
    close,
    dispatch,
    feed_back,
    file_case,
    merge,
    open_case,
    rate,
    reopen,
    replayed,
    resume,
    return_case,
    steps_since,
    suspend,
    take,
    verify,
)
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import PartyId


def _order(party: str, *, is_lead: bool = False, text: str = "") -> Order:
    return Order(PartyId(party), is_lead=is_lead, text=text)


def _stage(town: Any, case_id: CaseId) -> Stage:
    return case(town.office, case_id).case.stage


def test_a_case_goes_from_a_report_to_its_rating(town: Any) -> None:
    case_id = town.checked(title="Foam below the weir", origin="warning:7")
    close(town.office, case_id, by=town.desk)
    rate(town.office, case_id, by=town.desk, stars=4)
    file = case(town.office, case_id)
    assert [step.stage for step in file.steps] == [
        "NEW", "VERIFIED", "FILED", "DISPATCHED", "IN_HAND", "FED_BACK", "CHECKED", "CLOSED",
        "RATED",
    ]  # fmt: skip
    assert (file.case.stars, file.case.outcome, file.case.is_open) == (4, "resolved", False)
    assert file.case.responsible == "bridge"
    assert replayed(town.office, case_id) == file.case


def test_every_step_is_told_to_the_house_after_it_is_written(town: Any) -> None:
    case_id = town.checked(origin="warning:7")
    close(town.office, case_id, by=town.desk)
    opened, *moved, closed = town.events
    assert opened == CaseOpened(
        town.hand.now, case_id, "river_pollution", "ordinary", PartyId("bridge"), "warning:7"
    )
    assert {type(event) for event in moved} == {CaseMoved}
    assert closed == CaseClosed(town.hand.now, case_id, "river_pollution", "resolved", "bridge")
    assert [step.verb for _, step in steps_since(town.office, 0)] == [
        "open", "verify", "file", "dispatch", "take", "feed_back", "check", "close",
    ]  # fmt: skip
    assert steps_since(town.office, 7)[0][1].verb is Verb.CLOSE


def test_reports_of_one_matter_join_while_the_case_is_open(town: Any) -> None:
    first = town.report(merge_key="weir", severity="ordinary")
    second = town.report(merge_key="weir", severity="urgent")
    found = case(town.office, first).case
    assert (second, found.reports, found.severity) == (first, 2, "urgent")
    assert isinstance(town.events[-1], CaseJoined)
    assert town.report(merge_key="mill") != first
    assert town.report() != town.report()


def test_a_milder_report_does_not_make_a_case_milder(town: Any) -> None:
    first = town.report(merge_key="weir", severity="urgent")
    town.report(merge_key="weir", severity="ordinary")
    assert case(town.office, first).case.severity == "urgent"


def test_a_report_after_closing_opens_a_new_case_and_the_old_one_cannot_reopen(town: Any) -> None:
    old = town.checked(merge_key="weir")
    close(town.office, old, by=town.desk)
    new = town.report(merge_key="weir")
    assert new != old
    with pytest.raises(RefusedError) as refused:
        reopen(town.office, old, by=town.desk, reason="foam again")
    assert str(refused.value) == (
        f"act.already_open: Case {old} cannot be opened again: case {new} is open on the same "
        f"matter. Work on case {new}."
    )


def test_a_report_that_comes_twice_is_taken_once(town: Any) -> None:
    report = Report("river_pollution", "ordinary", town.desk, merge_key="weir", origin="warning:7")
    first, again = open_case(town.office, report), open_case(town.office, report)
    assert (first.is_new, again.is_new, again.is_repeat) == (True, False, True)
    assert case(town.office, first.case_id).case.reports == 1


@pytest.mark.parametrize("party", [None, "nobody_knows"])
def test_a_case_without_a_responsible_party_goes_to_the_desk(town: Any, party: str | None) -> None:
    file = case(town.office, town.report(party=party))
    assert file.case.responsible == "city"
    why = {None: "nobody was named", "nobody_knows": "'nobody_knows' is not registered"}[party]
    assert file.steps[0].facts["at_desk_because"] == why


def test_cases_that_turn_out_to_be_one_matter_are_merged_into_the_older(merging_town: Any) -> None:
    older = merging_town.in_hand()
    merging_town.hand.forward(days=1)
    newer = merging_town.dispatched(severity="urgent", merge_key="smell")
    merging_town.report(merge_key="smell", severity="urgent")
    merge(merging_town.office, newer, by=merging_town.desk, into=older, reason="the same pipe")
    gone, kept = case(merging_town.office, newer).case, case(merging_town.office, older).case
    assert (gone.stage, gone.outcome) == (Stage.CLOSED, f"merged into case {older}")
    assert [t.state for t in gone.tasks] == [TaskState.WITHDRAWN]
    assert not any(r.state is ClockState.RUNNING for r in case(merging_town.office, newer).readings)
    # The older one has all reports, and the graver severity with the deadline that this brings.
    assert (kept.stage, kept.reports, kept.severity) == (Stage.IN_HAND, 3, "urgent")
    assert [replayed(merging_town.office, i) for i in (newer, older)] == [gone, kept]
    joined = case(merging_town.office, older).steps[-1]
    assert (joined.verb, joined.facts["merged"]) == (Verb.JOIN, newer)
    # Whoever finds that it was another matter after all opens it again.
    reopen(merging_town.office, newer, by=merging_town.desk, reason="another pipe")
    assert case(merging_town.office, newer).case.is_open


def _no_merge(town: Any, case_id: CaseId, into: int) -> str:
    with pytest.raises(RefusedError) as refused:
        merge(town.office, case_id, by=town.desk, into=CaseId(into), reason="the same pipe")
    return refused.value.code


def test_a_case_is_merged_into_no_newer_closed_or_missing_one(merging_town: Any) -> None:
    older, newer, newest = merging_town.checked(), merging_town.report(), merging_town.report()
    assert _no_merge(merging_town, older, newer) == "act.wrong_stage"  # its work is handed in
    assert _no_merge(merging_town, newer, newest) == "act.bad_merge"
    assert _no_merge(merging_town, newer, newer) == "act.bad_merge"
    assert _no_merge(merging_town, newer, 0) == "act.no_such_case"
    close(merging_town.office, older, by=merging_town.desk)
    assert _no_merge(merging_town, newer, older) == "act.bad_merge"
    assert case(merging_town.office, newer).case.version == 1


def test_a_case_is_merged_into_none_of_another_kind(merging_town: Any, kind: CaseKind) -> None:
    merging_town.office.kinds["smell"] = replace(kind, id="smell")
    older, newer = merging_town.report(kind="smell"), merging_town.report()
    assert _no_merge(merging_town, newer, older) == "act.bad_merge"


def test_several_departments_work_in_parallel_and_the_lead_answers_last(town: Any) -> None:
    case_id = town.dispatched("ford")
    take(town.office, case_id, by=town.bridge)
    with pytest.raises(RefusedError) as refused:
        feed_back(town.office, case_id, by=town.bridge, files=[town.photo])
    assert str(refused.value) == (
        f"act.task_not_ready: The lead feeds case {case_id} back last; ford has not fed back. "
        "Wait for them, or ask the dispatcher to send the case out again."
    )
    take(town.office, case_id, by=town.ford)
    assert feed_back(town.office, case_id, by=town.ford).stage is Stage.IN_HAND
    assert feed_back(town.office, case_id, by=town.bridge, files=[town.photo]).stage == "FED_BACK"


def test_a_case_sent_out_again_keeps_what_parties_did(town: Any) -> None:
    case_id = town.dispatched("ford")
    take(town.office, case_id, by=town.bridge)
    return_case(town.office, case_id, by=town.ford, reason="not on our bank")
    assert _stage(town, case_id) is Stage.RETURNED
    orders = [_order("bridge", is_lead=True), _order("water", text="sample")]
    after = dispatch(town.office, case_id, by=town.dispatcher, orders=orders)
    assert after.stage is Stage.IN_HAND
    assert [(t.party, t.state) for t in after.tasks] == [
        ("ford", TaskState.WITHDRAWN), ("bridge", TaskState.TAKEN), ("water", TaskState.GIVEN),
    ]  # fmt: skip


def test_a_failed_check_sends_the_case_back_to_its_lead(town: Any) -> None:
    case_id = town.in_hand()
    feed_back(town.office, case_id, by=town.bridge, files=[town.photo])
    after = check(town.office, case_id, by=town.checker, is_good=False, text="foam is still there")
    assert (after.stage, after.tasks[0].state) == (Stage.IN_HAND, TaskState.TAKEN)
    assert feed_back(town.office, case_id, by=town.bridge).stage is Stage.FED_BACK


def test_an_unfounded_report_is_closed_with_evidence_and_check_too(town: Any) -> None:
    case_id = town.report()
    feed_back(town.office, case_id, by=town.desk, text="clear water", files=[town.photo])
    check(town.office, case_id, by=town.checker, is_good=True)
    assert close(town.office, case_id, by=town.desk, outcome="unfounded").outcome == "unfounded"


def test_a_reopened_case_needs_evidence_and_a_check_again(town: Any) -> None:
    case_id = town.checked()
    close(town.office, case_id, by=town.desk)
    after = reopen(town.office, case_id, by=town.desk, reason="foam again")
    assert (after.round, dict(after.evidence), after.closed_at, after.lead) == (2, {}, None, None)
    verify(town.office, case_id, by=town.desk)
    file_case(town.office, case_id, by=town.desk)
    dispatch(town.office, case_id, by=town.dispatcher, orders=[_order("ford", is_lead=True)])
    take(town.office, case_id, by=town.ford)
    with pytest.raises(RefusedError, match=r"act\.evidence_missing"):
        feed_back(town.office, case_id, by=town.ford)


def test_a_step_out_of_turn_is_refused_with_what_is_possible_and_who_may(town: Any) -> None:
    case_id = town.dispatched()
    with pytest.raises(RefusedError) as refused:
        close(town.office, case_id, by=town.desk)
    assert str(refused.value) == (
        f"act.wrong_stage: Case {case_id} is DISPATCHED since 2026-03-02T01:00:00+00:00: close is "
        "not possible. Possible now: dispatch (dispatcher), take (handler), return (handler), "
        "suspend (dispatcher)."
    )


def test_a_step_of_somebody_else_is_refused_with_whom_to_ask(town: Any) -> None:
    case_id = town.report()
    with pytest.raises(RefusedError) as refused:
        verify(town.office, case_id, by=town.bridge)
    assert str(refused.value) == (
        f"act.not_your_role: verify of case {case_id} is for a desk. Ask a desk to do it."
    )


def test_a_party_without_a_part_is_refused(town: Any) -> None:
    case_id = town.dispatched()
    with pytest.raises(RefusedError) as refused:
        take(town.office, case_id, by=town.ford)
    assert str(refused.value) == (
        f"act.not_your_task: ford has no part in case {case_id}; it is with bridge. "
        "Ask the dispatcher to add your party."
    )


def test_a_part_is_taken_once(town: Any) -> None:
    case_id = town.in_hand()
    with pytest.raises(RefusedError) as refused:
        take(town.office, case_id, by=town.bridge)
    assert str(refused.value) == (
        f"act.task_not_ready: The part of bridge in case {case_id} is taken already. "
        "Nothing more is asked of it now."
    )


def test_whoever_handled_a_case_does_not_check_it(town: Any) -> None:
    case_id = town.in_hand()
    feed_back(town.office, case_id, by=town.bridge, files=[town.photo])
    moved = Actor("h.wang", PartyId("ecology"), frozenset({CaseRole.CHECKER}))
    homeless = Actor("x.wu", None, frozenset({CaseRole.CHECKER}))
    message = (
        f"act.check_not_independent: Case {case_id} was handled by bridge; whoever checks it must "
        "be of another party. Ask a checker of another party."
    )
    with pytest.raises(RefusedError) as colleague:
        check(town.office, case_id, by=replace(town.bridge, person="h.li"), is_good=True)
    with pytest.raises(RefusedError) as same_person:
        check(town.office, case_id, by=moved, is_good=True)
    with pytest.raises(RefusedError) as nobody:
        check(town.office, case_id, by=homeless, is_good=True)
    assert {str(r.value) for r in (colleague, same_person, nobody)} == {message}


def test_feeding_back_without_evidence_is_refused(town: Any) -> None:
    case_id = town.in_hand()
    with pytest.raises(RefusedError) as refused:
        feed_back(town.office, case_id, by=town.bridge)
    assert str(refused.value) == (
        f"act.evidence_missing: Case {case_id} cannot be closed without evidence; it lacks "
        "1 photo. Add the files when feeding back."
    )


def test_suspending_needs_a_reason_and_an_approver_who_is_not_the_asker(town: Any) -> None:
    case_id = town.in_hand()
    with pytest.raises(RefusedError) as alone:
        suspend(town.office, case_id, by=town.dispatcher, asked_by="p.liu", reason="flood")
    with pytest.raises(RefusedError) as silent:
        suspend(town.office, case_id, by=town.dispatcher, asked_by="h.wang", reason=" ")
    assert str(alone.value) == (
        f"act.approver_is_asker: Suspending case {case_id} needs somebody who asks and another "
        "who approves. Name who asked, and let somebody else approve."
    )
    assert str(silent.value) == (
        f"act.reason_missing: suspend of case {case_id} needs a reason. Say why."
    )
    suspend(town.office, case_id, by=town.dispatcher, asked_by="h.wang", reason="flood")
    assert resume(town.office, case_id, by=town.dispatcher).stage is Stage.IN_HAND


@pytest.mark.parametrize(
    ("orders", "said"),
    [
        ([], "0 leads were named for 0 of 0 orders"),
        ([("ford", False)], "0 leads were named for 1 of 1 orders"),
        ([("ford", True), ("ford", False)], "1 leads were named for 1 of 2 orders"),
        ([("ford", True), ("bridge", True)], "2 leads were named for 2 of 2 orders"),
    ],
)
def test_a_case_has_one_lead(town: Any, orders: list[tuple[str, bool]], said: str) -> None:
    case_id = town.dispatched()
    with pytest.raises(RefusedError, match=rf"act.one_lead: .* {said}") as refused:
        named = [_order(party, is_lead=is_lead) for party, is_lead in orders]
        dispatch(town.office, case_id, by=town.dispatcher, orders=named)
    assert refused.value.next_step == "Name one lead, and the other parties as helpers."


def test_a_case_goes_to_no_party_that_is_not_there(town: Any) -> None:
    case_id = town.dispatched()
    with pytest.raises(RefusedError) as refused:
        dispatch(town.office, case_id, by=town.dispatcher, orders=[_order("moon", is_lead=True)])
    assert str(refused.value) == (
        f"act.no_such_party: Case {case_id} cannot go to 'moon': no such party. "
        "Correct the id, or register the party."
    )


def test_the_second_of_two_people_is_refused_with_what_happened(town: Any) -> None:
    case_id = town.dispatched()
    seen = case(town.office, case_id).case.version
    return_case(town.office, case_id, by=town.bridge, reason="other bank", seen=seen)
    with pytest.raises(RefusedError) as refused:
        take(town.office, case_id, by=town.bridge, seen=seen)
    assert str(refused.value) == (
        f"act.changed_meanwhile: Case {case_id} is no longer as you saw it (version 4): return by "
        "h.wang at 2026-03-02T01:00:00+00:00. Look at the case again and decide anew."
    )


def test_another_report_or_a_broken_clock_makes_nobody_wrong(town: Any) -> None:
    case_id = town.report(merge_key="weir")
    town.report(merge_key="weir")
    town.hand.forward(hours=2)
    assert verify(town.office, case_id, by=town.desk, seen=1).stage is Stage.VERIFIED


def test_of_two_people_at_once_one_wins(town: Any) -> None:
    case_id = town.dispatched()
    results: list[Case | RefusedError] = []
    acts = [Act(case_id, Verb.TAKE, town.bridge, seen=4)] * 6
    threads = [Thread(target=lambda a=a: results.extend(act_all(town.office, [a]))) for a in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sum(isinstance(result, Case) for result in results) == 1
    codes = [result.code for result in results if isinstance(result, RefusedError)]
    assert codes == ["act.changed_meanwhile"] * 5


def test_of_many_acts_a_refused_one_stops_no_other(town: Any) -> None:
    first, second = town.report(), town.report()
    acts = [Act(i, Verb.VERIFY, town.desk) for i in (first, CaseId(999), second, first)]
    done, missing, also, again = act_all(town.office, acts)
    assert [_stage(town, i) for i in (first, second)] == [Stage.VERIFIED, Stage.VERIFIED]
    assert (done.id, also.id, again.code) == (first, second, "act.wrong_stage")
    assert str(missing) == "act.no_such_case: There is no case 999. Correct the number."


def test_acts_of_many_threads_share_transactions_and_each_gets_its_own_answer(town: Any) -> None:
    ids = [town.report() for _ in range(12)]
    queue = ActQueue(town.office)
    answers = _in_threads([lambda i=i: queue.act(Act(i, Verb.VERIFY, town.desk)) for i in ids * 2])
    done = [answer.id for answer in answers if isinstance(answer, Case)]
    refused = [answer.code for answer in answers if isinstance(answer, RefusedError)]
    assert (sorted(done), refused) == (ids, ["act.wrong_stage"] * 12)
    assert {case(town.office, i).case.stage for i in ids} == {Stage.VERIFIED}


def test_nobody_waits_in_vain_where_a_reaction_fails(town: Any) -> None:
    ids = [town.report() for _ in range(6)]
    queue = ActQueue(replace(town.office, publish=_failing))
    answers = _in_threads([lambda i=i: queue.act(Act(i, Verb.VERIFY, town.desk)) for i in ids])
    codes = {getattr(answer, "code", str(answer)) for answer in answers}
    assert len(answers) == 6
    assert codes <= {"the bell is broken", "act.turn_failed"}
    assert {case(town.office, i).case.stage for i in ids} == {Stage.VERIFIED}


def _failing(_event: Event) -> None:
    raise RuntimeError("the bell is broken")


def _in_threads(calls: list[Callable[[], Case]]) -> list[Case | Exception]:
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(call) for call in calls]
        return [f.exception(timeout=60) or f.result() for f in futures]  # type: ignore[misc]


@pytest.mark.parametrize("stars", [None, 0, 6])
def test_a_rating_has_one_to_five_stars(town: Any, stars: int | None) -> None:
    case_id = town.checked()
    close(town.office, case_id, by=town.desk)
    with pytest.raises(RefusedError) as refused:
        act(town.office, Act(case_id, Verb.RATE, town.desk, stars=stars))
    assert str(refused.value) == (
        f"act.bad_rating: Case {case_id} is rated with 1 to 5 stars. Choose a number of stars."
    )


def test_reports_that_cannot_be_taken_are_refused(town: Any) -> None:
    good = Report("river_pollution", "ordinary", town.desk)
    bad = [
        replace(good, kind="noise"),
        replace(good, severity="mild"),
        replace(good, title="x" * 501),
        replace(good, text="\ud800"),
        replace(good, due={"handle": town.hand.now + timedelta(days=1)}),
    ]
    messages = [str(_refused(town, report)) for report in bad]
    assert messages == [
        "act.no_such_kind: There is no kind of case 'noise' in this city. "
        "Choose one of: river_pollution.",
        "act.unknown_severity: 'mild' is no severity of river_pollution. "
        "Choose one of: ordinary, urgent.",
        "act.bad_text: The text of the title has 501 characters; 500 are taken. "
        "Shorten or correct it.",
        "act.bad_text: The text of the report is no Unicode text. Shorten or correct it.",
        "act.due_not_stated: A case of river_pollution states the deadlines none; the report "
        "states handle. State those that the kind asks for.",
    ]


def test_a_time_that_goes_backwards_does_not_turn_the_history(town: Any) -> None:
    case_id = town.report()
    town.hand.forward(hours=-5)
    verify(town.office, case_id, by=town.desk)
    first, second = case(town.office, case_id).steps
    assert second.at == first.at


def test_steps_read_back_as_they_were_written(town: Any) -> None:
    case_id = town.dispatched("ford", text="Foam, 30 m long")
    step = case(town.office, case_id).steps[3]
    orders = [
        {"party": "bridge", "is_lead": True, "text": ""},
        {"party": "ford", "is_lead": False, "text": ""},
    ]
    assert step == Step(
        case_id, 4, Verb.DISPATCH, town.hand.now, "p.liu", PartyId("city"), Stage.DISPATCHED,
        {"orders": orders},
    )  # fmt: skip


def _refused(town: Any, report: Report) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        open_case(town.office, report)
    return refused.value
