"""The verbs of accounts: where people and programs are known, and who somebody is."""

from __future__ import annotations

from functools import cached_property

from shuzhi.app.wired import Wired
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import (
    AccountError,
    AccountsOffice,
    AccountState,
    Passwords,
    Right,
    Secret,
    Standing,
    account_file,
    standing_by_key,
    standing_by_session,
)
from shuzhi.share.accounts.errors import no_provider
from shuzhi.share.accounts.oidc import Provider


class Knows(Wired):
    """Whom a city knows."""

    @cached_property
    def accounts_office(self) -> AccountsOffice:
        """Where accounts, sessions and keys are: see the verbs of `shuzhi.share.accounts`."""
        city = self.settings.city
        words = (city.name, city.title_en, city.title_zh)
        passwords = Passwords(city.login.cost)
        return AccountsOffice(self.control, city.login.terms, passwords, words, self.clock)

    def identity_provider(self) -> Provider:
        """The provider by which people sign in, as `city.yaml` names it.

        Raises:
            RefusedError: `share.no_oidc`, `settings.secret_missing`.
        """
        setup = self.settings.city.login.oidc
        if setup is None:
            raise no_provider()
        named = setup.client_secret_env
        secret = None if named is None else Secret(self.settings.secret(named))
        back = f"{self.settings.city.address.rstrip('/')}/sign-in/provider/back"
        return Provider(setup, back, secret, clock=self.clock)

    def standing(self, *, session: str = "", key: str = "") -> Standing | None:
        """Who shows the token of a session, or else a key; None for nobody who is known."""
        office = self.accounts_office
        found = standing_by_session(office, session) if session else None
        return found or (standing_by_key(office, key) if key else None)

    def roles_now(self, name: str, party: PartyId, right: Right) -> frozenset[str] | None:
        """What an account is for a party, if that gives it a right there; None for no account."""
        try:
            file = account_file(self.accounts_office, name)
        except AccountError:
            return None
        held = file.account
        standing = Standing(held.name, held.title, held.party, file.grants)
        is_open = held.state is AccountState.ACTIVE and standing.may(right, party)
        roles = standing.roles(party) if is_open else frozenset()
        return frozenset(role.value for role in roles)
