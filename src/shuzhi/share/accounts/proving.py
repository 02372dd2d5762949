"""How a password proves who somebody is, and what wrong ones cost."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from shuzhi.audit import Entry, queue
from shuzhi.kernel.instant import Instant
from shuzhi.share.accounts.model import AccountName, AccountState
from shuzhi.share.accounts.office import AccountsOffice
from shuzhi.share.accounts.store import account_row, change_account

SALT_BYTES = 16


def prove(
    office: AccountsOffice, name: str, password: str, *, is_counted: bool = False
) -> str | None:
    """Return the hash by which a password is that of an active account that need not wait.

    None for any other. What is done by the proof has to find the same hash in its transaction
    (`stands`): the password may have been changed meanwhile.
    Every try is counted before it is checked, so that many at once gain nothing; what is
    unknown, disabled or waiting costs as much time as what is wrong. With `is_counted` the caller
    counted it elsewhere, as one of a browser: it waits for no tries of others, and clears none.
    """
    now = office.clock()
    with office.control.transaction() as connection:
        hashed = _counted_try(office, connection, name, now, is_counted=is_counted)
    is_right = office.passwords.is_right(hashed or office.passwords.decoy, password)
    if not (hashed and is_right):
        return None
    again = office.passwords.is_outdated(hashed)
    fresh = office.passwords.hashed(password, office.draw(SALT_BYTES)) if again else hashed
    with office.control.transaction() as connection:
        if not stands(connection, name, hashed):
            return None
        cleared: dict[str, Any] = {} if is_counted else {"failed": 0, "locked_until": None}
        change_account(connection, AccountName(name), **cleared, password_hash=fresh)
    return fresh


def stands(connection: Connection, name: str, proved: str) -> bool:
    """Tell whether an account is active and has the password still that was proved.

    Nobody else changes either until the transaction ends.
    """
    row = account_row(connection, name, lock=True)
    if row is None or row["state"] != AccountState.ACTIVE:
        return False
    return bool(row["password_hash"] == proved)


def note(
    connection: Connection, kind: str, at: Instant, by: str, account: str, **facts: Any
) -> None:
    """Queue an entry about an account for the audit log, in the transaction of the act."""
    queue(connection, Entry(kind, at, by, f"account:{account}", facts))


def _counted_try(
    office: AccountsOffice, connection: Connection, name: str, now: Instant, *, is_counted: bool
) -> str | None:
    """Count a try and return the hash to check it by; None when there is nothing to check."""
    row = account_row(connection, name, lock=True)
    if row is None or row["state"] != AccountState.ACTIVE or row["password_hash"] is None:
        return None
    if is_counted:
        return str(row["password_hash"])
    if row["locked_until"] is not None and now < row["locked_until"]:
        return None
    failed = row["failed"] + 1
    wait = office.terms.wait(failed)
    until = None if wait is None else Instant(now + wait)
    change_account(connection, row["name"], failed=failed, locked_until=until)
    if until is not None:
        note(connection, "account.locked", now, "system", row["name"], until=until.isoformat())
    return str(row["password_hash"])
