"""OpenID Connect: who somebody is, proved by an identity provider (code flow with PKCE).

OpenID Connect Core 1.0, sections 3.1.2 and 3.1.3; RFC 7636; RFC 9207. What the provider says
counts only as far as its signature, issuer, audience, nonce and times hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shuzhi.kernel.instant import Clock, system_clock
from shuzhi.share.accounts.errors import AccountError, ProviderBrokenError
from shuzhi.share.accounts.setup import OidcSetup
from shuzhi.share.accounts.tokens import Draw, Secret, new_token, system_draw

# Signatures by a key that the provider alone has; `none` and shared secrets are not among them.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
               "Ed25519", "EdDSA")  # fmt: skip
_LEEWAY_S = 60
_WAIT_S = 10.0
_MOST_BYTES = 1_000_000
_MOST_SUBJECT = 255
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Pending:
    """What was sent along to the provider, and has to come back with its answer."""

    state: Secret
    nonce: Secret
    verifier: Secret
    back: str


@dataclass(frozen=True)
class Identity:
    """Somebody as a provider knows them; `claims` are what it says of them."""

    issuer: str
    subject: str
    claims: Mapping[str, Any] = field(repr=False)


def provider_client() -> httpx2.Client:
    """Return the client that asks a provider: it waits a little, and is led nowhere else."""
    return httpx2.Client(timeout=_WAIT_S, follow_redirects=False)


@dataclass(frozen=True)
class Provider:
    """An identity provider, as the city's settings name it; `redirect_uri` is where it answers."""

    setup: OidcSetup
    redirect_uri: str
    secret: Secret | None = None
    client: Callable[[], httpx2.Client] = provider_client
    clock: Clock = system_clock
    draw: Draw = system_draw

    def begin(self, back: str) -> tuple[str, Pending]:
        """Return the address at which a browser proves who sits there, and what to keep of it.

        Raises:
            ProviderBrokenError: `share.oidc_broken`.
        """
        state, nonce, verifier = (new_token(self.draw) for _ in range(3))
        pending = Pending(state, nonce, verifier, back)
        with self.client() as client:
            endpoints = self._endpoints(client)
            asked = self._oauth(client).create_authorization_url(
                endpoints["authorization_endpoint"],
                state=pending.state.value,
                nonce=pending.nonce.value,
                code_verifier=pending.verifier.value,
                **({"acr_values": " ".join(acr)} if (acr := self.setup.acr_values) else {}),
            )
        return str(asked[0]), pending

    def finish(self, pending: Pending, answer: Mapping[str, str]) -> Identity:
        """Return who the provider says it is, by the answer that the browser brought back.

        Raises:
            AccountError: `share.oidc_refused` when the provider refused, or anything in its
                answer or its token does not hold; ProviderBrokenError: `share.oidc_broken`.
        """
        if answer.get("error"):
            raise _refused("the provider refused")
        # RFC 9207: an answer of another provider that this browser was led through.
        if answer.get("iss", self.setup.issuer) != self.setup.issuer:
            raise _refused("another provider answered")
        with self.client() as client:
            endpoints = self._endpoints(client)
            token = self._token(client, endpoints, pending, answer.get("code", ""))
            keys = _document(client, endpoints["jwks_uri"])
        return self._identity(token, keys, pending)

    def _oauth(self, client: httpx2.Client) -> OAuth2Client:
        return OAuth2Client(
            client,
            client_id=self.setup.client_id,
            scope=self.setup.scope,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
        )

    def _endpoints(self, client: httpx2.Client) -> Mapping[str, str]:
        issuer = self.setup.issuer
        found = _document(client, issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise ProviderBrokenError("its configuration is of another issuer")
        for name in _ENDPOINTS:
            if not _is_private(found.get(name)):
                raise ProviderBrokenError(f"its {name} is missing or not protected by TLS")
        return found

    def _token(
        self,
        client: httpx2.Client,
        endpoints: Mapping[str, str],
        pending: Pending,
        code: str,
    ) -> Mapping[str, Any]:
        sent = {"code": code, "code_verifier": pending.verifier.value}
        auth: Any = httpx2.Auth()
        if self.secret is None:
            sent["client_id"] = self.setup.client_id
        else:
            auth = (self.setup.client_id, self.secret.value)
        try:
            found = self._oauth(client).fetch_token(
                endpoints["token_endpoint"], grant_type="authorization_code", auth=auth, **sent
            )
        except OAuth2Error:
            raise _refused("the provider does not know this answer") from None
        except (httpx2.HTTPError, ValueError):
            raise ProviderBrokenError("it gave no token") from None
        return dict(found)

    def _identity(
        self, token: Mapping[str, Any], keys: Mapping[str, Any], pending: Pending
    ) -> Identity:
        issuer, audience = self.setup.issuer, self.setup.client_id
        now = int(self.clock().timestamp())
        try:
            known = KeySet.import_key_set(keys)  # type: ignore[arg-type]
            read = jwt.decode(str(token.get("id_token", "")), known, algorithms=_ALGORITHMS)
            claims = CodeIDToken(
                read.claims,
                read.header,
                options={
                    "iss": {"essential": True, "value": issuer},
                    "aud": {"essential": True, "value": audience},
                    "nonce": {"essential": True, "value": pending.nonce.value},
                },
                params={"client_id": audience, "access_token": token.get("access_token")},
            )
            claims.validate(now=now, leeway=_LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError):
            raise _refused("its token does not hold") from None
        subject = claims["sub"]
        if not (isinstance(subject, str) and 0 < len(subject) <= _MOST_SUBJECT):
            raise _refused("its token names nobody")
        if self.setup.acr_values and claims.get("acr") not in self.setup.acr_values:
            raise _refused("the proof is weaker than the city asks for")
        return Identity(issuer, subject, dict(claims))


def _document(client: httpx2.Client, address: str) -> Mapping[str, Any]:
    try:
        answer = client.get(address)
        answer.raise_for_status()
        found = json.loads(answer.content[:_MOST_BYTES])
    except (httpx2.HTTPError, ValueError):
        raise ProviderBrokenError("it does not answer") from None
    if not isinstance(found, dict):
        raise ProviderBrokenError("its answer is no document")
    return found


def _is_private(address: object) -> bool:
    """Whether an address is one over TLS, or of this machine."""
    if not isinstance(address, str):
        return False
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _refused(why: str) -> AccountError:
    return AccountError(
        "share.oidc_refused",
        f"The identity provider did not prove who you are: {why}.",
        next_step="Begin again from the page to sign in; ask an administrator if it stays so.",
    )
