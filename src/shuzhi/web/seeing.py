"""What of a city a visitor sees: cases, deals about data and the log, each by one sight.

Pages and the interface ask here alone, and what is between others is answered as what is not
there. Whoever came in without an account sees what the server shows: it is this machine's own, or
they bear its token (`guarding`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from shuzhi.act.cases import CaseFile, CaseId, among, case
from shuzhi.act.cases.journal import no_such_case
from shuzhi.app import City
from shuzhi.audit import Logged, Proof
from shuzhi.decide import rules
from shuzhi.decide.indicators import Drilled
from shuzhi.decide.rules import WarningId
from shuzhi.kernel.ids import PartyId
from shuzhi.share import agreements as deals
from shuzhi.share.accounts import (
    AUDIT,
    CASES,
    EVERYTHING,
    SHARING,
    Right,
    Room,
    Sight,
    names,
    sight,
)
from shuzhi.share.agreements import AgreementFile, AgreementId, ApplicationFile, ApplicationId
from shuzhi.share.agreements.errors import unknown
from shuzhi.share.receipts import Receipt, ReceiptProof, names_others
from shuzhi.web.problems import WebError
from shuzhi.web.visitors import Visitor

# So many entries of the log are looked at for one page, however few of them are seen.
_MOST_LOOKED_AT = 2_000
_AT_ONCE = 200


def case_sight(visitor: Visitor, city: City) -> Sight:
    """Return whose cases and warnings a visitor sees."""
    return _sight(visitor, city, CASES, PartyId(city.settings.city.desk))


def sharing_sight(visitor: Visitor, city: City) -> Sight:
    """Return whose applications, agreements and breaches of duty a visitor sees."""
    return _sight(visitor, city, SHARING, city.sharing_office.authority)


def audit_sight(visitor: Visitor, city: City) -> Sight:
    """Return whose entries of the log a visitor sees, besides those by or about themselves."""
    return _sight(visitor, city, AUDIT, city.sharing_office.authority)


def seen_case(visitor: Visitor, city: City, number: int) -> CaseFile:
    """Return the file of a case; CaseError `act.no_such_case` also for one of others."""
    file = case(city.office, CaseId(number))
    if case_sight(visitor, city).covers(*file.parties):
        return file
    raise no_such_case(CaseId(number))


def seen_application(visitor: Visitor, city: City, number: int) -> ApplicationFile:
    """Return an application; `share.application_unknown` also for one between others."""
    file = deals.application(city.sharing_office, ApplicationId(number))
    held = file.application
    if sharing_sight(visitor, city).covers(held.applicant, held.provider):
        return file
    raise unknown("application", number)


def seen_agreement(visitor: Visitor, city: City, number: int) -> AgreementFile:
    """Return an agreement; `share.agreement_unknown` also for one between others."""
    file = deals.agreement(city.sharing_office, AgreementId(number))
    terms = file.agreement.terms
    if sharing_sight(visitor, city).covers(terms.assigner, terms.assignee):
        return file
    raise unknown("agreement", number)


def sees_rows(visitor: Visitor, city: City, datasets: Iterable[str]) -> bool:
    """Tell whether a visitor answers for the rows of all these data sets.

    Everybody else receives rows by an agreement, each time with a receipt (docs/agreements.md).
    """
    if visitor.standing is None:
        return True
    providers = [city.provider(dataset) for dataset in datasets]
    return bool(providers) and all(
        provider is not None and visitor.may(Right.CORRECT, provider) for provider in providers
    )


def require_rows(visitor: Visitor, city: City, dataset: str) -> None:
    """Refuse (`web.not_allowed`) whoever does not answer for the rows of a data set."""
    if not sees_rows(visitor, city, [dataset]):
        raise WebError(
            "web.not_allowed",
            "Rows are shown here to who answers for them.",
            next_step="Apply for the data; they are delivered by an agreement.",
        )


def require_party(visitor: Visitor, city: City, party: PartyId) -> None:
    """Refuse (`web.not_allowed`) who does not see what is behind the numbers of a party."""
    if not case_sight(visitor, city).covers(party):
        raise WebError(
            "web.not_allowed",
            f"What is behind the numbers of {party} is for that party and those above it.",
            next_step="See the numbers themselves in the league.",
        )


def seen_drilled(visitor: Visitor, city: City, found: Drilled) -> Drilled:
    """Return what a visitor sees of what stands behind a value."""
    whose = case_sight(visitor, city).parties
    with_rows = sees_rows(visitor, city, found.indicator.reads)
    if whose is None:
        return found if with_rows else replace(found, rows=())
    warnings = rules.warnings(
        city.watch, ids=map(WarningId, found.warnings), seen_by=whose, limit=None
    )
    told = {warning.id for warning in warnings}
    cases = among(city.office, map(CaseId, found.cases), seen_by=whose)
    return replace(
        found,
        rows=found.rows if with_rows else (),
        cases=tuple(each for each in found.cases if each in cases),
        warnings=tuple(each for each in found.warnings if each in told),
    )


@dataclass(frozen=True)
class SeenEntries:
    """Entries of the log, the newest first, and before which index the next page begins."""

    entries: tuple[Logged, ...]
    older: int | None


def seen_entries(visitor: Visitor, city: City, end: int, limit: int) -> SeenEntries:
    """Return up to `limit` entries before `end` that a visitor sees; fewer where few are seen."""
    whose, last = audit_sight(visitor, city), max(end - _MOST_LOOKED_AT, 0)
    shown: list[Logged] = []
    while end > last:
        start = max(end - min(limit if whose == EVERYTHING else _AT_ONCE, _AT_ONCE), last)
        found = city.audit_entries(start, end)
        for each in (each for each in reversed(found) if _is_seen(visitor, whose, each.content)):
            shown.append(each)
            if len(shown) == limit:
                return SeenEntries(tuple(shown), each.index or None)
        end = start
    return SeenEntries(tuple(shown), end or None)


def seen_entry(visitor: Visitor, city: City, index: int) -> tuple[Logged, Proof]:
    """Return an entry with its proof; WebError `web.not_found` for one of others."""
    raw, proof = city.prove_entry(index)
    try:
        content = json.loads(raw).get("entry")
    except (ValueError, AttributeError):
        content = None
    content = content if isinstance(content, dict) else None
    if _is_seen(visitor, audit_sight(visitor, city), content):
        return Logged(index, raw, content), proof
    raise WebError("web.not_found", "No entry of this number is among those that you may see.")


def seen_proof(visitor: Visitor, city: City, receipt: Receipt) -> ReceiptProof | None:
    """Return the proof of a receipt of a visitor's own, None while the log does not have it.

    It is without its entry where that tells of other receivers, whom the visitor does not see.
    """
    found = city.receipt_proof(receipt)
    if found is None or found.entry is None or not names_others(found):
        return found
    content = json.loads(found.entry)["entry"]
    is_seen = _is_seen(visitor, audit_sight(visitor, city), content)
    return found if is_seen else replace(found, entry=None)


def seen_of(visitor: Visitor, city: City, entries: Iterable[Logged]) -> list[Logged]:
    """Return those of some entries of the log that a visitor sees."""
    whose = audit_sight(visitor, city)
    return [each for each in entries if _is_seen(visitor, whose, each.content)]


def _is_seen(visitor: Visitor, whose: Sight, content: dict[str, object] | None) -> bool:
    if whose.parties is None:
        return True
    if content is None:
        return False
    account = visitor.account
    is_own = content.get("by") == account or content.get("subject") == f"account:{account}"
    return is_own or names(content.get("facts"), whose.parties)


def _sight(visitor: Visitor, city: City, room: Room, office: PartyId) -> Sight:
    if visitor.standing is None:
        return EVERYTHING
    organisation = city.organisation()
    above = {office, *(party.id for party in organisation.superiors(office))}
    return sight(visitor.standing, room, office=frozenset(above), below=organisation.below)
