"""`/agreements`: deals about data, from their making to the disposal of the data."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi import Path as InPath

from shuzhi.kernel.ids import PartyId
from shuzhi.share import agreements as room
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import AgreementFile, AgreementId, Asked, Deed, Verb
from shuzhi.web.api.frame.acting import Acting, Origin, VisitorHere
from shuzhi.web.api.frame.answers import Day, Line, Name, Sha256, Words
from shuzhi.web.api.frame.asking import CityHere, Seen, changes, etag, reads, require_seen
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.api.share.sharing_answers import (
    AgreementAnswer,
    AgreementLine,
    Agreements,
    ApplicationAnswer,
)
from shuzhi.web.api.share.sharing_given import SHARING_RIGHTS, sharing_actor
from shuzhi.web.seeing import seen_agreement, sharing_sight

TAG = {"name": "agreements", "description": "共享协议 · Agreements: deals about data."}
router = APIRouter(prefix="/agreements", tags=["agreements"])
AgreementNumber = Annotated[int, InPath(ge=1, lt=2**62, description="The number of the agreement.")]


class AgreementVerb(StrEnum):
    """What can be done to an agreement."""

    PROVIDE = "provide"
    SUSPEND = "suspend"
    RESUME = "resume"
    END = "end"
    DISPOSE = "dispose"


class AgreementAct(Acting):
    """What somebody does to an agreement; which of the fields count depends on the verb."""

    verb: AgreementVerb
    """What is done."""
    text: Words = ""
    """A note, the reason, or what was disposed of."""
    method: Line = ""
    """dispose: how (deleted, overwritten, returned)."""
    document_sha256: Sha256 | None = None
    """dispose: the hash of the paper behind it."""


class Renewal(Acting):
    """How an agreement shall go on, on the same terms."""

    starts_on: Day
    """The first day."""
    ends_on: Day
    """The last day."""
    agreed_by: Words = ""
    """Who consented in the applicant's own sharing office."""


@router.get("", **reads(Right.READ))
def list_agreements(
    city: CityHere,
    visitor: VisitorHere,
    page: PageAsked,
    party: Annotated[Name | None, Query(description="Of this party, on either side.")] = None,
    dataset: Annotated[Line | None, Query(min_length=1, description="About this data set.")] = None,
    in_force: Annotated[bool | None, Query(description="Those that hold, or those over.")] = None,
) -> Agreements:
    """List the agreements that one's party has a side of, the newest first."""
    found = room.agreements(
        city.sharing_office,
        party=None if party is None else PartyId(party),
        dataset=dataset,
        in_force=in_force,
        seen_by=sharing_sight(visitor, city).parties,
        before=page.number,
        limit=page.limit + 1,
    )
    shown, following = page.cut(found, lambda one: one.id)
    items = tuple(AgreementLine.about(each) for each in shown)
    return Agreements(items=items, next=following)


@router.get("/{agreement}", **reads(Right.READ))
def show_agreement(
    city: CityHere, visitor: VisitorHere, agreement: AgreementNumber, response: Response
) -> AgreementAnswer:
    """Show an agreement with its clocks, its history and its ODRL policy."""
    return _told(seen_agreement(visitor, city, agreement), response)


@router.post("/{agreement}/acts", **changes(*SHARING_RIGHTS, versioned=True))
def act_on_agreement(
    city: CityHere,
    visitor: VisitorHere,
    agreement: AgreementNumber,
    seen: Seen,
    given: AgreementAct,
    response: Response,
) -> AgreementAnswer:
    """Do something to an agreement: provide, suspend, resume, end, dispose.

    What a provider cannot do on its own becomes a proposal.
    """
    office, number = city.sharing_office, AgreementId(agreement)
    held = seen_agreement(visitor, city, agreement).agreement
    require_seen(seen, held.version)
    verb = Verb(given.verb)
    by = sharing_actor(visitor, given, held, verb)
    deed = Deed(verb, by, seen, given.text, given.method, given.document_sha256)
    room.deal(office, number, deed)
    return _told(room.agreement(office, number), response)


@router.post("/{agreement}/renewals", status_code=201, **changes(Right.APPLY, versioned=True))
def renew_agreement(
    city: CityHere,
    visitor: VisitorHere,
    agreement: AgreementNumber,
    seen: Seen,
    given: Renewal,
    origin: Origin,
    response: Response,
) -> ApplicationAnswer:
    """Apply for an agreement to go on; the application is answered as any other."""
    office, number = city.sharing_office, AgreementId(agreement)
    held = seen_agreement(visitor, city, agreement).agreement
    require_seen(seen, held.version)
    by = sharing_actor(visitor, given, held, Verb.RENEW)
    asked = Asked(starts_on=given.starts_on, ends_on=given.ends_on, agreed_by=given.agreed_by)
    made = room.renew(office, number, asked, by=by, seen=seen, origin=origin).application
    response.headers["Location"] = f"/api/v1/applications/{made.id}"
    response.headers.update(etag(made.version))
    return ApplicationAnswer.told(room.application(office, made.id))


def _told(file: AgreementFile, response: Response) -> AgreementAnswer:
    response.headers.update(etag(file.agreement.version))
    return AgreementAnswer.told(file)
