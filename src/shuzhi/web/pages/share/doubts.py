"""Doubts about values: shown to those whom they concern, answered by who answers for the value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.share import correction as room
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import Actor
from shuzhi.share.correction import (
    DecisionKind,
    Doubt,
    Doubted,
    DoubtFile,
    DoubtId,
    Review,
    Verb,
)
from shuzhi.web.pages.frame.sending import FieldError, Typed, send, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.pages.share.applications import nearest
from shuzhi.web.pages.share.asked import chosen
from shuzhi.web.problems import WebError
from shuzhi.web.visitors import Visitor, visitor_of

_Number = Annotated[int, Path(ge=1, lt=2**62)]
_MOST = 500
_FIELDS = {
    "share.bad_text": "text",
    "share.had_it_already": "to",
    "share.not_a_source": "to",
    "share.reason_missing": "text",
    "share.value_unfit": "right",
}


def routes(site: Site) -> APIRouter:
    """Return the routes of doubts."""
    router = APIRouter()

    @router.get("/doubts")
    def listed(request: Request) -> Response:
        visitor = visitor_of(request)
        found = room.doubts(site.city.correction_office, limit=_MOST)
        mine = [(each, nearest(each.runs)) for each in found if _is_side(visitor, each)]
        may = visitor.may(Right.DOUBT)
        return site.page(request, "doubts.html", found=mine, may_doubt=may)

    @router.get("/doubts/new")
    def new(request: Request, dataset: str = "") -> Response:
        _require_doubter(visitor_of(request))
        return _blank(site, request, Typed({"dataset": (dataset,)}))

    @router.post("/doubts/new")
    async def filed(request: Request) -> Response:
        visitor = visitor_of(request)
        _require_doubter(visitor)
        return await send(
            site,
            request,
            lambda typed: f"/doubts/{_file(site, visitor, typed)}",
            lambda typed, error: _blank(site, request, typed, error),
        )

    _one(router, site)
    return router


def _one(router: APIRouter, site: Site) -> None:
    @router.get("/doubts/{number}")
    def show(request: Request, number: _Number) -> Response:
        return _page(site, request, number)

    @router.post("/doubts/{number}")
    async def act(request: Request, number: _Number) -> Response:
        def do(typed: Typed) -> str:
            after = _act(site, visitor_of(request), number, typed)
            return f"/doubts/{number}#step-{after.version}"

        def again(typed: Typed, error: RefusedError) -> Response:
            return _page(site, request, number, typed, error)

        return await send(site, request, do, again)


def _is_side(visitor: Visitor, held: Doubt) -> bool:
    """Whether a doubt is between parties that a visitor speaks for; it holds a value of a row."""
    return (
        visitor.may(Right.DOUBT, held.party)
        or visitor.may(Right.CORRECT, held.responsible)
        or visitor.may(Right.OVERSEE, held.authority)
    )


def _seen_file(site: Site, visitor: Visitor, number: int) -> DoubtFile:
    """Return a doubt; of one between others it is not told that it is there."""
    file = room.doubt_file(site.city.correction_office, DoubtId(number))
    told = any(visitor.may(Right.DOUBT, each.party) for each in file.notices)
    asked = any(visitor.may(Right.CORRECT, p) for e in file.listed if (p := e.decision.party))
    if not (_is_side(visitor, file.doubt) or told or asked):
        raise WebError("web.not_found", "There is no such doubt among those that concern you.")
    return file


def _ways(visitor: Visitor, file: DoubtFile) -> Iterator[tuple[Verb, tuple[PartyId, ...]]]:
    """Yield what a visitor may do about a doubt now, and for which parties."""
    held = file.doubt
    mine = [held.responsible] if visitor.may(Right.CORRECT, held.responsible) else []
    for verb in (Verb.ACCEPT, Verb.KEEP, Verb.REFER):
        if mine and verb in room.possible(held, mine[0]):
            yield verb, tuple(mine)
    if visitor.may(Right.DOUBT, held.party) and Verb.WITHDRAW in room.possible(held, held.party):
        yield Verb.WITHDRAW, (held.party,)
    if Verb.ACKNOWLEDGE in room.possible(held, None):
        told = [each.party for each in file.notices if each.acknowledged_at is None]
        oversees = visitor.may(Right.OVERSEE, held.authority)
        parties = tuple(party for party in told if oversees or visitor.may(Right.DOUBT, party))
        if parties:
            yield Verb.ACKNOWLEDGE, parties
        parties = tuple(_reviewers(visitor, file))
        if parties:
            yield Verb.REVIEW, parties


def _reviewers(visitor: Visitor, file: DoubtFile) -> Iterator[PartyId]:
    waiting = [each.decision for each in file.listed if each.review is Review.OPEN]
    if waiting and visitor.may(Right.OVERSEE, file.doubt.authority):
        yield file.doubt.authority
        return
    parties = {d.party for d in waiting if d.party is not None}
    yield from sorted(party for party in parties if visitor.may(Right.CORRECT, party))


def _page(
    site: Site,
    request: Request,
    number: int,
    typed: Typed | None = None,
    error: RefusedError | None = None,
) -> Response:
    visitor, office = visitor_of(request), site.city.correction_office
    file = _seen_file(site, visitor, number)
    held, seen = file.doubt, (typed or Typed()).one("seen")
    return shown(
        site, request, "doubt.html", typed, error, _FIELDS, file=file, held=held,
        ways=list(_ways(visitor, file)),
        sources=room.next_sources(office, held),
        in_place=any(not visitor.may(Right.DOUBT, each.party) for each in file.notices),
        since=[s for s in file.steps if seen.isdecimal() and s.number > int(seen)],
    )  # fmt: skip


def _act(site: Site, visitor: Visitor, number: int, typed: Typed) -> Doubt:
    office, file = site.city.correction_office, _seen_file(site, visitor, number)
    verb, seen, text = chosen(Verb, typed, "verb"), typed.number("seen"), typed.one("text")
    held, party = file.doubt, typed.one("party")
    in_place = not visitor.may(Right.DOUBT, PartyId(party))
    rights = {
        Verb.ACCEPT: (Right.CORRECT, held.responsible),
        Verb.KEEP: (Right.CORRECT, held.responsible),
        Verb.REFER: (Right.CORRECT, held.responsible),
        Verb.WITHDRAW: (Right.DOUBT, held.party),
        Verb.ACKNOWLEDGE: (Right.OVERSEE, held.authority)
        if in_place
        else (Right.DOUBT, PartyId(party)),
        Verb.REVIEW: (
            Right.OVERSEE if party == held.authority else Right.CORRECT,
            PartyId(party),
        ),
    }
    if verb not in rights or visitor.account is None or not visitor.may(*rights[verb]):
        raise WebError("web.not_allowed", "Your roles do not let you do this about the doubt.")
    by = Actor(visitor.account, rights[verb][1])
    match verb:
        case Verb.ACCEPT:
            value = None if typed.one("is_none") else typed.one("right")
            return room.accept(office, held.id, value, by=by, text=text, seen=seen)
        case Verb.KEEP:
            return room.keep(office, held.id, by=by, text=text, seen=seen)
        case Verb.REFER:
            to = PartyId(typed.one("to"))
            return room.refer(office, held.id, to, by=by, text=text, seen=seen)
        case Verb.WITHDRAW:
            return room.withdraw(office, held.id, by=by, text=text, seen=seen)
        case Verb.ACKNOWLEDGE:
            return room.acknowledge(office, held.id, by=by, receiver=PartyId(party), why=text)
    kind, _, decision = typed.one("decision").partition(":")
    listed = chosen(DecisionKind, Typed({"decision": (kind,)}), "decision")
    if listed is None:
        raise FieldError("web.bad_choice", "decision", "Choose a decision.")
    found = chosen(Review, typed, "found") or Review.OPEN
    return room.review(office, held.id, listed, decision, found, by=by, why=text)


def _require_doubter(visitor: Visitor) -> None:
    if not visitor.may(Right.DOUBT):
        raise WebError("web.not_allowed", "Your roles do not let you doubt a value.")


def _blank(
    site: Site, request: Request, typed: Typed, error: RefusedError | None = None
) -> Response:
    standing = visitor_of(request).standing
    dataset = typed.one("dataset").strip()
    table: Any = site.city.contract(dataset)[1] if dataset else None
    return shown(
        site, request, "doubt_new.html", typed, error, _FIELDS, dataset=dataset, table=table,
        datasets=site.city.datasets(),
        parties=sorted(standing.parties(Right.DOUBT)) if standing else [],
    )  # fmt: skip


def _file(site: Site, visitor: Visitor, typed: Typed) -> int:
    party, dataset = PartyId(typed.one("party")), typed.one("dataset").strip()
    if visitor.account is None or not visitor.may(Right.DOUBT, party):
        raise FieldError("web.not_your_party", "party", "You do not speak for this party.")
    table = site.city.contract(dataset)[1]
    key = tuple((name, typed.one(f"key_{name}").strip()) for name in table.key)
    right = None if typed.one("is_none") else typed.one("right").strip()
    what = Doubted(
        dataset, key, typed.one("column"), typed.one("saw") or None, right, typed.one("text")
    )
    origin = f"page:{visitor.account}:{typed.one('key')}"
    by = Actor(visitor.account, party)
    return room.submit(site.city.correction_office, what, by=by, origin=origin).id
