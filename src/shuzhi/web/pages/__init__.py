"""The pages: one module for each, which asks the city and hands what it says to a template."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Depends

from shuzhi.app import City
from shuzhi.web.assets import Asset
from shuzhi.web.live import Live
from shuzhi.web.pages import audit, home, operations, packs
from shuzhi.web.pages.accounts import by_provider, own_account, people, programs, signing_in
from shuzhi.web.pages.act import acting, cases, evaluation, services
from shuzhi.web.pages.decide import indicators, rehearsing, staffing, tracings, warnings
from shuzhi.web.pages.frame import visiting
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.pages.gather import sources
from shuzhi.web.pages.share import (
    agreements,
    applications,
    catalogue,
    dataset,
    demands,
    doubts,
    duties,
    linkages,
    linkages_review,
    misuse,
    objections,
    receipts,
    subjects,
    verifying,
)
from shuzhi.web.visitors import require_reader

_WINGS = (
    home,
    catalogue,
    dataset,
    applications,
    agreements,
    receipts,
    misuse,
    verifying,
    objections,
    doubts,
    subjects,
    linkages,
    linkages_review,
    demands,
    duties,
    cases,
    acting,
    rehearsing,
    staffing,
    warnings,
    tracings,
    indicators,
    evaluation,
    audit,
    sources,
    packs,
    programs,
    operations,
    visiting,
)


def page_routes(
    city: City, assets: Mapping[str, Asset], live: Live, token: str | None
) -> tuple[Site, APIRouter]:
    """Return the pages of a city and their routes.

    Signing in, one's own account and the language are there for everybody, accounts for those who
    may see them, and all others for those who may read (`require_reader`).
    """
    site = Site(city, assets, live)
    router = APIRouter(include_in_schema=False)
    for wing in _WINGS:
        router.include_router(wing.routes(site), dependencies=[Depends(require_reader)])
    router.include_router(visiting.language_routes())
    router.include_router(signing_in.routes(site, token))
    router.include_router(by_provider.routes(site, token))
    router.include_router(own_account.routes(site))
    router.include_router(people.routes(site))
    router.include_router(services.routes(site))
    return site, router
