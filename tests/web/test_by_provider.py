"""Signing in by an identity provider: Authlib's own server, asked over a real socket."""

from __future__ import annotations

import hmac
import json
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2 as httpx
import pytest
from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request, grants
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.accounts import (
    LoginWay,
    NewAccount,
    Role,
    account_file,
    accounts,
    add_account,
    bind_identity,
    disable,
)
from shuzhi.share.accounts.setup import AdmitRule, OidcSetup
from shuzhi.web import make_app

CLIENT, SECRET = "shuzhi", "the secret of the client"
KEY = RSAKey.generate_key(2048, {"kid": "k1"})
STRANGE = RSAKey.generate_key(2048, {"kid": "k1"})


@dataclass
class Client:
    """The one client that the provider knows."""

    redirect_uri: str
    is_public: bool = False

    def get_client_id(self) -> str:
        return CLIENT

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, uri: str) -> bool:
        return uri == self.redirect_uri

    def check_client_secret(self, secret: str) -> bool:
        return secret == SECRET

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method == ("none" if self.is_public else "client_secret_basic")

    def check_response_type(self, kind: str) -> bool:
        return kind == "code"

    def check_grant_type(self, kind: str) -> bool:
        return kind == "authorization_code"


@dataclass
class Code:
    """A code that was given out, with what belongs to it."""

    payload: Any
    user: dict[str, Any]

    code_challenge = property(lambda self: self.payload.data.get("code_challenge"))
    code_challenge_method = property(lambda self: self.payload.data.get("code_challenge_method"))

    def get_redirect_uri(self) -> Any:
        return self.payload.redirect_uri

    def get_scope(self) -> Any:
        return self.payload.scope

    def get_nonce(self) -> Any:
        return self.payload.data.get("nonce")

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> Any:
        return self.user.get("acr")

    def get_amr(self) -> None:
        return None


@dataclass
class Provider:
    """A provider at which `user` is signed in already; `spoil` alters the tokens it gives."""

    user: dict[str, Any] = field(default_factory=dict)
    spoil: Callable[[dict[str, Any]], Any] | None = None
    codes: dict[str, Code] = field(default_factory=dict)
    client: Client = field(default_factory=lambda: Client(""))
    configured: dict[str, Any] = field(default_factory=dict)
    issuer: str = ""

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
        } | self.configured

    def server(self) -> AuthorizationServer:
        made = _Server(self)
        made.register_grant(_Grant, [_Identity(self), CodeChallenge(required=True)])
        made.register_token_generator("default", BearerTokenGenerator(lambda **_: "at" * 20))
        return made

    def token_answer(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.spoil is None or "id_token" not in body:
            return body
        claims = dict(jwt.decode(body["id_token"], KEY).claims)
        claims.pop("at_hash", None)
        return body | {"id_token": self.spoil(claims)}


class _Grant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "none")

    def save_authorization_code(self, code: str, request: Any) -> None:
        self.server.provider.codes[code] = Code(request.payload, request.user)

    def query_authorization_code(self, code: str, _client: Any) -> Code | None:
        found: Code | None = self.server.provider.codes.get(code)
        return found

    def delete_authorization_code(self, code: Code) -> None:
        kept = {k: v for k, v in self.server.provider.codes.items() if v is not code}
        self.server.provider.codes = kept

    def authenticate_user(self, code: Code) -> dict[str, Any]:
        return code.user


class _Identity(OpenIDCode):  # type: ignore[misc]
    def __init__(self, provider: Provider) -> None:
        super().__init__(require_nonce=True)
        self.provider = provider

    def exists_nonce(self, _nonce: str, _request: Any) -> bool:
        return False

    def get_client_algorithm(self, _client: Any) -> str:
        return "RS256"

    def get_encode_header(self, _client: Any) -> dict[str, Any]:
        return {"alg": "RS256", "kid": "k1"}

    def get_compatible_claims(self, _request: Any) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": self.provider.issuer, "aud": [CLIENT], "iat": now, "exp": now + 300}

    def resolve_client_private_key(self, _client: Any) -> Any:
        return KEY.as_dict(private=True)

    def generate_user_info(self, user: dict[str, Any], _scope: str) -> UserInfo:
        return UserInfo(**user)


class _Server(AuthorizationServer):  # type: ignore[misc]
    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self.provider = provider

    def query_client(self, client_id: str) -> Client | None:
        return self.provider.client if client_id == CLIENT else None

    def save_token(self, _token: Any, _request: Any) -> None:
        return None

    def send_signal(self, *_args: Any, **_more: Any) -> None:
        return None

    def create_oauth2_request(self, request: Any) -> OAuth2Request:
        method, uri, form, headers = request
        made = OAuth2Request(method, uri, headers=headers)
        query = dict(parse_qsl(urlsplit(uri).query))
        made.payload = BasicOAuth2Payload(query | form)
        type(made).args = property(lambda _self: query)
        type(made).form = property(lambda _self: form)
        return made

    def handle_response(self, status: int, body: Any, headers: Any) -> Any:
        return status, body, list(headers)


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/.well-known/openid-configuration":
            self._send(200, self.provider.configuration())
        elif path == "/jwks":
            self._send(200, {"keys": [KEY.as_dict(private=False)]})
        else:
            server, request, user = self.provider.server(), self._request({}), self.provider.user
            grant = server.get_consent_grant(request, end_user=user)
            self._send(*server.create_authorization_response(request, user, grant))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
        request = self._request(dict(parse_qsl(raw)))
        status, body, headers = self.provider.server().create_token_response(request)
        self._send(status, self.provider.token_answer(body), headers)

    def log_message(self, *_: object) -> None:
        return None

    def _request(self, form: dict[str, str]) -> Any:
        return self.command, self.provider.issuer + self.path, form, dict(self.headers)

    def _send(self, status: int, body: Any, headers: Any = ()) -> None:
        raw = b"" if body in (None, "") else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A provider that listens on this machine, where nobody listens to what is said in clear."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    made = Provider({"sub": "s-1", "preferred_username": "Sun.Li", "name": "Sun Li"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": made}))
    made.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def town(build: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    """A city of these tests' own. Its clock is today's: the provider's tokens are of now."""
    city = build(tmp_path_factory.mktemp("by_provider") / "city")
    made = City(city.settings, city.control, city.lake)
    for name in ("sun", "bound", "gone"):
        new = NewAccount(name, PartyId("east"), name.title(), frozenset({Role.ANALYST}))
        add_account(made.accounts_office, new, by="root")
    return made


@dataclass
class Way:
    """A browser at the city's pages, and the provider that it is sent to."""

    city: City
    provider: Provider
    visitor: TestClient

    def there(self, back: str = "/") -> httpx.Response:
        """Go to the provider and return its answer, which leads back."""
        sent = self.visitor.get("/sign-in/provider", params={"back": back})
        assert sent.status_code == 303, sent.text
        return httpx.get(sent.headers["location"], follow_redirects=False)

    def back(self, answer: httpx.Response, **change: str) -> httpx.Response:
        """Bring the provider's answer to the city."""
        parts = urlsplit(answer.headers["location"])
        given = {k: v[0] for k, v in parse_qs(parts.query).items()} | change
        return self.visitor.get(parts.path, params=given)

    def come_in(self, back: str = "/") -> httpx.Response:
        return self.back(self.there(back))


@pytest.fixture
def way(town: City, provider: Provider) -> Iterator[Callable[..., Way]]:
    """Opens a browser at a city whose provider is set up so."""
    opened: list[TestClient] = []

    def make(**setup: Any) -> Way:
        is_public = setup.pop("is_public", False)
        named = None if is_public else "SHUZHI_TEST_OIDC"
        oidc = OidcSetup(issuer=provider.issuer, client_id=CLIENT, client_secret_env=named, **setup)
        login = town.settings.city.login.model_copy(update={"oidc": oidc})
        known = town.settings.city.model_copy(
            update={"login": login, "address": "http://127.0.0.1"}
        )
        settings = replace(town.settings, city=known, environment={"SHUZHI_TEST_OIDC": SECRET})
        city = City(settings, town.control, town.lake)
        provider.client = Client("http://127.0.0.1/sign-in/provider/back", is_public)
        visitor = TestClient(make_app(city, asks_login=True), "http://127.0.0.1",
                             headers={"Accept": "text/html"}, follow_redirects=False)  # fmt: skip
        opened.append(visitor)
        return Way(city, provider, visitor)

    yield make
    for each in opened:
        each.close()


def bind(way: Way, name: str, subject: str) -> None:
    way.provider.user["sub"] = subject
    bind_identity(way.city.accounts_office, name, way.provider.issuer, subject, by="root")


def refusals(way: Way, who: str) -> list[str]:
    """Return by which provider somebody came in vain, as the audit log has it."""
    way.city.record()
    long_ago = Instant(datetime(2020, 1, 1, tzinfo=UTC))
    found = way.city.find_entries(f"account:{who}", long_ago, way.city.clock())
    contents = [entry.content or {} for entry in found]
    refused = [each["facts"]["issuer"] for each in contents if each["kind"] == "session.refused"]
    return [issuer for issuer in refused if issuer == way.provider.issuer]


def is_in(way: Way) -> bool:
    return way.visitor.get("/cases").status_code == 200


@pytest.mark.parametrize("is_public", [False, True])
def test_whoever_is_bound_comes_in_where_they_wanted(
    way: Callable[..., Way], is_public: bool
) -> None:
    mine = way(is_public=is_public)
    bind(mine, "bound", f"s-bound-{is_public}")
    assert "统一身份认证" in mine.visitor.get("/sign-in").text
    entered = mine.come_in("/cases/1")
    assert (entered.status_code, entered.headers["location"]) == (303, "/cases/1")
    assert is_in(mine)
    session, *_ = account_file(mine.city.accounts_office, "bound").sessions
    assert session.way is LoginWay.OIDC


def test_nobody_is_given_an_account_without_a_rule(way: Callable[..., Way]) -> None:
    mine = way()
    before = accounts(mine.city.accounts_office)
    refused = mine.come_in()
    assert refused.status_code == 401
    assert "统一身份认证没有通过" in refused.text
    assert accounts(mine.city.accounts_office) == before
    assert not is_in(mine)


def test_a_rule_makes_an_account_with_its_roles(way: Callable[..., Way]) -> None:
    rule = AdmitRule(claim="groups", equals="data", party="west", roles=(Role.STEWARD,))
    mine = way(admit=(rule,))
    mine.provider.user |= {"sub": "s-new", "groups": ["other", "data"]}
    assert mine.come_in().status_code == 303
    file = account_file(mine.city.accounts_office, "sun.li")
    assert (file.account.party, file.account.title, file.account.has_password) == (
        "west", "Sun Li", False,
    )  # fmt: skip
    assert {g.role for g in file.grants} == {Role.STEWARD}
    assert is_in(mine)


def test_a_rule_takes_no_account_over(way: Callable[..., Way]) -> None:
    rule = AdmitRule(claim="sub", equals="s-thief", party="west", roles=(Role.STEWARD,))
    mine = way(admit=(rule,))
    mine.provider.user |= {"sub": "s-thief", "preferred_username": "sun"}
    assert mine.come_in().status_code == 401
    assert not is_in(mine)


def test_a_disabled_account_stays_outside(way: Callable[..., Way]) -> None:
    mine = way()
    bind(mine, "gone", "s-gone")
    disable(mine.city.accounts_office, "gone", by="root")
    assert mine.come_in().status_code == 401
    assert refusals(mine, "gone") == [mine.provider.issuer]


def signed(claims: dict[str, Any], alg: str = "RS256", key: Any = KEY, kid: str = "k1") -> str:
    return jwt.encode({"alg": alg, "kid": kid}, claims, key, algorithms=[alg])


def coded(*parts: dict[str, Any]) -> str:
    raw = (json.dumps(part).encode() for part in parts)
    return ".".join(urlsafe_b64encode(each).decode().rstrip("=") for each in raw)


def _none(claims: dict[str, Any]) -> str:
    return coded({"alg": "none", "kid": "k1"}, claims) + "."


def _public_key_as_secret(claims: dict[str, Any]) -> str:
    text = coded({"alg": "HS256", "kid": "k1"}, claims)
    seal = hmac.digest(KEY.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{urlsafe_b64encode(seal).decode().rstrip('=')}"


SPOILT: dict[str, Callable[[dict[str, Any]], Any]] = {
    "wrong nonce": lambda c: signed(c | {"nonce": "another"}),
    "no nonce": lambda c: signed({k: v for k, v in c.items() if k != "nonce"}),
    "wrong audience": lambda c: signed(c | {"aud": "another"}),
    "no audience": lambda c: signed({k: v for k, v in c.items() if k != "aud"}),
    "for another party": lambda c: signed(c | {"aud": [CLIENT, "another"], "azp": "another"}),
    "expired": lambda c: signed(c | {"exp": int(time.time()) - 3600}),
    "no end": lambda c: signed({k: v for k, v in c.items() if k != "exp"}),
    "from the future": lambda c: signed(c | {"iat": int(time.time()) + 3600}),
    "other issuer": lambda c: signed(c | {"iss": "http://127.0.0.1:1"}),
    "nobody": lambda c: signed(c | {"sub": ""}),
    "no text": lambda c: signed(c | {"sub": 7}),
    "no signature": _none,
    "the public key as a secret": _public_key_as_secret,
    "another key": lambda c: signed(c, key=STRANGE),
    "an unknown key": lambda c: signed(c, key=STRANGE, kid="k2"),
    "cut": lambda c: signed(c)[:-4],
    "no token": lambda _c: "",
    "no text at all": lambda _c: 7,
    "another access token": lambda c: signed(c | {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}),
}


@pytest.mark.parametrize("how", sorted(SPOILT))
def test_a_token_that_does_not_hold_opens_nothing(way: Callable[..., Way], how: str) -> None:
    mine = way()
    bind(mine, "bound", f"s-{how}")
    mine.provider.spoil = SPOILT[how]
    refused = mine.come_in()
    assert refused.status_code == 401
    assert not is_in(mine)
    assert refusals(mine, "unknown") == [mine.provider.issuer]
    mine.provider.spoil = signed
    assert mine.come_in().status_code == 303


def test_an_answer_counts_once_and_in_the_browser_that_asked(way: Callable[..., Way]) -> None:
    mine = way()
    bind(mine, "bound", "s-once")
    answer = mine.there()
    other = way()
    assert other.back(answer).status_code == 401
    assert not is_in(other)
    assert mine.back(answer, state="another").status_code == 401
    answer = mine.there()
    cookie = mine.visitor.cookies["shuzhi_provider"]
    assert mine.back(answer).status_code == 303
    mine.visitor.cookies.clear()
    mine.visitor.cookies.set("shuzhi_provider", cookie)
    assert mine.back(answer).status_code == 401
    assert not is_in(mine)


def test_a_code_of_another_visit_is_refused_by_its_proof(way: Callable[..., Way]) -> None:
    mine, other = way(), way()
    bind(mine, "bound", "s-code")
    stolen = parse_qs(urlsplit(other.there().headers["location"]).query)["code"][0]
    assert mine.back(mine.there(), code=stolen).status_code == 401
    assert not is_in(mine)


def test_an_answer_of_another_provider_or_a_refusal_opens_nothing(way: Callable[..., Way]) -> None:
    mine = way()
    bind(mine, "bound", "s-mixed")
    assert mine.back(mine.there(), iss="https://evil.example").status_code == 401
    assert mine.back(mine.there(), error="access_denied").status_code == 401
    assert not is_in(mine)


def test_a_city_can_ask_for_a_stronger_proof(way: Callable[..., Way]) -> None:
    mine = way(acr_values=("two_factors",))
    bind(mine, "bound", "s-acr")
    assert mine.come_in().status_code == 401
    mine.provider.user["acr"] = "two_factors"
    assert mine.come_in().status_code == 303


@pytest.mark.parametrize(
    "configured",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": None},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
def test_a_provider_that_is_not_as_named_is_not_asked(
    way: Callable[..., Way], configured: dict[str, Any]
) -> None:
    mine = way()
    mine.provider.configured = configured
    broken = mine.visitor.get("/sign-in/provider")
    assert broken.status_code == 503
    assert "统一身份认证暂时不可用" in broken.text


def test_signing_in_by_the_provider_leads_nowhere_else(way: Callable[..., Way]) -> None:
    mine = way()
    bind(mine, "bound", "s-open")
    assert mine.come_in("//evil.example").headers["location"] == "/"


def test_the_clients_secret_shows_nowhere(way: Callable[..., Way]) -> None:
    mine = way()
    shown = repr(mine.city.identity_provider()) + repr(mine.city.settings)
    assert SECRET not in shown
    sent = mine.visitor.get("/sign-in/provider")
    assert SECRET not in str(sent.headers)
    assert re.search(r"code_challenge=[\w-]{43}&code_challenge_method=S256", str(sent.headers))
