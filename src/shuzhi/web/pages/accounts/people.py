"""Parties and their accounts: who is who, for managers; making and changing, for administrators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import (
    RIGHTS,
    AccountFile,
    NewAccount,
    Right,
    Role,
    Standing,
    account_file,
    accounts,
    add_account,
    all_grants,
    disable,
    enable,
    end_all,
    grant,
    manages,
    new_password,
    reaches,
    revoke,
    role_of,
    set_password,
)
from shuzhi.share.parties import Organisation
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
class _Desk:
    """Who manages, and over what."""

    site: Site
    standing: Standing
    organisation: Organisation

    @property
    def by(self) -> str:
        return self.standing.account

    def sees(self, party: PartyId) -> bool:
        return reaches(self.standing, Right.SEE_ACCOUNTS, party, self.organisation)

    def reaches(self, party: PartyId) -> bool:
        return reaches(self.standing, Right.MANAGE_ACCOUNTS, party, self.organisation)

    def manages(self, file: AccountFile) -> bool:
        return manages(self.standing, file.account, file.grants, self.organisation)

    def require(self, *, is_allowed: bool) -> None:
        if not is_allowed:
            raise WebError(
                "web.not_allowed",
                "Your roles do not reach this account or party.",
                next_step="Ask an administrator of the party above.",
            )


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
    visitor = visitor_of(request)
    if visitor.standing is None or not visitor.may(Right.SEE_ACCOUNTS):
        raise WebError(
            "web.not_allowed",
            "Accounts are seen by managers and administrators.",
            next_step="Sign in as one of them.",
        )
    return _Desk(site, visitor.standing, site.city.organisation())


def _all(
    desk: _Desk, request: Request, typed: Typed | None = None, error: RefusedError | None = None
) -> Response:
    office = desk.site.city.accounts_office
    held = all_grants(office)
    seen = [a for a in accounts(office) if desk.sees(a.party)]
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
    file = account_file(desk.site.city.accounts_office, name)
    desk.require(is_allowed=desk.sees(file.account.party))
    return shown(
        desk.site, request, "account_of.html", typed, error, _FIELDS,
        file=file, is_mine=desk.manages(file), reached=_reached(desk),
        roles=list(Role), rights=RIGHTS, secret=secret,
    )  # fmt: skip


def _added(desk: _Desk, request: Request, typed: Typed) -> Once:
    office, password = desk.site.city.accounts_office, new_password(desk.site.city.accounts_office)
    role, party = role_of(typed.one("role")), PartyId(typed.one("party"))
    desk.require(is_allowed=desk.reaches(party))
    # Who somebody is in the records of the city is not for every administrator to say.
    new = NewAccount(typed.one("name").strip(), party, typed.one("title"), frozenset({role}))
    made = add_account(office, new, by=desk.by, password=password.value, must_change=True)
    return _told(desk, request, made.name, password.value)


def _changed(desk: _Desk, request: Request, name: str, typed: Typed) -> str | Once:
    file = account_file(desk.site.city.accounts_office, name)
    desk.require(is_allowed=desk.manages(file))
    act = _ACTS.get(typed.one("act"))
    if act is None:
        raise WebError("web.bad_form", "The form does not say what to do.")
    secret = act(desk, file, typed)
    if secret:
        return _told(desk, request, name, secret)
    return f"/accounts/{file.account.name}"


def _told(desk: _Desk, request: Request, name: str, secret: str) -> Once:
    return Once(lambda: _one(desk, request, name, secret=secret), f"/accounts/{name}")


def _give(desk: _Desk, file: AccountFile, typed: Typed) -> str:
    party, role = PartyId(typed.one("party")), role_of(typed.one("role"))
    desk.require(is_allowed=desk.reaches(party))
    grant(desk.site.city.accounts_office, file.account.name, party, role, by=desk.by)
    return ""


def _take(desk: _Desk, file: AccountFile, typed: Typed) -> str:
    party, role = PartyId(typed.one("party")), role_of(typed.one("role"))
    revoke(desk.site.city.accounts_office, file.account.name, party, role, by=desk.by)
    return ""


def _reset(desk: _Desk, file: AccountFile, _typed: Typed) -> str:
    office = desk.site.city.accounts_office
    password = new_password(office).value
    set_password(office, file.account.name, password, by=desk.by)
    return password


def _disable(desk: _Desk, file: AccountFile, _typed: Typed) -> str:
    disable(desk.site.city.accounts_office, file.account.name, by=desk.by)
    return ""


def _enable(desk: _Desk, file: AccountFile, _typed: Typed) -> str:
    enable(desk.site.city.accounts_office, file.account.name, by=desk.by)
    return ""


def _end(desk: _Desk, file: AccountFile, _typed: Typed) -> str:
    end_all(desk.site.city.accounts_office, file.account.name, by=desk.by)
    return ""


# What an administrator may do about an account; a text that is returned is told this once.
_ACTS: Mapping[str, Callable[[_Desk, AccountFile, Typed], str]] = {
    "give": _give,
    "take": _take,
    "reset": _reset,
    "disable": _disable,
    "enable": _enable,
    "end": _end,
}


def _reached(desk: _Desk) -> list[Any]:
    parties = (party for party in desk.organisation if desk.reaches(party.id))
    return sorted(parties, key=lambda party: (party.level, party.id))
