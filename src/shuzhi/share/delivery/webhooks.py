"""Webhooks: what is called, how it is signed, and that nothing else can be reached.

Signed as Standard Webhooks 1.0.0 says (headers `webhook-id`, `webhook-timestamp`,
`webhook-signature`, HMAC-SHA256), so that receivers may use a library that they have. Only origins
that the city lists are called, no redirect is followed, and of an answer only the status is read.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

import httpx2

from shuzhi.kernel.instant import Instant
from shuzhi.share.delivery.errors import DeliveryError

Post = Callable[[str, Mapping[str, str], bytes], int]
"""Sends a body to a URL and returns the status; OSError when there was no answer."""
_MOST_URL = 1_000
_PORTS = {"http": 80, "https": 443}


def require_allowed(url: str, origins: Iterable[str]) -> str:
    """Return a URL whose origin is listed.

    Raises:
        DeliveryError: `share.push_not_allowed`.
    """
    if len(url) <= _MOST_URL and (origin := _origin(url)) and origin in map(_origin, origins):
        return url
    raise DeliveryError(
        "share.push_not_allowed",
        f"Changes are not pushed to {url[:80]!r}.",
        next_step="List its origin (https://host:port) in city.yaml, delivery.push_to.",
    )


def secret_of(city_key: bytes, subscription: int) -> str:
    """Return what the receiver of a subscription checks signatures by (`whsec_…`)."""
    return "whsec_" + b64encode(_key(city_key, subscription)).decode()


def signed(
    city_key: bytes, subscription: int, message: str, at: Instant, body: bytes
) -> dict[str, str]:
    """Return the headers of one attempt to send a message."""
    seconds = str(int(at.timestamp()))
    content = f"{message}.{seconds}.".encode() + body
    digest = hmac.digest(_key(city_key, subscription), content, "sha256")
    return {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }


def poster(client: httpx2.Client) -> Post:
    """Return what sends through `client`; its time-outs are the client's."""

    def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
        try:
            with client.stream(
                "POST", url, headers=dict(headers), content=body, follow_redirects=False
            ) as response:
                return int(response.status_code)
        except httpx2.HTTPError as error:
            raise OSError(type(error).__name__) from error

    return post


def _origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port; None for what we never call."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


def _key(city_key: bytes, subscription: int) -> bytes:
    return hmac.digest(city_key, f"webhook {subscription}".encode(), "sha256")
