"""Accounts, what their holders may do for whom, their sessions and their keys, as frozen values.

No value here holds a password, a token or the hash of one: what is shown, logged or printed
cannot tell what it does not know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import NewType

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.accounts.errors import AccountError
from shuzhi.share.accounts.rights import RIGHTS, Right, Role

AccountName = NewType("AccountName", str)
SessionId = NewType("SessionId", int)
KeyId = NewType("KeyId", int)
_NAME = re.compile(r"[a-z][a-z0-9]*([._-][a-z0-9]+)*")
_MOST_NAME = 60
_MOST_TITLE = 120


class AccountState(StrEnum):
    """Whether the holder may come in."""

    ACTIVE = "active"
    DISABLED = "disabled"


class LoginWay(StrEnum):
    """How somebody proved who they are."""

    PASSWORD = "password"  # noqa: S105  (a way of coming in)
    OIDC = "oidc"


@dataclass(frozen=True)
class Account:
    """A person, or a program that acts by itself, whom `party` answers for.

    `subject` is what the records of the city call the person or company itself, where the account
    belongs to one. While `must_change`, its holder may do nothing but choose a password.
    """

    name: AccountName
    party: PartyId
    title: str
    state: AccountState
    has_password: bool
    must_change: bool
    made_at: Instant
    made_by: str
    locked_until: Instant | None = None
    subject: str | None = None


@dataclass(frozen=True)
class RoleGrant:
    """What an account is for a party."""

    account: AccountName
    party: PartyId
    role: Role


@dataclass(frozen=True)
class Session:
    """A visit from signing in to signing out; `agent` is what the browser calls itself."""

    id: SessionId
    account: AccountName
    way: LoginWay
    made_at: Instant
    seen_at: Instant
    ends_at: Instant
    agent: str

    def is_alive(self, now: Instant, idle: timedelta) -> bool:
        """Whether the visit still lasts: neither over for good nor left alone for `idle`."""
        return now < self.ends_at and now < self.seen_at + idle


@dataclass(frozen=True)
class ApiKey:
    """What a program shows instead of a password; `prefix` is the part of it that may be seen."""

    id: KeyId
    prefix: str
    account: AccountName
    party: PartyId
    title: str
    rights: frozenset[Right]
    made_at: Instant
    expires_at: Instant
    used_at: Instant | None = None
    revoked_at: Instant | None = None

    def is_alive(self, now: Instant) -> bool:
        """Whether the key still opens anything."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True)
class Standing:
    """Who somebody is, proved just now, and what they may do.

    By a key, `scopes` are the only rights and `key_party` the only party; by a session, both are
    None and the roles alone count.
    """

    account: AccountName
    title: str
    party: PartyId
    grants: tuple[RoleGrant, ...] = ()
    must_change: bool = False
    subject: str | None = None
    session: Session | None = None
    scopes: frozenset[Right] | None = None
    key_party: PartyId | None = None

    def roles(self, party: PartyId | None = None) -> frozenset[Role]:
        """Return what the holder is for `party`; for any party when none is named."""
        return frozenset(g.role for g in self.grants if party in (None, g.party))

    def parties(self, right: Right) -> frozenset[PartyId]:
        """Return the parties for which the holder has a right."""
        if self.must_change or (self.scopes is not None and right not in self.scopes):
            return frozenset()
        held = frozenset(g.party for g in self.grants if right in RIGHTS[g.role])
        return held if self.key_party is None else held & {self.key_party}

    def may(self, right: Right, party: PartyId | None = None) -> bool:
        """Tell whether the holder has a right for `party`; for some party when none is named."""
        held = self.parties(right)
        return bool(held) if party is None else party in held


def account_name(text: str) -> AccountName:
    """Return `text` as the name of an account; AccountError `share.bad_account_name`."""
    if len(text) <= _MOST_NAME and _NAME.fullmatch(text):
        return AccountName(text)
    raise AccountError(
        "share.bad_account_name",
        f"{text[:60]!r} cannot name an account.",
        next_step="Use lower-case letters and digits, with single dots, dashes or underscores "
        f"between them, at most {_MOST_NAME}, starting with a letter: chen.wei",
    )


def title_of(text: str) -> str:
    """Return what people call an account or a key; AccountError `share.bad_title`."""
    said = text.strip()
    if said and len(said) <= _MOST_TITLE and said.isprintable():
        return said
    raise AccountError(
        "share.bad_title",
        f"A title has 1 to {_MOST_TITLE} characters that can be shown.",
        next_step="Write a name that people know it by.",
    )
