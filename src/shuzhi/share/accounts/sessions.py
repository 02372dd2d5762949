"""Sessions: signing in, who somebody is by a token, signing out.

A session is opened by proof alone and under a token of its own: what a browser brought along
before is never carried over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection

from shuzhi.kernel.instant import Instant
from shuzhi.share.accounts.errors import AccountError, LoginRefusedError
from shuzhi.share.accounts.model import (
    Account,
    AccountName,
    AccountState,
    LoginWay,
    Session,
    SessionId,
    Standing,
    account_name,
)
from shuzhi.share.accounts.office import AccountsOffice
from shuzhi.share.accounts.proving import note, prove, stands
from shuzhi.share.accounts.store import (
    delete_sessions,
    find_account,
    find_session,
    insert_session,
    read_grants,
    session_table,
    touch_session,
)
from shuzhi.share.accounts.tokens import Secret, digest, new_token

# A session that is used all the time is noted as such no oftener than this.
_TOUCH = timedelta(minutes=1)
_MOST_AGENT = 200


@dataclass(frozen=True)
class Opened:
    """A session that was just opened, with its token, which is told this once."""

    standing: Standing
    token: Secret


def login(
    office: AccountsOffice,
    name: str,
    password: str,
    *,
    agent: str = "",
    old: str = "",
    is_counted: bool = False,
) -> Opened:
    """Open a session by name and password; one that the browser had before (`old`) ends.

    `is_counted` as `prove` has it.

    Raises:
        LoginRefusedError: always the same, and as late, whatever was wrong.
    """
    known = _as_typed(name)
    proved = prove(office, known, password, is_counted=is_counted)
    if proved is None:
        with office.control.transaction() as connection:
            account = find_account(connection, known)
            # People type passwords where names belong: what is no name is not written down.
            who = account.name if account else "unknown"
            note(connection, "session.refused", office.clock(), who, who)
        raise LoginRefusedError
    name, way = AccountName(known), LoginWay.PASSWORD
    return open_session(office, name, way, agent=agent, old=old, proved=proved)


def open_session(
    office: AccountsOffice,
    name: AccountName,
    way: LoginWay,
    *,
    agent: str = "",
    old: str = "",
    proved: str | None = None,
) -> Opened:
    """Open a session for somebody who has proved who they are; `proved` as `prove` returned it.

    Raises:
        LoginRefusedError: when the account is gone or disabled, or has another password by now.
    """
    now, token = office.clock(), new_token(office.draw)
    ends_at = Instant(now + office.terms.longest)
    said = "".join(c for c in agent if c.isprintable())[:_MOST_AGENT]
    with office.control.transaction() as connection:
        account = find_account(connection, name, lock=True)
        if account is None or account.state is not AccountState.ACTIVE:
            raise LoginRefusedError
        if proved is not None and not stands(connection, name, proved):
            # Whoever changed it ended the sessions that there were: this one would outlive that.
            raise LoginRefusedError
        _sweep(office, connection, now, old)
        session = Session(SessionId(0), name, way, now, now, ends_at, said)
        made = replace(session, id=insert_session(connection, session, digest(token.value)))
        note(connection, "session.opened", now, name, name, session=made.id, way=way.value)
        return Opened(_standing(connection, account, made), token)


def standing_by_session(office: AccountsOffice, token: str) -> Standing | None:
    """Return who holds a session's token; None when it is over, or never was."""
    now = office.clock()
    with office.control.transaction() as connection:
        session = find_session(connection, digest(token))
        if session is None or not session.is_alive(now, office.terms.idle):
            return None
        account = find_account(connection, session.account)
        if account is None or account.state is not AccountState.ACTIVE:
            return None
        if now >= session.seen_at + _TOUCH:
            touch_session(connection, session.id, now)
        return _standing(connection, account, session)


def logout(office: AccountsOffice, token: str) -> None:
    """End the session of a token; nothing happens where there is none."""
    with office.control.transaction() as connection:
        session = find_session(connection, digest(token))
        if session is not None:
            _end(connection, session, office.clock())


def end_session(office: AccountsOffice, account: AccountName, session: SessionId) -> None:
    """End one of the sessions of an account.

    Raises:
        AccountError: `share.session_unknown`, also for a session of somebody else.
    """
    c = session_table.c
    with office.control.transaction() as connection:
        if not delete_sessions(connection, c.id == session, c.account == account):
            raise AccountError(
                "share.session_unknown",
                "There is no such session.",
                next_step="Look again: it may be over by now.",
            )
        note(connection, "session.ended", office.clock(), account, account, session=session)


def end_all(office: AccountsOffice, account: AccountName, *, by: str) -> int:
    """End all sessions of an account and return how many."""
    with office.control.transaction() as connection:
        ended = delete_sessions(connection, session_table.c.account == account)
        note(connection, "session.all_ended", office.clock(), by, account, sessions_ended=ended)
        return ended


def _standing(connection: Connection, account: Account, session: Session) -> Standing:
    grants = read_grants(connection, account.name)
    about = (account.name, account.title, account.party)
    return Standing(*about, grants, account.must_change, account.subject, session)


def _end(connection: Connection, session: Session, now: Instant) -> None:
    delete_sessions(connection, session_table.c.id == session.id)
    about = (session.account, session.account)
    note(connection, "session.ended", now, *about, session=session.id)


def _sweep(office: AccountsOffice, connection: Connection, now: Instant, old: str) -> None:
    """Forget sessions that are over, and the one that this browser had."""
    c = session_table.c
    delete_sessions(connection, c.ends_at <= now)
    delete_sessions(connection, c.seen_at <= now - office.terms.idle)
    if old:
        delete_sessions(connection, c.digest == digest(old))


def _as_typed(name: str) -> str:
    """Return a typed name as accounts have theirs; what cannot be one stays unknown."""
    try:
        return account_name(name.strip().lower())
    except AccountError:
        return ""
