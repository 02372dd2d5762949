"""The gateway: listens, keeps order among its connections, and tells the log what happens.

It runs on one event loop. What is slow, the disk and the control store, has threads of its own.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from time import monotonic, time, time_ns
from typing import Any, NamedTuple

from shuzhi.gather.sensors.gateway.admission import Admitted, Registry
from shuzhi.gather.sensors.gateway.budget import Tally
from shuzhi.gather.sensors.gateway.committer import Committer, Write
from shuzhi.gather.sensors.gateway.connection import Connection
from shuzhi.gather.sensors.gateway.limits import Limits
from shuzhi.gather.sensors.hj212 import Refusal
from shuzhi.gather.sensors.records import Kind, Refused, source_numbers

_BACKLOG = 4_096
_LOOK_SECONDS = 1.0
_MOVES_TOLD = 20
_LOOKED_AT_ONCE = 200
_ANSWERS_BYTES = 64 * 1024
_KEEP_ALIVE_SECONDS = 120
_MOST_TALLIED = 100_000
_logger = logging.getLogger("shuzhi.gateway")


class Voice(NamedTuple):
    """On which connection a station speaks, and with which password."""

    connection: Connection
    password: str


class Gateway:
    """Takes frames from any number of connections; `write` makes records durable.

    `written` is the number of the record that comes next. Set `clock_wanted` to hear which
    stations want their clocks to be set.
    Put a newer `registry` in place at any time; connections ask it from their next frame on.
    """

    def __init__(
        self, write: Write, registry: Registry, limits: Limits | None = None, *, written: int = 0
    ) -> None:
        self.limits = limits or Limits()
        self.frame_cost = self.limits.bytes_per_second / self.limits.frames_per_second
        self.speaking: dict[str, Voice] = {}
        self.clock_wanted: Callable[[str], None] = _nobody
        self.refusals: Counter[str] = Counter()
        self.committer = Committer(
            asyncio.get_running_loop(),
            write,
            most_waiting=self.limits.waiting_bytes,
            relieved=self._relieved,
            written=written,
        )
        self._numbers = source_numbers(int(time()))
        self._connections: set[Connection] = set()
        self._registry = registry
        self._voices: dict[Connection, list[str]] = {}
        self._addresses: Counter[str] = Counter()
        self._tally = Tally(_MOST_TALLIED)
        self._moves = _Moves()
        self._servers: list[asyncio.Server] = []
        self._looking = asyncio.create_task(self._look_after_all())

    async def listen(
        self, host: str, port: int, *, tls: ssl.SSLContext | None = None
    ) -> tuple[str, int]:
        """Accept connections at an address; return it, with the port that was given for 0."""
        loop = asyncio.get_running_loop()
        bound = _bound(host, port)
        server = await loop.create_server(
            lambda: Connection(self, self.new_number()), sock=bound, backlog=_BACKLOG, ssl=tls
        )
        self._servers.append(server)
        at: Sequence[Any] = bound.getsockname()
        _logger.info("listening on %s port %s%s", at[0], at[1], " with TLS" if tls else "")
        return str(at[0]), int(at[1])

    async def close(self) -> None:
        """Accept nothing more, write and answer what was taken, and drop every connection."""
        self._looking.cancel()
        for server in self._servers:
            server.close()
        for connection in self._connections:
            connection.hold("closing")
        await self._settle()
        for connection in list(self._connections):
            connection.close()
        # A turn of the loop, in which connections tell what they leave unfinished.
        await asyncio.sleep(0)
        await self._settle()
        self.committer.close()

    async def _settle(self) -> None:
        """Return when everything that came is written, or nothing can be."""
        while not self.committer.is_idle and not self.committer.is_pressed:
            await asyncio.sleep(0.005)

    @property
    def registry(self) -> Registry:
        """The stations as they stand."""
        return self._registry

    @registry.setter
    def registry(self, registry: Registry) -> None:
        self._registry = registry
        for connection in self._connections:
            connection.forget()

    def new_number(self) -> int:
        """Return a number for somebody who sends, which no other ever has."""
        return next(self._numbers)

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    # What connections ask

    def came(self, connection: Connection) -> bool:
        """Count a connection; False when there is no room for it."""
        self._connections.add(connection)
        self._addresses[connection.peer] += 1
        limits = self.limits
        if len(self._connections) > limits.connections:
            self._tell(connection.peer, "too_many_connections")
            return False
        if self._addresses[connection.peer] > limits.connections_per_address:
            self._tell(connection.peer, "too_many_from_one_address")
            return False
        return True

    def went(self, connection: Connection) -> None:
        """Forget a connection that is gone."""
        if connection not in self._connections:
            return
        self._connections.remove(connection)
        self._addresses[connection.peer] -= 1
        if not self._addresses[connection.peer]:
            del self._addresses[connection.peer]
        for mn in self._voices.pop(connection, ()):
            if mn in self.speaking and self.speaking[mn].connection is connection:
                del self.speaking[mn]
                self._moves.tell("station %s left %s", mn, connection.peer)

    def recognised(self, connection: Connection, admitted: Admitted, password: str) -> None:
        """Note that a connection speaks for a station; commands go to the newest that does."""
        mn = admitted.station.mn
        known = self.speaking.get(mn)
        self.speaking[mn] = Voice(connection, password)
        if known is None or known.connection is not connection:
            self._voices.setdefault(connection, []).append(mn)
            self._moves.tell("station %s came from %s", mn, connection.peer)

    def asked_for_time(self, mn: str) -> None:
        """Note that a station wants its clock to be set."""
        self.clock_wanted(mn)

    def refused(self, connection: Connection, refusal: Refusal, raw: bytes, mn: str) -> None:
        """Tell and keep what was refused, within limits."""
        self.refusals[refusal.code] += 1
        self._tell(connection.peer, refusal.code, f"{mn} {refusal.detail}".strip())
        kept = self._tally.count(connection.peer, "kept", monotonic())
        if kept <= self.limits.quarantined_per_minute:
            refused = Refused(refusal.code, raw, connection.peer, mn, refusal.detail)
            self.committer.add(
                (time_ns() // 1000, connection.number, int(Kind.REFUSED), refused.body())
            )

    def dropped(self, connection: Connection, why: str) -> None:
        """Drop a connection and tell why."""
        self._tell(connection.peer, why, connection.station)
        connection.close()

    def later(self, seconds: float, connection: Connection, why: str) -> None:
        """Release a connection after some time."""
        asyncio.get_running_loop().call_later(seconds, connection.release, why)

    # Keeping order

    async def _look_after_all(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._moves.sum_up()
            everyone = list(self._connections)
            for first in range(0, len(everyone), _LOOKED_AT_ONCE):
                now = monotonic()
                for connection in everyone[first : first + _LOOKED_AT_ONCE]:
                    if why := connection.look_after(now):
                        self.dropped(connection, why)
                # Frames must not wait until thousands of connections have been looked at.
                await asyncio.sleep(0.01)

    def _relieved(self) -> None:
        for connection in self._connections:
            connection.release("pressure")

    def _tell(self, peer: str, code: str, detail: str = "") -> None:
        """Say it once a minute for an address, then only what a power of ten reaches."""
        count = self._tally.count(peer, code, monotonic())
        if count == 1:
            _logger.warning("%s: %s %s", peer, code, detail)
        elif count >= 10 and str(count).strip("0") == "1":
            _logger.warning("%s: %s %s times in this minute", peer, code, f"{count:,}")


class _Moves:
    """Tells which stations come and go: each while they are few, else how many there were.

    After an outage thousands come in a second, and each line would keep the next of them waiting.
    """

    def __init__(self) -> None:
        self._told = self._others = 0

    def tell(self, what: str, mn: str, peer: str) -> None:
        """Tell of one station."""
        if self._told < _MOVES_TOLD:
            self._told += 1
            _logger.info(what, mn, peer)
        else:
            self._others += 1

    def sum_up(self) -> None:
        """Tell, once a second, of those that were not told of."""
        if self._others:
            _logger.info("%s more stations came or left", f"{self._others:,}")
        self._told = self._others = 0


def _nobody(mn: str) -> None:
    """Nobody sets clocks."""


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address, whose connections notice when the other side is gone.

    They inherit its options. Answers are short: little need wait in the system for who reads none.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ANSWERS_BYTES)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEP_ALIVE_SECONDS)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEP_ALIVE_SECONDS // 4)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
