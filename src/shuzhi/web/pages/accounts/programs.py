"""What programs can ask: every operation of the interface, as its description tells it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from shuzhi.web.pages.frame.site import Site

_TITLES = ("s400", "s401", "s403", "s404", "s405", "s409", "s410", "s412", "s413", "s414", "s415",
           "s421", "s422", "s428", "s429", "s500", "s503")  # fmt: skip


def routes(site: Site) -> APIRouter:
    """Return the route of the page about the interface."""
    router = APIRouter()

    @router.get("/api")
    def operations(request: Request) -> Response:
        document: dict[str, Any] = request.app.state.api.openapi()
        return site.page(
            request,
            "api.html",
            root=document["servers"][0]["url"],
            groups=[(tag, _of(document, tag["name"])) for tag in document["tags"]],
            problems=[(name.removeprefix("s"), name) for name in _TITLES],
        )

    return router


def _of(document: dict[str, Any], tag: str) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if tag in operation["tags"]
    ]
