"""Misuse of verification: what looked like fishing, what was done about it, and lifting that."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from shuzhi.app import City
from shuzhi.kernel.errors import RefusedError
from shuzhi.share.agreements import AgreementId, agreement
from shuzhi.share.verification import Finding, findings, lift, usual
from shuzhi.web.pages.frame.sending import Typed, send, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.sides import sharing_manager
from shuzhi.web.visitors import visitor_of

_A_PAGE, _MOST_STANDING = 50, 500
_STATES = ("standing", "all")


def routes(site: Site) -> APIRouter:
    """Return the routes of misuse."""
    router = APIRouter()

    @router.get("/verification")
    def listed(request: Request) -> Response:
        return _page(site, request)

    @router.post("/verification/{number}/lift")
    async def lifted(request: Request, number: Annotated[int, Path(ge=1, lt=2**62)]) -> Response:
        def do(_typed: Typed) -> str:
            by = sharing_manager(visitor_of(request), site.city)
            lift(site.city.verification_desk, number, by=by)
            return f"/verification?state=all#finding-{number}"

        def again(typed: Typed, error: RefusedError) -> Response:
            return _page(site, request, typed, error)

        return await send(site, request, do, again)

    return router


def _page(
    site: Site, request: Request, typed: Typed | None = None, error: RefusedError | None = None
) -> Response:
    city, reader = site.city, site.reader(request)
    sharing_manager(visitor_of(request), city)
    asked = Typed.asked(request)
    state = asked.one("state", _STATES[0])
    if state not in _STATES:
        raise WebError("web.not_found", "There is no such list of findings.")
    office = city.verification_desk.office
    standing = findings(office, standing=True, limit=_MOST_STANDING)
    found: tuple[Finding, ...] = ()
    try:
        found = findings(
            office,
            agreement=asked.number("agreement"),
            standing=state == _STATES[0],
            before=asked.number("before"),
            limit=_A_PAGE,
        )
    except RefusedError as refused:
        error = refused
    return shown(
        site, request, "misuse.html", typed or asked, error, {},
        reader=reader, found=found, state=state, states=_STATES, agreement=asked.one("agreement"),
        next=found[-1].id if len(found) == _A_PAGE else None,
        cases=city.cases_of_findings(each.id for each in found),
        receivers=_receivers(city, found),
        counted=Counter(each.what.action.value for each in standing),
        declared=office.declared, usual=usual(),
    )  # fmt: skip


def _receivers(city: City, found: tuple[Finding, ...]) -> dict[int, str]:
    """Return who asks under the agreement of each finding."""
    numbers = {each.what.agreement for each in found}
    office = city.sharing_office
    return {n: agreement(office, AgreementId(n)).agreement.terms.assignee for n in numbers}
