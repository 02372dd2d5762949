"""Our own style sheets and scripts, each under a name with its hash, so that it is kept for good.

A page names `/static/<hash>/page.css`; another content has another hash, and so another address.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from fastapi import APIRouter, Request, Response

from shuzhi.web.guarding import STATIC
from shuzhi.web.problems import WebError

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """One file that pages refer to."""

    name: str
    content: bytes

    @property
    def address(self) -> str:
        """The path by which it is asked for."""
        return f"{STATIC}{hashlib.sha256(self.content).hexdigest()[:16]}/{self.name}"


def read_assets() -> Mapping[str, Asset]:
    """Return every asset by its name."""
    folder = files("shuzhi.web") / "static"
    found = (
        Asset(each.name, each.read_bytes())
        for each in folder.iterdir()
        if each.name.rpartition(".")[2] in _TYPES
    )
    return {asset.name: asset for asset in found}


def routes(assets: Mapping[str, Asset]) -> APIRouter:
    """Return the route that serves `assets`."""
    router = APIRouter(include_in_schema=False)
    by_address = {asset.address: asset for asset in assets.values()}

    @router.get(STATIC + "{path:path}")
    def asset(request: Request) -> Response:
        found = by_address.get(request.url.path)
        if found is None:
            raise WebError("web.not_found", "There is no such file.")
        kind = _TYPES[found.name.rpartition(".")[2]]
        return Response(found.content, media_type=kind, headers={"Cache-Control": _FOR_GOOD})

    return router
