"""The tables of accounts, roles, sessions, keys and identities; of secrets, only hashes.

Hashes leave this file only towards the check of a password.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Integer,
    RowMapping,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.accounts.model import (
    Account,
    AccountName,
    AccountState,
    ApiKey,
    KeyId,
    LoginWay,
    RoleGrant,
    Session,
    SessionId,
)
from shuzhi.share.accounts.rights import Right, Role

account_table = Table(
    "account",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("party", String(120), nullable=False, index=True),
    Column("title", String(120), nullable=False),
    Column("subject", String(120), index=True),
    Column("state", String(12), nullable=False),
    Column("password_hash", String(200)),
    Column("must_change", Boolean, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("locked_until", InstantColumn),
    Column("made_at", InstantColumn, nullable=False),
    Column("made_by", String(120), nullable=False),
)

role_grant_table = Table(
    "account_role",
    metadata,
    Column("account", String(60), ForeignKey(account_table.c.name), primary_key=True),
    Column("party", String(120), primary_key=True),
    Column("role", String(20), primary_key=True),
)

session_table = Table(
    "account_session",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("account", String(60), ForeignKey(account_table.c.name), nullable=False, index=True),
    Column("way", String(12), nullable=False),
    Column("made_at", InstantColumn, nullable=False),
    Column("seen_at", InstantColumn, nullable=False),
    Column("ends_at", InstantColumn, nullable=False, index=True),
    Column("agent", String(200), nullable=False),
    sqlite_autoincrement=True,
)

key_table = Table(
    "account_key",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("prefix", String(10), nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
    Column("account", String(60), ForeignKey(account_table.c.name), nullable=False, index=True),
    Column("party", String(120), nullable=False),
    Column("title", String(120), nullable=False),
    Column("rights", JSON, nullable=False),
    Column("made_at", InstantColumn, nullable=False),
    Column("expires_at", InstantColumn, nullable=False),
    Column("used_at", InstantColumn),
    Column("revoked_at", InstantColumn),
    sqlite_autoincrement=True,
)

# Who somebody is at an identity provider (OpenID Connect Core 1.0, section 5.7).
identity_table = Table(
    "account_identity",
    metadata,
    Column("issuer", String(300), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("account", String(60), ForeignKey(account_table.c.name), nullable=False, index=True),
)


def insert_account(connection: Connection, account: Account, hashed: str | None) -> None:
    """Write a new account."""
    row = {
        "name": account.name,
        "party": account.party,
        "title": account.title,
        "subject": account.subject,
        "state": account.state.value,
        "password_hash": hashed,
        "must_change": account.must_change,
        "failed": 0,
        "made_at": account.made_at,
        "made_by": account.made_by,
    }
    connection.execute(insert(account_table).values(row))


def change_account(connection: Connection, name: AccountName, **values: Any) -> None:
    """Write columns of an account that is there."""
    connection.execute(update(account_table).where(account_table.c.name == name).values(values))


def find_account(connection: Connection, name: str, *, lock: bool = False) -> Account | None:
    """Return an account; with `lock` nobody else changes it until the transaction ends."""
    row = account_row(connection, name, lock=lock)
    return None if row is None else account_of(row)


def account_row(connection: Connection, name: str, *, lock: bool = False) -> RowMapping | None:
    """Return the whole row of an account, with the hash of its password."""
    query = select(account_table).where(account_table.c.name == name)
    found = connection.execute(query.with_for_update() if lock else query)
    return found.mappings().one_or_none()


def read_accounts(connection: Connection, party: PartyId | None) -> tuple[Account, ...]:
    """Return the accounts of a party, or all, by name."""
    query = select(account_table).order_by(account_table.c.name)
    if party is not None:
        query = query.where(account_table.c.party == party)
    return tuple(account_of(row) for row in connection.execute(query).mappings())


def read_grants(connection: Connection, account: AccountName | None) -> tuple[RoleGrant, ...]:
    """Return what an account is for whom; of all accounts for None."""
    c = role_grant_table.c
    query = select(role_grant_table).order_by(c.account, c.party, c.role)
    if account is not None:
        query = query.where(c.account == account)
    rows = connection.execute(query).mappings()
    return tuple(
        RoleGrant(AccountName(r["account"]), PartyId(r["party"]), Role(r["role"])) for r in rows
    )


def write_grant(connection: Connection, grant: RoleGrant) -> None:
    """Write a role that the account does not have yet."""
    row = {"account": grant.account, "party": grant.party, "role": grant.role.value}
    connection.execute(insert(role_grant_table).values(row))


def delete_grant(connection: Connection, grant: RoleGrant) -> bool:
    """Take a role away; tell whether it was there."""
    c = role_grant_table.c
    where = (c.account == grant.account, c.party == grant.party, c.role == grant.role.value)
    return connection.execute(delete(role_grant_table).where(*where)).rowcount > 0


def insert_session(connection: Connection, session: Session, hashed: str) -> SessionId:
    """Write a new session and return its id; its own is ignored."""
    row = {
        "digest": hashed,
        "account": session.account,
        "way": session.way.value,
        "made_at": session.made_at,
        "seen_at": session.seen_at,
        "ends_at": session.ends_at,
        "agent": session.agent,
    }
    made = insert(session_table).values(row).returning(session_table.c.id)
    return SessionId(connection.execute(made).scalar_one())


def find_session(connection: Connection, hashed: str) -> Session | None:
    """Return the session whose token has this hash."""
    query = select(session_table).where(session_table.c.digest == hashed)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else session_of(row)


def read_sessions(connection: Connection, account: AccountName) -> tuple[Session, ...]:
    """Return the sessions of an account, the newest first."""
    c = session_table.c
    query = select(session_table).where(c.account == account).order_by(c.id.desc())
    return tuple(session_of(row) for row in connection.execute(query).mappings())


def touch_session(connection: Connection, session: SessionId, now: Instant) -> None:
    """Note that a session was used."""
    mine = update(session_table).where(session_table.c.id == session)
    connection.execute(mine.values(seen_at=now))


def delete_sessions(connection: Connection, *where: Any) -> int:
    """End the sessions that meet all conditions; return how many."""
    return connection.execute(delete(session_table).where(*where)).rowcount


def insert_key(connection: Connection, key: ApiKey, hashed: str) -> KeyId:
    """Write a new key and return its id; its own is ignored."""
    row = {
        "prefix": key.prefix,
        "digest": hashed,
        "account": key.account,
        "party": key.party,
        "title": key.title,
        "rights": sorted(right.value for right in key.rights),
        "made_at": key.made_at,
        "expires_at": key.expires_at,
    }
    made = insert(key_table).values(row).returning(key_table.c.id)
    return KeyId(connection.execute(made).scalar_one())


def key_row(connection: Connection, prefix: str) -> RowMapping | None:
    """Return the whole row of a key, with its hash."""
    query = select(key_table).where(key_table.c.prefix == prefix)
    return connection.execute(query).mappings().one_or_none()


def read_keys(connection: Connection, account: AccountName | None) -> tuple[ApiKey, ...]:
    """Return the keys of an account, or all, the newest first."""
    query = select(key_table).order_by(key_table.c.id.desc())
    if account is not None:
        query = query.where(key_table.c.account == account)
    return tuple(key_of(row) for row in connection.execute(query).mappings())


def change_key(connection: Connection, key: KeyId, **values: Any) -> None:
    """Write columns of a key that is there."""
    connection.execute(update(key_table).where(key_table.c.id == key).values(values))


def find_identity(connection: Connection, issuer: str, subject: str) -> AccountName | None:
    """Return the account of somebody at an identity provider."""
    c = identity_table.c
    query = select(c.account).where(c.issuer == issuer, c.subject == subject)
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else AccountName(found)


def write_identity(connection: Connection, issuer: str, subject: str, account: AccountName) -> None:
    """Bind somebody at an identity provider to an account."""
    row = {"issuer": issuer, "subject": subject, "account": account}
    connection.execute(insert(identity_table).values(row))


def account_of(row: RowMapping) -> Account:
    """Return the account of its row, without the hash."""
    return Account(
        AccountName(row["name"]),
        PartyId(row["party"]),
        row["title"],
        AccountState(row["state"]),
        row["password_hash"] is not None,
        row["must_change"],
        row["made_at"],
        row["made_by"],
        row["locked_until"],
        row["subject"],
    )


def session_of(row: RowMapping) -> Session:
    """Return the session of its row, without the hash."""
    return Session(
        SessionId(row["id"]),
        AccountName(row["account"]),
        LoginWay(row["way"]),
        row["made_at"],
        row["seen_at"],
        row["ends_at"],
        row["agent"],
    )


def key_of(row: RowMapping) -> ApiKey:
    """Return the key of its row, without the hash."""
    return ApiKey(
        KeyId(row["id"]),
        row["prefix"],
        AccountName(row["account"]),
        PartyId(row["party"]),
        row["title"],
        # A right that a later version took away opens nothing.
        frozenset(Right(each) for each in row["rights"] if each in set(Right)),
        row["made_at"],
        row["expires_at"],
        row["used_at"],
        row["revoked_at"],
    )
