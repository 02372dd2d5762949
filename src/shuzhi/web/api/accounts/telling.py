"""What is told of accounts, sessions and keys; and of secrets, this once and in a header alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

from fastapi import Response

from shuzhi.share.accounts import Account, AccountState, ApiKey, LoginWay, Right, Role, RoleGrant
from shuzhi.web.api.frame.answers import Answer

# Bodies are kept for a day, to be given again under their key; headers that are not named there
# (`frame.receiving`) are kept nowhere.
_HEADER = "Shuzhi-Secret"
_SAID = "A new password or key, told this once; not when the request is sent again."


def tells_secret(declared: dict[str, Any], status: int) -> dict[str, Any]:
    """Return how an operation is declared that tells a secret when it answers with `status`."""
    header = {"description": _SAID, "schema": {"type": "string"}}
    declared["responses"][status] = {"headers": {_HEADER: header}}
    return declared


def tell(response: Response, secret: str) -> None:
    """Tell a secret, and let nobody on the way keep it."""
    response.headers.update({_HEADER: secret, "Cache-Control": "no-store"})


class GrantAnswer(Answer):
    """What an account is for a party."""

    party: str
    """For which party."""
    role: Role
    """What it is."""


class AccountAnswer(Answer):
    """An account, in short."""

    name: str
    """By which name one signs in."""
    title: str
    """What people call its holder."""
    party: str
    """Who answers for it."""
    state: AccountState
    """Whether its holder may come in."""
    has_password: bool
    """Whether it has a password here."""
    must_change: bool
    """Whether its holder has to choose a password of their own first."""
    locked_until: datetime | None
    """Until when no password is taken, after too many that were wrong."""
    made_at: datetime
    """When it was made."""
    made_by: str
    """By whom."""
    grants: tuple[GrantAnswer, ...]
    """Its roles."""

    @classmethod
    def told(cls, account: Account, grants: Iterable[RoleGrant], **more: Any) -> Self:
        """Return an account with its roles."""
        return cls.about(account, grants=tuple(map(GrantAnswer.about, grants)), **more)


class SessionAnswer(Answer):
    """A visit, from signing in to signing out."""

    id: int
    """Its number."""
    way: LoginWay
    """How its holder proved who they are."""
    made_at: datetime
    """When it began."""
    seen_at: datetime
    """When it was used last, to the minute."""
    ends_at: datetime
    """Until when it lasts at most."""
    agent: str
    """What the browser calls itself."""


class KeyAnswer(Answer):
    """A key of an account; what a program shows is told once, when it is made."""

    prefix: str
    """The part of it that may be seen."""
    title: str
    """What it is for."""
    party: str
    """For which party."""
    rights: tuple[Right, ...]
    """What it opens."""
    made_at: datetime
    """When it was made."""
    expires_at: datetime
    """Until when it opens anything."""
    used_at: datetime | None
    """When it was used last, to the minute."""
    revoked_at: datetime | None
    """When it was revoked."""

    @classmethod
    def told(cls, key: ApiKey) -> Self:
        """Return a key."""
        return cls.about(key, rights=tuple(sorted(key.rights)))
