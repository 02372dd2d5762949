"""Packs: the scenarios that are installed, and what each declares."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter, Request, Response

from shuzhi.packs import installed_packs, read_manifest, read_pack
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError


def routes(site: Site) -> APIRouter:
    """Return the routes of packs."""
    router = APIRouter()

    # What is installed does not change under a process that runs.
    known = cache(installed_packs)
    manifest, whole = cache(read_manifest), cache(read_pack)

    @router.get("/packs")
    def packs(request: Request) -> Response:
        found = [manifest(folder) for _, folder in sorted(known().items())]
        running = ("platform", *site.city.settings.city.packs)
        return site.page(request, "packs.html", packs=found, running=running)

    @router.get("/packs/{pack}")
    def pack(request: Request, pack: str) -> Response:
        folder = known().get(pack)
        if folder is None:
            raise WebError("web.not_found", f"There is no pack {pack[:60]!r}.")
        return site.page(request, "pack.html", pack=whole(folder))

    return router
