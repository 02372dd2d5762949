"""Browsers in which somebody signed in before: no stranger makes their tries wait.

Each bears a mark for one account (device cookies, as OWASP describes them) and has tries of its
own. The mark proves nobody, and says nothing of whose it is to who has not the city's key.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

from fastapi import Request, Response

from shuzhi.app import City

_NONCE_BYTES = 24
_LASTS_S = 180 * 24 * 3600


def mark_of(city: City, request: Request, name: str) -> str:
    """Return the mark by which a browser is known for an account; empty for a stranger's."""
    mark = request.cookies.get(_cookie(request), "")
    nonce, _, proof = mark.partition(".")
    is_ours = hmac.compare_digest(proof.encode(), _proof(city, name, nonce).encode())
    return nonce if is_ours else ""


def give_mark(city: City, request: Request, answer: Response, name: str) -> None:
    """Let a browser be known from now on for the account that just proved itself there."""
    nonce = secrets.token_urlsafe(_NONCE_BYTES)
    is_https = request.url.scheme == "https"
    answer.set_cookie(
        _cookie(request), f"{nonce}.{_proof(city, name, nonce)}", max_age=_LASTS_S,
        httponly=True, samesite="strict", secure=is_https,
    )  # fmt: skip


def _proof(city: City, name: str, nonce: str) -> str:
    content = f"browser of an account\n{name}\n{nonce}".encode()
    return hmac.new(city.city_key, content, sha256).hexdigest()


def _cookie(request: Request) -> str:
    return "__Host-shuzhi_browser" if request.url.scheme == "https" else "shuzhi_browser"
