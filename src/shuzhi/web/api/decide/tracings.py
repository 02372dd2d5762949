"""`/tracings`: searches for causes, up rivers and against the wind, with candidates and a layer.

Candidates say where to look first; they are no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi import Path as InPath
from fastapi.responses import JSONResponse

from shuzhi.decide.tracing import Bad, Exceedance, layer_of
from shuzhi.kernel.instant import to_instant
from shuzhi.share.accounts import Right
from shuzhi.web.api.decide.tracing_answers import (
    NewSearch,
    SearchAnswer,
    SearchLine,
    TracingAnswer,
)
from shuzhi.web.api.frame.acting import Origin, VisitorHere, person_of
from shuzhi.web.api.frame.answers import Answer, Listed
from shuzhi.web.api.frame.asking import CityHere, changes, reads
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.problems import WebError
from shuzhi.web.searching import seen_search, seen_searches

TAG = {"name": "tracings", "description": "溯源 · Tracing: candidates with reasons, no verdicts."}
router = APIRouter(prefix="/tracings", tags=["tracings"])
Numbered = Annotated[int, InPath(ge=1, lt=2**62, description="The number of the search.")]
_GEOJSON = "application/geo+json"
_LAYER: Mapping[str, Any] = {_GEOJSON: {"type": "object"}}


class Tracings(Answer):
    """The tracings that are declared."""

    items: tuple[TracingAnswer, ...]
    """The tracings, by id."""


class Searches(Listed):
    """A page of searches, the newest first."""

    items: tuple[SearchLine, ...]
    """The searches."""


@router.get("", **reads(Right.READ))
def list_searches(city: CityHere, visitor: VisitorHere, page: PageAsked) -> Searches:
    """List searches for causes, by hand and by warnings, the newest first."""
    found, last = seen_searches(visitor, city, page.number, page.limit)
    return Searches(items=tuple(map(SearchLine.told, found)), next=page.goes_on(last))


@router.post("", status_code=201, **changes(Right.TRACE))
def begin_search(
    city: CityHere, visitor: VisitorHere, given: NewSearch, origin: Origin, response: Response
) -> SearchAnswer:
    """Search for what may have caused an exceedance in a river, or bad hours in the air.

    One that has no answer is refused with the reason, and not kept.
    """
    made = city.seek(given.tracing, _question(given), by=person_of(visitor, given), origin=origin)
    response.headers["Location"] = f"/api/v1/tracings/{made}"
    return SearchAnswer.told(city.sought(made))


@router.get("/declared", **reads(Right.READ))
def list_tracings(city: CityHere) -> Tracings:
    """List the tracings that packs declare."""
    declared = sorted(city.tracings().values(), key=lambda tracing: tracing.id)
    return Tracings(items=tuple(map(TracingAnswer.told, declared)))


@router.get("/{search}", **reads(Right.READ))
def show_search(city: CityHere, visitor: VisitorHere, search: Numbered) -> SearchAnswer:
    """Show a search with its candidates, their reasons, and all that it stood on."""
    return SearchAnswer.told(seen_search(visitor, city, search))


@router.get("/{search}/layer", response_class=JSONResponse, **reads(Right.READ, types=_LAYER))
def show_search_layer(city: CityHere, visitor: VisitorHere, search: Numbered) -> Response:
    """Show a search as a map layer (GeoJSON, RFC 7946): what of it has coordinates."""
    sought = seen_search(visitor, city, search)
    if sought.trace is None:
        raise WebError("web.not_found", "This search has no layer: it found no answer.")
    return JSONResponse(layer_of(sought.trace), media_type=_GEOJSON)


def _question(given: NewSearch) -> Exceedance | Bad:
    if given.river is not None and given.air is None:
        river = given.river
        asked = river.factor, river.reach_id, to_instant(river.at)
        return Exceedance(*asked, river.value_mg_l, river.limit_mg_l, river.above_km)
    if given.air is not None and given.river is None:
        air = given.air
        hours = to_instant(air.since), to_instant(air.until)
        return Bad(air.station, *hours, air.threshold, air.factor)
    raise WebError(
        "web.bad_words",
        "A search is about a river or about the air.",
        next_step="Send one of river and air, and not both.",
    )
