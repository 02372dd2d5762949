"""One process with stations' connections; it has the spool too, or the reception has it."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from shuzhi.gather.sensors.commands import Outcome
from shuzhi.gather.sensors.gateway.admission import Registry
from shuzhi.gather.sensors.gateway.limits import Limits
from shuzhi.gather.sensors.gateway.lines import Say, heard_order, heard_station, told_outcome
from shuzhi.gather.sensors.gateway.orders import Orders
from shuzhi.gather.sensors.gateway.pushing import Pushing
from shuzhi.gather.sensors.gateway.server import Gateway
from shuzhi.gather.sensors.spool import DistantSpool, SpoolSettings, SpoolWriter
from shuzhi.kernel.instant import system_clock

_COUNT_SECONDS = 60.0
_logger = logging.getLogger("shuzhi.gateway")


class Place(Protocol):
    """What the gateway's process does, alone or with receivers."""

    def learn(self, told: Mapping[str, Any]) -> None:
        """Take in stations that are new or changed, and the secrets that they name."""
        ...

    async def open(self) -> list[tuple[str, int]]:
        """Begin to take frames; return the addresses. Raises OSError, BrokenError."""
        ...

    def order(self, told: Mapping[str, Any]) -> None:
        """Carry out an order, or say that its station is away."""
        ...

    async def close(self) -> None:
        """Write and answer what was taken, and end."""
        ...


class Receiving:
    """Listens and writes by itself, or takes connections from the reception and writes there."""

    def __init__(self, start: Mapping[str, Any], say: Say) -> None:
        self._start = start
        self._say = say
        self._door: socket.socket | None = None
        self._spool: SpoolWriter | DistantSpool
        if (ends := start["reception"]) is None:
            self._spool = writer = opened(start)
            written = writer.next
        else:
            self._spool = DistantSpool(socket.socket(fileno=ends["spool"]))
            self._door = socket.socket(fileno=ends["door"])
            written = ends["written"]
        self._registry = Registry((), bytes.fromhex(start["password_key"]), {})
        limits = Limits(**start["limits"])
        self.gateway = Gateway(self._spool.write, self._registry, limits, written=written)
        self.gateway.tell = self._tell_clock if self._door is None else say
        self._orders = Orders(self.gateway, self._tell_outcome, system_clock)
        self._pushing = Pushing(self.gateway.committer, self.gateway.numbers)
        self._counting = asyncio.create_task(self._count())

    def learn(self, told: Mapping[str, Any]) -> None:
        """As `Place` has it."""
        stations = [heard_station(each) for each in told["stations"]]
        self._registry = self._registry.with_changes(stations, told["secrets"])
        self.gateway.registry = self._registry

    async def open(self) -> list[tuple[str, int]]:
        """As `Place` has it; receivers have no addresses."""
        tls = tls_context(self._start["tls"])
        if self._door is not None:
            self.gateway.take_from(self._door, tls=tls)
            return []
        listen = self.gateway.listen
        addresses = [await listen(host, port, tls=tls) for host, port in self._start["listen"]]
        return addresses + await self._pushing.open(self._start["http"], self._start["mqtt"])

    def order(self, told: Mapping[str, Any]) -> None:
        """As `Place` has it."""
        order = heard_order(told)
        self._say("taken" if self._orders.take(order) else "away", order.id)

    async def close(self) -> None:
        """As `Place` has it."""
        self._counting.cancel()
        await self._pushing.close()
        await self.gateway.close()
        self._spool.close()

    def _tell_clock(self, kind: str, what: str | int) -> None:
        if kind == "wants_its_clock_set":
            self._say(kind, what)

    def _tell_outcome(self, number: int, outcome: Outcome) -> None:
        self._say("outcome", told_outcome(number, outcome))

    async def _count(self) -> None:
        """Tell once a minute how much came, if anything did."""
        before = self.gateway.committer.stored_here
        while True:
            await asyncio.sleep(_COUNT_SECONDS)
            now = self.gateway.committer.stored_here
            if now != before:
                _logger.info(
                    "%s records in a minute, %s connections; refused so far: %s",
                    f"{now - before:,}",
                    self.gateway.connections,
                    dict(self.gateway.refusals) or "none",
                )
            before = now


def opened(start: Mapping[str, Any]) -> SpoolWriter:
    """Open the spool as told. Raises as `SpoolWriter`."""
    settings = SpoolSettings(start["segment_bytes"], start["spool_bytes"])
    return SpoolWriter(Path(start["spool"]), settings, floor=start["floor"])


def tls_context(files: Mapping[str, str] | None) -> ssl.SSLContext | None:
    """Return what connections speak TLS with, if they do. Raises OSError."""
    if files is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files["certificate"], files["key"])
    return context
