"""Tracing: what was sought lately, a search begun by hand, and one search with its map."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from shuzhi.decide.tracing import Bad, Exceedance, Question, layer_of
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant, parse_instant
from shuzhi.share.accounts import Right
from shuzhi.web.pages.decide.tracing_shown import search_context
from shuzhi.web.pages.frame.reading import Reader
from shuzhi.web.pages.frame.sending import FieldError, Typed, send, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.searching import seen_search, seen_searches, sees_searches
from shuzhi.web.visitors import Visitor, visitor_of

_Number = Annotated[int, Path(ge=1, lt=2**62)]
_A_PAGE = 50
_MOST_TEXT = 120
_FIELDS = {
    "app.no_such_tracing": "tracing",
    "decide.empty_span": "until",
    "decide.no_excess": "value",
    "decide.no_such_reach": "reach",
    "decide.no_such_station": "station",
    "decide.no_wind": "since",
    "decide.not_this_tracing": "tracing",
}


def routes(site: Site) -> APIRouter:
    """Return the routes of tracing."""
    router = APIRouter()

    @router.get("/tracings")
    def listed(request: Request, again: int = 0) -> Response:
        typed = None
        if again > 0 and visitor_of(request).may(Right.TRACE):
            sought = seen_search(visitor_of(request), site.city, again)
            typed = _typed_of(sought.tracing, sought.question, site.reader(request))
        return _list(site, request, typed)

    @router.post("/tracings")
    async def begin(request: Request) -> Response:
        visitor = visitor_of(request)
        if visitor.account is None or not visitor.may(Right.TRACE):
            raise WebError(
                "web.not_allowed",
                "Your roles do not let you begin a search.",
                next_step="Sign in as an analyst, a duty officer or a manager.",
            )
        return await send(
            site,
            request,
            lambda typed: f"/tracings/{_begin(site, visitor, typed)}",
            lambda typed, error: _list(site, request, typed, error),
        )

    _one(router, site)
    return router


def _one(router: APIRouter, site: Site) -> None:
    @router.get("/tracings/{number}")
    def show(request: Request, number: _Number) -> Response:
        reader, visitor = site.reader(request), visitor_of(request)
        sought = seen_search(visitor, site.city, number)
        context = search_context(sought, reader)
        may_begin = visitor.account is not None and visitor.may(Right.TRACE)
        return site.page(
            request, "tracing.html", reader=reader, may_begin=may_begin,
            tracing=site.city.tracings().get(sought.tracing), **context,
        )  # fmt: skip

    @router.get("/tracings/{number}/layer.geojson")
    def layer(request: Request, number: _Number) -> Response:
        sought = seen_search(visitor_of(request), site.city, number)
        if sought.trace is None:
            raise WebError("web.not_found", "This search has no layer.")
        text = json.dumps(layer_of(sought.trace), ensure_ascii=False, allow_nan=False)
        headers = {"Content-Disposition": f'attachment; filename="tracing-{number}.geojson"'}
        return Response(text, media_type="application/geo+json", headers=headers)


def _list(
    site: Site, request: Request, typed: Typed | None, error: RefusedError | None = None
) -> Response:
    visitor, asked = visitor_of(request), request.query_params.get("before", "")
    before = int(asked) if asked.isdecimal() and 0 < len(asked) < 19 else None
    found, last = seen_searches(visitor, site.city, before, _A_PAGE)
    declared = sorted(site.city.tracings().values(), key=lambda tracing: tracing.id)
    return shown(
        site, request, "tracings.html", typed, error, _FIELDS, found=found, last=last,
        sees_all=sees_searches(visitor), declared=declared,
        by_id={tracing.id: tracing for tracing in declared},
        kinds=[(kind, of) for kind in ("river", "air")
               if (of := [each for each in declared if each.kind == kind])],
        may_begin=visitor.account is not None and visitor.may(Right.TRACE),
    )  # fmt: skip


def _begin(site: Site, visitor: Visitor, typed: Typed) -> int:
    zone = site.city.settings.city.zone
    question = _exceedance(typed, zone) if typed.one("verb") == "river" else _bad(typed, zone)
    origin = f"page:{visitor.account}:{typed.one('key')}"[:200]
    tracing = typed.one("tracing")
    return site.city.seek(tracing, question, by=visitor.account or "", origin=origin)


def _exceedance(typed: Typed, zone: str) -> Exceedance:
    return Exceedance(
        _text(typed, "factor"),
        _text(typed, "reach"),
        _moment(typed, "at", zone),
        _amount(typed, "value"),
        _amount(typed, "limit"),
        _amount(typed, "above") if typed.one("above").strip() else 0.0,
    )


def _bad(typed: Typed, zone: str) -> Bad:
    return Bad(
        _text(typed, "station"),
        _moment(typed, "since", zone),
        _moment(typed, "until", zone),
        _amount(typed, "threshold"),
        typed.one("factor").strip()[:_MOST_TEXT] or None,
    )


def _text(typed: Typed, name: str) -> str:
    text = typed.one(name).strip()[:_MOST_TEXT]
    if not text:
        raise FieldError("web.empty", name, "This field is empty.")
    return text


def _amount(typed: Typed, name: str) -> float:
    text = _text(typed, name)
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number) or number < 0:
        raise FieldError("web.bad_amount", name, "This is no number from 0.")
    return number


def _moment(typed: Typed, name: str, zone: str) -> Instant:
    try:
        return parse_instant(_text(typed, name), zone=zone)
    except RefusedError as error:
        if isinstance(error, FieldError):
            raise
        raise FieldError("web.bad_moment", name, error.message) from None


def _typed_of(tracing: str, question: Question | None, reader: Reader) -> Typed:
    """Return a form that asks again what was asked before."""
    told = dict(_told(question, reader)) if question is not None else {}
    kind = "river" if isinstance(question, Exceedance) else "air"
    held = {"tracing": tracing, "verb": kind, **told}
    return Typed({name: (value,) for name, value in held.items()})


def _told(question: Question, reader: Reader) -> Iterator[tuple[str, str]]:
    def local(at: Instant) -> str:
        return f"{reader.local(at):%Y-%m-%dT%H:%M}"

    yield "factor", question.factor or ""
    if isinstance(question, Exceedance):
        yield "reach", question.reach_id
        yield "above", f"{question.above_km:g}"
        yield "value", f"{question.value_mg_l:g}"
        yield "limit", f"{question.limit_mg_l:g}"
        yield "at", local(question.at)
    else:
        yield "station", question.station
        yield "since", local(question.since)
        yield "until", local(question.until)
        yield "threshold", f"{question.threshold:g}"
