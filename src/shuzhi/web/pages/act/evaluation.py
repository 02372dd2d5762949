"""Evaluation: the leagues of scored periods, with their formulas, and what is behind a number."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Level
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.seeing import case_sight, require_party
from shuzhi.web.visitors import visitor_of

_MOST_FACTS = 200


def routes(site: Site) -> APIRouter:
    """Return the routes of evaluation."""
    router = APIRouter()

    @router.get("/evaluation")
    def listed(request: Request) -> Response:
        city, whose = site.city, case_sight(visitor_of(request), site.city)
        return site.page(
            request,
            "evaluation.html",
            schemes=city.evaluating.schemes,
            scored=city.scored_periods(),
            appeals=[a for a in city.appeals() if whose.covers(a.raised_by.party)],
        )

    @router.get("/evaluation/{scheme}/{period}")
    def league(request: Request, scheme: str, period: str, level: str = "") -> Response:
        city = site.city
        known = {each.name.lower(): each for each in Level}
        if level and level not in known:
            raise WebError("web.not_found", "There is no such level.")
        levels = city.evaluating.scheme(scheme).levels
        chosen = known[level] if level else levels[0]
        found = city.league(scheme, period, chosen)
        whose = case_sight(visitor_of(request), city)
        return site.page(
            request, "league.html", league=found, levels=levels, chosen=chosen, whose=whose
        )

    _behind(router, site)
    return router


def _behind(router: APIRouter, site: Site) -> None:
    @router.get("/evaluation/{scheme}/{period}/{party}/{measure}")
    def behind(request: Request, scheme: str, period: str, party: str, measure: str) -> Response:
        require_party(visitor_of(request), site.city, PartyId(party))
        found = site.city.behind(scheme, period, PartyId(party), measure)
        return site.page(
            request,
            "behind.html",
            behind=found,
            facts=found.facts[:_MOST_FACTS],
            scheme=site.city.evaluating.scheme(scheme),
            period=period,
        )
