"""`/accounts`: whom the city knows, in which roles; made and changed by administrators."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from fastapi import Path as InPath
from pydantic import Field

from shuzhi.kernel.ids import PartyId
from shuzhi.share import accounts as room
from shuzhi.share.accounts import AccountFile, Right, Role, RoleGrant
from shuzhi.share.accounts.errors import unknown_account
from shuzhi.web.api.accounts.telling import AccountAnswer, tell, tells_secret
from shuzhi.web.api.frame.acting import VisitorHere
from shuzhi.web.api.frame.answers import Given, Line, Listed, Name
from shuzhi.web.api.frame.asking import CityHere, changes, reads
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.managing import AccountChange, AccountVerb, Desk, add, change, desk_of

TAG = {"name": "accounts", "description": "账号 · Accounts: who people and programs are."}
router = APIRouter(prefix="/accounts", tags=["accounts"])
AccountHere = Annotated[
    str, InPath(pattern=r"^[a-z][a-z0-9._-]*$", max_length=60, description="The account.")
]


class AccountFileAnswer(AccountAnswer):
    """An account, and how much belongs to it."""

    sessions: int
    """How many visits last."""
    keys: int
    """How many keys its programs were ever given."""

    @classmethod
    def file(cls, file: AccountFile) -> Self:
        """Return an account as who manages it sees it; its visits and keys are its holder's."""
        held = {"sessions": len(file.sessions), "keys": len(file.keys)}
        return cls.told(file.account, file.grants, **held)


class Accounts(Listed):
    """A page of accounts."""

    items: tuple[AccountAnswer, ...]
    """The accounts, by name."""


class AddedAccount(Given):
    """An account that is to be made, with a password that its holder changes first."""

    name: Annotated[Line, Field(min_length=1, max_length=60)]
    """By which name one signs in."""
    title: Annotated[Line, Field(min_length=1, max_length=120)]
    """What people call its holder."""
    party: Name
    """Who answers for it."""
    role: Role
    """What it is for that party."""


class AccountAct(Given):
    """What is done about an account; which of the fields count depends on the verb."""

    verb: AccountVerb
    """What is done."""
    party: Name | None = None
    """give, take: for which party."""
    role: Role | None = None
    """give, take: which role."""


@router.get("", **reads(Right.SEE_ACCOUNTS))
def list_accounts(
    city: CityHere,
    visitor: VisitorHere,
    page: PageAsked,
    party: Annotated[Name | None, Query(description="Those that this party answers for.")] = None,
) -> Accounts:
    """List the accounts of one's party and those below it, by name."""
    desk, after = desk_of(visitor, city), page.name or ""
    known = room.accounts(desk.office, None if party is None else PartyId(party))
    found = [each for each in known if each.name > after and desk.sees(each.party)]
    shown, following = page.cut(found, lambda one: one.name)
    held: dict[str, list[RoleGrant]] = {each.name: [] for each in shown}
    for grant in room.all_grants(desk.office):
        held.get(grant.account, []).append(grant)
    items = tuple(AccountAnswer.told(each, held[each.name]) for each in shown)
    return Accounts(items=items, next=following)


@router.post("", status_code=201, **tells_secret(changes(Right.MANAGE_ACCOUNTS), 201))
def add_account(
    city: CityHere, visitor: VisitorHere, given: AddedAccount, response: Response
) -> AccountFileAnswer:
    """Make an account; its first password is told once, in the header `Shuzhi-Secret`."""
    desk, party = desk_of(visitor, city), PartyId(given.party)
    made, password = add(desk, given.name.strip(), given.title, party, given.role)
    response.headers["Location"] = f"/api/v1/accounts/{made.name}"
    tell(response, password)
    return AccountFileAnswer.file(room.account_file(desk.office, made.name))


@router.get("/{account}", **reads(Right.SEE_ACCOUNTS))
def show_account(city: CityHere, visitor: VisitorHere, account: AccountHere) -> AccountFileAnswer:
    """Show an account with its roles."""
    return AccountFileAnswer.file(_seen(desk_of(visitor, city), account))


@router.post("/{account}/acts", **tells_secret(changes(Right.MANAGE_ACCOUNTS), 200))
def act_on_account(
    city: CityHere,
    visitor: VisitorHere,
    account: AccountHere,
    given: AccountAct,
    response: Response,
) -> AccountFileAnswer:
    """Give or take a role, reset the password, disable, enable, or end all visits.

    A new password is told once, in the header `Shuzhi-Secret`.
    """
    desk = desk_of(visitor, city)
    party = None if given.party is None else PartyId(given.party)
    secret = change(desk, _seen(desk, account), AccountChange(given.verb, party, given.role))
    if secret:
        tell(response, secret)
    return AccountFileAnswer.file(room.account_file(desk.office, account))


def _seen(desk: Desk, account: str) -> AccountFile:
    """Return an account; AccountError `share.account_unknown` also for one out of sight."""
    file = room.account_file(desk.office, account)
    if not desk.sees(file.account.party):
        raise unknown_account(account)
    return file
