"""Sources: when each was read last, what came of it, and why rows were kept out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from shuzhi.gather.sources import RunReport, State
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.pages.gather.feeds import feeds
from shuzhi.web.problems import WebError
from shuzhi.web.seeing import sees_rows
from shuzhi.web.visitors import visitor_of

_MOST_RUNS = 20


def routes(site: Site) -> APIRouter:
    """Return the routes of sources."""
    router = APIRouter()

    @router.get("/sources")
    def sources(request: Request) -> Response:
        city, visitor = site.city, visitor_of(request)
        found = feeds(city)
        mine = [f.run for f in found if f.run and sees_rows(visitor, city, [f.run.dataset])]
        kept_out = [(run, city.reasons(run)) for run in mine]
        return site.page(
            request,
            "sources.html",
            feeds=found,
            kept_out=[(run, why) for run, why in kept_out if why],
            stations=city.stations(),
            jobs=city.jobs(),
            is_up=city.is_up(),
        )

    @router.get("/sources/{source}")
    def source(request: Request, source: str) -> Response:
        city = site.city
        feed = next((each for each in feeds(city) if each.source.name == source), None)
        if feed is None:
            raise WebError("web.not_found", f"There is no source {source[:60]!r}.")
        runs = city.runs(source)[:_MOST_RUNS]
        is_own = sees_rows(visitor_of(request), city, [feed.source.dataset])
        return site.page(
            request,
            "source.html",
            feed=feed,
            runs=runs,
            kept_out=[(run, city.reasons(run)) for run in runs if is_own and _is_worth(run)],
        )

    return router


def _is_worth(run: RunReport) -> bool:
    return run.state is State.DONE and run.outcome.quarantined > 0
