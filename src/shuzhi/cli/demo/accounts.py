"""An account for each role of the demonstration city, with passwords that are made anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shuzhi.cli.demo.people import person_id
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import (
    AccountName,
    AccountsOffice,
    NewAccount,
    Role,
    accounts,
    add_account,
    new_password,
)

_BY = "demonstration"
_ACCOUNTS: Sequence[tuple[Role, str, str | None, str]] = (
    (Role.DUTY_OFFICER, "city", None, "files, dispatches and checks cases"),
    (Role.FIELD_OFFICER, "north_lake", None, "handles the cases of a town"),
    (Role.MANAGER, "data_bureau", None, "oversees sharing and scores"),
    (Role.STEWARD, "public_security", None, "gives the residents' register"),
    (Role.DATA_USER, "civil_affairs", None, "asks for data of others"),
    (Role.ANALYST, "city", None, "queries and rehearses rules"),
    (Role.COMPANY, "east_port", None, "answers for its own cases"),
    (Role.CITIZEN, "north_hill", person_id(1), "asks for relief, sees who used the data"),
    (Role.ADMINISTRATOR, "city", None, "makes and changes accounts"),
)


@dataclass(frozen=True)
class Made:
    """An account; its password where it is new, None where it was there before."""

    name: str
    password: str | None
    role: str
    does: str


def make_accounts(office: AccountsOffice) -> tuple[Made, ...]:
    """Make those of the accounts that are not there yet."""
    known = {account.name for account in accounts(office)}
    return tuple(_made(office, known, *each) for each in _ACCOUNTS)


def _made(
    office: AccountsOffice,
    known: set[AccountName],
    role: Role,
    party: str,
    subject: str | None,
    does: str,
) -> Made:
    name = role.value
    says = f"{party}: {does}"
    if name in known:
        return Made(name, None, role.value, says)
    password = new_password(office).value
    title = f"模拟 simulated {role.value.replace('_', ' ')}"
    new = NewAccount(name, PartyId(party), title, frozenset({role}), subject)
    add_account(office, new, by=_BY, password=password)
    return Made(name, password, role.value, says)
