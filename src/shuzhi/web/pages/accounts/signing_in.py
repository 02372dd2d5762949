"""Signing in and out: by name and password, or with the token of the server."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from shuzhi.app import City
from shuzhi.app.tries import Counted, forget, waits_s
from shuzhi.kernel.errors import RefusedError, ShuzhiError
from shuzhi.share.accounts import LoginRefusedError, Opened, Right, Standing, login, logout
from shuzhi.web.guarding import SIGN_IN, TOKEN_COOKIE, host_of, is_loopback, token_cookie
from shuzhi.web.limits import neighbourhood
from shuzhi.web.pages.accounts.browsers import give_mark, mark_of
from shuzhi.web.pages.frame.forms import local_path
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.statuses import status_of
from shuzhi.web.visitors import SECURE_SESSION_COOKIE, SESSION_COOKIE, session_token

SIGN_OUT = "/sign-out"
_MOST_FIELDS = 10
_SPAN = timedelta(minutes=5)
# Pages that ask for no right to read: each looks for itself.
_FOR_ALL = ("/services", "/my", "/account", "/parties")


@dataclass(frozen=True)
class Door:
    """How often anybody may try to come in, besides what each account counts for itself.

    Tries are counted over all processes of a city under the door's name: those of an address, and
    those of a name, which need not be an account's.
    """

    door: str

    def of_address(self, address: str) -> Counted:
        """Return as what the tries of an address are counted."""
        return Counted(self.door, neighbourhood(address), 60, _SPAN)

    def of_name(self, name: str) -> Counted:
        """Return as what the tries of a name are counted."""
        return Counted(f"{self.door} by name", name, 10, _SPAN)

    def of_browser(self, mark: str) -> Counted:
        """Return as what the tries of a browser are counted that is known for an account."""
        return Counted(f"{self.door} by browser", mark, 10, _SPAN)

    def require_patience(self, city: City, request: Request, name: str, mark: str = "") -> None:
        """Refuse (`web.too_many_tries`) who tried too often, known or not.

        A browser with a `mark` answers for itself alone, whatever its neighbours try.
        """
        counted = [self.of_address(request.client.host if request.client else "")]
        if mark:
            counted = [self.of_browser(mark)]
        elif name:
            counted.append(self.of_name(name))
        waits = waits_s(city.control, city.city_key, counted, city.clock())
        if waits:
            raise WebError(
                "web.too_many_tries",
                "There were too many tries lately.",
                next_step=f"Try again in {waits:.0f} seconds.",
            )


def routes(site: Site, token: str | None) -> APIRouter:
    """Return the routes of signing in and out."""
    router = APIRouter()
    door = Door("sign-in")

    @router.get(SIGN_IN)
    def ask(request: Request, back: str = "/") -> Response:
        return form_again(site, request, token, {"back": back})

    @router.post(SIGN_IN)
    async def sign_in(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=_MOST_FIELDS) as form:
            typed = {name: str(value) for name, value in form.multi_items()}
            if "given" in typed:
                return _by_token(site, request, token, typed)
            try:
                site.forms.require_ours(request, form)
                require_privacy(request)
                opened = await run_in_threadpool(_opened, site, request, typed, door)
            except RefusedError as error:
                return form_again(site, request, token, typed, error)
        answer = enter(request, opened, typed.get("back", "/"))
        give_mark(site.city, request, answer, opened.standing.account)
        return answer

    @router.post(SIGN_OUT)
    async def sign_out(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=_MOST_FIELDS) as form:
            site.forms.require_ours(request, form)
        old = session_token(request.scope)
        if old:
            await run_in_threadpool(logout, site.city.accounts_office, old)
        answer = RedirectResponse(SIGN_IN, 303)
        for name in (SESSION_COOKIE, SECURE_SESSION_COOKIE):
            answer.delete_cookie(name, secure=name == SECURE_SESSION_COOKIE, httponly=True)
        # Pages that a browser kept are not for whoever sits there next.
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer

    return router


def enter(request: Request, opened: Opened, back: str) -> Response:
    """Let the browser keep the session's token and go on to where it wanted."""
    is_https = request.url.scheme == "https"
    answer = RedirectResponse(_first_page(opened.standing, local_path(back)), 303)
    name = SECURE_SESSION_COOKIE if is_https else SESSION_COOKIE
    # Lax, so that a link from elsewhere arrives signed in; whatever changes something is a form.
    answer.set_cookie(name, opened.token.value, httponly=True, samesite="lax", secure=is_https)
    return answer


def _first_page(standing: Standing, back: str) -> str:
    """Return where somebody begins: where they wanted, if they may see it, else at their own."""
    if standing.must_change:
        return "/account"
    if standing.may(Right.READ) or back.startswith(_FOR_ALL):
        return back
    return "/my" if standing.may(Right.ASK_SERVICE) else "/account"


def require_privacy(request: Request) -> None:
    """Refuse (`web.tls_needed`) a password that came over the wire in clear."""
    is_private = request.url.scheme == "https" or is_loopback(host_of(request.headers))
    if not is_private:
        raise WebError(
            "web.tls_needed",
            "This way in is not protected: passwords are taken over TLS alone.",
            next_step="Use the address that begins with https://.",
        )


def _opened(site: Site, request: Request, typed: Mapping[str, str], door: Door) -> Opened:
    city, name = site.city, typed.get("name", "").strip().lower()
    mark = mark_of(city, request, name)
    door.require_patience(city, request, name, mark)
    agent, old = request.headers.get("user-agent", ""), session_token(request.scope)
    password, is_counted = typed.get("password", ""), bool(mark)
    office = city.accounts_office
    opened = login(office, name, password, agent=agent, old=old, is_counted=is_counted)
    # Who knows the password need not wait for having signed in often.
    tries = door.of_browser(mark) if mark else door.of_name(name)
    forget(city.control, city.city_key, tries)
    return opened


def form_again(
    site: Site,
    request: Request,
    token: str | None,
    typed: Mapping[str, str],
    error: ShuzhiError | None = None,
) -> Response:
    """Show the form, after a refusal with what was typed; never a password."""
    provider = site.city.settings.city.login.oidc
    context: dict[str, Any] = {
        "back": local_path(typed.get("back", "/")),
        "name": typed.get("name", "")[:60],
        "error": error,
        "is_login_error": isinstance(error, LoginRefusedError),
        "is_wrong": "given" in typed,
        "has_token": token is not None,
        "provider": provider,
        **site.forms.fields(request),
    }
    status = status_of(error) if error else 401 if context["is_wrong"] else 200
    answer = site.page(request, "sign_in.html", status=status, **context)
    site.forms.give(answer, context["cookie"])
    return answer


def _by_token(
    site: Site, request: Request, token: str | None, typed: Mapping[str, str]
) -> Response:
    if token is None or not hmac.compare_digest(typed["given"].strip().encode(), token.encode()):
        return form_again(site, request, token, typed)
    answer = RedirectResponse(local_path(typed.get("back", "/")), 303)
    is_https = request.url.scheme == "https"
    answer.set_cookie(
        TOKEN_COOKIE, token_cookie(token), httponly=True, samesite="lax", secure=is_https
    )
    return answer
