"""What every request and every answer passes: who may come in, and what a browser may do.

Without a token the server is for this machine alone, and asks that the request names it so: a page
of a stranger whose name was made to point here (DNS rebinding) is turned away.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shuzhi.web.problems import WebError, problem

SIGN_IN = "/sign-in"
STATIC = "/static/"
TOKEN_COOKIE = "shuzhi_token"  # noqa: S105  (the name of a cookie)
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
}


class Guard:
    """Lets requests in that may come, and sends what comes back with its security headers."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _seal(MutableHeaders(scope=message))
            await send(message)

        app = self._turned_away(scope) or self._app
        await app(scope, receive, sealed)

    def _turned_away(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), scope["path"]
        if self._token is None:
            if is_loopback(_host_name(headers.get("host", ""))):
                return None
            return problem(WebError("web.wrong_host", "This server is for this machine alone."))
        if bears(headers, self._token) or path == SIGN_IN or path.startswith(STATIC):
            return None
        if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            return RedirectResponse(f"{SIGN_IN}?back={quote(path)}", 303)
        answer = problem(WebError("web.unauthorized", "This service asks for a token."))
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
    return cookie is not None and hmac.compare_digest(cookie.value, token_cookie(token))


def token_cookie(token: str) -> str:
    """Return what the cookie of who signed in holds; the token cannot be told from it."""
    return hmac.new(token.encode(), b"shuzhi pages", hashlib.sha256).hexdigest()


def is_loopback(host: str) -> bool:
    """Tell whether a host's name or address means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _seal(headers: MutableHeaders) -> None:
    for name, value in _FOR_ALL.items():
        headers.setdefault(name, value)
    # The worker that keeps a page's stream lives by the policy of its own script.
    if headers.get("content-type", "").startswith(("text/html", "text/javascript")):
        headers["Content-Security-Policy"] = _FOR_PAGES
    headers.setdefault("Cache-Control", "no-store")
