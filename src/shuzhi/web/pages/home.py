"""The first page: what waits, what is new, and the way to everything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fastapi import APIRouter, Request, Response

from shuzhi.act.cases import Wanted, cases, tally
from shuzhi.share.catalogue import Sort
from shuzhi.web.pages.frame.clocked import clocked
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.seeing import case_sight
from shuzhi.web.visitors import visitor_of

_SOON = timedelta(hours=24)
_FEW = 6


def routes(site: Site) -> APIRouter:
    """Return the route of the first page."""
    router = APIRouter()

    @router.get("/")
    def home(request: Request) -> Response:
        city, reader = site.city, site.reader(request)
        seen_by = case_sight(visitor_of(request), city).parties
        newest = Wanted(is_open=True, seen_by=seen_by)
        late = replace(newest, is_late=True)
        counted = tally(city.office, soon=_SOON, seen_by=seen_by)
        return site.page(
            request,
            "home.html",
            reader=reader,
            tally=counted,
            soon=sum(clock.soon for clock in counted.clocks),
            late=clocked(city, cases(city.office, late, limit=_FEW).cases),
            newest=clocked(city, cases(city.office, newest, limit=_FEW).cases),
            warnings=city.warnings(seen_by=seen_by, limit=_FEW),
            datasets=city.search(sort=Sort.NEWEST, limit=_FEW, language=reader.language),
            trees=[city.indicator_tree(goal) for goal in city.goals()],
        )

    return router
