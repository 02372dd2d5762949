"""What belongs to a visit: the language, and what is new."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, StreamingResponse

from shuzhi.web.pages.frame.forms import local_path
from shuzhi.web.pages.frame.languages import LANGUAGE_COOKIE, LANGUAGES
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.seeing import case_sight, sharing_sight
from shuzhi.web.sides import manages_sharing
from shuzhi.web.visitors import visitor_of

_YEAR_SECONDS = 365 * 24 * 3600


def language_routes() -> APIRouter:
    """Return the route by which a visitor chooses a language; it asks nobody who they are."""
    router = APIRouter()

    @router.get("/language/{language}")
    def choose(language: str, back: str = "/") -> Response:
        if language not in LANGUAGES:
            raise WebError("web.not_found", "There is no such language.")
        answer = RedirectResponse(local_path(back), 303)
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_SECONDS, samesite="lax")
        return answer

    return router


def routes(site: Site) -> APIRouter:
    """Return the route of what is new."""
    router = APIRouter()

    @router.get("/live/pulse")
    async def pulse(request: Request) -> Response:
        asker = (visitor_of(request), site.city)
        cases = await run_in_threadpool(case_sight, *asker)
        sharing = await run_in_threadpool(sharing_sight, *asker)
        told = site.live.pulse(cases, sharing, manages_sharing=manages_sharing(*asker))
        return StreamingResponse(told, media_type="text/event-stream")

    return router
