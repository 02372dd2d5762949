"""Who asks: the holder of a session or of an API key, whoever sits at this machine, or nobody.

Each request is recognised once, before it reaches a page; pages ask `visitor_of` for what the
visitor may do, by rights and never by roles.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from shuzhi.app import City
from shuzhi.kernel.errors import ShuzhiError
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import Right, Role, Standing
from shuzhi.web.guarding import STATIC, first_header
from shuzhi.web.problems import WebError, problem

SESSION_COOKIE = "shuzhi_session"
# A browser takes this name only over TLS, for this host alone (RFC 6265bis, section 4.1.3.2).
SECURE_SESSION_COOKIE = "__Host-shuzhi_session"


_NONE_BUSY: Mapping[str, Callable[[str], Awaitable[Standing | None]]] = {}


@dataclass(frozen=True)
class Visitor:
    """Who asks.

    `standing` is who the visitor proved to be. `acts_unnamed` is true at a server of this machine
    alone that was started so: whoever sits there acts under the name that they type.
    """

    standing: Standing | None = None
    acts_unnamed: bool = False

    @property
    def name(self) -> str:
        """What pages call the visitor; empty for somebody unknown."""
        return self.standing.title if self.standing else ""

    @property
    def account(self) -> str | None:
        """The name of the visitor's account, as histories and the audit log have it."""
        return self.standing.account if self.standing else None

    @property
    def party(self) -> PartyId | None:
        """The party that the visitor's account belongs to."""
        return self.standing.party if self.standing else None

    @property
    def roles(self) -> frozenset[Role]:
        """What the visitor is, for whatever party."""
        return self.standing.roles() if self.standing else frozenset()

    def may(self, right: Right, party: PartyId | None = None) -> bool:
        """Tell whether the visitor has a right for `party`; for some party when none is named."""
        if self.standing is None:
            return self.acts_unnamed and right in _UNNAMED
        return self.standing.may(right, party)

    @property
    def may_act(self) -> bool:
        """Whether the visitor may do anything about a case."""
        return any(self.may(right) for right in _CASE_RIGHTS)


_CASE_RIGHTS = frozenset(right for right in Right if right.value.startswith("case."))
# Whoever sits at the machine may do what pages did before anybody had an account.
_UNNAMED = _CASE_RIGHTS


def visitor_of(request: Request) -> Visitor:
    """Return who asks for a page."""
    visitor = request.scope.get("visitor")
    return visitor if isinstance(visitor, Visitor) else Visitor()


def require_reader(request: Request) -> None:
    """Refuse (`web.not_allowed`) who is known, but may not read, at a server that asks.

    Raises:
        WebError: `web.not_allowed`.
    """
    visitor = visitor_of(request)
    if request.app.state.asks_login and visitor.standing and not visitor.may(Right.READ):
        raise WebError(
            "web.not_allowed",
            "Your roles do not open this page."
            if not visitor.standing.must_change
            else "Choose a password of your own first.",
            next_step="See your roles at /account.",
        )


def session_token(scope: Scope) -> str:
    """Return the session's token that a browser brought; empty where there is none.

    Over TLS only the cookie counts that nobody but this host can have set.
    """
    given = first_header(scope, b"cookie")
    if not given:
        return ""
    try:
        cookies = SimpleCookie(given)
    except CookieError:
        return ""
    name = SECURE_SESSION_COOKIE if scope.get("scheme") == "https" else SESSION_COOKIE
    return cookies[name].value if name in cookies else ""


def bearer(headers: Headers) -> str:
    """Return what a program shows as its bearer token (RFC 6750); empty where there is none."""
    return _bearer(headers.get("authorization", ""))


def _bearer(authorization: str) -> str:
    scheme, _, given = authorization.partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


class Recognise:
    """Says of each request who asks (ASGI); paths that are `busy` look keys up in their own way."""

    def __init__(
        self,
        app: ASGIApp,
        city: City,
        *,
        acts_unnamed: bool,
        busy: Mapping[str, Callable[[str], Awaitable[Standing | None]]] = _NONE_BUSY,
    ) -> None:
        self._app = app
        self._city = city
        self._busy = busy
        self._unnamed = acts_unnamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        app = self._app
        if scope["type"] == "http":
            try:
                scope["visitor"] = visitor = await self._visitor(scope)
                scope["is_known"] = visitor.standing is not None
            except ShuzhiError as error:
                app = problem(error)
        await app(scope, receive, send)

    async def _visitor(self, scope: Scope) -> Visitor:
        session, key = session_token(scope), _bearer(first_header(scope, b"authorization"))
        standing, look_up = None, self._busy.get(scope["path"])
        if key and not session and look_up is not None:
            standing = await look_up(key)
        elif (session or key) and not scope["path"].startswith(STATIC):
            standing = await run_in_threadpool(self._city.standing, session=session, key=key)
        return Visitor(standing, acts_unnamed=self._unnamed and standing is None)
