"""Indicators: trees with colours, and from a number down to rows, cases and warnings."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request, Response

from shuzhi.decide.indicators import Drilled, IndicatorError, Run, worst_first
from shuzhi.kernel.errors import RefusedError
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.seeing import seen_drilled
from shuzhi.web.visitors import visitor_of

_ROWS, _TREND = 20, 60


def routes(site: Site) -> APIRouter:
    """Return the routes of indicators."""
    router = APIRouter()

    @router.get("/indicators")
    def trees(request: Request) -> Response:
        found = [site.city.indicator_tree(goal) for goal in site.city.goals()]
        return site.page(request, "indicators.html", trees=found)

    @router.get("/indicators/{name}")
    def show(request: Request, name: str) -> Response:
        city = site.city
        leaf = city.indicator(name)
        group = request.query_params.getlist("group") or None
        drilled, refusal = _drilled(site, name, group)
        drilled = drilled and seen_drilled(visitor_of(request), city, drilled)
        trend = tuple(reversed(city.indicator_history(name, group, limit=_TREND)))
        return site.page(
            request,
            "indicator.html",
            leaf=leaf,
            indicator=leaf.indicator,
            group=group or [],
            groups=worst_first(leaf.indicator, leaf.run.groups) if leaf.run else [],
            trend=[(run, _value(run)) for run in trend],
            drilled=drilled,
            refusal=refusal,
        )

    return router


def _drilled(
    site: Site, name: str, group: list[str] | None
) -> tuple[Drilled | None, RefusedError | None]:
    """Return what is behind a value, or why that cannot be shown; a wrong group is refused."""
    try:
        return site.city.drill(name, group, limit=_ROWS), None
    except IndicatorError as error:
        if error.code == "decide.indicator_group_unknown":
            raise
        return None, error
    except RefusedError as error:
        return None, error


def _value(run: Run) -> Any:
    with suppress(StopIteration):
        return next(iter(run.values)).value
    return None
