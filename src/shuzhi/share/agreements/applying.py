"""What may be done to an application, by whom and when: pure decisions, each giving one step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements.clocks import Clock, ClockRun, Time, live
from shuzhi.share.agreements.duties import missing, require_basis
from shuzhi.share.agreements.errors import AgreementError, optional_text, require_text
from shuzhi.share.agreements.model import (
    Actor,
    Application,
    ApplicationState,
    Asked,
    MatterKind,
    Refused,
    Step,
    Verb,
)
from shuzhi.share.agreements.plain import plain, starting
from shuzhi.share.agreements.ways import require_way
from shuzhi.share.catalogue.model import LegalBasis, Sharing

# Days are dated law (packs/data_law); which of them counts follows from the attribute of the data.
_ANSWERS = {
    Sharing.UNCONDITIONAL: "answer_unconditional",
    Sharing.CONDITIONAL: "answer_conditional",
    Sharing.WITHHELD: "answer_conditional",
}
_PAUSES = "incomplete_application_pauses"


@dataclass(frozen=True)
class Act:
    """What somebody wants to do; `seen` is the version that they looked at.

    `days` are those of an extension, `provider` who is assigned, `basis` what a refusal stands on,
    `is_ordered` the decision of a dispute, `agreement` the one that a consent made.
    """

    verb: Verb
    by: Actor
    seen: int | None = None
    text: str = ""
    asked: Asked | None = None
    days: int = 0
    provider: PartyId | None = None
    basis: LegalBasis | None = None
    is_ordered: bool | None = None
    agreement: int | None = None


@dataclass(frozen=True)
class Opening:
    """What a new application begins with, beside what it asks."""

    applicant: PartyId
    authority: PartyId
    government: PartyId
    provider: PartyId | None
    sharing: Sharing | None
    renews: int | None = None
    origin: str | None = None


def submitted(asked: Asked, opening: Opening, by: Actor, at: Instant, time: Time) -> Step:
    """Return the step that begins an application: incomplete, a demand, or one to be answered.

    Raises:
        RefusedError: `kernel.law_unknown`, `kernel.law_not_in_force`.
    """
    lacks = missing(asked)
    state, runs = _stand(lacks, opening.provider, opening.sharing, at, time, opening)
    facts = {
        "asked": plain(asked),
        "applicant": opening.applicant,
        "authority": opening.authority,
        "government": opening.government,
        "provider": opening.provider,
        "sharing": opening.sharing and opening.sharing.value,
        "missing": list(lacks),
        "renews": opening.renews,
        **starting(*runs),
    }
    kind, verb = MatterKind.APPLICATION, Verb.SUBMIT
    return Step(kind, 0, 1, verb, at, by.person, by.party, state, facts, opening.origin)


def decided(application: Application, act: Act, at: Instant, time: Time) -> Step:
    """Return the step that `act` is.

    Raises:
        AgreementError: `share.wrong_state`, `share.not_your_side`, `share.reason_missing`,
            `share.bad_text`, and what each verb refuses by itself.
    """
    require_way(application, act.verb, act.by)
    state, facts = _DECISIONS[act.verb](application, act, at, time)
    number, by = application.version + 1, act.by
    kind = MatterKind.APPLICATION
    return Step(kind, application.id, number, act.verb, at, by.person, by.party, state, facts)


def answer_run(
    sharing: Sharing | None, provider: PartyId, at: Instant, time: Time
) -> ClockRun:  # fmt: skip
    """Return the clock of an answer; that of data not catalogued where there is no attribute."""
    parameter = "demand_answer" if sharing is None else _ANSWERS[sharing]
    return ClockRun(Clock.ANSWER, provider, at, time.term(parameter, at))


def gone_up(application: Application, at: Instant, time: Time) -> tuple[ApplicationState, ClockRun]:
    """Return the next tier of a dispute, with its clock."""
    if application.state is ApplicationState.NEGOTIATING:
        term = time.term("dispute_mediation", at)
        run = ClockRun(Clock.MEDIATION, application.authority, at, term)
        return ApplicationState.MEDIATING, run
    term = time.term("dispute_decision", at)
    return ApplicationState.DECIDING, ClockRun(Clock.DECISION, application.government, at, term)


_Decision = tuple[str, dict[str, Any]]


def _stand(
    lacks: tuple[str, ...],
    provider: PartyId | None,
    sharing: Sharing | None,
    at: Instant,
    time: Time,
    who: Opening | Application,
) -> tuple[ApplicationState, tuple[ClockRun, ...]]:
    """Return where a stated application stands, and the clocks that it starts."""
    if lacks:
        return ApplicationState.INCOMPLETE, ()
    if provider is None:
        term = time.term("demand_assignment", at)
        run = ClockRun(Clock.ASSIGNMENT, who.authority, at, term)
        return ApplicationState.DOCKING, (run,)
    return ApplicationState.WAITING, (answer_run(sharing, provider, at, time),)


def _complete(application: Application, act: Act, at: Instant, time: Time) -> _Decision:
    asked, before = act.asked or Asked(), application.asked
    if (asked.dataset, bool(asked.wanted)) != (before.dataset, bool(before.wanted)):
        raise AgreementError(
            "share.application_bad",
            f"Application {application.id} cannot be completed to ask for other data.",
            next_step="Withdraw it and submit another.",
        )
    lacks = missing(asked)
    who = application
    state, runs = _stand(lacks, who.provider, who.sharing, at, time, who)
    if live(application.runs, Clock.ANSWER) is not None:
        # It runs on where it was: to complete an application renews no term.
        runs = ()
    return state, {"asked": plain(asked), "missing": list(lacks), **starting(*runs)}


def _return(application: Application, act: Act, at: Instant, time: Time) -> _Decision:
    del application
    said = require_text(act.text, "What the application lacks")
    pauses = time.is_on(_PAUSES, at)
    facts = {"reason": said, "clock": Clock.ANSWER.value, "pauses": pauses}
    return ApplicationState.INCOMPLETE, facts


def _assign(application: Application, act: Act, at: Instant, time: Time) -> _Decision:
    # Who has it already gets no new term by being named again.
    others = (None, application.applicant, application.provider)
    if not application.is_demand or act.provider in others:
        raise AgreementError(
            "share.application_bad",
            f"{act.provider} cannot be assigned to application {application.id}.",
            next_step="Assign another party than the applicant and whoever has it already, to a "
            "demand only.",
        )
    run = answer_run(None, PartyId(act.provider or ""), at, time)
    return ApplicationState.WAITING, {"provider": act.provider, **starting(run)}


def _decline(application: Application, act: Act, at: Instant, time: Time) -> _Decision:
    if not application.is_demand or application.is_ordered:
        raise AgreementError(
            "share.application_bad",
            f"Application {application.id} cannot be declined: its provider is settled.",
            next_step="Agree, or refuse on a legal text.",
        )
    run = ClockRun(Clock.ASSIGNMENT, application.authority, at, time.term("demand_assignment", at))
    facts = {"reason": require_text(act.text, "Why the data are not yours"), **starting(run)}
    return ApplicationState.DOCKING, facts


def _ask_extension(application: Application, act: Act, at: Instant, time: Time) -> _Decision:
    del time
    run = _answer(application, at)
    most = run.term.extendable_by - run.extended_by if run.term else 0
    is_pending = application.extension is not None and application.extension.is_granted is None
    if not 1 <= act.days <= most or is_pending:
        why = "one is asked for already" if is_pending else f"at most {most} days are allowed"
        raise _not_extended(application, why)
    said = require_text(act.text, "The reason of the extension")
    return application.state, {"days": act.days, "reason": said}


def _grant(application: Application, act: Act, at: Instant, time: Time) -> _Decision:
    del time
    _answer(application, at)
    extension = application.extension
    if extension is None or extension.is_granted is not None:
        raise _not_extended(application, "nobody has asked for one")
    if act.by.person == extension.asked_by:
        raise AgreementError(
            "share.approver_is_asker",
            f"{act.by.person} asked for the extension and cannot consent to it.",
            next_step="Let another person of the authority decide.",
        )
    return application.state, {"clock": Clock.ANSWER.value, "days": extension.days}


def _agree(application: Application, act: Act, at: Instant, time: Time) -> _Decision:
    del at, time, application
    return ApplicationState.AGREED, {"agreement": act.agreement}


def _refuse(application: Application, act: Act, at: Instant, time: Time) -> _Decision:
    del time
    if application.is_ordered:
        raise AgreementError(
            "share.already_decided",
            f"The dispute about application {application.id} was decided for the applicant.",
            next_step="Agree to the application.",
        )
    basis = require_basis(act.basis)
    refused = Refused(basis, require_text(act.text, "The reason of the refusal"), at)
    return ApplicationState.REFUSED, {"refused": plain(refused)}


def _withdraw(application: Application, act: Act, at: Instant, time: Time) -> _Decision:
    del application, at, time
    return ApplicationState.WITHDRAWN, {"reason": optional_text(act.text, "The reason")}


def _dispute(application: Application, act: Act, at: Instant, time: Time) -> _Decision:
    run = live(application.runs, Clock.ANSWER)
    is_late = run is not None and run.broken_at is not None
    # To be sent back again and again is an answer too, and may be disputed as one.
    is_answered = application.state is ApplicationState.REFUSED or bool(application.returned)
    if not is_late and not is_answered:
        raise AgreementError(
            "share.not_overdue",
            f"The answer to application {application.id} is not overdue, and none was given.",
            next_step="Complete the application, and wait for the answer or for its deadline.",
        )
    party = application.provider or application.authority
    term = time.term("dispute_negotiation", at)
    facts = {"reason": require_text(act.text, "The matter of the dispute")}
    return ApplicationState.NEGOTIATING, facts | starting(
        ClockRun(Clock.NEGOTIATION, party, at, term)
    )


def _go_up(application: Application, act: Act, at: Instant, time: Time) -> _Decision:
    state, run = gone_up(application, at, time)
    return state, {"reason": optional_text(act.text, "The reason"), **starting(run)}


def _decide(application: Application, act: Act, at: Instant, time: Time) -> _Decision:
    facts = {"reason": require_text(act.text, "The reason of the decision")}
    if not act.is_ordered:
        return ApplicationState.UPHELD, {**facts, "is_ordered": False}
    provider = application.provider or application.authority
    run = answer_run(application.sharing, provider, at, time)
    return ApplicationState.WAITING, {**facts, "is_ordered": True, **starting(run)}


def _answer(application: Application, at: Instant) -> ClockRun:
    run = live(application.runs, Clock.ANSWER)
    if run is None or run.broken_at is not None or run.is_due(at):
        raise _not_extended(application, "its clock has run out")
    return run


def _not_extended(application: Application, why: str) -> AgreementError:
    return AgreementError(
        "share.extension_not_allowed",
        f"The answer to application {application.id} is not extended: {why}.",
        next_step="Ask in time, once, for the days that law allows; the authority has to consent.",
    )


_DECISIONS: Mapping[Verb, Callable[[Application, Act, Instant, Time], _Decision]] = {
    Verb.COMPLETE: _complete,
    Verb.RETURN: _return,
    Verb.ASSIGN: _assign,
    Verb.DECLINE: _decline,
    Verb.ASK_EXTENSION: _ask_extension,
    Verb.GRANT_EXTENSION: _grant,
    Verb.DENY_EXTENSION: _grant,
    Verb.AGREE: _agree,
    Verb.REFUSE: _refuse,
    Verb.WITHDRAW: _withdraw,
    Verb.DISPUTE: _dispute,
    Verb.GO_UP: _go_up,
    Verb.DECIDE: _decide,
}
