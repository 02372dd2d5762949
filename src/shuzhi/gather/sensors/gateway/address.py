"""Addresses to listen on, as people write them."""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError

_MOST_PORT = 65_535


def address(text: str) -> tuple[str, int]:
    """Return HOST:PORT, [IPV6]:PORT or :PORT as a pair, or refuse it (`gather.bad_address`)."""
    host, colon, port = text.rpartition(":")
    if colon and port.isascii() and port.isdigit() and int(port) <= _MOST_PORT:
        return host.strip("[]"), int(port)
    raise RefusedError(
        "gather.bad_address",
        f"{text[:60]!r} is no address to listen on.",
        next_step="Write HOST:PORT, such as 0.0.0.0:9212.",
    )
