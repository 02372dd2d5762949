"""Services for citizens and companies: ask with what is held filled in, follow, see who looked.

Everybody may read what can be asked for; the rest is for the person alone whose account it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
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
from shuzhi.share.accounts import Right, Role, Standing
from shuzhi.share.catalogue import Text
from shuzhi.share.receipts import ReceiptId, object_to, objections_of, uses_of
from shuzhi.web.guarding import SIGN_IN
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.statuses import status_of
from shuzhi.web.visitors import visitor_of

_MOST_FIELDS, _MOST_USES = 120, 50
_UNPROCESSABLE = 422
# What the records of the city call the holder of an account of that role.
_KINDS = {Audience.CITIZENS: "person", Audience.COMPANIES: "company"}
_Number = Annotated[int, Path(ge=1, lt=2**62)]
_Typed = Mapping[str, str]


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
            return site.page(request, "service.html", matter=known, blank=None, **_nothing())
        return _form(site, request, matter, person)

    @router.post("/services/{matter}")
    async def sent(request: Request, matter: str) -> Response:
        return await _sent(site, request, Right.ASK_SERVICE, _Asking(matter))

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
        return await _sent(site, request, Right.OBJECT, _Objecting(receipt))


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
    is_company = Role.COMPANY in standing.roles()
    audience = Audience.COMPANIES if is_company else Audience.CITIZENS
    named = Applicant(standing.account, standing.party, audience, standing.subject)
    return _Person(standing, named)


def _sign_in(back: str) -> Response:
    return RedirectResponse(f"{SIGN_IN}?back={quote(back)}", 303)


def _form(
    site: Site,
    request: Request,
    matter: str,
    person: _Person,
    typed: _Typed | None = None,
    error: RefusedError | None = None,
) -> Response:
    blank = _blank(site, person, matter)
    problems = {p.field: p.code for p in error.problems} if isinstance(error, ServiceError) else {}
    context: dict[str, Any] = {
        "matter": blank.matter,
        "blank": blank,
        "typed": {} if typed is None else typed,
        "error": error,
        "problems": problems,
        **site.forms.fields(request),
    }
    status = _status(error, is_by_field=bool(problems))
    answer = site.page(request, "service.html", status=status, **context)
    site.forms.give(answer, context["cookie"])
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
    typed: _Typed | None = None,
    error: RefusedError | None = None,
) -> Response:
    office, receipts = site.city.services_office, site.city.receipt_office
    whom = person.whom
    context: dict[str, Any] = {
        "files": requests(office, account=person.applicant.account),
        "matters": office.matters,
        "uses": None if whom is None else uses_of(receipts, *whom, limit=_MOST_USES),
        "objections": {}
        if whom is None
        else {o.receipt: o for o in objections_of(receipts, *whom)},
        "typed": {} if typed is None else typed,
        "error": error,
        "done": request.query_params.get("done", ""),
        **site.forms.fields(request),
    }
    answer = site.page(request, "my.html", status=_status(error), **context)
    site.forms.give(answer, context["cookie"])
    return answer


@dataclass(frozen=True)
class _Asking:
    """Sends a request for a matter."""

    matter: str

    def do(self, site: Site, person: _Person, typed: _Typed, key: str) -> str:
        office, seen = site.city.services_office, _blank(site, person, self.matter)
        made = ask(office, self.matter, person.applicant, typed, origin=key, seen=seen)
        site.blanks.forget(person.standing, self.matter)
        return f"/my/requests/{made.id}"

    def again(
        self, site: Site, request: Request, person: _Person, typed: _Typed, error: RefusedError
    ) -> Response:
        return _form(site, request, self.matter, person, typed, error)


@dataclass(frozen=True)
class _Objecting:
    """Sends an objection to the use that a receipt tells of."""

    receipt: int

    def do(self, site: Site, person: _Person, typed: _Typed, _key: str) -> str:
        if person.whom is None:
            raise WebError("web.not_allowed", "No records of the city are bound to this account.")
        number, reason = ReceiptId(self.receipt), typed.get("reason", "")
        office, by = site.city.receipt_office, person.applicant.account
        object_to(office, number, *person.whom, reason=reason, by=by)
        site.blanks.forget(person.standing)
        return "/my?done=objection#uses"

    def again(
        self, site: Site, request: Request, person: _Person, typed: _Typed, error: RefusedError
    ) -> Response:
        return _mine(site, request, person, {**typed, "receipt": str(self.receipt)}, error)


async def _sent(site: Site, request: Request, right: Right, deed: _Asking | _Objecting) -> Response:
    """Do what a form asks, once; answer a refusal with the page again and all that was typed."""
    person = _person(request, right)
    if person is None:
        raise WebError("web.not_allowed", "Nobody is signed in.", next_step="Sign in.")
    async with request.form(max_files=0, max_fields=_MOST_FIELDS) as form:
        site.forms.require_ours(request, form)
        typed = {name: str(form.get(name)) for name in form if name not in ("token", "key")}
        key = str(form.get("key", ""))
    return await run_in_threadpool(_answer, site, request, person, deed, typed, key)


def _answer(
    site: Site,
    request: Request,
    person: _Person,
    deed: _Asking | _Objecting,
    typed: _Typed,
    key: str,
) -> Response:
    led_to = site.forms.done(key)
    if led_to is None:
        try:
            led_to = deed.do(site, person, typed, key)
        except RefusedError as error:
            return deed.again(site, request, person, typed, error)
        site.city.record()
        site.forms.note(key, led_to)
    return RedirectResponse(led_to, 303)


def _status(error: RefusedError | None, *, is_by_field: bool = False) -> int:
    if error is None:
        return 200
    return _UNPROCESSABLE if is_by_field else status_of(error)


def _nothing() -> dict[str, Any]:
    return {"typed": {}, "error": None, "problems": {}}
