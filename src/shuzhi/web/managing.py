"""Who manages accounts, over which parties and people, and what they may do about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share import accounts as room
from shuzhi.share.accounts import (
    Account,
    AccountFile,
    AccountName,
    AccountsOffice,
    NewAccount,
    Right,
    Role,
    Standing,
)
from shuzhi.share.parties import Organisation
from shuzhi.web.problems import WebError
from shuzhi.web.visitors import Visitor

_RECENT = timedelta(minutes=15)


@dataclass(frozen=True)
class Desk:
    """Who manages, and over what."""

    office: AccountsOffice
    standing: Standing
    organisation: Organisation

    @property
    def by(self) -> str:
        """The account in whose name it is done."""
        return self.standing.account

    def sees(self, party: PartyId) -> bool:
        """Tell whether the accounts of a party are seen here."""
        return room.reaches(self.standing, Right.SEE_ACCOUNTS, party, self.organisation)

    def reaches(self, party: PartyId) -> bool:
        """Tell whether accounts and roles are given here for a party."""
        return room.reaches(self.standing, Right.MANAGE_ACCOUNTS, party, self.organisation)

    def manages(self, file: AccountFile) -> bool:
        """Tell whether an account is changed here."""
        return room.manages(self.standing, file.account, file.grants, self.organisation)

    def require(self, *, is_allowed: bool) -> None:
        """Refuse (`web.not_allowed`) what is beyond reach."""
        if not is_allowed:
            raise WebError(
                "web.not_allowed",
                "Your roles do not reach this account or party.",
                next_step="Ask an administrator of the party above.",
            )


class AccountVerb(StrEnum):
    """What an administrator may do about an account."""

    GIVE = "give"
    TAKE = "take"
    RESET = "reset"
    DISABLE = "disable"
    ENABLE = "enable"
    END = "end"


@dataclass(frozen=True)
class AccountChange:
    """What is done about an account; `party` and `role` are of those to be given or taken."""

    verb: AccountVerb
    party: PartyId | None = None
    role: Role | None = None

    def named(self) -> tuple[PartyId, Role]:
        """Return which role for which party. Raises WebError `web.bad_words`."""
        if self.party is None or self.role is None:
            raise WebError(
                "web.bad_words",
                "A role is given or taken for a party.",
                next_step="Name party and role.",
            )
        return self.party, self.role


def desk_of(visitor: Visitor, city: City) -> Desk:
    """Return who manages accounts; WebError `web.not_allowed` for who does not see them."""
    if visitor.standing is None or not visitor.may(Right.SEE_ACCOUNTS):
        raise WebError(
            "web.not_allowed",
            "Accounts are seen by managers and administrators.",
            next_step="Sign in as one of them.",
        )
    return Desk(city.accounts_office, visitor.standing, city.organisation())


def add(desk: Desk, name: str, title: str, party: PartyId, role: Role) -> tuple[Account, str]:
    """Make an account; return it with its first password, which its holder has to change.

    Raises:
        WebError: `web.not_allowed` for a party out of reach.
        RefusedError: as `accounts.add_account`.
    """
    desk.require(is_allowed=desk.reaches(party))
    # Who somebody is in the records of the city is not for every administrator to say.
    new, password = NewAccount(name, party, title, frozenset({role})), _password(desk)
    made = room.add_account(desk.office, new, by=desk.by, password=password, must_change=True)
    return made, password


def change(desk: Desk, file: AccountFile, what: AccountChange) -> str:
    """Do something about an account; return a new password where there is one, else nothing.

    Raises:
        WebError: `web.not_allowed` for an account or party out of reach; as `AccountChange.named`.
        RefusedError: as what is done.
    """
    desk.require(is_allowed=desk.manages(file))
    return _DEEDS[what.verb](desk, file.account.name, what)


def require_recent(standing: Standing, now: Instant) -> None:
    """Refuse (`web.sign_in_again`) what a session left open by somebody must not do."""
    session = standing.session
    if session is None or now >= session.made_at + _RECENT:
        raise WebError(
            "web.sign_in_again",
            "For this you have to have signed in within the last quarter of an hour.",
            next_step="Sign out and in again.",
        )


def _give(desk: Desk, name: AccountName, what: AccountChange) -> str:
    party, role = what.named()
    desk.require(is_allowed=desk.reaches(party))
    room.grant(desk.office, name, party, role, by=desk.by)
    return ""


def _take(desk: Desk, name: AccountName, what: AccountChange) -> str:
    party, role = what.named()
    room.revoke(desk.office, name, party, role, by=desk.by)
    return ""


def _reset(desk: Desk, name: AccountName, _what: AccountChange) -> str:
    password = _password(desk)
    room.set_password(desk.office, name, password, by=desk.by)
    return password


def _disable(desk: Desk, name: AccountName, _what: AccountChange) -> str:
    room.disable(desk.office, name, by=desk.by)
    return ""


def _enable(desk: Desk, name: AccountName, _what: AccountChange) -> str:
    room.enable(desk.office, name, by=desk.by)
    return ""


def _end(desk: Desk, name: AccountName, _what: AccountChange) -> str:
    room.end_all(desk.office, name, by=desk.by)
    return ""


_DEEDS: Mapping[AccountVerb, Callable[[Desk, AccountName, AccountChange], str]] = {
    AccountVerb.GIVE: _give,
    AccountVerb.TAKE: _take,
    AccountVerb.RESET: _reset,
    AccountVerb.DISABLE: _disable,
    AccountVerb.ENABLE: _enable,
    AccountVerb.END: _end,
}


def _password(desk: Desk) -> str:
    return room.new_password(desk.office).value
