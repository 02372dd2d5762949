"""Forms that change something: they must come from our own page, and count once when sent twice.

A form bears a token made from a cookie of the browser and a key of this process; who has neither
cannot send one. Its key names one sending: the same key again is answered as the first time.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import urlsplit

from fastapi import Request, Response
from starlette.datastructures import FormData

from shuzhi.web.problems import WebError

FORM_COOKIE = "shuzhi_form"
_MOST_KEPT = 10_000
_COOKIE_BYTES = 24


@dataclass(frozen=True)
class Forms:
    """Who may send forms to this process, and what was sent already."""

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _done: OrderedDict[str, str] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def cookie(self, request: Request) -> str:
        """Return the browser's cookie, or a new one for it."""
        return request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(_COOKIE_BYTES)

    def token(self, cookie: str) -> str:
        """Return what a form for the browser with that cookie bears."""
        return hmac.new(self.secret, cookie.encode(), hashlib.sha256).hexdigest()

    def fields(self, request: Request) -> dict[str, str]:
        """Return what the template of a form needs: its token and key, and the cookie to give."""
        cookie = self.cookie(request)
        return {"cookie": cookie, "token": self.token(cookie), "key": new_key()}

    def give(self, response: Response, cookie: str) -> None:
        """Let the browser keep its cookie."""
        response.set_cookie(FORM_COOKIE, cookie, httponly=True, samesite="strict")

    def require_ours(self, request: Request, form: FormData) -> None:
        """Refuse (`web.form_expired`) a form that did not come from a page of this process."""
        given, cookie = str(form.get("token", "")), request.cookies.get(FORM_COOKIE, "")
        is_ours = bool(cookie) and hmac.compare_digest(given.encode(), self.token(cookie).encode())
        if not (is_ours and _is_same_origin(request)):
            raise WebError(
                "web.form_expired",
                "This form is not one that this server handed out lately; nothing was done.",
                next_step="Look at it again and send it once more.",
            )

    def done(self, key: str) -> str | None:
        """Return where the form with that key led when it was sent before."""
        with self._lock:
            return self._done.get(key)

    def note(self, key: str, led_to: str) -> None:
        """Note where the form with that key led."""
        with self._lock:
            self._done[key] = led_to
            while len(self._done) > _MOST_KEPT:
                self._done.popitem(last=False)


def new_key() -> str:
    """Return a key for one sending of a form."""
    return secrets.token_urlsafe(16)


def local_path(text: str) -> str:
    """Return a path of this server as it is; `/` for anything that leads elsewhere."""
    is_local = text.startswith("/") and not text.startswith(("//", "/\\"))
    return text if is_local and text.isprintable() else "/"


def _is_same_origin(request: Request) -> bool:
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    return urlsplit(origin).netloc == request.headers.get("host")
