"""Asks for a service: the form filled in as far as it can be, then the request and its case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime

from shuzhi.act.cases import Actor, CaseRole, Report, open_case
from shuzhi.act.services.checking import entered
from shuzhi.act.services.errors import ServiceError
from shuzhi.act.services.events import ServiceAsked
from shuzhi.act.services.model import (
    Applicant,
    Blank,
    Matter,
    RequestId,
    ServiceRequest,
    ShownField,
    Way,
)
from shuzhi.act.services.office import ServicesOffice
from shuzhi.act.services.store import find_by_origin, insert_request
from shuzhi.audit import Entry, queue
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import User
from shuzhi.share.forms import (
    FormError,
    Prefilled,
    Registered,
    Verdict,
    prefill,
    registered,
)

_WAYS = {Verdict.TAKE: Way.HELD, Verdict.APPLY: Way.HELD, Verdict.CONFIRM: Way.CONFIRM}
_MOST_ORIGIN = 120


def begin(office: ServicesOffice, matter: str, applicant: Applicant) -> Blank:
    """Return the form of a matter for an applicant, with what the city holds filled in.

    Whatever is read for it has its receipt, so that the applicant can see who used it.

    Raises:
        ServiceError: `act.no_such_matter`, `act.service_not_for_you`, `act.matter_without_form`.
        RefusedError: as `forms.prefill`.
    """
    known = office.matter(matter)
    if known.audience is not applicant.audience:
        raise ServiceError(
            "act.service_not_for_you",
            f"The service {known.title.en} is for {known.audience.value}.",
            next_step="Choose another service, or sign in with another account.",
        )
    held = _form(office, known)
    found = {value.field: value for value in _found(office, known, held, applicant)}
    return Blank(known, held.version, tuple(_shown(held, found)))


def ask(
    office: ServicesOffice,
    matter: str,
    applicant: Applicant,
    given: Mapping[str, str],
    *,
    origin: str,
    seen: Blank | None = None,
) -> ServiceRequest:
    """Take a request with what the applicant wrote; a case of the matter's owner comes of it.

    The same `origin` of the same account gives the request that was taken before. What is held is
    read for it, unless `seen` is the form as the applicant saw it a moment ago.

    Raises:
        ServiceError: `act.fields_unfit` with a problem for each field; as `begin`.
        RefusedError: as `open_case`.
    """
    named = f"{applicant.account}/{origin}"[:_MOST_ORIGIN]
    with office.control.transaction() as connection:
        known = find_by_origin(connection, named)
    if known is not None:
        return known
    is_seen = seen is not None and seen.form_version == _form(office, seen.matter).version
    blank = seen if seen is not None and is_seen else begin(office, matter, applicant)
    content = entered(blank, given)
    case_id = _case(office, blank.matter, applicant, named)
    made = ServiceRequest(
        RequestId(0),
        blank.matter.id,
        applicant.account,
        blank.matter.owner,
        office.now(),
        case_id,
        blank.form_version,
        content,
    )
    return _kept(office, made, named)


def _form(office: ServicesOffice, matter: Matter) -> Registered:
    try:
        return registered(office.forms, matter.form)
    except FormError:
        raise ServiceError(
            "act.matter_without_form",
            f"The form {matter.form} of the service {matter.id} is not registered.",
            next_step=f"Ask {matter.owner} to register it: shuzhi form register FILE.",
        ) from None


def _found(
    office: ServicesOffice, matter: Matter, held: Registered, applicant: Applicant
) -> tuple[Prefilled, ...]:
    if applicant.subject is None or held.form.subject is None:
        return ()
    user = User(applicant.account, matter.owner, frozenset({held.form.role}))
    return prefill(office.forms, office.reading, matter.form, applicant.subject, user=user)


def _shown(held: Registered, found: Mapping[str, Prefilled]) -> Iterator[ShownField]:
    for field in held.form.fields:
        met, value = held.judgement(field.name), found.get(field.name)
        way = _WAYS.get(met.verdict, Way.ASK)
        shown = ShownField(field, way, None, met.dataset, met.provider)
        if value is not None and not value.reason:
            yield replace(shown, value=_text(value.value), at=value.at)
        elif way is Way.CONFIRM:
            # It should stand there, but nothing was found of this person: then it is asked.
            yield ShownField(field, Way.ASK)
        else:
            yield shown


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _case(office: ServicesOffice, matter: Matter, applicant: Applicant, named: str) -> int:
    """Open the case, once; it names the matter and nothing of what was written."""
    kind = office.cases.clocks(matter.case_kind).kind
    by = Actor(applicant.account, applicant.party, frozenset({CaseRole.REPORTER}))
    report = Report(
        kind.id,
        kind.severities[0],
        by,
        matter.owner,
        f"{kind.title.zh}：{matter.title.zh}",
        f"{matter.title.zh} {matter.title.en}",
        origin=f"service:{named}",
        title_en=f"{kind.title.en}: {matter.title.en}",
    )
    return int(open_case(office.cases, report).case_id)


def _kept(office: ServicesOffice, made: ServiceRequest, named: str) -> ServiceRequest:
    with office.control.transaction() as connection:
        known = find_by_origin(connection, named)
        if known is not None:
            return known
        kept = replace(made, id=insert_request(connection, made, named))
        queue(connection, _entry(kept, made.asked_at))
    office.cases.publish(
        ServiceAsked(made.asked_at, kept.id, kept.matter, kept.owner, kept.case_id)
    )
    return kept


def _entry(made: ServiceRequest, at: Instant) -> Entry:
    """Return the audit entry: that it was asked, and nothing of what was written."""
    facts = {"matter": made.matter, "owner": made.owner, "case": made.case_id}
    return Entry("service.asked", at, made.account, f"service:{made.id}", facts)
