"""What may be done to an agreement, by whom and when: pure decisions, each giving one step.

A live share is not stopped by its provider alone (政务数据共享条例): what the provider wants is a
proposal until the user or the authority does it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shuzhi.kernel.instant import Instant, day_of, end_of_day, start_of_day
from shuzhi.share.agreements.clocks import Clock, ClockRun, Time, live
from shuzhi.share.agreements.errors import AgreementError, not_done_so, optional_text, require_text
from shuzhi.share.agreements.model import (
    SYSTEM,
    Actor,
    Agreement,
    AgreementState,
    Application,
    Asked,
    MatterKind,
    Receipt,
    Side,
    Step,
    Terms,
    Verb,
)
from shuzhi.share.agreements.plain import plain, starting
from shuzhi.share.agreements.ways import require_way

_KIND = MatterKind.AGREEMENT


@dataclass(frozen=True)
class Deed:
    """What somebody wants to do to an agreement; the last three are of a disposal receipt."""

    verb: Verb
    by: Actor
    seen: int | None = None
    text: str = ""
    method: str = ""
    document_sha256: str | None = None


@dataclass(frozen=True)
class Bound:
    """The data set and the version of its contract that an agreement is bound to."""

    dataset: str
    contract_name: str
    contract_version: str


def terms_agreed(application: Application, bound: Bound, at: Instant, zone: str) -> Terms:
    """Return what is agreed when `application` is consented to at `at`.

    Raises:
        AgreementError: `share.period_over` when the period that was asked for has passed.
    """
    asked = application.asked
    starts_on, ends_on = asked.starts_on, asked.ends_on
    provider = application.provider
    if starts_on is None or ends_on is None or provider is None:
        raise AgreementError(
            "share.application_bad",
            f"Application {application.id} states no period, or has no provider.",
            next_step="Return it to the applicant, or let the authority assign a provider.",
        )
    since = Instant(max(at, start_of_day(starts_on, zone)))
    until = end_of_day(ends_on, zone)
    if since >= until:
        raise AgreementError(
            "share.period_over",
            f"The period of application {application.id} ended on {ends_on}.",
            next_step="Return it, so that the applicant states another period.",
        )
    return Terms(
        provider,
        application.applicant,
        bound.dataset,
        bound.contract_name,
        bound.contract_version,
        asked,
        since,
        until,
    )


def made(
    application: Application, terms: Terms, by: Actor, at: Instant, time: Time, *, is_held: bool
) -> Step:
    """Return the step that makes an agreement, with the clock of its end.

    Data that the platform holds are provided by it; on others the clock of provision runs.
    """
    assigner, assignee = terms.assigner, terms.assignee
    runs = [ClockRun(Clock.END, assignee, at, due_at=terms.until)]
    if not is_held:
        runs.append(ClockRun(Clock.PROVISION, assigner, at, time.term("provision", at)))
    days = time.term("agreement_end_notice", at).days
    last = day_of(terms.until, time.zone) - timedelta(days=days + 1)
    notice_at = end_of_day(last, time.zone)
    if notice_at > at:
        runs.append(ClockRun(Clock.END_NOTICE, assignee, at, due_at=notice_at))
    facts = {
        "application": application.id,
        "authority": application.authority,
        "terms": plain(terms),
        "renews": application.renews,
        "is_provided": is_held,
        **starting(*runs),
    }
    return Step(_KIND, 0, 1, Verb.MAKE, at, by.person, by.party, AgreementState.ACTIVE, facts)


def done(agreement: Agreement, deed: Deed, at: Instant, time: Time) -> Step:
    """Return the step that `deed` is; a provider's wish to stop or end becomes a proposal.

    Raises:
        AgreementError: `share.wrong_state`, `share.not_your_side`, `share.reason_missing`,
            `share.bad_text`, `share.receipt_missing`.
    """
    require_way(agreement, deed.verb, deed.by)
    if deed.verb not in _DEEDS:
        raise not_done_so(deed.verb, "renew")
    verb, state, facts = _DEEDS[deed.verb](agreement, deed, at, time)
    number, by = agreement.version + 1, deed.by
    return Step(_KIND, agreement.id, number, verb, at, by.person, by.party, state, facts)


def awaits_data(agreement: Agreement) -> bool:
    """Tell whether the data of an agreement in force are still to be provided."""
    is_active = agreement.state is AgreementState.ACTIVE
    return is_active and live(agreement.runs, Clock.PROVISION) is not None


def handed_over(agreement: Agreement, at: Instant) -> Step:
    """Return the step that notes that the platform holds the data now, and hands them out."""
    number, facts = agreement.version + 1, {"clock": Clock.PROVISION.value}
    return Step(
        _KIND, agreement.id, number, Verb.PROVIDE, at, SYSTEM.person, None, agreement.state, facts
    )


def renewed(agreement: Agreement, by: Agreement, at: Instant) -> Step:
    """Return the step that notes the agreement which goes on where this one ends.

    Where this one came to its end before the answer did, the data need not be disposed of any more.
    """
    number, facts = agreement.version + 1, {"agreement": by.id}
    ended_at, state = agreement.ended_at, agreement.state
    is_expired = ended_at is not None and ended_at >= agreement.terms.until
    if state is AgreementState.ENDED and is_expired:
        state = AgreementState.RENEWED
    return Step(_KIND, agreement.id, number, Verb.RENEW, at, SYSTEM.person, None, state, facts)


def ending(agreement: Agreement, at: Instant, time: Time) -> dict[str, Any]:
    """Return the facts that start the clocks of disposal."""
    user = agreement.terms.assignee
    notice, last = (time.term(p, at) for p in ("disposal_notice", "disposal"))
    return starting(
        ClockRun(Clock.DISPOSAL_NOTICE, user, at, notice), ClockRun(Clock.DISPOSAL, user, at, last)
    )


def renewal_of(agreement: Agreement, asked: Asked) -> Asked:
    """Return `asked` as a renewal: the same data for the same purposes, for another period.

    Raises:
        AgreementError: `share.application_bad` for a period that does not go on where that of the
            agreement ends: between the two the data would have to be disposed of.
    """
    ends_on, last = agreement.terms.asked.ends_on, asked.ends_on
    joins = not (asked.starts_on and ends_on) or asked.starts_on <= ends_on + timedelta(days=1)
    if not joins or (last and ends_on and last <= ends_on):
        raise AgreementError(
            "share.application_bad",
            f"Agreement {agreement.id} ends on {ends_on}; this period does not go on from there.",
            next_step="State a period from the day after at the latest, until a later day.",
        )
    return Asked(**{**vars(agreement.terms.asked), "dataset": agreement.terms.dataset,
                    "wanted": "", "starts_on": asked.starts_on, "ends_on": asked.ends_on,
                    "agreed_by": asked.agreed_by})  # fmt: skip


_Deed = tuple[Verb, str, dict[str, Any]]


def _provide(agreement: Agreement, deed: Deed, at: Instant, time: Time) -> _Deed:
    del at, time
    if live(agreement.runs, Clock.PROVISION) is None:
        raise AgreementError(
            "share.wrong_state",
            f"The data of agreement {agreement.id} were provided already.",
            next_step="Nothing is left to do.",
        )
    facts = {"clock": Clock.PROVISION.value, "text": optional_text(deed.text, "The note")}
    return Verb.PROVIDE, agreement.state, facts


def _stop(agreement: Agreement, deed: Deed, at: Instant, time: Time) -> _Deed:
    facts: dict[str, Any] = {"reason": require_text(deed.text, "The reason")}
    if agreement.sides(deed.by.party) == {Side.PROVIDER}:
        return Verb.PROPOSE, agreement.state, {**facts, "proposal": deed.verb.value}
    if deed.verb is Verb.SUSPEND:
        # Nobody is late with data that must not go out.
        stands = {"clock": Clock.PROVISION.value, "pauses": True}
        return deed.verb, AgreementState.SUSPENDED, facts | stands
    return deed.verb, AgreementState.ENDED, facts | ending(agreement, at, time)


def _resume(agreement: Agreement, deed: Deed, at: Instant, time: Time) -> _Deed:
    del at, time
    by_authority = agreement.suspended_by == agreement.authority
    if by_authority and deed.by.party != agreement.authority:
        raise AgreementError(
            "share.not_your_side",
            f"The authority suspended agreement {agreement.id}; only the authority resumes it.",
            next_step="Ask the authority.",
        )
    return Verb.RESUME, AgreementState.ACTIVE, {"reason": optional_text(deed.text, "The reason")}


def _dispose(agreement: Agreement, deed: Deed, at: Instant, time: Time) -> _Deed:
    del time
    if not deed.method.strip():
        raise AgreementError(
            "share.receipt_missing",
            f"A receipt of agreement {agreement.id} says how the data were disposed of.",
            next_step="Name the method (deleted, overwritten, returned), and what it covered.",
        )
    what = require_text(deed.text, "What was disposed of")
    method = require_text(deed.method, "The method")
    receipt = Receipt(at, deed.by.person, method, what, deed.document_sha256)
    return Verb.DISPOSE, AgreementState.DISPOSED, {"receipt": plain(receipt)}


_DEEDS: Mapping[Verb, Callable[[Agreement, Deed, Instant, Time], _Deed]] = {
    Verb.PROVIDE: _provide,
    Verb.SUSPEND: _stop,
    Verb.END: _stop,
    Verb.RESUME: _resume,
    Verb.DISPOSE: _dispose,
}
