"""The pages: one module for each, which asks the city and hands what it says to a template."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter

from shuzhi.app import City
from shuzhi.web.assets import Asset
from shuzhi.web.live import Live
from shuzhi.web.pages import (
    acting,
    audit,
    cases,
    catalogue,
    dataset,
    evaluation,
    home,
    indicators,
    operations,
    packs,
    programs,
    sources,
    visiting,
    warnings,
)
from shuzhi.web.pages.site import Site

_WINGS = (
    home,
    catalogue,
    dataset,
    cases,
    acting,
    warnings,
    indicators,
    evaluation,
    audit,
    sources,
    packs,
    programs,
    operations,
)


def page_routes(
    city: City, assets: Mapping[str, Asset], live: Live, token: str | None
) -> tuple[Site, APIRouter]:
    """Return the pages of a city and their routes."""
    site = Site(city, assets, live)
    router = APIRouter(include_in_schema=False)
    for wing in _WINGS:
        router.include_router(wing.routes(site))
    router.include_router(visiting.routes(site, token))
    return site, router
