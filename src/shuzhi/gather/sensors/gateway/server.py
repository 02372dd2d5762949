"""The gateway: listens, keeps order among its connections, and tells the log what happens.

It runs on one event loop. What is slow, the disk and the control store, has threads of its own.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from time import monotonic, time, time_ns
from typing import NamedTuple

from shuzhi.gather.sensors.gateway.admission import Admitted, Registry
from shuzhi.gather.sensors.gateway.committer import Committer, Write
from shuzhi.gather.sensors.gateway.connection import Connection
from shuzhi.gather.sensors.gateway.door import BACKLOG, Crowd, bound, taken
from shuzhi.gather.sensors.gateway.limits import Limits
from shuzhi.gather.sensors.gateway.reading import Reading
from shuzhi.gather.sensors.gateway.sending import NONE
from shuzhi.gather.sensors.gateway.telling import Moves, Telling
from shuzhi.gather.sensors.hj212 import Refusal
from shuzhi.gather.sensors.records import Kind, Refused, source_numbers

_LOOK_SECONDS = 1.0
_LOOKED_AT_ONCE = 200
_logger = logging.getLogger("shuzhi.gateway")


class Voice(NamedTuple):
    """On which connection a station speaks, and with which password."""

    connection: Connection
    password: str


class Gateway:
    """Takes frames from any number of connections; `write` makes records durable.

    `written` is the number of the record that comes next. Set `tell` to hear what happens:
    `wants_its_clock_set`, `speaks` and `left` with an MN, `went` with the number of a connection.
    `numbers` are for whoever sends, and no other ever has the same.
    Put a newer `registry` in place at any time; connections ask it from their next frame on.
    """

    def __init__(
        self, write: Write, registry: Registry, limits: Limits | None = None, *, written: int = 0
    ) -> None:
        self.limits = limits or Limits()
        self.frame_cost = self.limits.bytes_per_second / self.limits.frames_per_second
        self.speaking: dict[str, Voice] = {}
        self.tell: Callable[[str, str | int], None] = _nobody
        self.refusals: Counter[str] = Counter()
        self.committer = Committer(
            asyncio.get_running_loop(),
            write,
            most_waiting=self.limits.waiting_bytes,
            relieved=self._relieved,
            written=written,
        )
        self.reading = Reading(asyncio.get_running_loop())
        self.numbers = source_numbers(int(time()))
        self._connections: set[Connection] = set()
        self._registry = registry
        self._voices: dict[Connection, list[str]] = {}
        self._crowd = Crowd(self.limits)
        self._taking: set[asyncio.Task[None]] = set()
        self._telling = Telling()
        self._moves = Moves()
        self._servers: list[asyncio.Server] = []
        self._doors: list[socket.socket] = []
        self._looking = asyncio.create_task(self._look_after_all())

    async def listen(
        self, host: str, port: int, *, tls: ssl.SSLContext | None = None
    ) -> tuple[str, int]:
        """Accept connections at an address; return it, with the port that was given for 0."""
        loop = asyncio.get_running_loop()
        listening, at = bound(host, port, has_tls=tls is not None)
        server = await loop.create_server(
            lambda: Connection(self, next(self.numbers)), sock=listening, backlog=BACKLOG, ssl=tls
        )
        self._servers.append(server)
        return at

    def take_from(self, door: socket.socket, *, tls: ssl.SSLContext | None = None) -> None:
        """Take the connections that come through a door, each with the number it was given."""
        self._doors.append(door)
        asyncio.get_running_loop().add_reader(door, self._take, door, tls)

    def _take(self, door: socket.socket, tls: ssl.SSLContext | None) -> None:
        for number, accepted in taken(door):
            task = asyncio.create_task(self._begin(number, accepted, tls))
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)

    async def _begin(
        self, number: int, accepted: socket.socket, tls: ssl.SSLContext | None
    ) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: Connection(self, number), accepted, ssl=tls)
        except OSError:
            # Gone already, or it does not speak TLS.
            self.tell("went", number)

    async def close(self) -> None:
        """Accept nothing more, write and answer what was taken, and drop every connection."""
        self._looking.cancel()
        for server in self._servers:
            server.close()
        for door in self._doors:
            asyncio.get_running_loop().remove_reader(door)
            door.close()
        for connection in self._connections:
            connection.hold("closing")
        await self._settle()
        for connection in list(self._connections):
            connection.close()
        # A turn of the loop, in which connections tell what they leave unfinished.
        await asyncio.sleep(0)
        await self._settle()
        self.reading.close()
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

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    # What connections ask

    def file_of(self, transport: asyncio.Transport) -> int:
        """Return the socket that may be read and written beside its transport, or `NONE`."""
        is_bare = transport.get_extra_info("sslcontext") is None
        if not (is_bare and self.committer.sending.is_able):
            return NONE
        return int(transport.get_extra_info("socket").fileno())

    def came(self, connection: Connection) -> bool:
        """Count a connection; False when there is no room for it."""
        self._connections.add(connection)
        if why := self._crowd.came(connection.peer):
            self._telling.tell(connection.peer, why)
        return not why

    def went(self, connection: Connection) -> None:
        """Forget a connection that is gone."""
        if connection not in self._connections:
            return
        self._connections.remove(connection)
        self._crowd.went(connection.peer)
        self.tell("went", connection.number)
        for mn in self._voices.pop(connection, ()):
            if mn in self.speaking and self.speaking[mn].connection is connection:
                del self.speaking[mn]
                self.tell("left", mn)
                self._moves.tell("station %s left %s", mn, connection.peer)

    def recognised(self, connection: Connection, admitted: Admitted, password: str) -> None:
        """Note that a connection speaks for a station; commands go to the newest that does."""
        mn = admitted.station.mn
        known = self.speaking.get(mn)
        self.speaking[mn] = Voice(connection, password)
        if known is None or known.connection is not connection:
            self._voices.setdefault(connection, []).append(mn)
            self.tell("speaks", mn)
            self._moves.tell("station %s came from %s", mn, connection.peer)

    def asked_for_time(self, mn: str) -> None:
        """Note that a station wants its clock to be set."""
        self.tell("wants_its_clock_set", mn)

    def refused(self, connection: Connection, refusal: Refusal, raw: bytes, mn: str) -> None:
        """Tell and keep what was refused, within limits."""
        self.refusals[refusal.code] += 1
        self._telling.tell(connection.peer, refusal.code, f"{mn} {refusal.detail}".strip())
        kept = self._telling.count(connection.peer, "kept")
        if kept <= self.limits.quarantined_per_minute:
            refused = Refused(refusal.code, raw, connection.peer, mn, refusal.detail)
            self.committer.add(
                (time_ns() // 1000, connection.number, int(Kind.REFUSED), refused.body())
            )

    def dropped(self, connection: Connection, why: str) -> None:
        """Drop a connection and tell why."""
        self._telling.tell(connection.peer, why, connection.station)
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


def _nobody(kind: str, what: str | int) -> None:
    """Nobody is told."""
