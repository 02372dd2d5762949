"""Signing in by the identity provider of the city: there, and back with its answer."""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from shuzhi.kernel.errors import ShuzhiError
from shuzhi.share.accounts import AccountError
from shuzhi.share.accounts.known import login_by_identity, note_refused
from shuzhi.share.accounts.oidc import Pending
from shuzhi.web.guarding import SIGN_IN
from shuzhi.web.pages.accounts.signing_in import Door, enter, form_again
from shuzhi.web.pages.frame.forms import local_path
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.visitors import session_token

BY_PROVIDER = f"{SIGN_IN}/provider"
_COOKIE = "shuzhi_provider"
_LASTS_S = 600
_MOST_KEPT = 10_000


@dataclass(frozen=True)
class Waiting:
    """Who was sent to the provider and has not come back, each for some minutes and once."""

    clock_s: Callable[[], float] = monotonic
    _kept: OrderedDict[str, tuple[float, Pending]] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def keep(self, pending: Pending) -> None:
        """Remember what was sent along."""
        with self._lock:
            self._kept[pending.state.value] = (self.clock_s() + _LASTS_S, pending)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)

    def take(self, state: str, cookie: str) -> Pending | None:
        """Return what was sent along under a state, this once, to the browser that was sent."""
        if not hmac.compare_digest(state.encode(), cookie.encode()):
            return None
        with self._lock:
            until, pending = self._kept.pop(state, (0.0, None))
        return pending if self.clock_s() < until else None


def routes(site: Site, token: str | None) -> APIRouter:
    """Return the routes of signing in by the provider."""
    router = APIRouter()
    waiting, door = Waiting(), Door("provider")

    @router.get(BY_PROVIDER)
    def go(request: Request, back: str = "/") -> Response:
        try:
            door.require_patience(site.city, request, "")
            address, pending = site.city.identity_provider().begin(local_path(back))
        except ShuzhiError as error:
            return form_again(site, request, token, {"back": back}, error)
        waiting.keep(pending)
        answer = RedirectResponse(address, 303)
        answer.set_cookie(
            _COOKIE, pending.state.value, max_age=_LASTS_S, path=BY_PROVIDER, httponly=True,
            samesite="lax", secure=request.url.scheme == "https",
        )  # fmt: skip
        return answer

    @router.get(f"{BY_PROVIDER}/back")
    def come_back(request: Request) -> Response:
        given = dict(request.query_params)
        state, cookie = given.get("state", ""), request.cookies.get(_COOKIE, "")
        pending = waiting.take(state, cookie) if state else None
        try:
            answer = _entered(site, request, pending, given)
        except ShuzhiError as error:
            back = pending.back if pending else "/"
            answer = form_again(site, request, token, {"back": back}, error)
        answer.delete_cookie(_COOKIE, path=BY_PROVIDER, httponly=True)
        return answer

    return router


def _entered(
    site: Site, request: Request, pending: Pending | None, given: dict[str, str]
) -> Response:
    if pending is None:
        raise AccountError(
            "share.oidc_refused",
            "This answer of the identity provider was not asked for, or came too late.",
            next_step="Begin again from the page to sign in.",
        )
    provider, office = site.city.identity_provider(), site.city.accounts_office
    try:
        identity = provider.finish(pending, given)
    except AccountError:
        note_refused(office, provider.setup.issuer)
        raise
    opened = login_by_identity(
        office,
        provider.setup,
        identity,
        agent=request.headers.get("user-agent", ""),
        old=session_token(request.scope),
    )
    return enter(request, opened, pending.back)
