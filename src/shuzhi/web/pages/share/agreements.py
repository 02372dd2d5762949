"""Agreements about data: the list, one with its terms, policy, clocks and what left by it."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.share import agreements as room
from shuzhi.share.agreements import Agreement, AgreementFile, Asked, Deed, Verb
from shuzhi.share.agreements.clocks import Clock, live
from shuzhi.share.receipts import Receipt, receipts
from shuzhi.web.drawing.states import Plan, states
from shuzhi.web.pages.frame.reading import Reader
from shuzhi.web.pages.frame.sending import Typed, send, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.pages.share.applications import FIELDS, nearest, reached_of
from shuzhi.web.pages.share.asked import chosen
from shuzhi.web.problems import WebError
from shuzhi.web.seeing import seen_agreement, sharing_sight
from shuzhi.web.sides import Possible, actor, possible, sees_what_left
from shuzhi.web.visitors import Visitor, visitor_of

_Number = Annotated[int, Path(ge=1, lt=2**62)]
_A_PAGE, _MOST_RECEIPTS = 50, 20
_STATES = {"in_force": True, "over": False, "all": None}
_PLAN = Plan(
    {"active": (0, 0), "suspended": (0, 1), "ended": (1, 0), "disposed": (2, 0), "renewed": (1, 1)},
    (
        ("active", "ended"),
        ("ended", "disposed"),
        ("active", "suspended"),
        ("active", "renewed"),
        ("ended", "renewed"),
    ),
)


def routes(site: Site) -> APIRouter:
    """Return the routes of agreements."""
    router = APIRouter()

    @router.get("/agreements")
    def listed(request: Request, state: str = "in_force", before: int = 0) -> Response:
        return _listed(site, request, state, before)

    @router.get("/agreements/{number}")
    def show(request: Request, number: _Number) -> Response:
        return _page(site, request, number)

    @router.post("/agreements/{number}")
    async def deal(request: Request, number: _Number) -> Response:
        def do(typed: Typed) -> str:
            return _deal(site, visitor_of(request), number, typed)

        def again(typed: Typed, error: RefusedError) -> Response:
            return _page(site, request, number, typed, error)

        return await send(site, request, do, again)

    return router


def _listed(site: Site, request: Request, state: str, before: int) -> Response:
    if state not in _STATES:
        raise WebError("web.not_found", "There is no such list of agreements.")
    asked = request.query_params
    party, dataset = asked.get("party") or None, asked.get("dataset") or None
    found = room.agreements(
        site.city.sharing_office,
        party=None if party is None else PartyId(party),
        dataset=dataset,
        in_force=_STATES[state],
        seen_by=sharing_sight(visitor_of(request), site.city).parties,
        before=before if before > 0 else None,
        limit=_A_PAGE,
    )
    return site.page(
        request,
        "agreements.html",
        found=[(each, nearest(each.runs)) for each in found],
        states=tuple(_STATES),
        state=state,
        party=party or "",
        dataset=dataset or "",
        parties=sorted(each.id for each in site.city.organisation()),
        next=found[-1].id if len(found) == _A_PAGE else None,
    )


def _page(
    site: Site,
    request: Request,
    number: int,
    typed: Typed | None = None,
    error: RefusedError | None = None,
) -> Response:
    city, reader = site.city, site.reader(request)
    file = seen_agreement(visitor_of(request), city, number)
    held, seen = file.agreement, (typed or Typed()).number("seen")
    return shown(
        site, request, "agreement.html", typed, error, FIELDS,
        reader=reader, file=file, held=held, drawn=_drawn(reader, file),
        ways=[w for w in possible(visitor_of(request), held) if _is_open(held, w)],
        policy=json.dumps(file.policy, ensure_ascii=False, indent=2),
        left=_left(site, visitor_of(request), held),
        since=[step for step in file.steps if seen is not None and step.number > seen],
    )  # fmt: skip


def _left(site: Site, visitor: Visitor, held: Agreement) -> tuple[Receipt, ...] | None:
    """Return what left by an agreement; None for who has no side of it."""
    if not sees_what_left(visitor, held):
        return None
    return receipts(site.city.receipt_office, agreement=held.id, limit=_MOST_RECEIPTS)


def _is_open(held: Agreement, way: Possible) -> bool:
    """Whether a verb leads anywhere as things are."""
    return way.verb is not Verb.PROVIDE or live(held.runs, Clock.PROVISION) is not None


def _deal(site: Site, visitor: Visitor, number: int, typed: Typed) -> str:
    office = site.city.sharing_office
    held = seen_agreement(visitor, site.city, number).agreement
    verb, seen = chosen(Verb, typed, "verb"), typed.number("seen")
    if verb is None or seen is None:
        raise WebError("web.bad_form", "The form does not say what is done, and to which version.")
    by = actor(visitor, held, verb, typed.one("party"))
    if verb is Verb.RENEW:
        period = Asked(
            starts_on=typed.day("starts_on"),
            ends_on=typed.day("ends_on"),
            agreed_by=typed.one("agreed_by"),
        )
        origin = f"page:{visitor.account}:{typed.one('key')}"
        made = room.renew(office, held.id, period, by=by, seen=seen, origin=origin)
        return f"/applications/{made.application.id}"
    text, method = typed.one("text"), typed.one("method")
    after = room.deal(office, held.id, Deed(verb, by, seen, text, method))
    return f"/agreements/{number}#step-{after.version}"


def _drawn(reader: Reader, file: AgreementFile) -> Any:
    title, reached = reader.t("agreement.way"), reached_of(reader, file.steps)
    return states(_PLAN, reached, title, lambda s: reader.word("agreement_state", s))
