"""Which account somebody at an identity provider has, and by which rule one is made for them."""

from __future__ import annotations

from sqlalchemy import Connection

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.accounts.errors import AccountError, LoginRefusedError
from shuzhi.share.accounts.model import (
    Account,
    AccountName,
    AccountState,
    LoginWay,
    RoleGrant,
    account_name,
    title_of,
)
from shuzhi.share.accounts.office import AccountsOffice
from shuzhi.share.accounts.oidc import Identity
from shuzhi.share.accounts.proving import note
from shuzhi.share.accounts.sessions import Opened, open_session
from shuzhi.share.accounts.setup import AdmitRule, OidcSetup
from shuzhi.share.accounts.store import find_account, find_identity, insert_account, read_grants
from shuzhi.share.accounts.use_cases import give, write_bound
from shuzhi.share.parties import party as registered

_BY = "identity_provider"


def login_by_identity(
    office: AccountsOffice,
    setup: OidcSetup,
    identity: Identity,
    *,
    agent: str = "",
    old: str = "",
) -> Opened:
    """Open a session for somebody whom the provider has proved.

    They come in by the account that is bound to issuer and subject. Without one, the first rule of
    `admit` that fits makes it; without such a rule nobody is given an account, and one that is
    there under the same name is never taken over.

    Raises:
        AccountError: `share.oidc_refused`, `share.bad_account_name`, `share.bad_title`;
            LoginRefusedError: for an account that is disabled; PartyError `share.party_unknown`.
    """
    now = office.clock()
    with office.control.transaction() as connection:
        name = find_identity(connection, identity.issuer, identity.subject)
    if name is None:
        name = _admitted(office, setup, identity, now)
    try:
        return open_session(office, name, LoginWay.OIDC, agent=agent, old=old)
    except LoginRefusedError:
        note_refused(office, identity.issuer, name)
        raise


def note_refused(office: AccountsOffice, issuer: str, who: str = "unknown") -> None:
    """Keep in the audit log that somebody came by a provider and was refused."""
    with office.control.transaction() as connection:
        note(connection, "session.refused", office.clock(), who, who, issuer=issuer)


def _admitted(
    office: AccountsOffice, setup: OidcSetup, identity: Identity, now: Instant
) -> AccountName:
    rule = next((rule for rule in setup.admit if _fits(rule, identity)), None)
    if rule is None:
        note_refused(office, identity.issuer)
        raise _nobody("No account here is yours.")
    registered(office.control, PartyId(rule.party))
    name = account_name(str(identity.claims.get(setup.name_claim, "")).lower())
    title = title_of(str(identity.claims.get(setup.title_claim) or name))
    account = Account(
        name, PartyId(rule.party), title, AccountState.ACTIVE, has_password=False,
        must_change=False, made_at=now, made_by=_BY,
    )  # fmt: skip
    with office.control.transaction() as connection:
        # Somebody who comes in twice at once is given one account.
        if known := find_identity(connection, identity.issuer, identity.subject):
            return known
        if find_account(connection, name) is not None:
            raise _nobody("An account of your name is there, and not bound to you.")
        _make(connection, account, rule, identity, now)
    return name


def _make(
    connection: Connection, account: Account, rule: AdmitRule, identity: Identity, now: Instant
) -> None:
    insert_account(connection, account, None)
    note(connection, "account.added", now, _BY, account.name, party=account.party)
    for role in rule.roles:
        given = RoleGrant(account.name, account.party, role)
        if given not in read_grants(connection, account.name):
            give(connection, given, now, _BY)
    write_bound(connection, account, (identity.issuer, identity.subject), now, _BY)


def _fits(rule: AdmitRule, identity: Identity) -> bool:
    said = identity.claims.get(rule.claim)
    return rule.equals in said if isinstance(said, list) else said == rule.equals


def _nobody(why: str) -> AccountError:
    return AccountError(
        "share.oidc_refused",
        why,
        next_step="Ask an administrator: shuzhi account bind NAME SUBJECT lets you in.",
    )
