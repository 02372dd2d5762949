"""Parties and their accounts: who is who, for managers; making and changing, for administrators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import (
    RIGHTS,
    Right,
    Role,
    account_file,
    accounts,
    all_grants,
    role_of,
)
from shuzhi.web.managing import AccountChange, AccountVerb, Desk, add, change, desk_of
from shuzhi.web.pages.frame.sending import Once, Typed, send, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.visitors import visitor_of

_FIELDS = {
    "share.bad_account_name": "name",
    "share.account_exists": "name",
    "share.bad_title": "title",
    "share.party_unknown": "party",
    "share.role_unknown": "role",
}


@dataclass(frozen=True)
class _Desk(Desk):
    """Who manages, at these pages."""

    site: Site


def routes(site: Site) -> APIRouter:
    """Return the routes of parties and accounts."""
    router = APIRouter()

    @router.get("/parties")
    def parties(request: Request) -> Response:
        organisation = site.city.organisation()
        visitor = visitor_of(request)
        counted: Mapping[str, int] = {}
        if visitor.may(Right.SEE_ACCOUNTS):
            counted = Counter(a.party for a in accounts(site.city.accounts_office))
        return site.page(request, "parties.html", organisation=organisation, counted=counted)

    @router.get("/accounts")
    def show_all(request: Request) -> Response:
        return _all(_desk(site, request), request)

    @router.post("/accounts")
    async def add(request: Request) -> Response:
        def do(typed: Typed) -> str | Once:
            return _added(_desk(site, request), request, typed)

        def again(typed: Typed, error: RefusedError) -> Response:
            return _all(_desk(site, request), request, typed, error)

        return await send(site, request, do, again)

    @router.get("/accounts/{name}")
    def show(request: Request, name: str) -> Response:
        return _one(_desk(site, request), request, name)

    _changing(router, site)
    return router


def _changing(router: APIRouter, site: Site) -> None:
    @router.post("/accounts/{name}")
    async def change(request: Request, name: str) -> Response:
        def do(typed: Typed) -> str | Once:
            return _changed(_desk(site, request), request, name, typed)

        def again(typed: Typed, error: RefusedError) -> Response:
            return _one(_desk(site, request), request, name, typed, error)

        return await send(site, request, do, again)


def _desk(site: Site, request: Request) -> _Desk:
    desk = desk_of(visitor_of(request), site.city)
    return _Desk(desk.office, desk.standing, desk.organisation, site)


def _all(
    desk: _Desk, request: Request, typed: Typed | None = None, error: RefusedError | None = None
) -> Response:
    held = all_grants(desk.office)
    seen = [a for a in accounts(desk.office) if desk.sees(a.party)]
    return shown(
        desk.site, request, "accounts.html", typed, error, _FIELDS,
        found=[(a, [g for g in held if g.account == a.name]) for a in seen],
        reached=_reached(desk), roles=list(Role),
    )  # fmt: skip


def _one(
    desk: _Desk,
    request: Request,
    name: str,
    typed: Typed | None = None,
    error: RefusedError | None = None,
    *,
    secret: str = "",
) -> Response:
    file = account_file(desk.office, name)
    desk.require(is_allowed=desk.sees(file.account.party))
    return shown(
        desk.site, request, "account_of.html", typed, error, _FIELDS,
        file=file, is_mine=desk.manages(file), reached=_reached(desk),
        roles=list(Role), rights=RIGHTS, secret=secret,
    )  # fmt: skip


def _added(desk: _Desk, request: Request, typed: Typed) -> Once:
    role, party = role_of(typed.one("role")), PartyId(typed.one("party"))
    made, password = add(desk, typed.one("name").strip(), typed.one("title"), party, role)
    return _told(desk, request, made.name, password)


def _changed(desk: _Desk, request: Request, name: str, typed: Typed) -> str | Once:
    file = account_file(desk.office, name)
    secret = change(desk, file, _change(typed))
    if secret:
        return _told(desk, request, name, secret)
    return f"/accounts/{file.account.name}"


def _change(typed: Typed) -> AccountChange:
    """Return what a form asks for. Raises WebError `web.bad_form`, `share.role_unknown`."""
    try:
        verb = AccountVerb(typed.one("act"))
    except ValueError:
        raise WebError("web.bad_form", "The form does not say what to do.") from None
    role = role_of(typed.one("role")) if "role" in typed.held else None
    return AccountChange(verb, PartyId(typed.one("party")), role)


def _told(desk: _Desk, request: Request, name: str, secret: str) -> Once:
    return Once(lambda: _one(desk, request, name, secret=secret), f"/accounts/{name}")


def _reached(desk: _Desk) -> list[Any]:
    parties = (party for party in desk.organisation if desk.reaches(party.id))
    return sorted(parties, key=lambda party: (party.level, party.id))
