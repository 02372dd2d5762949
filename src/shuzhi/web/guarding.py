"""What every request and every answer passes: who may come in, and what a browser may do.

Without a token or accounts the server is for this machine alone, and asks that the request names
it so: a page of a stranger whose name was made to point here (DNS rebinding) is turned away.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shuzhi.web.problems import WebError, problem

SIGN_IN = "/sign-in"
STATIC = "/static/"
TOKEN_COOKIE = "shuzhi_token"  # noqa: S105  (the name of a cookie)
# Before anybody is known: the way in, what its page is made of, and its language.
_FOR_ALL_PATHS = (SIGN_IN, STATIC, "/language/")
_FOR_PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_FOR_ALL = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # A form tells by its origin that it is ours; no-referrer would hide that from us as well.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
# As they are sent, by whether the request came over TLS: every answer gets them.
_OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}
_OF_PAGES = (b"text/html", b"text/javascript")
_SEALS = {
    is_https: [
        (name.lower().encode(), value.encode())
        for name, value in ({**_OVER_TLS, **_FOR_ALL} if is_https else _FOR_ALL).items()
    ]
    for is_https in (False, True)
}


@dataclass(frozen=True)
class Entrance:
    """Who may come in.

    With a `token`, whoever bears it, or has an account. With `asks_login`, who has an account;
    `hosts` are then the names that the server answers to besides this machine's own.
    """

    token: str | None = None
    asks_login: bool = False
    hosts: frozenset[str] = frozenset()

    def lets_in(self, headers: Headers, path: str, *, is_known: bool) -> bool:
        """Tell whether a request may go on to what it asks for."""
        if is_known or path.startswith(_FOR_ALL_PATHS):
            return True
        if self.token is not None:
            return bears(headers, self.token)
        return not self.asks_login

    def is_named(self, headers: Headers) -> bool:
        """Tell whether a request names this server as it is called."""
        if self.token is not None:
            return True
        host = host_of(headers)
        return is_loopback(host) or (self.asks_login and host in self.hosts)


class Sealed:
    """Sends every answer with its security headers, also the one that something broke (ASGI)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def sealed(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                _seal(message, is_https=scope.get("scheme") == "https")
            await send(message)

        try:
            await self._app(scope, receive, sealed)
        except Exception:
            if not has_begun:
                said = "Something of ours broke."
                await problem(WebError("web.broken", said, next_step="Try again later."))(
                    scope, receive, sealed
                )
            # What it was is for who keeps the server, and for nobody else.
            raise


class Guard:
    """Lets requests in that may come (ASGI)."""

    def __init__(self, app: ASGIApp, entrance: Entrance) -> None:
        self._app = app
        self._entrance = entrance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        turned_away = self._turned_away(scope) if scope["type"] == "http" else None
        await (turned_away or self._app)(scope, receive, send)

    def _turned_away(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), scope["path"]
        if not self._entrance.is_named(headers):
            return problem(WebError("web.wrong_host", "This server is not called so."))
        is_known = bool(scope.get("is_known"))
        if self._entrance.lets_in(headers, path, is_known=is_known):
            return None
        if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            return RedirectResponse(f"{SIGN_IN}?back={quote(path)}", 303)
        answer = problem(WebError("web.unauthorized", "This service asks who you are."))
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer


def bears(headers: Headers, token: str) -> bool:
    """Tell whether a request bears the token (RFC 6750), or the cookie that signing in gave."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return True
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(TOKEN_COOKIE)
    except CookieError:
        return False
    return cookie is not None and hmac.compare_digest(
        cookie.value.encode(), token_cookie(token).encode()
    )


def token_cookie(token: str) -> str:
    """Return what the cookie of who signed in holds; the token cannot be told from it."""
    return hmac.new(token.encode(), b"shuzhi pages", hashlib.sha256).hexdigest()


@lru_cache(256)
def is_loopback(host: str) -> bool:
    """Tell whether a host's name or address means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def first_header(scope: Scope, name: bytes) -> str:
    """Return the first header of a name, which is in small letters; empty where there is none."""
    for held, value in scope["headers"]:
        if held == name:
            return str(value.decode("latin-1"))
    return ""


def host_of(headers: Headers) -> str:
    """Return the host that a request names, without its port."""
    host = headers.get("host", "")
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _seal(message: Message, *, is_https: bool) -> None:
    held = dict(message["headers"])
    added = [pair for pair in _SEALS[is_https] if pair[0] not in held]
    told = map(_over_tls, message["headers"]) if is_https else message["headers"]
    message["headers"] = [*told, *added]
    # The worker that keeps a page's stream lives by the policy of its own script.
    if held.get(b"content-type", b"").startswith(_OF_PAGES):
        MutableHeaders(scope=message)["Content-Security-Policy"] = _FOR_PAGES


def _over_tls(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """Return a header; a cookie as one that is never sent in clear."""
    name, value = header
    if name != b"set-cookie" or b"; secure" in value.lower():
        return header
    return name, value + b"; Secure"
