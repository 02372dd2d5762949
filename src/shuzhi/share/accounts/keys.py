"""API keys: what programs show, made for some rights and some time, revocable at once.

A key gives no more than its owner has at the moment of its use: who loses a role takes it from
every key of theirs.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from datetime import timedelta

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.accounts.errors import AccountError, unknown_account
from shuzhi.share.accounts.model import (
    AccountName,
    AccountState,
    ApiKey,
    KeyId,
    Standing,
    title_of,
)
from shuzhi.share.accounts.office import AccountsOffice
from shuzhi.share.accounts.proving import note
from shuzhi.share.accounts.rights import Right
from shuzhi.share.accounts.store import (
    change_key,
    find_account,
    insert_key,
    key_of,
    key_row,
    read_grants,
    read_keys,
)
from shuzhi.share.accounts.tokens import Secret, digest, new_key, prefix_of

_TOUCH = timedelta(minutes=1)
# Rights that stay with people: a key that leaks makes no further keys and no accounts.
_OF_PEOPLE = frozenset({Right.MAKE_KEY, Right.MANAGE_ACCOUNTS})


@dataclass(frozen=True)
class NewKey:
    """What is said of a key that is to be made."""

    account: str
    party: PartyId
    title: str
    rights: frozenset[Right]
    lasts: timedelta


def make_key(office: AccountsOffice, new: NewKey, *, by: str) -> tuple[ApiKey, Secret]:
    """Make a key and return it with its whole text, which is told this once.

    Raises:
        AccountError: `share.account_unknown`, `share.bad_title`, `share.key_too_long` for a
            time that is none or beyond the terms, `share.key_beyond_owner` for rights that its
            owner does not have for the party, or that no key may have.
    """
    title = title_of(new.title)
    if not timedelta(0) < new.lasts <= office.terms.longest_key:
        raise AccountError(
            "share.key_too_long",
            f"A key lasts up to {office.terms.longest_key.days} days.",
            next_step="Choose a shorter time, and make another key before it is over.",
        )
    now, (prefix, secret) = office.clock(), new_key(office.draw)
    with office.control.transaction() as connection:
        account = find_account(connection, new.account, lock=True)
        if account is None:
            raise unknown_account(new.account)
        owner = Standing(account.name, title, account.party, read_grants(connection, account.name))
        _require_within(owner, new)
        key = ApiKey(
            KeyId(0), prefix, account.name, new.party, title, new.rights, now,
            Instant(now + new.lasts),
        )  # fmt: skip
        made = replace(key, id=insert_key(connection, key, digest(secret.value)))
        facts = {"key": prefix, "party": new.party, "rights": sorted(new.rights)}
        note(connection, "key.made", now, by, account.name, **facts)
    return made, secret


def keys(office: AccountsOffice, account: AccountName | None = None) -> tuple[ApiKey, ...]:
    """Return the keys of an account, or all, the newest first."""
    with office.control.transaction() as connection:
        return read_keys(connection, account)


def revoke_key(
    office: AccountsOffice, prefix: str, *, by: str, owner: AccountName | None = None
) -> ApiKey:
    """Let a key open nothing from now on; one that is revoked stays as it is.

    Raises:
        AccountError: `share.key_unknown`, also for a key that is not of the `owner` named.
    """
    now = office.clock()
    with office.control.transaction() as connection:
        row = key_row(connection, prefix)
        key = None if row is None else key_of(row)
        if key is None or owner not in (None, key.account):
            raise AccountError(
                "share.key_unknown",
                "There is no such key.",
                next_step="List keys with: shuzhi key list",
            )
        if key.revoked_at is None:
            change_key(connection, key.id, revoked_at=now)
            note(connection, "key.revoked", now, by, key.account, key=prefix)
    return replace(key, revoked_at=key.revoked_at or now)


def standing_by_key(office: AccountsOffice, text: str) -> Standing | None:
    """Return who shows a key; None when it opens nothing, or never was."""
    prefix, now = prefix_of(text), office.clock()
    if prefix is None:
        return None
    with office.control.transaction() as connection:
        row = key_row(connection, prefix)
        if row is None or not hmac.compare_digest(row["digest"], digest(text)):
            return None
        key = key_of(row)
        account = find_account(connection, key.account)
        is_open = account is not None and account.state is AccountState.ACTIVE
        if account is None or not is_open or not key.is_alive(now):
            return None
        if key.used_at is None or now >= key.used_at + _TOUCH:
            change_key(connection, key.id, used_at=now)
        grants = read_grants(connection, account.name)
        return Standing(
            account.name, account.title, account.party, grants, account.must_change,
            account.subject, None, key.rights, key.party,
        )  # fmt: skip


def _require_within(owner: Standing, new: NewKey) -> None:
    lacking = {right for right in new.rights if not owner.may(right, new.party)}
    lacking |= new.rights & _OF_PEOPLE
    if lacking or not new.rights:
        raise AccountError(
            "share.key_beyond_owner",
            f"A key of {owner.account} for {new.party} cannot have: "
            f"{', '.join(sorted(lacking)) or 'no right at all'}.",
            next_step="Name rights that its owner has for this party; a key makes no keys.",
        )
