"""Services for citizens and companies: ask with what is held filled in, follow, see who looked.

Everybody may read what can be asked for; the rest is for the person alone whose account it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse

from shuzhi.act.services import (
    Applicant,
    Audience,
    Blank,
    Matter,
    ServiceError,
    ask,
    begin,
    request,
    requests,
)
from shuzhi.kernel.errors import RefusedError
from shuzhi.share.accounts import Right, Standing
from shuzhi.share.catalogue import Text
from shuzhi.share.receipts import ReceiptId, object_to, objections_of, uses_of
from shuzhi.web.applicants import applicant_of
from shuzhi.web.guarding import SIGN_IN
from shuzhi.web.pages.frame.sending import Typed, send, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.visitors import visitor_of

_MOST_USES = 50
# What the records of the city call the holder of an account of that role.
_KINDS = {Audience.CITIZENS: "person", Audience.COMPANIES: "company"}
_Number = Annotated[int, Path(ge=1, lt=2**62)]


@dataclass(frozen=True)
class _Person:
    """Whose pages these are."""

    standing: Standing
    applicant: Applicant

    @property
    def whom(self) -> tuple[str, str] | None:
        """The kind and the id by which records are about the person; None without an id."""
        subject = self.applicant.subject
        return None if subject is None else (_KINDS[self.applicant.audience], subject)


def routes(site: Site) -> APIRouter:
    """Return the routes of services."""
    router = APIRouter()

    @router.get("/services")
    def offered(request: Request) -> Response:
        matters = sorted(site.city.declared.matters.values(), key=lambda m: (m.audience, m.id))
        return site.page(request, "services.html", matters=matters, audiences=tuple(Audience))

    @router.get("/services/{matter}")
    def form(request: Request, matter: str) -> Response:
        person = _person(request, Right.ASK_SERVICE)
        if person is None:
            known = site.city.services_office.matter(matter)
            return site.page(request, "service.html", matter=known, blank=None)
        return _form(site, request, matter, person)

    @router.post("/services/{matter}")
    async def sent(request: Request, matter: str) -> Response:
        person = _known(request, Right.ASK_SERVICE)

        def do(typed: Typed) -> str:
            given = {name: typed.one(name) for name in typed.held if name not in ("token", "key")}
            office, seen = site.city.services_office, _blank(site, person, matter)
            key = typed.one("key")
            made = ask(office, matter, person.applicant, given, origin=key, seen=seen)
            site.blanks.forget(person.standing, matter)
            return f"/my/requests/{made.id}"

        def again(typed: Typed, error: RefusedError) -> Response:
            return _form(site, request, matter, person, typed, error)

        return await send(site, request, do, again)

    _own(router, site)
    return router


def _own(router: APIRouter, site: Site) -> None:
    @router.get("/my")
    def mine(request: Request) -> Response:
        person = _person(request, Right.ASK_SERVICE)
        return _sign_in("/my") if person is None else _mine(site, request, person)

    @router.get("/my/requests/{number}")
    def followed(asked: Request, number: _Number) -> Response:
        person = _person(asked, Right.ASK_SERVICE)
        if person is None:
            return _sign_in(f"/my/requests/{number}")
        office = site.city.services_office
        file = request(office, number, account=person.applicant.account)
        matter = office.matters.get(file.request.matter)
        titles = {} if matter is None else _titles(site, matter)
        return site.page(asked, "request.html", file=file, matter=matter, titles=titles)

    @router.post("/my/uses/{receipt}/object")
    async def objected(request: Request, receipt: _Number) -> Response:
        person = _known(request, Right.OBJECT)

        def do(typed: Typed) -> str:
            if person.whom is None:
                raise WebError("web.not_allowed", "No records of the city are bound to you.")
            office, by = site.city.receipt_office, person.applicant.account
            reason = typed.one("reason")
            object_to(office, ReceiptId(receipt), *person.whom, reason=reason, by=by)
            site.blanks.forget(person.standing)
            return "/my?done=objection#uses"

        def again(typed: Typed, error: RefusedError) -> Response:
            return _mine(site, request, person, typed, error, refused=receipt)

        return await send(site, request, do, again)


def _titles(site: Site, matter: Matter) -> Mapping[str, Text]:
    """Return what the fields of a matter's form are called."""
    form = site.city.declared.forms.get(matter.form)
    return {} if form is None else {field.name: field.title for field in form.fields}


def _person(request: Request, right: Right) -> _Person | None:
    """Return who asks, when they may; None for nobody known.

    Raises:
        WebError: `web.not_allowed` for somebody who is known and has no such right.
    """
    standing = visitor_of(request).standing
    if standing is None:
        return None
    if not standing.may(right):
        raise WebError(
            "web.not_allowed",
            "This page is for citizens and companies.",
            next_step="Sign in with the account of the person or company.",
        )
    return _Person(standing, applicant_of(standing))


def _known(request: Request, right: Right) -> _Person:
    """Return who asks. Raises WebError `web.not_allowed` as `_person`, and for nobody known."""
    person = _person(request, right)
    if person is None:
        raise WebError("web.not_allowed", "Nobody is signed in.", next_step="Sign in.")
    return person


def _sign_in(back: str) -> Response:
    return RedirectResponse(f"{SIGN_IN}?back={quote(back)}", 303)


def _form(
    site: Site,
    request: Request,
    matter: str,
    person: _Person,
    typed: Typed | None = None,
    error: RefusedError | None = None,
) -> Response:
    blank = _blank(site, person, matter)
    problems = {p.field: p.code for p in error.problems} if isinstance(error, ServiceError) else {}
    answer = shown(
        site, request, "service.html", typed, error, {},
        matter=blank.matter, blank=blank, problems=problems,
    )  # fmt: skip
    site.city.record()
    return answer


def _blank(site: Site, person: _Person, matter: str) -> Blank:
    """Return the form of a matter with what is held; within a visit it is read once."""
    office = site.city.services_office
    return site.blanks.of(person.standing, matter, lambda: begin(office, matter, person.applicant))


def _mine(
    site: Site,
    request: Request,
    person: _Person,
    typed: Typed | None = None,
    error: RefusedError | None = None,
    *,
    refused: int | None = None,
) -> Response:
    office, receipts, whom = site.city.services_office, site.city.receipt_office, person.whom
    objected = () if whom is None else objections_of(receipts, *whom)
    return shown(
        site, request, "my.html", typed, error, {},
        files=requests(office, account=person.applicant.account), matters=office.matters,
        uses=None if whom is None else uses_of(receipts, *whom, limit=_MOST_USES),
        objections={each.receipt: each for each in objected}, refused=refused,
        done=request.query_params.get("done", ""),
    )  # fmt: skip
