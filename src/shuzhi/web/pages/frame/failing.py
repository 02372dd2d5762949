"""What could not be shown, as whoever asked can read it: a page for people, else a problem."""

from __future__ import annotations

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from shuzhi.kernel.errors import ShuzhiError
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError, problem
from shuzhi.web.statuses import status_of

_NOT_FOUND = 404


async def told(request: Request, error: Exception) -> Response:
    """Answer a request whose verb refused or broke."""
    assert isinstance(error, ShuzhiError)  # noqa: S101  (registered for these alone)
    return _shown(request, error)


async def misled(request: Request, error: Exception) -> Response:
    """Answer a request that leads to no page, or with words that no page can read."""
    if isinstance(error, HTTPException) and error.status_code != _NOT_FOUND:
        refused = problem(WebError("web.bad_request", f"{error.detail}."))
        refused.status_code = error.status_code
        return refused
    return _shown(request, WebError("web.not_found", "There is no such page."))


def _shown(request: Request, error: ShuzhiError) -> Response:
    site: Site = request.app.state.site
    if "text/html" not in request.headers.get("accept", ""):
        return problem(error)
    return site.page(request, "failed.html", status=status_of(error), error=error)
