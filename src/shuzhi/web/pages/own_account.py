"""One's own account: who one is here, the password, the sessions, the keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
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
from shuzhi.web.pages.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.statuses import status_of
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
_RECENT = timedelta(minutes=15)
_MOST_FIELDS = 60
_UNPROCESSABLE = 422
_Typed = Mapping[str, list[str]]


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
        def do(site: Site, standing: Standing, _typed: _Typed) -> None:
            who = standing.account
            revoke_key(site.city.accounts_office, prefix, by=who, owner=who)

        return await _sent(site, request, "keys", do)

    @router.post(f"{ACCOUNT}/sessions/{{session}}/end")
    async def end(request: Request, session: Annotated[int, Path(ge=1, lt=2**62)]) -> Response:
        def do(site: Site, standing: Standing, _typed: _Typed) -> None:
            end_session(site.city.accounts_office, standing.account, SessionId(session))

        return await _sent(site, request, "sessions", do)


def _change(site: Site, standing: Standing, typed: _Typed) -> None:
    old, new, again = (_one(typed, name) for name in ("old", "new", "again"))
    if new != again:
        raise WebError("web.not_twice", "The two new passwords differ.")
    keep = standing.session.id if standing.session else None
    change_password(site.city.accounts_office, standing.account, old, new, keep=keep)


def _make(site: Site, standing: Standing, typed: _Typed) -> str:
    _require_recent(site, standing)
    days = _one(typed, "days").strip()
    if not (days.isascii() and days.isdecimal() and len(days) < 5):
        raise WebError("web.bad_form", "The days are a whole number.")
    new = NewKey(
        standing.account,
        PartyId(_one(typed, "party")),
        _one(typed, "title"),
        frozenset(right_of(each) for each in typed.get("right", ())),
        timedelta(days=int(days)),
    )
    if not standing.may(Right.MAKE_KEY, new.party):
        raise WebError("web.not_allowed", "Your roles for this party make no keys.")
    return make_key(site.city.accounts_office, new, by=standing.account)[1].value


def _require_recent(site: Site, standing: Standing) -> None:
    """Refuse (`web.sign_in_again`) what a session left open by somebody must not do."""
    session = standing.session
    if session is None or site.city.clock() >= session.made_at + _RECENT:
        raise WebError(
            "web.sign_in_again",
            "For this you have to have signed in within the last quarter of an hour.",
            next_step="Sign out and in again.",
        )


async def _sent(
    site: Site,
    request: Request,
    part: str,
    do: Callable[[Site, Standing, _Typed], str | None],
) -> Response:
    """Do what a form asks; answer with the page again, or with the refusal by its field."""
    standing = visitor_of(request).standing
    if standing is None or standing.session is None:
        raise WebError("web.not_allowed", "Nobody is signed in.", next_step="Sign in.")
    async with request.form(max_files=0, max_fields=_MOST_FIELDS) as form:
        typed = {name: [str(each) for each in form.getlist(name)] for name in form}
        site.forms.require_ours(request, form)
    return await run_in_threadpool(_answer, site, request, standing, part, typed, do)


def _answer(
    site: Site,
    request: Request,
    standing: Standing,
    part: str,
    typed: _Typed,
    do: Callable[[Site, Standing, _Typed], str | None],
) -> Response:
    led_to, key = f"{ACCOUNT}?done={part}#{part}", _one(typed, "key")
    if site.forms.done(key) is not None:
        return RedirectResponse(led_to, 303)
    try:
        secret = do(site, standing, typed)
    except RefusedError as error:
        return _page(site, request, standing, part=part, typed=typed, error=error)
    site.city.record()
    site.forms.note(key, led_to)
    if secret is None:
        return RedirectResponse(led_to, 303)
    return _page(site, request, standing, part=part, secret=secret)


def _page(
    site: Site,
    request: Request,
    standing: Standing,
    *,
    part: str = "",
    typed: _Typed | None = None,
    error: RefusedError | None = None,
    secret: str = "",
) -> Response:
    parties = sorted(standing.parties(Right.MAKE_KEY))
    context: dict[str, Any] = {
        "file": account_file(site.city.accounts_office, standing.account),
        "standing": standing,
        "part": part,
        "typed": {} if typed is None else typed,
        "error": error,
        "field": _FIELDS.get(error.code, "") if error else "",
        "secret": secret,
        "key_parties": parties,
        "key_rights": sorted(_offered(standing)),
        "rights": RIGHTS,
        "done": request.query_params.get("done", ""),
        **site.forms.fields(request),
    }
    status = 200
    if error:
        status = _UNPROCESSABLE if context["field"] else status_of(error)
    answer = site.page(request, "account.html", status=status, **context)
    site.forms.give(answer, context["cookie"])
    return answer


def _offered(standing: Standing) -> set[Right]:
    """Return the rights that a key of one's own can have for some party."""
    ours = {right for right in Right if standing.may(right)}
    return ours - {Right.MAKE_KEY, Right.MANAGE_ACCOUNTS}


def _one(typed: _Typed, name: str) -> str:
    return next(iter(typed.get(name, ())), "")
