"""`/applications`: asking another department for data, and being answered in time."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi import Path as InPath
from pydantic import Field

from shuzhi.kernel.ids import PartyId
from shuzhi.share import agreements as room
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import Act, Actor, ApplicationFile, ApplicationId, Verb
from shuzhi.web.api.frame.acting import Acting, Origin, VisitorHere, party_of, person_of
from shuzhi.web.api.frame.answers import Count, Line, Name, Words, YesNo
from shuzhi.web.api.frame.asking import CityHere, Seen, changes, etag, reads, refusal, require_seen
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.api.share.sharing_answers import (
    ApplicationAnswer,
    ApplicationLine,
    Applications,
    ProviderAnswersAnswer,
    ProvidersAnswers,
)
from shuzhi.web.api.share.sharing_given import (
    SHARING_RIGHTS,
    AskedGiven,
    BasisGiven,
    NewApplication,
    sharing_actor,
)
from shuzhi.web.seeing import seen_application, sharing_sight

TAG = {"name": "applications", "description": "共享申请 · Applications: asking for data, answers."}
router = APIRouter(prefix="/applications", tags=["applications"])
ApplicationNumber = Annotated[
    int, InPath(ge=1, lt=2**62, description="The number of the application.")
]


class ApplicationVerb(StrEnum):
    """What can be done about an application."""

    COMPLETE = "complete"
    RETURN = "return"
    ASSIGN = "assign"
    DECLINE = "decline"
    ASK_EXTENSION = "ask_extension"
    GRANT_EXTENSION = "grant_extension"
    DENY_EXTENSION = "deny_extension"
    AGREE = "agree"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    DISPUTE = "dispute"
    GO_UP = "go_up"
    DECIDE = "decide"


class ApplicationAct(Acting):
    """What somebody does about an application; which of the fields count depends on the verb."""

    verb: ApplicationVerb
    """What is done."""
    text: Words = ""
    """A note, or the reason."""
    asked: AskedGiven | None = None
    """complete: what is asked for, as a whole."""
    days: Annotated[Count, Field(le=1_000)] = 0
    """ask_extension: how many days more."""
    provider: Name | None = None
    """assign: who may have the data."""
    basis: BasisGiven | None = None
    """refuse: the text of law that forbids it."""
    is_ordered: YesNo | None = None
    """decide: whether the data are to be shared."""
    dataset: Annotated[Line, Field(min_length=1)] | None = None
    """agree, of what was not catalogued: the data set that was catalogued for it."""


@router.get("", **reads(Right.READ))
def list_applications(
    city: CityHere,
    visitor: VisitorHere,
    page: PageAsked,
    party: Annotated[Name | None, Query(description="Of this party, on either side.")] = None,
    is_open: Annotated[
        bool | None, Query(description="Those that wait, or those that not.")
    ] = None,
) -> Applications:
    """List the applications that one's party has a side of, the newest first."""
    found = room.applications(
        city.sharing_office,
        party=None if party is None else PartyId(party),
        is_open=is_open,
        seen_by=sharing_sight(visitor, city).parties,
        before=page.number,
        limit=page.limit + 1,
    )
    shown, following = page.cut(found, lambda one: one.id)
    items = tuple(ApplicationLine.about(each) for each in shown)
    return Applications(items=items, next=following)


@router.post("", status_code=201, **changes(Right.APPLY))
def submit_application(
    city: CityHere, visitor: VisitorHere, given: NewApplication, origin: Origin, response: Response
) -> ApplicationAnswer:
    """Submit an application for data; one that lacks something says what, and waits."""
    party = party_of(visitor, given)
    if not visitor.may(Right.APPLY, party):
        raise refusal(visitor, party)
    office, by = city.sharing_office, Actor(person_of(visitor, given), party)
    made = room.submit(office, given.asked.asked(), by=by, origin=origin).application
    response.headers["Location"] = f"/api/v1/applications/{made.id}"
    return _told(room.application(office, made.id), response)


@router.get("/statistics", **reads(Right.READ))
def list_answers(city: CityHere) -> ProvidersAnswers:
    """List how each provider answers: consents, refusals and on what they stand, late answers."""
    found = room.refusal_statistics(city.sharing_office)
    return ProvidersAnswers(items=tuple(map(ProviderAnswersAnswer.about, found)))


@router.get("/{application}", **reads(Right.READ))
def show_application(
    city: CityHere, visitor: VisitorHere, application: ApplicationNumber, response: Response
) -> ApplicationAnswer:
    """Show an application with its clocks and its history."""
    return _told(seen_application(visitor, city, application), response)


@router.post("/{application}/acts", **changes(*SHARING_RIGHTS, versioned=True))
def act_on_application(
    city: CityHere,
    visitor: VisitorHere,
    application: ApplicationNumber,
    seen: Seen,
    given: ApplicationAct,
    response: Response,
) -> ApplicationAnswer:
    """Do something about an application: answer, extend, refuse, dispute and so on."""
    office, number = city.sharing_office, ApplicationId(application)
    held = seen_application(visitor, city, application).application
    require_seen(seen, held.version)
    by = sharing_actor(visitor, given, held, Verb(given.verb))
    if given.verb is ApplicationVerb.AGREE:
        room.agree(office, number, by=by, dataset=given.dataset, text=given.text, seen=seen)
    else:
        room.act(office, number, _act(given, by, seen))
    return _told(room.application(office, number), response)


def _act(given: ApplicationAct, by: Actor, seen: int) -> Act:
    return Act(
        Verb(given.verb),
        by,
        seen,
        given.text,
        asked=None if given.asked is None else given.asked.asked(),
        days=given.days,
        provider=None if given.provider is None else PartyId(given.provider),
        basis=None if given.basis is None else given.basis.basis(),
        is_ordered=given.is_ordered,
    )


def _told(file: ApplicationFile, response: Response) -> ApplicationAnswer:
    response.headers.update(etag(file.application.version))
    return ApplicationAnswer.told(file)
