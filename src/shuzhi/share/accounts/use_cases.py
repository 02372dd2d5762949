"""What others ask of accounts: make, show, disable, give roles, set and change passwords.

Each act is written together with its entry in the audit log. Disabling an account and changing
its password end its sessions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from shuzhi.kernel.control import Control
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.accounts.errors import AccountError, unknown_account
from shuzhi.share.accounts.model import (
    Account,
    AccountState,
    ApiKey,
    RoleGrant,
    Session,
    SessionId,
    account_name,
    title_of,
)
from shuzhi.share.accounts.office import AccountsOffice
from shuzhi.share.accounts.passwords import LEAST, MOST, Weakness, weakness
from shuzhi.share.accounts.proving import SALT_BYTES, note, prove, stands
from shuzhi.share.accounts.rights import Role
from shuzhi.share.accounts.store import (
    change_account,
    delete_grant,
    delete_sessions,
    find_account,
    find_identity,
    insert_account,
    read_accounts,
    read_grants,
    read_keys,
    read_sessions,
    session_table,
    write_grant,
    write_identity,
)
from shuzhi.share.accounts.tokens import Secret, new_token
from shuzhi.share.parties import party as registered

_MOST_SUBJECT = 255
_WHY = {
    Weakness.SHORT: f"it has fewer than {LEAST} characters",
    Weakness.LONG: f"it has more than {MOST} characters",
    Weakness.NO_TEXT: "it holds characters that are no text",
    Weakness.ABOUT_YOU: "it holds a name that others know",
    Weakness.COMMON: "it is made of what is guessed first",
}


@dataclass(frozen=True)
class NewAccount:
    """What is said of an account that is to be made; `subject` as in `Account`."""

    name: str
    party: PartyId
    title: str
    roles: frozenset[Role] = frozenset()
    subject: str | None = None


@dataclass(frozen=True)
class AccountFile:
    """An account with everything that belongs to it."""

    account: Account
    grants: tuple[RoleGrant, ...]
    sessions: tuple[Session, ...]
    keys: tuple[ApiKey, ...]


def add_account(
    office: AccountsOffice,
    new: NewAccount,
    *,
    by: str,
    password: str | None = None,
    must_change: bool = False,
) -> Account:
    """Make an account; without a password one comes in by an identity provider alone.

    Raises:
        AccountError: `share.bad_account_name`, `share.bad_title`, `share.account_exists`,
            `share.password_weak`; PartyError `share.party_unknown`.
    """
    name, title = account_name(new.name), title_of(new.title)
    _require_party(office.control, new.party)
    about = (name, title, new.party)
    hashed = None if password is None else strong_hash(office, password, about)
    now = office.clock()
    account = Account(
        name, new.party, title, AccountState.ACTIVE, hashed is not None,
        must_change and hashed is not None, now, by, None, new.subject,
    )  # fmt: skip
    with office.control.transaction() as connection:
        if find_account(connection, name) is not None:
            raise AccountError(
                "share.account_exists",
                f"There is an account {name!r} already.",
                next_step="Choose another name; a name is never given twice.",
            )
        insert_account(connection, account, hashed)
        note(connection, "account.added", now, by, name, party=new.party)
        for role in sorted(new.roles):
            give(connection, RoleGrant(name, new.party, role), now, by)
    return account


def accounts(office: AccountsOffice, party: PartyId | None = None) -> tuple[Account, ...]:
    """Return the accounts of a party, or all, by name."""
    with office.control.transaction() as connection:
        return read_accounts(connection, party)


def all_grants(office: AccountsOffice) -> tuple[RoleGrant, ...]:
    """Return what every account is for whom, by account."""
    with office.control.transaction() as connection:
        return read_grants(connection, None)


def account_file(office: AccountsOffice, name: str) -> AccountFile:
    """Return an account with its roles, live sessions and keys.

    Raises:
        AccountError: `share.account_unknown`.
    """
    now = office.clock()
    with office.control.transaction() as connection:
        account = _found(connection, name)
        sessions = read_sessions(connection, account.name)
        alive = tuple(s for s in sessions if s.is_alive(now, office.terms.idle))
        grants = read_grants(connection, account.name)
        return AccountFile(account, grants, alive, read_keys(connection, account.name))


def disable(office: AccountsOffice, name: str, *, by: str) -> Account:
    """Let nobody come in by this account any more: its sessions end, its keys open nothing.

    Raises:
        AccountError: `share.account_unknown`.
    """
    return _set_state(office, name, AccountState.DISABLED, by)


def enable(office: AccountsOffice, name: str, *, by: str) -> Account:
    """Let the holder come in again, and forget wrong passwords. Raises as `disable`."""
    return _set_state(office, name, AccountState.ACTIVE, by)


def grant(office: AccountsOffice, name: str, party: PartyId, role: Role, *, by: str) -> None:
    """Make an account what it is not yet for a party; nothing changes where it is that already.

    Raises:
        AccountError: `share.account_unknown`, `share.own_role` for who gives a role to himself;
            PartyError `share.party_unknown`.
    """
    _require_party(office.control, party)
    with office.control.transaction() as connection:
        account = _found(connection, name)
        if account.name == by:
            raise AccountError(
                "share.own_role",
                "Nobody gives a role to himself.",
                next_step="Ask another administrator.",
            )
        given = RoleGrant(account.name, party, role)
        if given not in read_grants(connection, account.name):
            give(connection, given, office.clock(), by)


def revoke(office: AccountsOffice, name: str, party: PartyId, role: Role, *, by: str) -> None:
    """Take a role away.

    Raises:
        AccountError: `share.account_unknown`, `share.not_granted`.
    """
    with office.control.transaction() as connection:
        account = _found(connection, name)
        if not delete_grant(connection, RoleGrant(account.name, party, role)):
            raise AccountError(
                "share.not_granted",
                f"{account.name} is not {role.value} for {party}.",
                next_step=f"See what it is with: shuzhi account show {account.name}",
            )
        facts = {"party": party, "role": role.value}
        note(connection, "account.role_taken", office.clock(), by, account.name, **facts)


def set_password(
    office: AccountsOffice, name: str, password: str, *, by: str, must_change: bool = True
) -> None:
    """Set the password of somebody else; its holder chooses another one at the next visit.

    Raises:
        AccountError: `share.account_unknown`, `share.password_weak`.
    """
    file = account_file(office, name)
    _write_password(office, file.account, password, by=by, must_change=must_change)


def change_password(
    office: AccountsOffice, name: str, old: str, new: str, *, keep: SessionId | None = None
) -> None:
    """Change the own password; all sessions end but the one that does it.

    Raises:
        AccountError: `share.account_unknown`, `share.password_wrong` for a wrong old one (after as
            many as `LoginTerms` says, even the right one is refused for a while), and for one that
            was changed meanwhile, `share.password_same`, `share.password_weak`.
    """
    proved = prove(office, name, old)
    if proved is None:
        raise _wrong_password()
    if old == new:
        raise AccountError(
            "share.password_same",
            "The new password is the old one.",
            next_step="Choose another one.",
        )
    account = account_file(office, name).account
    _write_password(
        office, account, new, by=account.name, must_change=False, keep=keep, proved=proved
    )


def bind_identity(office: AccountsOffice, name: str, issuer: str, subject: str, *, by: str) -> None:
    """Let somebody known to an identity provider come in by this account.

    Raises:
        AccountError: `share.account_unknown`, `share.identity_taken`.
    """
    with office.control.transaction() as connection:
        write_bound(connection, _found(connection, name), (issuer, subject), office.clock(), by)


def write_bound(
    connection: Connection, account: Account, identity: tuple[str, str], now: Instant, by: str
) -> None:
    """Bind an identity within a transaction. Raises as `bind_identity`."""
    issuer, subject = identity
    is_free = find_identity(connection, issuer, subject) is None
    if not (is_free and subject and len(subject) <= _MOST_SUBJECT):
        raise AccountError(
            "share.identity_taken",
            "This identity belongs to an account already, or it is none.",
            next_step="Correct the subject: the provider gives each person one of their own.",
        )
    write_identity(connection, issuer, subject, account.name)
    note(connection, "account.identity_bound", now, by, account.name, issuer=issuer)


def new_password(office: AccountsOffice) -> Secret:
    """Return a password that nobody has to think of."""
    return new_token(office.draw)


def strong_hash(office: AccountsOffice, password: str, about: tuple[str, ...]) -> str:
    """Return the hash of a password. Raises `share.password_weak`."""
    weak = weakness(password, (*about, *office.known_words))
    if weak is not None:
        raise AccountError(
            "share.password_weak",
            f"This password will not do: {_WHY[weak]}.",
            next_step=f"Choose {LEAST} characters or more, such as four words of your own.",
        )
    return office.passwords.hashed(password, office.draw(SALT_BYTES))


def _write_password(
    office: AccountsOffice,
    account: Account,
    password: str,
    *,
    by: str,
    must_change: bool,
    keep: SessionId | None = None,
    proved: str | None = None,
) -> None:
    hashed = strong_hash(office, password, (account.name, account.title, account.party))
    c = session_table.c
    mine = (c.account == account.name, c.id != (keep or 0))
    values = {"password_hash": hashed, "must_change": must_change}
    with office.control.transaction() as connection:
        if proved is not None and not stands(connection, account.name, proved):
            raise _wrong_password()
        change_account(connection, account.name, **values, failed=0, locked_until=None)
        ended = delete_sessions(connection, *mine)
        facts = {"sessions_ended": ended}
        note(connection, "account.password_set", office.clock(), by, account.name, **facts)


def _set_state(office: AccountsOffice, name: str, state: AccountState, by: str) -> Account:
    with office.control.transaction() as connection:
        account = _found(connection, name)
        change_account(connection, account.name, state=state.value, failed=0, locked_until=None)
        ended = 0
        if state is AccountState.DISABLED:
            ended = delete_sessions(connection, session_table.c.account == account.name)
        verb = "disabled" if state is AccountState.DISABLED else "enabled"
        note(connection, f"account.{verb}", office.clock(), by, account.name, sessions_ended=ended)
    return replace(account, state=state, locked_until=None)


def give(connection: Connection, given: RoleGrant, now: Instant, by: str) -> None:
    """Write a role and its entry within a transaction."""
    write_grant(connection, given)
    facts = {"party": given.party, "role": given.role.value}
    note(connection, "account.role_given", now, by, given.account, **facts)


def _found(connection: Connection, name: str) -> Account:
    account = find_account(connection, name, lock=True)
    if account is None:
        raise unknown_account(name)
    return account


def _wrong_password() -> AccountError:
    return AccountError(
        "share.password_wrong",
        "The present password is wrong, or there were too many tries lately.",
        next_step="Type it again; after several tries wait a few minutes.",
    )


def _require_party(control: Control, party: PartyId) -> None:
    registered(control, party)
