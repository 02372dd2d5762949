"""What belongs to a visit: signing in with the server's token, the language, what is new."""

from __future__ import annotations

import hmac

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from shuzhi.web.guarding import SIGN_IN, TOKEN_COOKIE, token_cookie
from shuzhi.web.pages.forms import local_path
from shuzhi.web.pages.languages import LANGUAGE_COOKIE, LANGUAGES
from shuzhi.web.pages.site import Site
from shuzhi.web.problems import WebError

_YEAR_SECONDS = 365 * 24 * 3600


def routes(site: Site, token: str | None) -> APIRouter:
    """Return the routes of a visit."""
    router = APIRouter()

    @router.get("/language/{language}")
    def choose(language: str, back: str = "/") -> Response:
        if language not in LANGUAGES:
            raise WebError("web.not_found", "There is no such language.")
        answer = RedirectResponse(local_path(back), 303)
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_SECONDS, samesite="lax")
        return answer

    @router.get("/live/pulse")
    async def pulse() -> Response:
        return StreamingResponse(site.live.pulse(), media_type="text/event-stream")

    @router.get(SIGN_IN)
    def ask(request: Request, back: str = "/") -> Response:
        if token is None:
            return RedirectResponse(local_path(back), 303)
        return site.page(request, "sign_in.html", back=local_path(back), is_wrong=False)

    @router.post(SIGN_IN)
    async def sign_in(request: Request) -> Response:
        form = await request.form()
        back, given = local_path(str(form.get("back", "/"))), str(form.get("given", ""))
        if token is None or not hmac.compare_digest(given.strip().encode(), token.encode()):
            return site.page(request, "sign_in.html", status=401, back=back, is_wrong=True)
        answer = RedirectResponse(back, 303)
        is_https = request.url.scheme == "https"
        answer.set_cookie(
            TOKEN_COOKIE, token_cookie(token), httponly=True, samesite="lax", secure=is_https
        )
        return answer

    return router
