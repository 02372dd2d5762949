"""The way in: sockets that listen, how many may come, and handing connections to a process."""

from __future__ import annotations

import logging
import socket
import struct
from collections import Counter
from collections.abc import Iterator

from shuzhi.gather.sensors.gateway.limits import Limits

BACKLOG = 4_096
_ANSWERS_BYTES = 64 * 1024
_KEEP_ALIVE_SECONDS = 120
_NUMBER = struct.Struct("<Q")
_logger = logging.getLogger("shuzhi.gateway")


def bound(host: str, port: int, *, has_tls: bool) -> tuple[socket.socket, tuple[str, int]]:
    """Return a socket bound to an address, and the address, with the port that was given for 0.

    Its connections inherit its options. They notice when the other side is gone. Answers are
    short: little need wait in the system for who reads none.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ANSWERS_BYTES)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEP_ALIVE_SECONDS)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEP_ALIVE_SECONDS // 4)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        found.bind((host, port))
    except OSError:
        found.close()
        raise
    at = found.getsockname()
    _logger.info("listening on %s port %s%s", at[0], at[1], " with TLS" if has_tls else "")
    return found, (str(at[0]), int(at[1]))


class Crowd:
    """How many connections there are, in all and from each address."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._addresses: Counter[str] = Counter()
        self.all = 0

    def came(self, peer: str) -> str:
        """Count a connection; return why there is no room for it, or nothing."""
        self.all += 1
        self._addresses[peer] += 1
        if self.all > self._limits.connections:
            return "too_many_connections"
        if self._addresses[peer] > self._limits.connections_per_address:
            return "too_many_from_one_address"
        return ""

    def went(self, peer: str) -> None:
        """Forget a connection that is gone."""
        self.all -= 1
        self._addresses[peer] -= 1
        if not self._addresses[peer]:
            del self._addresses[peer]


def doors() -> tuple[socket.socket, socket.socket]:
    """Return both sides of a door between two processes."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours, theirs


def handed(door: socket.socket, number: int, connection: socket.socket) -> bool:
    """Hand a connection through a door; False when nobody takes it there, or not now."""
    try:
        socket.send_fds(door, [_NUMBER.pack(number)], [connection.fileno()])
    except OSError:
        return False
    return True


def taken(door: socket.socket) -> Iterator[tuple[int, socket.socket]]:
    """Yield the connections that wait behind a door, with their numbers."""
    while True:
        try:
            told, files, _, _ = socket.recv_fds(door, _NUMBER.size, 1)
        except BlockingIOError:
            return
        if not told:
            return
        for file in files:
            connection = socket.socket(fileno=file)
            connection.setblocking(False)
            yield _NUMBER.unpack(told)[0], connection
