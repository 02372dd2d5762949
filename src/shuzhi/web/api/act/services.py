"""`/services`: what citizens and companies can ask of the city, ask for it, and follow it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from pydantic import Field

from shuzhi.act import services as room
from shuzhi.act.services import (
    Audience,
    Blank,
    Matter,
    Progress,
    RequestFile,
    RequestId,
    ShownField,
    Way,
)
from shuzhi.share.accounts import Right, Standing
from shuzhi.share.catalogue.model import Rank
from shuzhi.web.api.frame.acting import Origin, VisitorHere
from shuzhi.web.api.frame.answers import Answer, Given, Listed, Name, Title, Words
from shuzhi.web.api.frame.asking import CityHere, asks, changes, reads, refusal, site_of
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.applicants import applicant_of
from shuzhi.web.visitors import Visitor

TAG = {"name": "services", "description": "办事 · Services: what people can ask of the city."}
router = APIRouter(prefix="/services", tags=["services"])
MatterHere = Annotated[Name, InPath(description="What can be asked for.")]
RequestHere = Annotated[int, InPath(ge=1, lt=2**62, description="The number of the request.")]


class MatterAnswer(Answer):
    """Something that can be asked for."""

    id: str
    """Its id."""
    title: Title
    """What it is called."""
    purpose: Title
    """What it is for."""
    result: Title
    """What one is given."""
    owner: str
    """Which party decides."""
    audience: Audience
    """Whom it is for."""
    form: str
    """By which form it is asked for; `show_form` tells its fields."""
    basis: str
    """The text of law that it stands on."""
    rank: Rank
    """The rank of that text."""
    article: str
    """Its article."""
    is_verified: bool
    """Whether somebody has held the matter against that text."""

    @classmethod
    def told(cls, matter: Matter) -> Self:
        """Return a matter."""
        law = {"rank": matter.basis.rank, "article": matter.basis.article}
        about, result = Title.about(matter.about), Title.about(matter.result)
        title = Title.about(matter.title)
        return cls.about(
            matter, title=title, purpose=about, result=result, basis=matter.basis.title, **law
        )


class Matters(Answer):
    """What can be asked for."""

    items: tuple[MatterAnswer, ...]
    """The matters, by id."""


class BlankField(Answer):
    """A field of a form, filled in as far as it can be."""

    name: str
    """What it is called in a request."""
    title: Title
    """What people call it."""
    type: str
    """What is written into it."""
    way: Way
    """Whether it is asked, to be confirmed (`yes`), or taken from whoever holds it."""
    value: str | None
    """What is held, as text; null where nothing is."""
    dataset: str | None
    """The data set that holds it."""
    provider: str | None
    """Who provides that."""
    at: datetime | None
    """As of when it is held so."""

    @classmethod
    def told(cls, shown: ShownField) -> Self:
        """Return a field as an applicant sees it."""
        field = shown.field
        title = Title.about(field.title)
        return cls.about(shown, name=field.name, title=title, type=field.type.value)


class BlankAnswer(Answer):
    """A form as it stands for one person, with what the city holds of them."""

    matter: str
    """What is asked for by it."""
    form_version: int
    """Which version of the form it is."""
    fields: tuple[BlankField, ...]
    """Its fields, in their order."""

    @classmethod
    def told(cls, blank: Blank) -> Self:
        """Return a form that was filled in."""
        fields = tuple(map(BlankField.told, blank.fields))
        return cls(matter=blank.matter.id, form_version=blank.form_version, fields=fields)


class FillIn(Given):
    """That a form is to be filled in with what is held: there is nothing more to say."""


class NewRequest(Given):
    """What somebody asks for."""

    fields: Annotated[dict[Name, Words], Field(max_length=120)]
    """What was written, by field; `yes` confirms what stands there already."""


class RequestAnswer(Answer):
    """Something that was asked for, and how far it is."""

    id: int
    """Its number."""
    matter: str
    """What was asked for."""
    owner: str
    """Which party decides."""
    asked_at: datetime
    """When it was asked for."""
    progress: Progress
    """How far it is."""
    changed_at: datetime
    """When something was done about it last."""
    due_at: datetime | None
    """Until when the office has to be done; null when nothing runs, or nobody knows yet."""
    is_undated: bool
    """Whether nobody knows yet until when, as the holiday notice is not out."""
    is_late: bool
    """Whether that is over."""
    said: str
    """What the office wrote when it was done."""
    case: int
    """The case that came of it."""

    @classmethod
    def told(cls, file: RequestFile) -> Self:
        """Return a request with how far it is."""
        return cls.about(file, **_asked(file))


class EnteredAnswer(Answer):
    """What stands in one field of a request."""

    value: str | None
    """What stands there; null for what the office looks up itself."""
    way: Way
    """How it came there."""
    dataset: str | None
    """The data set that it was taken from."""


class RequestFileAnswer(RequestAnswer):
    """A request with everything that stands in it."""

    content: Mapping[str, EnteredAnswer]
    """What stands in it, by field."""

    @classmethod
    def told(cls, file: RequestFile) -> Self:
        """Return the whole file of a request."""
        entered = {name: EnteredAnswer.about(e) for name, e in file.request.content.items()}
        return cls.about(file, content=entered, **_asked(file))


class Requests(Listed):
    """A page of one's own requests, the newest first."""

    items: tuple[RequestAnswer, ...]
    """The requests."""


@router.get("", **reads(Right.READ, Right.ASK_SERVICE))
def list_matters(city: CityHere) -> Matters:
    """List what citizens and companies can ask of the city."""
    found = sorted(city.declared.matters.values(), key=lambda matter: matter.id)
    return Matters(items=tuple(map(MatterAnswer.told, found)))


@router.get("/requests", **reads(Right.ASK_SERVICE))
def list_own_requests(city: CityHere, visitor: VisitorHere, page: PageAsked) -> Requests:
    """List what one asked for oneself, the newest first."""
    office, account = city.services_office, _standing(visitor).account
    before = None if page.number is None else RequestId(page.number)
    # The room gives as many as a page has at most: whether more are there, it is asked again.
    shown = room.requests(office, account=account, before=before, limit=page.limit)
    last = shown[-1].request.id if len(shown) == page.limit else None
    if last is not None and not room.requests(office, account=account, before=last, limit=1):
        last = None
    return Requests(items=tuple(map(RequestAnswer.told, shown)), next=page.goes_on(last))


@router.get("/requests/{request}", **reads(Right.ASK_SERVICE))
def show_own_request(
    city: CityHere, visitor: VisitorHere, request: RequestHere
) -> RequestFileAnswer:
    """Show what one asked for oneself, what stands in it, and how far it is."""
    account = _standing(visitor).account
    return RequestFileAnswer.told(room.request(city.services_office, request, account=account))


@router.get("/{matter}", **reads(Right.READ, Right.ASK_SERVICE))
def show_matter(city: CityHere, matter: MatterHere) -> MatterAnswer:
    """Show what can be asked for."""
    return MatterAnswer.told(city.services_office.matter(matter))


@router.post("/{matter}/blanks", **asks(Right.ASK_SERVICE))
def fill_in(
    asked: Request, city: CityHere, visitor: VisitorHere, matter: MatterHere, _given: FillIn
) -> BlankAnswer:
    """Fill in a form with what the city holds of oneself.

    Whatever is read for it has its receipt. Within five minutes it is not read again.
    """
    blank = _blank(asked, visitor, matter)
    city.record()
    return BlankAnswer.told(blank)


@router.post("/{matter}/requests", status_code=201, **changes(Right.ASK_SERVICE))
def ask_for_service(
    asked: Request,
    city: CityHere,
    visitor: VisitorHere,
    matter: MatterHere,
    given: NewRequest,
    origin: Origin,
    response: Response,
) -> RequestAnswer:
    """Ask for something; a case of the party that decides comes of it.

    What is confirmed is what the form that was filled in last had.
    """
    office, standing = city.services_office, _standing(visitor)
    seen = _blank(asked, visitor, matter)
    applicant = applicant_of(standing)
    made = room.ask(office, matter, applicant, given.fields, origin=origin, seen=seen)
    site_of(asked).blanks.forget(standing, matter)
    response.headers["Location"] = f"/api/v1/services/requests/{made.id}"
    return RequestAnswer.told(room.request(office, made.id, account=standing.account))


def _blank(asked: Request, visitor: Visitor, matter: str) -> Blank:
    """Return the form of a matter with what is held; within a visit it is read once."""
    site, standing = site_of(asked), _standing(visitor)
    office, applicant = site.city.services_office, applicant_of(standing)
    return site.blanks.of(standing, matter, lambda: room.begin(office, matter, applicant))


def _standing(visitor: Visitor) -> Standing:
    """Return who asks. Raises WebError `web.unauthorized`."""
    if visitor.standing is None:
        raise refusal(visitor)
    return visitor.standing


def _asked(file: RequestFile) -> dict[str, object]:
    """Return what an answer about a request has of the request itself."""
    asked = file.request
    same = {name: getattr(asked, name) for name in ("id", "matter", "owner", "asked_at")}
    return {**same, "case": asked.case_id}
