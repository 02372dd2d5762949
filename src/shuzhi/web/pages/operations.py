"""The operations centre: one dark screen of what is going on, for the city or one party of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from shuzhi.act.cases import Tally, tally
from shuzhi.gather.sensors.newest import NewestOfStation
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Level, Party
from shuzhi.share.accounts import Sight
from shuzhi.share.parties import Organisation, Territories
from shuzhi.web.drawing.hexagons import Cell, hexagons
from shuzhi.web.drawing.territories import territories
from shuzhi.web.pages.decide.warnings import told
from shuzhi.web.pages.frame.languages import LANGUAGES
from shuzhi.web.pages.frame.reading import Reader
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.pages.gather.feeds import Health, feeds
from shuzhi.web.problems import WebError
from shuzhi.web.seeing import case_sight
from shuzhi.web.visitors import visitor_of

PARTS = ("tiles", "map", "clocks", "ticker", "feeds", "monitors")
_SOON, _LIVE, _STALE = timedelta(hours=24), timedelta(hours=24), timedelta(minutes=10)
_MOST_TOLD, _MOST_MONITORS, _MOST_CELLS = 9, 8, 61
# Monitors that do not exist are registered under such numbers (`shuzhi simulate`).
_SIMULATED = "SIM"


def routes(site: Site) -> APIRouter:
    """Return the routes of the operations centre."""
    router = APIRouter()

    @router.get("/operations")
    def city_wide(request: Request) -> Response:
        return _screen(site, request, None)

    @router.get("/operations/{party}")
    def of_party(request: Request, party: str) -> Response:
        return _screen(site, request, party)

    @router.get("/live/operations/{language}")
    async def live(request: Request, language: str, party: str = "") -> Response:
        if language not in LANGUAGES:
            raise WebError("web.not_found", "There is no such language.")
        place = _place(site.city.organisation(), party or None)
        whose = await run_in_threadpool(case_sight, visitor_of(request), site.city)
        # Who sees the same shares a look.
        name = f"operations:{language}:{place.id if place else ''}:{whose.name}"
        look = site.live.channel(name, lambda: _parts(site, language, place, whose))
        return StreamingResponse(look, media_type="text/event-stream")

    return router


def _screen(site: Site, request: Request, party: str | None) -> Response:
    reader = site.reader(request)
    place = _place(site.city.organisation(), party)
    whose = case_sight(visitor_of(request), site.city)
    parts = _parts(site, reader.language, place, whose)
    above = place and place.superior_id
    return site.page(
        request, "operations.html", reader=reader, parts=parts, party=place, above=above
    )


def _place(organisation: Organisation, party: str | None) -> Party | None:
    found = organisation.get(PartyId(party)) if party else None
    if party and found is None:
        raise WebError("web.not_found", f"There is no party {party[:60]!r}.")
    return found


def _parts(site: Site, language: str, place: Party | None, whose: Sight) -> Mapping[str, str]:
    """Return each panel of the screen as HTML, as it stands now."""
    reader = site.reader_in(language)
    context = _context(site, reader, place, whose)
    return {name: site.render(f"operations/{name}.html", reader, **context) for name in PARTS}


def _context(site: Site, reader: Reader, place: Party | None, whose: Sight) -> dict[str, Any]:
    city = site.city
    organisation, counted = city.organisation(), tally(city.office, soon=_SOON)
    warnings = city.warnings(limit=200)
    within = _within(organisation, place)
    # Sums are of everybody; what a single warning says is for those whom it concerns.
    mine = [w for w in warnings if whose.covers(w.party) and (within is None or w.party in within)]
    health = feeds(city)
    newest = city.newest_values(within=_LIVE)
    return {
        "place": place,
        "counted": counted,
        "tiles": site.tiles.shown(city),
        "map": _map(
            reader, organisation, place, counted, [w.party for w in warnings], city.territories()
        ),
        "told": [(w, told(reader, w)) for w in mine[:_MOST_TOLD]],
        "feeds": health,
        "feed_counts": {h: sum(f.health is h for f in health) for h in Health},
        "monitors": [_monitor(site, each, reader) for each in newest[:_MOST_MONITORS]],
        "monitors_known": len(city.stations()),
        "monitors_live": len(newest),
        "kinds": city.office.kinds,
        "is_up": city.is_up(),
    }


def _within(organisation: Organisation, place: Party | None) -> set[PartyId] | None:
    if place is None:
        return None
    return {place.id, *organisation.below(place.id)}


def _map(
    reader: Reader,
    organisation: Organisation,
    place: Party | None,
    counted: Tally,
    warned: list[PartyId | None],
    known: Territories | None,
) -> Mapping[str, Any]:
    """Return the map as it is drawn, what to say below it, and how many parties it leaves out."""
    above, level = _drawn(organisation, place)
    cells = {
        p: _cell(reader, organisation, p, counted, warned, p == place) for p in (*above, *level)
    }
    lying = [(t, cells[p]) for p in level if known and (t := known.of(p.id))]
    title = reader.t("operations.map")
    if known is None or not lying:
        drawn = hexagons(list(cells.values())[:_MOST_CELLS], title)
        says, more = reader.t("operations.schematic"), len(cells) - _MOST_CELLS
    else:
        drawn, middle = territories(lying, title)
        named = {"source": known.source, "reference": known.reference}
        says = reader.t("operations.boundaries", middle=f"{middle:.1f}", **named)
        more = len(level) - len(lying)
    return {"drawn": drawn, "says": says, "more": more}


def _drawn(organisation: Organisation, place: Party | None) -> tuple[list[Party], list[Party]]:
    """Return the parties that stand above on the map, and those of its level, districts first.

    The whole city has the roots, what is directly below each, and roots that nobody is below; a
    root that is a district itself leaves its towns to its own map.
    """
    if place:
        return [place], list(organisation.inferiors(place.id))
    roots = organisation.inferiors(None)
    below = {r: organisation.inferiors(r.id) if r.level < Level.DISTRICT else () for r in roots}
    above = sorted((r for r in roots if below[r]), key=lambda r: -len(below[r]))
    level = [*(p for r in above for p in below[r]), *(r for r in roots if not below[r])]
    return above, sorted(level, key=lambda p: p.level is not Level.DISTRICT)


def _cell(
    reader: Reader,
    organisation: Organisation,
    party: Party,
    counted: Tally,
    warned: list[PartyId | None],
    is_here: bool,
) -> Cell:
    within = _within(organisation, party) or set()
    is_open = sum(n.open for p, n in counted.parties.items() if p in within)
    late = sum(n.late for p, n in counted.parties.items() if p in within)
    warnings = sum(p in within for p in warned)
    state = "late" if late else "warned" if warnings else "busy" if is_open else "calm"
    says = reader.t("operations.cell", open=is_open, late=late, warnings=warnings)
    address = None if is_here else f"/operations/{party.id}"
    return Cell(reader.both(party), state, f"{late}/{is_open}", says, address)


def _monitor(site: Site, newest: NewestOfStation, reader: Reader) -> dict[str, Any]:
    stations = {station.mn: station for station in site.city.stations()}
    station = stations.get(newest.mn)
    return {
        "newest": newest,
        "name": (station and station.outfall) or newest.mn,
        "is_simulated": newest.mn.startswith(_SIMULATED),
        "is_stale": reader.now - newest.received_at > _STALE,
    }
