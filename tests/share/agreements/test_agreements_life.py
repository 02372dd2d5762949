"""From an application to its agreement: what is asked, answered in time, refused, and ended."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shuzhi.kernel.errors import RefusedError
from shuzhi.share.access import Operator
from shuzhi.share.agreements import (
    Act,
    Actor,
    AgreementError,
    AgreementMoved,
    AgreementState,
    ApplicationState,
    Clock,
    Deed,
    RowTerm,
    SharingClockBroken,
    SharingReminded,
    Verb,
    act,
    agree,
    agreement,
    agreements,
    application,
    applications,
    deal,
    hand_over,
    in_force,
    refusal_statistics,
    replayed,
    submit,
    tick,
)
from shuzhi.share.agreements.clocks import live
from shuzhi.share.catalogue.model import LegalBasis, Rank

LAW = LegalBasis("测绘法", Rank.LAW, "第四十七条")
OWN = LegalBasis("某局办法", Rank.NORMATIVE_DOCUMENT, "第三条")


def test_an_application_becomes_an_agreement_bound_to_the_contract(exchange: Any) -> None:
    waiting = exchange.submitted()
    assert waiting.state is ApplicationState.WAITING
    assert waiting.provider == "ecology"
    made = agree(exchange.office, waiting.id, by=exchange.ecology)
    assert made.terms.contract_version == "1.0.0"
    assert (made.terms.assigner, made.terms.assignee) == ("ecology", "water")
    file = application(exchange.office, waiting.id)
    assert file.application.state is ApplicationState.AGREED
    assert file.application.agreement == made.id
    assert [s.verb for s in file.steps] == [Verb.SUBMIT, Verb.AGREE]


def test_an_incomplete_application_says_what_law_asks_and_starts_no_clock(exchange: Any) -> None:
    held = exchange.submitted(basis="", rows=None, agreed_by="")
    assert held.state is ApplicationState.INCOMPLETE
    assert held.missing == ("basis", "rows", "agreed_by")
    assert held.runs == ()
    whole = exchange.asked()
    done = act(exchange.office, held.id, Act(Verb.COMPLETE, exchange.water, asked=whole))
    assert (done.state, done.missing) == (ApplicationState.WAITING, ())
    assert live(done.runs, Clock.ANSWER) is not None


def test_the_answer_is_due_after_the_working_days_of_the_law_of_the_day(exchange: Any) -> None:
    # Received on Monday 2 March 2026; ten working days on is Monday 16 March.
    run = live(exchange.submitted().runs, Clock.ANSWER)
    assert run is not None
    assert run.due_at.isoformat() == "2026-03-16T16:00:00+00:00"
    assert run.term.parameter == "answer_conditional"
    assert not run.term.is_verified


def test_data_without_conditions_are_answered_in_a_day(exchange: Any) -> None:
    run = live(exchange.submitted(dataset="weather", fields=("station",)).runs, Clock.ANSWER)
    assert run.due_at.isoformat() == "2026-03-03T16:00:00+00:00"
    assert run.term.parameter == "answer_unconditional"


def test_an_answer_that_is_late_breaks_the_clock_once_and_may_be_disputed(exchange: Any) -> None:
    held = exchange.submitted()
    with pytest.raises(AgreementError, match=r"share\.not_overdue"):
        act(exchange.office, held.id, Act(Verb.DISPUTE, exchange.water, text="No answer"))
    exchange.to("2026-03-17T00:00:00+00:00")
    assert (tick(exchange.office).moved, tick(exchange.office).moved) == (1, 0)
    (broken,) = exchange.told(SharingClockBroken)
    assert (broken.clock, broken.party, broken.matter) == (Clock.ANSWER, "ecology", held.id)
    moved = act(exchange.office, held.id, Act(Verb.DISPUTE, exchange.water, text="No answer"))
    assert moved.state is ApplicationState.NEGOTIATING


def test_an_extension_counts_from_the_original_day_once_the_authority_consents(
    exchange: Any,
) -> None:
    held = exchange.submitted()
    ask = Act(Verb.ASK_EXTENSION, exchange.ecology, days=5, text="Three offices are concerned")
    asked = act(exchange.office, held.id, ask)
    run = live(asked.runs, Clock.ANSWER)
    assert run.due_at.isoformat() == "2026-03-16T16:00:00+00:00"
    granted = act(exchange.office, held.id, Act(Verb.GRANT_EXTENSION, exchange.city))
    run = live(granted.runs, Clock.ANSWER)
    assert run.due_at.isoformat() == "2026-03-23T16:00:00+00:00"
    with pytest.raises(AgreementError, match="at most 5 days"):
        act(exchange.office, held.id, Act(Verb.ASK_EXTENSION, exchange.ecology, days=6, text="x"))


def test_nobody_extends_without_being_asked_nor_after_the_end(exchange: Any) -> None:
    held = exchange.submitted()
    with pytest.raises(AgreementError, match="nobody has asked"):
        act(exchange.office, held.id, Act(Verb.GRANT_EXTENSION, exchange.city))
    with pytest.raises(AgreementError, match=r"share\.not_your_side"):
        act(exchange.office, held.id, Act(Verb.GRANT_EXTENSION, exchange.ecology))
    ask = Act(Verb.ASK_EXTENSION, exchange.ecology, days=5, text="Three offices are concerned")
    act(exchange.office, held.id, ask)
    exchange.to("2026-03-17T00:00:00+00:00")
    with pytest.raises(AgreementError, match="run out"):
        act(exchange.office, held.id, Act(Verb.GRANT_EXTENSION, exchange.city))


def test_an_extension_that_is_denied_leaves_the_day_as_it_was(exchange: Any) -> None:
    held = exchange.submitted()
    ask = Act(Verb.ASK_EXTENSION, exchange.ecology, days=5, text="Three offices are concerned")
    act(exchange.office, held.id, ask)
    denied = act(exchange.office, held.id, Act(Verb.DENY_EXTENSION, exchange.city))
    run = live(denied.runs, Clock.ANSWER)
    assert run.due_at.isoformat() == "2026-03-16T16:00:00+00:00"
    assert denied.extension.is_granted is False


@pytest.mark.parametrize(
    ("basis", "code"), [(None, r"share\.basis_missing"), (OWN, r"share\.rank_too_low")]
)
def test_data_are_refused_only_on_a_text_of_enough_rank(
    exchange: Any, basis: LegalBasis | None, code: str
) -> None:
    held = exchange.submitted()
    with pytest.raises(AgreementError, match=code):
        act(exchange.office, held.id, Act(Verb.REFUSE, exchange.ecology, basis=basis, text="No"))
    refused = act(
        exchange.office, held.id, Act(Verb.REFUSE, exchange.ecology, basis=LAW, text="Maps")
    )
    assert (refused.state, refused.refused.basis) == (ApplicationState.REFUSED, LAW)


def test_a_dispute_goes_up_three_tiers_and_its_decision_binds(exchange: Any) -> None:
    held = exchange.refused()
    act(exchange.office, held.id, Act(Verb.DISPUTE, exchange.water, text="The law does not say so"))
    exchange.to("2026-03-17T00:00:00+00:00")
    tick(exchange.office)
    mediating = application(exchange.office, held.id).application
    assert mediating.state is ApplicationState.MEDIATING
    assert live(mediating.runs, Clock.MEDIATION).party == "city"
    deciding = act(exchange.office, held.id, Act(Verb.GO_UP, exchange.city))
    assert (deciding.state, deciding.government) == (ApplicationState.DECIDING, "province")
    with pytest.raises(AgreementError, match=r"share\.not_your_side"):
        act(exchange.office, held.id, Act(Verb.DECIDE, exchange.city, text="x", is_ordered=True))
    decide = Act(Verb.DECIDE, exchange.province, text="It is to be shared", is_ordered=True)
    assert act(exchange.office, held.id, decide).state is ApplicationState.WAITING
    with pytest.raises(AgreementError, match=r"share\.already_decided"):
        act(exchange.office, held.id, Act(Verb.REFUSE, exchange.ecology, basis=LAW, text="No"))
    assert agree(exchange.office, held.id, by=exchange.ecology).state is AgreementState.ACTIVE


def test_a_refusal_may_be_upheld(exchange: Any) -> None:
    held = exchange.refused()
    act(exchange.office, held.id, Act(Verb.DISPUTE, exchange.water, text="The law does not say so"))
    act(exchange.office, held.id, Act(Verb.GO_UP, exchange.water))
    decide = Act(Verb.DECIDE, exchange.city, text="The law does say so", is_ordered=False)
    assert act(exchange.office, held.id, decide).state is ApplicationState.UPHELD
    (numbers,) = refusal_statistics(exchange.office)
    assert (numbers.refused, numbers.upheld, numbers.by_rank) == (1, 1, {"law": 1})
    assert numbers.refusal_share == 1.0


def test_the_clock_stands_while_an_application_is_completed(exchange: Any) -> None:
    held = exchange.submitted()
    exchange.to("2026-03-04T01:00:00+00:00")
    ret = Act(Verb.RETURN, exchange.ecology, text="The scenario does not say which rivers")
    assert live(act(exchange.office, held.id, ret).runs, Clock.ANSWER).is_paused
    exchange.to("2026-03-11T01:00:00+00:00")
    whole = Act(Verb.COMPLETE, exchange.water, asked=exchange.asked(scenario="The Weir"))
    run = live(act(exchange.office, held.id, whole).runs, Clock.ANSWER)
    assert run.due_at.isoformat() == "2026-03-23T16:00:00+00:00"


def test_to_be_sent_back_may_be_disputed_but_not_ones_own_gaps(exchange: Any) -> None:
    held = exchange.submitted(basis="")
    dispute = Act(Verb.DISPUTE, exchange.water, text="Nothing is missing")
    with pytest.raises(AgreementError, match="none was given"):
        act(exchange.office, held.id, dispute)
    act(exchange.office, held.id, Act(Verb.COMPLETE, exchange.water, asked=exchange.asked()))
    act(exchange.office, held.id, Act(Verb.RETURN, exchange.ecology, text="Say more"))
    disputed = act(exchange.office, held.id, dispute)
    assert disputed.state is ApplicationState.NEGOTIATING
    assert [run.clock for run in disputed.runs if run.ended_at is None] == [Clock.NEGOTIATION]


def test_the_same_is_not_asked_twice_nor_what_is_granted(exchange: Any) -> None:
    held = exchange.submitted()
    with pytest.raises(AgreementError, match=f"Application {held.id} of water"):
        exchange.submitted(fields=("station",))
    agree(exchange.office, held.id, by=exchange.ecology)
    with pytest.raises(AgreementError, match=r"share\.already_granted"):
        exchange.submitted(fields=("station",))
    assert exchange.submitted(purposes=("planning",)).id == 2
    narrower = (RowTerm("station", Operator.ONE_OF, ("s1",)),)
    with pytest.raises(AgreementError, match=r"share\.already_granted"):
        exchange.submitted(rows=narrower)


def test_a_request_that_comes_twice_makes_one_application(exchange: Any) -> None:
    first = submit(exchange.office, exchange.asked(), by=exchange.water, origin="form:7")
    again = submit(exchange.office, exchange.asked(), by=exchange.water, origin="form:7")
    assert (first.is_repeat, again.is_repeat) == (False, True)
    assert first.application == again.application
    assert len(applications(exchange.office)) == 1


def test_a_demand_is_docked_with_a_provider_that_catalogues_the_data(exchange: Any) -> None:
    wanted = exchange.asked(dataset=None, wanted="Levels of the Weir, hourly")
    held = submit(exchange.office, wanted, by=exchange.water).application
    assert held.state is ApplicationState.DOCKING
    assert live(held.runs, Clock.ASSIGNMENT).party == "city"
    act(exchange.office, held.id, Act(Verb.ASSIGN, exchange.city, provider="transport"))
    back = act(exchange.office, held.id, Act(Verb.DECLINE, exchange.transport, text="Not ours"))
    assert (back.state, back.provider) == (ApplicationState.DOCKING, None)
    given = act(exchange.office, held.id, Act(Verb.ASSIGN, exchange.city, provider="ecology"))
    assert live(given.runs, Clock.ANSWER).term.parameter == "demand_answer"
    with pytest.raises(AgreementError, match="not catalogued"):
        agree(exchange.office, held.id, by=exchange.ecology)
    made = agree(exchange.office, held.id, by=exchange.ecology, dataset="air")
    assert made.terms.dataset == "air"


def test_a_stale_look_is_refused_with_what_happened_meanwhile(exchange: Any) -> None:
    held = exchange.submitted()
    ask = Act(Verb.ASK_EXTENSION, exchange.ecology, held.version, "Three offices", days=5)
    act(exchange.office, held.id, ask)
    with pytest.raises(AgreementError, match=r"Meanwhile: ask_extension by e\.zhou"):
        agree(exchange.office, held.id, by=exchange.ecology, seen=held.version)


def test_what_a_clock_did_makes_no_look_stale(exchange: Any) -> None:
    held = exchange.submitted()
    exchange.to("2026-03-17T00:00:00+00:00")
    tick(exchange.office)
    made = agree(exchange.office, held.id, by=exchange.ecology, seen=held.version)
    assert made.state is AgreementState.ACTIVE


def test_the_provider_alone_can_only_propose_to_stop(exchange: Any) -> None:
    made = exchange.agreed()
    proposed = deal(exchange.office, made.id, Deed(Verb.SUSPEND, exchange.ecology, text="Repair"))
    assert (proposed.state, proposed.proposal) == (AgreementState.ACTIVE, Verb.SUSPEND)
    stopped = deal(exchange.office, made.id, Deed(Verb.SUSPEND, exchange.water, text="Agreed"))
    assert (stopped.state, stopped.proposal) == (AgreementState.SUSPENDED, None)
    assert not stopped.in_force(exchange.now)
    going = deal(exchange.office, made.id, Deed(Verb.RESUME, exchange.ecology))
    assert going.state is AgreementState.ACTIVE


def test_what_the_authority_suspends_only_the_authority_resumes(exchange: Any) -> None:
    made = exchange.agreed()
    deal(exchange.office, made.id, Deed(Verb.SUSPEND, exchange.city, text="Used for other ends"))
    with pytest.raises(AgreementError, match="only the authority"):
        deal(exchange.office, made.id, Deed(Verb.RESUME, exchange.ecology))
    assert deal(exchange.office, made.id, Deed(Verb.RESUME, exchange.city)).suspended_by is None


def test_an_agreement_ends_by_itself_and_its_data_are_disposed_of(exchange: Any) -> None:
    made = exchange.agreed()
    deal(exchange.office, made.id, Deed(Verb.PROVIDE, exchange.ecology))
    exchange.to("2026-12-02T00:00:00+00:00")
    tick(exchange.office)
    assert [e.clock for e in exchange.told(SharingReminded)] == [Clock.END_NOTICE]
    exchange.to("2026-12-31T16:00:00+00:00")
    tick(exchange.office)
    ended = agreement(exchange.office, made.id).agreement
    assert (ended.state, in_force(exchange.office, "water", "air", exchange.now)) == (
        AgreementState.ENDED, ()
    )  # fmt: skip
    exchange.to("2027-02-01T00:00:00+00:00")
    tick(exchange.office)
    assert [e.clock for e in exchange.told(SharingReminded)][1:] == [Clock.DISPOSAL_NOTICE]
    (broken,) = exchange.told(SharingClockBroken)
    assert (broken.clock, broken.party) == (Clock.DISPOSAL, "water")
    with pytest.raises(AgreementError, match=r"share\.receipt_missing"):
        deal(exchange.office, made.id, Deed(Verb.DISPOSE, exchange.water, text="All copies"))
    deed = Deed(Verb.DISPOSE, exchange.water, text="All copies", method="deleted")
    done = deal(exchange.office, made.id, deed)
    assert (done.state, done.receipt.method) == (AgreementState.DISPOSED, "deleted")
    assert all(run.ended_at or run.broken_at for run in done.runs)


def test_a_disposal_is_receipted_once(exchange: Any) -> None:
    made = exchange.agreed()
    deal(exchange.office, made.id, Deed(Verb.END, exchange.water, text="Done"))
    gone = Deed(Verb.DISPOSE, exchange.water, method="deleted", text="All")
    done = deal(exchange.office, made.id, gone)
    with pytest.raises(AgreementError, match=r"share\.wrong_state"):
        deal(exchange.office, made.id, replace(gone, method="burnt"))
    assert agreement(exchange.office, made.id).agreement == done


def test_each_provider_of_a_demand_is_counted_for_what_it_did(exchange: Any) -> None:
    held = exchange.submitted(dataset=None, wanted="Noise at night")
    give = Act(Verb.ASSIGN, exchange.city, provider="ecology")
    act(exchange.office, held.id, give)
    with pytest.raises(AgreementError, match=r"share\.application_bad"):
        act(exchange.office, held.id, give)
    exchange.to("2026-04-01T01:00:00+00:00")
    tick(exchange.office)
    act(exchange.office, held.id, Act(Verb.DECLINE, exchange.ecology, text="Not ours"))
    act(exchange.office, held.id, replace(give, provider="transport"))
    refuse = Act(Verb.REFUSE, exchange.transport, basis=LAW, text="No")
    act(exchange.office, held.id, refuse)
    counted = {
        a.provider: (a.asked, a.refused, a.late) for a in refusal_statistics(exchange.office)
    }
    assert counted == {"transport": (1, 1, 0), "ecology": (0, 0, 1)}


def test_the_same_wish_written_in_another_way_is_the_same(exchange: Any) -> None:
    held = exchange.submitted(dataset=None, wanted="Noise  at night 2026")
    with pytest.raises(AgreementError, match=f"Application {held.id} of water asks for the same"):
        exchange.submitted(dataset=None, wanted="noise at ｎｉｇｈｔ ２０２６")


def test_a_clock_that_runs_into_an_unknown_year_is_kept_until_it_is_known(exchange: Any) -> None:
    exchange.to("2026-12-25T01:00:00+00:00")
    held = exchange.submitted(ends_on=date(2027, 6, 30))
    run = live(held.runs, Clock.ANSWER)
    assert run.due_at is None
    exchange.know_2027()
    assert [tick(exchange.office).moved for _ in range(2)] == [1, 0]
    run = live(application(exchange.office, held.id).application.runs, Clock.ANSWER)
    assert run.due_at is not None
    assert run.due_at.year == 2027


def test_a_period_that_is_over_is_not_agreed_to(exchange: Any) -> None:
    held = exchange.submitted(ends_on=date(2026, 3, 5))
    exchange.to("2026-03-06T01:00:00+00:00")
    with pytest.raises(AgreementError, match=r"share\.period_over"):
        agree(exchange.office, held.id, by=exchange.ecology)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"fields": ("station", "owner")}, "no data item owner"),
        ({"wanted": "More"}, "also asks for one that is not catalogued"),
        ({"ends_on": date(2026, 1, 1)}, "before it starts"),
        ({"ends_on": date.max}, "outside of the years"),
        ({"starts_on": date.min}, "outside of the years"),
        ({"minimum_group": 5}, "belongs to the form aggregate"),
        ({"budget": 5}, "belongs to the forms"),
    ],
)
def test_what_contradicts_itself_is_refused(
    exchange: Any, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(AgreementError, match=problem):
        exchange.submitted(**changes)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "长" * 5_000])
@pytest.mark.parametrize("item", ["dataset", "wanted", "basis", "scenario", "agreed_by"])
def test_what_no_store_holds_as_text_is_refused(exchange: Any, item: str, text: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        exchange.submitted(**{"dataset": None, item: text})
    assert refusal.value.code == "share.bad_text"


def test_parties_and_data_must_be_known(exchange: Any) -> None:
    with pytest.raises(RefusedError, match=r"share\.entry_unknown"):
        exchange.submitted(dataset="gold")
    with pytest.raises(RefusedError, match=r"share\.party_unknown"):
        submit(exchange.office, exchange.asked(), by=exchange.nobody)
    with pytest.raises(AgreementError, match=r"share\.application_unknown"):
        application(exchange.office, 99)


def test_an_application_may_be_withdrawn_but_not_what_is_answered(exchange: Any) -> None:
    held = exchange.submitted()
    gone = act(exchange.office, held.id, Act(Verb.WITHDRAW, exchange.water))
    assert gone.state is ApplicationState.WITHDRAWN
    with pytest.raises(AgreementError, match=r"share\.wrong_state"):
        agree(exchange.office, held.id, by=exchange.ecology)


def test_a_verb_that_makes_an_agreement_is_no_act_by_itself(exchange: Any) -> None:
    held = exchange.submitted()
    with pytest.raises(AgreementError, match="Call agree"):
        act(exchange.office, held.id, Act(Verb.AGREE, exchange.ecology, agreement=7))
    made = exchange.agreed(purposes=("planning",))
    with pytest.raises(AgreementError, match="Call renew"):
        deal(exchange.office, made.id, Deed(Verb.RENEW, exchange.water))


def test_the_name_of_a_request_is_its_partys_own(exchange: Any) -> None:
    submit(exchange.office, exchange.asked(), by=exchange.water, origin="form:7")
    other = submit(exchange.office, exchange.asked(), by=exchange.transport, origin="form:7")
    assert (other.is_repeat, other.application.applicant) == (False, "transport")


def test_nobody_applies_for_their_own_data(exchange: Any) -> None:
    with pytest.raises(AgreementError, match="the applicant's own"):
        submit(exchange.office, exchange.asked(), by=exchange.ecology)
    wanted = exchange.asked(dataset=None, wanted="Levels of the Weir")
    held = submit(exchange.office, wanted, by=exchange.water).application
    with pytest.raises(AgreementError, match="cannot be assigned"):
        act(exchange.office, held.id, Act(Verb.ASSIGN, exchange.city, provider="water"))


def test_what_the_catalogue_withholds_by_law_is_not_agreed_to(exchange: Any) -> None:
    exchange.withhold("air")
    held = exchange.submitted()
    with pytest.raises(AgreementError, match=r"share\.withheld"):
        agree(exchange.office, held.id, by=exchange.ecology)


def test_the_clock_of_provision_stands_while_the_agreement_is_suspended(exchange: Any) -> None:
    made = exchange.agreed()
    due_at = live(made.runs, Clock.PROVISION).due_at
    assert due_at.isoformat() == "2026-03-30T16:00:00+00:00"
    exchange.to("2026-03-04T01:00:00+00:00")
    stopped = deal(exchange.office, made.id, Deed(Verb.SUSPEND, exchange.city, text="A test"))
    assert live(stopped.runs, Clock.PROVISION).is_paused
    exchange.to("2026-03-11T01:00:00+00:00")
    going = deal(exchange.office, made.id, Deed(Verb.RESUME, exchange.city))
    # Five working days on; 6 April is a holiday.
    due_at = live(going.runs, Clock.PROVISION).due_at
    assert due_at.isoformat() == "2026-04-07T16:00:00+00:00"


def test_data_that_come_to_the_platform_later_are_provided_then(exchange: Any) -> None:
    made = exchange.agreed()
    exchange.held.add("rain")
    assert hand_over(exchange.office, "rain") == 0
    assert agreement(exchange.office, made.id).agreement.provided_at is None
    exchange.to("2026-03-10T01:00:00+00:00")
    exchange.held.add("air")
    assert [hand_over(exchange.office, "air") for _ in range(2)] == [1, 0]
    after = agreement(exchange.office, made.id)
    assert after.agreement.provided_at == exchange.now
    assert [(s.verb, s.by) for s in after.steps] == [
        (Verb.MAKE, "e.zhou"), (Verb.PROVIDE, "system"),
    ]  # fmt: skip
    with pytest.raises(AgreementError, match="provided already"):
        deal(exchange.office, made.id, Deed(Verb.PROVIDE, exchange.ecology))


def test_nobody_is_late_with_what_the_platform_holds(exchange: Any) -> None:
    made = exchange.agreed()
    exchange.held.add("air")
    exchange.to("2026-06-01T00:00:00+00:00")
    tick(exchange.office)
    assert exchange.told(SharingClockBroken) == []
    assert agreement(exchange.office, made.id).agreement.provided_at == exchange.now


def test_what_is_suspended_is_provided_when_it_goes_on(exchange: Any) -> None:
    made = exchange.agreed()
    deal(exchange.office, made.id, Deed(Verb.SUSPEND, exchange.city, text="A test"))
    exchange.held.add("air")
    assert hand_over(exchange.office, "air") == 0
    deal(exchange.office, made.id, Deed(Verb.RESUME, exchange.city))
    assert hand_over(exchange.office, "air") == 1
    assert agreement(exchange.office, made.id).agreement.provided_at == exchange.now


def test_many_who_answer_at_once_make_one_agreement(exchange: Any) -> None:
    held = exchange.submitted()

    def answer(number: int) -> str:
        try:
            who = replace(exchange.ecology, person=f"e.{number}")
            agree(exchange.office, held.id, by=who, seen=held.version)
        except AgreementError as error:
            return error.code
        return "agreed"

    with ThreadPoolExecutor(8) as pool:
        found = Counter(pool.map(answer, range(8)))
    assert found == {"agreed": 1, "share.changed_meanwhile": 7}
    assert len(agreements(exchange.office)) == 1


@pytest.mark.parametrize("person", ["", "x" * 121, "a\x00b"])
def test_who_acts_has_a_name(person: str) -> None:
    with pytest.raises(AgreementError, match=r"share\.(bad_text|reason_missing)"):
        Actor(person, None)


def test_every_history_replays_to_the_state(exchange: Any) -> None:
    made = exchange.agreed()
    deal(exchange.office, made.id, Deed(Verb.SUSPEND, exchange.city, text="Used for other ends"))
    exchange.refused(purposes=("planning",))
    files = [*applications(exchange.office), *agreements(exchange.office)]
    again = [replayed(exchange.office, exchange.kind(f), f.id) for f in files]
    assert again == files
    assert exchange.told(AgreementMoved)[-1].verb is Verb.SUSPEND
