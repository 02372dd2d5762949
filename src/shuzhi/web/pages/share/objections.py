"""Objections of people to the use of their data: seen and answered by provider and manager."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from shuzhi.kernel.errors import RefusedError
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import Actor
from shuzhi.share.receipts import (
    Objection,
    ObjectionId,
    ObjectionState,
    answer_objection,
    objection,
    objections,
)
from shuzhi.web.pages.frame.sending import Typed, send, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.visitors import Visitor, visitor_of

_MOST = 500
_FIELDS = {"share.bad_text": "text", "share.reason_missing": "text"}


def routes(site: Site) -> APIRouter:
    """Return the routes of objections."""
    router = APIRouter()

    @router.get("/objections")
    def listed(request: Request) -> Response:
        return _page(site, request)

    @router.post("/objections/{number}")
    async def answer(request: Request, number: Annotated[int, Path(ge=1, lt=2**62)]) -> Response:
        def do(typed: Typed) -> str:
            _answer(site, visitor_of(request), number, typed)
            return "/objections"

        def again(typed: Typed, error: RefusedError) -> Response:
            return _page(site, request, typed, error)

        return await send(site, request, do, again)

    return router


def _page(
    site: Site, request: Request, typed: Typed | None = None, error: RefusedError | None = None
) -> Response:
    visitor = visitor_of(request)
    found = objections(site.city.receipt_office, limit=_MOST)
    mine = [(each, by) for each in found if (by := answerer(visitor, each))]
    mine.sort(key=lambda each: (each[0].state is not ObjectionState.WAITING, -each[0].id))
    return shown(site, request, "objections.html", typed, error, _FIELDS, found=mine)


def answerer(visitor: Visitor, held: Objection) -> Actor | None:
    """Return as whom a visitor answers an objection; None for who has no part in it."""
    sides = ((held.provider, Right.ANSWER), (held.authority, Right.OVERSEE))
    party = next((party for party, right in sides if visitor.may(right, party)), None)
    if party is None or visitor.account is None:
        return None
    return Actor(visitor.account, party)


def _answer(site: Site, visitor: Visitor, number: int, typed: Typed) -> None:
    office = site.city.receipt_office
    held = objection(office, ObjectionId(number))
    by = answerer(visitor, held)
    if by is None:
        raise WebError("web.not_allowed", "This objection is answered by its provider.")
    stopped = typed.one("is_stopped") == "yes"
    answer_objection(office, held.id, by=by, text=typed.one("text"), is_stopped=stopped)
