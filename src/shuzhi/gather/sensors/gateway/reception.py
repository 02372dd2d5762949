"""The gateway with several receivers: it accepts connections and hands them out, and has the spool.

Reading and writing sockets is most of the work, and the receivers do it, each in a process of its
own. Whatever must be one stays here: the doors and their limits, the spool and its numbers, and
who speaks for which station. If a receiver dies, its stations connect again, to the others; if the
reception dies, the receivers end.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping
from dataclasses import asdict, replace
from time import time
from typing import Any, NamedTuple

from shuzhi.gather.sensors.commands import Outcome
from shuzhi.gather.sensors.gateway.committer import Committer
from shuzhi.gather.sensors.gateway.door import BACKLOG, Crowd, bound
from shuzhi.gather.sensors.gateway.limits import Limits
from shuzhi.gather.sensors.gateway.lines import Say, batched, told_outcome
from shuzhi.gather.sensors.gateway.pushing import Pushing
from shuzhi.gather.sensors.gateway.receiver import Receiver, died
from shuzhi.gather.sensors.gateway.receiving import tls_context
from shuzhi.gather.sensors.gateway.telling import Telling
from shuzhi.gather.sensors.records import source_numbers
from shuzhi.gather.sensors.spool import DistantSpool, SharedSpool, SpoolWriter
from shuzhi.kernel.errors import BrokenError

_AGAIN_SECONDS = 0.5
_FULL_SECONDS = 0.01
_logger = logging.getLogger("shuzhi.gateway")


class _There(NamedTuple):
    receiver: Receiver
    peer: str


class Reception:
    """Keeps `start["receivers"]` receivers; `writer` writes what they take."""

    def __init__(self, start: Mapping[str, Any], say: Say, writer: SpoolWriter) -> None:
        self._start = start
        self._say = say
        self._writer = writer
        self._shared = SharedSpool(writer)
        self._limits = Limits(**start["limits"])
        self._own = DistantSpool(self._shared.open())
        self._committer = Committer(
            asyncio.get_running_loop(),
            self._own.write,
            most_waiting=self._limits.waiting_bytes,
            relieved=lambda: None,
            written=writer.next,
        )
        self._numbers = source_numbers(int(time()))
        self._pushing = Pushing(self._committer, self._numbers)
        self._stations: dict[str, Mapping[str, Any]] = {}
        self._secrets: dict[str, str] = {}
        self._accepting: list[asyncio.Task[None]] = []
        self._crowd = Crowd(self._limits)
        self._telling = Telling()
        self._there: dict[int, _There] = {}
        self._receivers: list[Receiver] = []
        self._speaking: dict[str, Receiver] = {}
        self._keeping: list[asyncio.Task[None]] = []
        self._is_closing = False

    def learn(self, told: Mapping[str, Any]) -> None:
        """As `Place` has it."""
        self._stations |= {each["mn"]: each for each in told["stations"]}
        self._secrets |= told["secrets"]
        for receiver in self._receivers:
            receiver.tell("stations", told)

    async def open(self) -> list[tuple[str, int]]:
        """As `Place` has it."""
        tls = tls_context(self._start["tls"])
        found = [bound(host, port, has_tls=tls is not None) for host, port in self._start["listen"]]
        for _ in range(self._start["receivers"]):
            receiver = await self._begin()
            self._keeping.append(asyncio.create_task(self._keep(receiver)))
        for listening, _ in found:
            listening.listen(BACKLOG)
            listening.setblocking(False)
            self._accepting.append(asyncio.create_task(self._accept(listening)))
        pushed = await self._pushing.open(self._start["http"], self._start["mqtt"])
        return [at for _, at in found] + pushed

    def order(self, told: Mapping[str, Any]) -> None:
        """As `Place` has it: the receiver with the station's newest connection is told."""
        receiver = self._speaking.get(told["mn"])
        if receiver is None:
            self._say("away", told["id"])
        else:
            receiver.orders[told["id"]] = False
            receiver.tell("order", told)

    async def close(self) -> None:
        """As `Place` has it."""
        self._is_closing = True
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        await self._pushing.close()
        # One that is just being started comes to be there in the meantime.
        while not all(task.done() for task in self._keeping):
            await asyncio.gather(*[receiver.end() for receiver in self._receivers])
            await asyncio.wait(self._keeping, timeout=_AGAIN_SECONDS)
        self._committer.close()
        self._own.close()
        self._shared.close()
        self._writer.close()

    # Receivers

    async def _begin(self) -> Receiver:
        """Start a receiver and tell it all that it must know. Raises BrokenError."""
        receiver = Receiver(self._shared.open())
        await receiver.begin({**self._start, "limits": asdict(self._share())}, self._writer.next)
        for some in batched(list(self._stations.values())):
            receiver.tell("stations", {"stations": some, "secrets": {}})
        receiver.tell("stations", {"stations": [], "secrets": self._secrets})
        receiver.tell("go", None)
        self._receivers.append(receiver)
        receiver.is_ready = (await receiver.hear())[0] == "ready"
        if not receiver.is_ready:
            self._receivers.remove(receiver)
            await receiver.end()
            raise died()
        return receiver

    def _share(self) -> Limits:
        """Return what a receiver may use of what is for all of them."""
        count = self._start["receivers"]
        return replace(
            self._limits,
            waiting_bytes=max(1, self._limits.waiting_bytes // count),
            quarantined_per_minute=max(1, self._limits.quarantined_per_minute // count),
        )

    async def _keep(self, receiver: Receiver | None) -> None:
        """Hear what a receiver says; when it has died, start another in its place."""
        while receiver is not None:
            async for kind, told in receiver.says():
                self._take(receiver, kind, told)
            self._lose(receiver)
            code = await receiver.end()
            if not self._is_closing:
                _logger.error("a receiver ended with %s; it is started again", code)
            receiver = await self._another()

    async def _another(self) -> Receiver | None:
        """Start a receiver, however often it fails; none when all of them are to end."""
        while not self._is_closing:
            try:
                return await self._begin()
            except (BrokenError, OSError) as error:
                _logger.error("a receiver cannot be started: %s", error)
                await asyncio.sleep(_AGAIN_SECONDS)
        return None

    def _take(self, receiver: Receiver, kind: str, told: Any) -> None:
        if kind == "went":
            if (there := self._there.pop(told, None)) is not None:
                receiver.connections -= 1
                self._crowd.went(there.peer)
        elif kind == "speaks":
            self._speaking[told] = receiver
        elif kind == "left":
            if self._speaking.get(told) is receiver:
                del self._speaking[told]
        else:
            receiver.note(kind, told)
            self._say(kind, told)

    def _lose(self, receiver: Receiver) -> None:
        self._receivers.remove(receiver)
        for number in [n for n, there in self._there.items() if there.receiver is receiver]:
            self._crowd.went(self._there.pop(number).peer)
        for mn in [mn for mn, speaking in self._speaking.items() if speaking is receiver]:
            del self._speaking[mn]
        for order, is_taken in receiver.orders.items():
            if is_taken:
                self._say("outcome", told_outcome(order, Outcome("connection_lost")))
            else:
                self._say("away", order)

    # Connections

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, at = await loop.sock_accept(listening)
            except OSError as error:
                _logger.error("no connection can be accepted: %s", error.strerror or error)
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            with connection:
                await self._welcome(connection, str(at[0]))

    async def _welcome(self, connection: socket.socket, peer: str) -> None:
        if why := self._crowd.came(peer):
            self._telling.tell(peer, why)
            self._crowd.went(peer)
            return
        while not self._hand(connection, peer):
            await asyncio.sleep(_FULL_SECONDS)

    def _hand(self, connection: socket.socket, peer: str) -> bool:
        """Hand a connection to whoever has fewest and takes it; False when nobody does now."""
        for receiver in sorted(self._receivers, key=lambda receiver: receiver.connections):
            number = next(self._numbers)
            if receiver.is_ready and receiver.hand(number, connection):
                self._there[number] = _There(receiver, peer)
                return True
        return False
