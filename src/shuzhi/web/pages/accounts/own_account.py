"""One's own account: who one is here, the password, the sessions, the keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import (
    RIGHTS,
    NewKey,
    Right,
    SessionId,
    Standing,
    account_file,
    change_password,
    end_session,
    make_key,
    revoke_key,
    right_of,
)
from shuzhi.web.guarding import SIGN_IN
from shuzhi.web.managing import require_recent
from shuzhi.web.pages.frame.sending import Once, Typed, send, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.visitors import visitor_of

ACCOUNT = "/account"
_FIELDS = {
    "share.password_wrong": "old",
    "share.password_same": "new",
    "share.password_weak": "new",
    "share.bad_title": "title",
    "share.key_too_long": "days",
    "share.key_beyond_owner": "right",
    "share.right_unknown": "right",
    "web.not_twice": "again",
    "web.bad_form": "days",
}
_Act = Callable[[Site, Standing, Typed], str | None]


def routes(site: Site) -> APIRouter:
    """Return the routes of one's own account."""
    router = APIRouter()

    @router.get(ACCOUNT)
    def show(request: Request) -> Response:
        standing = visitor_of(request).standing
        if standing is None or standing.session is None:
            return RedirectResponse(f"{SIGN_IN}?back={quote(ACCOUNT)}", 303)
        return _page(site, request, standing)

    @router.post(f"{ACCOUNT}/password")
    async def password(request: Request) -> Response:
        return await _sent(site, request, "password", _change)

    _parts(router, site)
    return router


def _parts(router: APIRouter, site: Site) -> None:
    @router.post(f"{ACCOUNT}/keys")
    async def new_key(request: Request) -> Response:
        return await _sent(site, request, "key", _make)

    @router.post(f"{ACCOUNT}/keys/{{prefix}}/revoke")
    async def revoke(request: Request, prefix: str) -> Response:
        def do(site: Site, standing: Standing, _typed: Typed) -> None:
            who = standing.account
            revoke_key(site.city.accounts_office, prefix, by=who, owner=who)

        return await _sent(site, request, "keys", do)

    @router.post(f"{ACCOUNT}/sessions/{{session}}/end")
    async def end(request: Request, session: Annotated[int, Path(ge=1, lt=2**62)]) -> Response:
        def do(site: Site, standing: Standing, _typed: Typed) -> None:
            end_session(site.city.accounts_office, standing.account, SessionId(session))

        return await _sent(site, request, "sessions", do)


def _change(site: Site, standing: Standing, typed: Typed) -> None:
    old, new, again = (typed.one(name) for name in ("old", "new", "again"))
    if new != again:
        raise WebError("web.not_twice", "The two new passwords differ.")
    keep = standing.session.id if standing.session else None
    change_password(site.city.accounts_office, standing.account, old, new, keep=keep)


def _make(site: Site, standing: Standing, typed: Typed) -> str:
    require_recent(standing, site.city.clock())
    days = typed.one("days").strip()
    if not (days.isascii() and days.isdecimal() and len(days) < 5):
        raise WebError("web.bad_form", "The days are a whole number.")
    new = NewKey(
        standing.account,
        PartyId(typed.one("party")),
        typed.one("title"),
        frozenset(right_of(each) for each in typed.all("right")),
        timedelta(days=int(days)),
    )
    if not standing.may(Right.MAKE_KEY, new.party):
        raise WebError("web.not_allowed", "Your roles for this party make no keys.")
    return make_key(site.city.accounts_office, new, by=standing.account)[1].value


async def _sent(site: Site, request: Request, part: str, act: _Act) -> Response:
    """Do what a form asks; what it makes known is shown this once."""
    standing = visitor_of(request).standing
    if standing is None or standing.session is None:
        raise WebError("web.not_allowed", "Nobody is signed in.", next_step="Sign in.")

    def do(typed: Typed) -> str | Once:
        secret, led_to = act(site, standing, typed), f"{ACCOUNT}?done={part}#{part}"
        if secret is None:
            return led_to
        return Once(lambda: _page(site, request, standing, part=part, secret=secret), led_to)

    def again(typed: Typed, error: RefusedError) -> Response:
        return _page(site, request, standing, typed, error, part=part)

    return await send(site, request, do, again)


def _page(
    site: Site,
    request: Request,
    standing: Standing,
    typed: Typed | None = None,
    error: RefusedError | None = None,
    *,
    part: str = "",
    secret: str = "",
) -> Response:
    return shown(
        site, request, "account.html", typed, error, _FIELDS,
        file=account_file(site.city.accounts_office, standing.account),
        standing=standing, part=part, secret=secret, rights=RIGHTS,
        key_parties=sorted(standing.parties(Right.MAKE_KEY)),
        key_rights=sorted(_offered(standing)),
        done=request.query_params.get("done", ""),
    )  # fmt: skip


def _offered(standing: Standing) -> set[Right]:
    """Return the rights that a key of one's own can have for some party."""
    ours = {right for right in Right if standing.may(right)}
    return ours - {Right.MAKE_KEY, Right.MANAGE_ACCOUNTS}
