"""Rehearsal of staffing: past work done again by other people, beside what was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import time, timedelta

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from shuzhi.act.cases import (
    Asked,
    Load,
    PartyRehearsal,
    Rehearsal,
    Span,
    parse_span,
    rehearse_staffing,
)
from shuzhi.app import City
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import day_of, start_of_day
from shuzhi.share.accounts import Right
from shuzhi.web.drawing.compared import Bar, compared
from shuzhi.web.pages.frame.reading import Reader
from shuzhi.web.pages.frame.sending import FieldError, Typed, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.rehearsed import (
    MOST_DAYS_OF_STAFFING,
    MOST_PEOPLE,
    office_hours,
    severities,
    within,
)
from shuzhi.web.visitors import visitor_of

_DAYS, _MOST_DRAWN, _MOST_TEAMS = 30, 8, 60
_PEOPLE = "people_"
_FIELDS = {
    "act.nothing_to_rehearse": "start",
    "act.hours_missing": "hours",
    "kernel.calendar_ends": "end",
}


def routes(site: Site) -> APIRouter:
    """Return the route of the rehearsal; it stores nothing, so that it is asked for."""
    router = APIRouter()

    @router.get("/staffing")
    def show(request: Request) -> Response:
        if not visitor_of(request).may(Right.REHEARSE):
            raise WebError(
                "web.not_allowed",
                "Your roles do not let you rehearse other staffing.",
                next_step="Sign in as an analyst or a manager.",
            )
        return _page(site, request)

    return router


def _page(site: Site, request: Request) -> Response:
    city, reader = site.city, site.reader(request)
    typed = Typed.asked(request)
    found: Rehearsal | None = None
    error: RefusedError | None = None
    try:
        if typed.one("start"):
            found = _rehearsed(city, typed)
    except RefusedError as refused:
        error = refused
    parties = () if found is None else within(city, found.parties, typed.one("team"))
    today = day_of(city.clock(), city.settings.city.zone)
    drawn = sorted(parties, key=lambda p: (-p.was.late, -p.was.pieces, p.party))[:_MOST_DRAWN]
    return shown(
        site, request, "staffing.html", typed, error, _FIELDS,
        reader=reader, found=found, parties=parties, teams=_teams(typed, parties)[:_MOST_TEAMS],
        in_time=_in_time(reader, drawn), waits=_waits(reader, drawn),
        has_limits=any(n.startswith("limit_") and v[0] for n, v in typed.held.items()),
        is_cut=len(drawn) < len(parties), severities=severities(city), kinds=city.office.kinds,
        organisation=sorted(city.organisation(), key=lambda p: (p.level, p.id)),
        start=today - timedelta(days=_DAYS), end=today + timedelta(days=1),
    )  # fmt: skip


def _rehearsed(city: City, typed: Typed) -> Rehearsal:
    start, end = typed.day("start"), typed.day("end")
    if start is None or end is None or not 0 < (end - start).days <= MOST_DAYS_OF_STAFFING:
        raise FieldError(
            "web.bad_quarter", "end", f"This covers 1 to {MOST_DAYS_OF_STAFFING} days."
        )
    zone = city.settings.city.zone
    asked = Asked(_people(typed), _hours(typed), _limits(typed, severities(city)))
    return rehearse_staffing(
        city.office, since=start_of_day(start, zone), until=start_of_day(end, zone), asked=asked
    )


def _people(typed: Typed) -> dict[PartyId, int]:
    found: dict[PartyId, int] = {}
    for name in (each for each in typed.held if each.startswith(_PEOPLE)):
        number = typed.number(name)
        if number is not None and number > MOST_PEOPLE:
            raise FieldError("web.bad_people", name, f"A team has at most {MOST_PEOPLE} people.")
        if number is not None:
            found[PartyId(name.removeprefix(_PEOPLE))] = number
    return found


def _hours(typed: Typed) -> tuple[tuple[time, time], ...]:
    hours = office_hours(typed.one("hours").replace("，", " ").split())
    if hours is None:
        raise FieldError("web.bad_hours", "hours", "Hours are written as 09:00-12:00 14:00-18:00.")
    return hours


def _limits(typed: Typed, known: Sequence[str]) -> dict[str, Span]:
    found: dict[str, Span] = {}
    for severity in known:
        if text := typed.one(f"limit_{severity}").strip():
            span = parse_span(text)
            if span is None:
                name = f"limit_{severity}"
                raise FieldError("web.bad_limit", name, "A limit is written as 3 working days.")
            found[severity] = span
    return found


def _severities(city: City) -> tuple[str, ...]:
    """Return the severities that the city's cases have."""
    kinds = sorted(city.office.kinds.values(), key=lambda kind: kind.id)
    return tuple(dict.fromkeys(each for kind in kinds for each in kind.severities))


def _within(city: City, parties: Sequence[PartyRehearsal], team: str) -> tuple[PartyRehearsal, ...]:
    """Return the parties that were asked for: one and those below it, or all."""
    if not team:
        return tuple(parties)
    within = {team, *city.organisation().below(PartyId(team))}
    return tuple(p for p in parties if p.party in within)


def _teams(typed: Typed, parties: Sequence[PartyRehearsal]) -> list[tuple[PartyId, str]]:
    """Return each team with the number of people to show for it: typed, else what it was."""
    known = {p.party: str(p.was.handlers) for p in parties}
    names = [PartyId(n.removeprefix(_PEOPLE)) for n in typed.held if n.startswith(_PEOPLE)]
    named = dict.fromkeys([*known, *([] if parties else names)])
    return [(team, typed.one(f"{_PEOPLE}{team}", known.get(team, ""))) for team in named]


def _in_time(reader: Reader, parties: Sequence[PartyRehearsal]) -> Markup:
    def bar(state: str, name: str, load: Load) -> Bar:
        share = in_time(load)
        return Bar(state, name, reader.percent(share, 1), share)

    return _drawn(reader, parties, reader.t("staffing.in_time"), bar)


def _waits(reader: Reader, parties: Sequence[PartyRehearsal]) -> Markup:
    loads = [load for p in parties for load in (p.was, p.was_simulated, p.asked)]
    hours = [h for load in loads for h in (load.p50_hours, load.p90_hours) if h is not None]
    most = max(hours, default=1.0) or 1.0

    def bar(state: str, name: str, load: Load) -> Bar:
        half, nine = load.p50_hours, load.p90_hours
        says = f"{reader.number(half)} / {reader.number(nine)} h"
        full, reach = (None if each is None else each / most for each in (half, nine))
        return Bar(state, name, says, full, reach)

    return _drawn(reader, parties, reader.t("staffing.waits"), bar)


def _drawn(
    reader: Reader,
    parties: Sequence[PartyRehearsal],
    title: str,
    bar: Callable[[str, str, Load], Bar],
) -> Markup:
    def bars(p: PartyRehearsal) -> list[Bar]:
        ways = (("was", p.was), ("simulated", p.was_simulated), ("asked", p.asked))
        return [bar(name, reader.word("staffing_way", name), load) for name, load in ways]

    return compared([(reader.party(p.party), bars(p)) for p in parties], title)


def in_time(load: Load) -> float | None:
    """Return the share of pieces with a deadline that kept it; None where none has one."""
    return 1 - load.late / load.timed if load.timed else None
