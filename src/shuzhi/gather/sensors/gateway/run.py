"""The process of the gateway: opens the spool, listens, keeps the registry fresh, sends commands.

It ends on SIGTERM or SIGINT, after what it has taken is written and answered.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import uvloop

from shuzhi.gather.sensors.gateway.admission import Registry
from shuzhi.gather.sensors.gateway.commanding import Commanding
from shuzhi.gather.sensors.gateway.server import Gateway
from shuzhi.gather.sensors.gateway.setup import GatewaySetup, address
from shuzhi.gather.sensors.spool import SpoolWriter
from shuzhi.gather.sensors.stations import Secret, registry_stamp, stations
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import ShuzhiError
from shuzhi.kernel.instant import Clock

_REFRESH_SECONDS = 2.0
_COUNT_SECONDS = 60.0
_RESTART_SECONDS = 2.0
_logger = logging.getLogger("shuzhi.gateway")


@dataclass(frozen=True)
class Household:
    """What the gateway needs of its city; `folder` is the city's, `password_key` the stations'.

    `landing` is the command line of the process that lands what is spooled; it ends when its
    standard input does. Empty for none.
    """

    setup: GatewaySetup
    folder: Path
    control: Control
    password_key: bytes
    secret: Secret
    clock: Clock
    landing: Sequence[str] = ()


Ready = Callable[[Sequence[tuple[str, int]]], None]


def run_gateway(house: Household, writer: SpoolWriter, ready: Ready) -> None:
    """Run until a signal ends it; `ready` is told the addresses once it listens.

    Raises:
        OSError: when an address cannot be listened on.
        BrokenError: when the control store cannot be read at the start.
    """
    _open_many_files()
    uvloop.run(serve(house, writer, ready, asyncio.Event()))


async def serve(house: Household, writer: SpoolWriter, ready: Ready, ended: asyncio.Event) -> None:
    """Serve until `ended` is set or a signal comes."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    freshness = _Freshness(house)
    limits = house.setup.limits
    gateway = Gateway(writer.write, freshness.read(), limits, written=writer.next)
    tasks = [
        asyncio.create_task(freshness.keep(gateway)),
        asyncio.create_task(_count(gateway)),
        asyncio.create_task(Commanding(gateway, house.control, house.secret, house.clock).run()),
    ]
    if house.landing:
        tasks.append(asyncio.create_task(_land(house.landing)))
    broken: list[BaseException] = []

    def fail(_: object, context: dict[str, object]) -> None:
        loop.default_exception_handler(context)
        error = context.get("exception")
        # A fault that one connection brought about ends that connection and nothing else.
        if isinstance(error, BaseException) and "transport" not in context:
            broken.append(error)
            ended.set()

    loop.set_exception_handler(fail)
    try:
        tls = _tls(house)
        addresses = [await gateway.listen(*address(a), tls=tls) for a in house.setup.listen]
        ready(addresses)
        await ended.wait()
    finally:
        for task in tasks:
            task.cancel()
        await gateway.close()
        await asyncio.gather(*tasks, return_exceptions=True)
    if broken:
        raise broken[0]


class _Freshness:
    """Keeps the gateway's registry as the control store has it."""

    def __init__(self, house: Household) -> None:
        self._house = house
        self._stamp: tuple[object, ...] = ()

    def read(self) -> Registry:
        """Return the registry as it stands; take note of when."""
        house = self._house
        self._stamp = registry_stamp(house.control)
        return Registry(stations(house.control), house.password_key, house.secret)

    async def keep(self, gateway: Gateway) -> None:
        """Give the gateway a newer registry whenever there is one."""
        while True:
            await asyncio.sleep(_REFRESH_SECONDS)
            try:
                stamp = await asyncio.to_thread(registry_stamp, self._house.control)
                if stamp != self._stamp:
                    gateway.registry = await asyncio.to_thread(self.read)
                    _logger.info("%s stations are registered", len(gateway.registry))
            except ShuzhiError as error:
                _logger.error("the registry cannot be read, the last one holds: %s", error)


async def _land(command: Sequence[str]) -> None:
    """Keep the landing running beside the gateway; it has the rest of the machine to itself."""
    while True:
        landing = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
        try:
            code = await landing.wait()
            _logger.error("the landing ended with %s; it is started again", code)
        finally:
            # The end of its input tells it to finish its round.
            landing.stdin.close()  # type: ignore[union-attr]
            with suppress(ProcessLookupError):
                await landing.wait()
        await asyncio.sleep(_RESTART_SECONDS)


async def _count(gateway: Gateway) -> None:
    """Tell once a minute how much came, if anything did."""
    before = gateway.committer.written
    while True:
        await asyncio.sleep(_COUNT_SECONDS)
        now = gateway.committer.written
        if now != before:
            _logger.info(
                "%s records in a minute from %s connections; refused so far: %s",
                f"{now - before:,}",
                gateway.connections,
                dict(gateway.refusals) or "none",
            )
        before = now


def _tls(house: Household) -> ssl.SSLContext | None:
    tls = house.setup.tls
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(house.folder / tls.certificate, house.folder / tls.key)
    return context


def _open_many_files() -> None:
    """Every connection is a file; take as many as this process may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
