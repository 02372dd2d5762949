"""Receipts: proof of what left by agreements, for provider, receiver and manager."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from shuzhi.app import City
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import end_of_day, start_of_day
from shuzhi.share import receipts as room
from shuzhi.share.agreements import AgreementId
from shuzhi.share.receipts import Objection, Receipt, ReceiptId
from shuzhi.share.receipts.errors import unknown
from shuzhi.web.pages.frame.sending import FieldError, Typed, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.pages.share.objections import answerer
from shuzhi.web.problems import WebError
from shuzhi.web.seeing import seen_of, seen_proof
from shuzhi.web.sides import AT_ONCE, seen_page, sees
from shuzhi.web.visitors import Visitor, visitor_of

_A_PAGE = 50
_Number = Annotated[int, Path(ge=1, lt=2**62)]
_FILTERS = ("dataset", "receiver", "agreement", "start", "end")


def routes(site: Site) -> APIRouter:
    """Return the routes of receipts."""
    router = APIRouter()

    @router.get("/receipts")
    def listed(request: Request) -> Response:
        typed = Typed.asked(request)
        found: list[Receipt] = []
        last, error = None, None
        try:
            found, last = _found(site.city, visitor_of(request), typed)
        except RefusedError as refused:
            error = refused
        return shown(
            site, request, "receipts.html", typed, error, {},
            found=found, next=last, filters={name: typed.one(name) for name in _FILTERS},
            parties=sorted(site.city.organisation(), key=lambda party: party.id),
        )  # fmt: skip

    _one(router, site)
    return router


def _one(router: APIRouter, site: Site) -> None:
    @router.get("/receipts/{number}")
    def show(request: Request, number: _Number) -> Response:
        city, visitor = site.city, visitor_of(request)
        receipt = _seen(city, visitor, number)
        entry = city.receipt_entry(receipt)
        return site.page(
            request,
            "receipt.html",
            receipt=receipt,
            what=receipt.what,
            entry=entry,
            is_shown=entry is not None and bool(seen_of(visitor, city, [entry])),
            objections=_objections(city, visitor, receipt),
        )

    @router.get("/receipts/{number}/proof")
    def prove(request: Request, number: _Number) -> Response:
        city, visitor = site.city, visitor_of(request)
        found = seen_proof(visitor, city, _seen(city, visitor, number))
        if found is None:
            raise WebError("web.not_found", "The audit log does not have this receipt yet.")
        shown = json.dumps(found.document(), ensure_ascii=False, indent=2)
        headers = {"Content-Disposition": f'attachment; filename="receipt-{number}.json"'}
        return Response(f"{shown}\n", media_type="application/json", headers=headers)


def _seen(city: City, visitor: Visitor, number: int) -> Receipt:
    found = room.receipt(city.receipt_office, ReceiptId(number))
    if not _is_seen(city, visitor, found):
        raise unknown("receipt", number)
    return found


def _found(city: City, visitor: Visitor, typed: Typed) -> tuple[list[Receipt], int | None]:
    """Return a page of what was asked for and may be seen, and before which number it goes on."""
    zone = city.settings.city.zone
    start, end, agreement = typed.day("start"), typed.day("end"), typed.number("agreement")
    if start and end and end < start:
        raise FieldError("web.bad_order", "end", "The last day lies before the first.")
    receiver, dataset = typed.one("receiver"), typed.one("dataset").strip()

    def read(before: int | None) -> tuple[Receipt, ...]:
        return room.receipts(
            city.receipt_office,
            assignee=PartyId(receiver) if receiver else None,
            dataset=dataset or None,
            agreement=None if agreement is None else AgreementId(agreement),
            since=start_of_day(start, zone) if start else None,
            until=end_of_day(end, zone) if end else None,
            before=before,
            limit=AT_ONCE,
        )

    before = typed.number("before")
    return seen_page(read, lambda r: r.id, lambda r: _is_seen(city, visitor, r), before, _A_PAGE)


def _is_seen(city: City, visitor: Visitor, receipt: Receipt) -> bool:
    what = receipt.what
    return sees(visitor, what.assigner, what.assignee, city.sharing_office.authority)


def _objections(city: City, visitor: Visitor, receipt: Receipt) -> list[tuple[Objection, bool]]:
    """Return what was objected to, and whether the visitor may read what was said."""
    found = room.objections(city.receipt_office, receipt=receipt.id)
    return [(each, answerer(visitor, each) is not None) for each in found]
