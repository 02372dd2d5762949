"""Packs: the scenarios that are installed, and what each declares."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter, Request, Response

from shuzhi.packs import Pack, installed_packs, read_pack
from shuzhi.web.pages.site import Site
from shuzhi.web.problems import WebError


def routes(site: Site) -> APIRouter:
    """Return the routes of packs."""
    router = APIRouter()

    # What is installed does not change under a process that runs.
    @cache
    def known() -> dict[str, Pack]:
        return {name: read_pack(folder) for name, folder in sorted(installed_packs().items())}

    @router.get("/packs")
    def packs(request: Request) -> Response:
        running = ("platform", *site.city.settings.city.packs)
        return site.page(request, "packs.html", packs=known().values(), running=running)

    @router.get("/packs/{pack}")
    def pack(request: Request, pack: str) -> Response:
        found = known().get(pack)
        if found is None:
            raise WebError("web.not_found", f"There is no pack {pack[:60]!r}.")
        return site.page(request, "pack.html", pack=found)

    return router
