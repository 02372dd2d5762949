"""The first page: what waits, what is new, and the way to everything else."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from shuzhi.act.cases import Wanted, cases, tally
from shuzhi.share.catalogue import Sort
from shuzhi.web.pages.clocked import clocked
from shuzhi.web.pages.site import Site

_SOON = timedelta(hours=24)
_FEW = 6


def routes(site: Site) -> APIRouter:
    """Return the route of the first page."""
    router = APIRouter()

    @router.get("/")
    def home(request: Request) -> Response:
        city, reader = site.city, site.reader(request)
        late = cases(city.office, Wanted(is_open=True, is_late=True), limit=_FEW)
        newest = cases(city.office, Wanted(is_open=True), limit=_FEW)
        counted = tally(city.office, soon=_SOON)
        return site.page(
            request,
            "home.html",
            reader=reader,
            tally=counted,
            soon=sum(clock.soon for clock in counted.clocks),
            late=clocked(city, late.cases),
            newest=clocked(city, newest.cases),
            warnings=city.warnings(limit=_FEW),
            datasets=city.search(sort=Sort.NEWEST, limit=_FEW, language=reader.language),
            trees=[city.indicator_tree(goal) for goal in city.goals()],
        )

    return router
