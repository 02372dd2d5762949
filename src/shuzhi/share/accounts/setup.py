"""The part `login` of `city.yaml`: how people sign in, for how long, and by which provider."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from shuzhi.kernel.documents import StrictModel
from shuzhi.share.accounts.office import LoginTerms
from shuzhi.share.accounts.passwords import Cost
from shuzhi.share.accounts.rights import Role

# The weakest argon2id that OWASP's cheat sheet on storing passwords still accepts.
_LEAST_MEMORY_KIB, _LEAST_ROUNDS = 19_456, 2


class HashSetup(StrictModel):
    """What one hash of a password costs; raised, it renews hashes as people sign in."""

    memory_kib: int = Field(default=65_536, ge=_LEAST_MEMORY_KIB)
    rounds: int = Field(default=3, ge=_LEAST_ROUNDS)
    lanes: int = Field(default=1, ge=1, le=64)


class AdmitRule(StrictModel):
    """Who is given an account at the first visit: everybody whose `claim` holds this value."""

    claim: str
    equals: str
    party: str
    roles: tuple[Role, ...] = ()


class OidcSetup(StrictModel):
    """An identity provider (OpenID Connect Core 1.0, authorization code flow).

    `client_secret_env` names the environment variable of the secret; without one the client is
    public, and PKCE alone protects its codes. `name_claim` becomes the name of an account that a
    rule of `admit` makes; without such a rule nobody is given one. `acr_values` asks the provider
    for a way of proof, such as two factors, and refuses who comes without.
    """

    issuer: str = Field(pattern=r"https?://[^\s?#]+")
    client_id: str
    client_secret_env: str | None = None
    title_zh: str = "统一身份认证"
    title_en: str = "Single sign-on"
    scope: str = "openid profile"
    name_claim: str = "preferred_username"
    title_claim: str = "name"
    acr_values: tuple[str, ...] = ()
    admit: tuple[AdmitRule, ...] = ()


class LoginSetup(StrictModel):
    """How people sign in: hashes, how long visits last, tries, and the provider."""

    hashing: HashSetup = HashSetup()
    idle_minutes: int = Field(default=30, ge=1, le=24 * 60)
    longest_hours: int = Field(default=12, ge=1, le=30 * 24)
    tries: int = Field(default=5, ge=1, le=100)
    oidc: OidcSetup | None = None

    @property
    def terms(self) -> LoginTerms:
        """How long visits last, and what wrong passwords cost."""
        idle, longest = timedelta(minutes=self.idle_minutes), timedelta(hours=self.longest_hours)
        return LoginTerms(idle=idle, longest=longest, tries=self.tries)

    @property
    def cost(self) -> Cost:
        """What one hash costs."""
        return Cost(self.hashing.memory_kib, self.hashing.rounds, self.hashing.lanes)
