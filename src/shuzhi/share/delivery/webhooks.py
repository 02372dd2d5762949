"""Webhooks: what is called, how it is signed, and that nothing else can be reached.

Signed as Standard Webhooks 1.0.0 says (headers `webhook-id`, `webhook-timestamp`,
`webhook-signature`, HMAC-SHA256), so that receivers may use a library that they have. Only origins
that the city lists are called, no redirect is followed, and of an answer only the status is read.
A listed name that came to mean this machine or its link is told nothing.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

import httpx2

from shuzhi.kernel.instant import Instant
from shuzhi.share.delivery.errors import DeliveryError

Post = Callable[[str, Mapping[str, str], bytes], int]
"""Sends a body to a URL and returns the status; OSError when there was no answer."""
_MOST_URL = 1_000
_PORTS = {"http": 80, "https": 443}
# How long one receiver may keep all others waiting, however it drips.
_WITHIN_S = 30.0
_CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")


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


def poster(client: httpx2.Client, *, within_s: float = _WITHIN_S) -> Post:
    """Return what sends through `client`, whose time-outs are those of each step.

    Whatever the receiver does, it is over `within_s` after it took the connection.
    """

    def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
        # One connection for each: the next would have a name's address of before.
        sent = {**headers, "connection": "close"}
        try:
            with (
                _watched(url, within_s) as extensions,
                client.stream(
                    "POST",
                    url,
                    headers=sent,
                    content=body,
                    follow_redirects=False,
                    extensions=extensions,
                ) as response,
            ):
                return int(response.status_code)
        except httpx2.HTTPError as error:
            raise OSError(type(error).__name__) from error

    return post


@contextmanager
def _watched(url: str, within_s: float) -> Iterator[dict[str, Any]]:
    """Yield what a request needs so that its connection is looked at, and cut in the end."""
    host, timers = urlsplit(url).hostname or "", list[Timer]()

    def connected(event: str, told: Mapping[str, Any]) -> None:
        if event not in _CONNECTED:
            return
        held = told["return_value"].get_extra_info("socket")
        _require_outside(host, held.getpeername()[0])
        timers.append(Timer(within_s, _cut, [held]))
        timers[-1].daemon = True
        timers[-1].start()

    try:
        yield {"trace": connected}
    finally:
        for timer in timers:
            timer.cancel()


def _cut(held: socket.socket) -> None:
    """End a connection that another thread waits at; closing it would not wake that thread."""
    try:
        # Of TLS too the plain one: a farewell could be waited for.
        socket.socket.shutdown(held, socket.SHUT_RDWR)
    except OSError:
        return


def _require_outside(host: str, address: str) -> None:
    """Refuse (OSError) an address of this machine or its link, unless the city lists it as such."""
    found = ipaddress.ip_address(address.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    is_near = found.is_loopback or found.is_link_local or found.is_unspecified
    if is_near and not (host == "localhost" or _is_address(host)):
        raise OSError("its name means this machine")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


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
