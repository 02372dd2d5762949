"""The gateway's own process: sockets and the spool, and a keeper at the other end of its pipes.

It is told its stations and orders on standard input and tells what came on standard output, both
as `lines` has them. It ends when its input does, on SIGTERM or SIGINT, after what it has taken is
written and answered.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from shuzhi.gather.sensors.commands import Outcome
from shuzhi.gather.sensors.gateway.admission import Registry
from shuzhi.gather.sensors.gateway.limits import Limits
from shuzhi.gather.sensors.gateway.lines import (
    heard_order,
    heard_station,
    line,
    read_line,
    told_outcome,
)
from shuzhi.gather.sensors.gateway.orders import Orders
from shuzhi.gather.sensors.gateway.server import Gateway
from shuzhi.gather.sensors.spool import SpoolSettings, SpoolWriter
from shuzhi.kernel.errors import ShuzhiError
from shuzhi.kernel.instant import system_clock

_LONGEST_LINE = 64 * 1024 * 1024
_COUNT_SECONDS = 60.0
_logger = logging.getLogger("shuzhi.gateway")


async def serve() -> None:
    """Serve as the first line on standard input says."""
    loop = asyncio.get_running_loop()
    said = asyncio.StreamReader(_LONGEST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(said), sys.stdin)
    _, start = read_line(await said.readline())
    try:
        process = _Process(start)
        await process.begin(said, start)
    except ShuzhiError as error:
        wrong = {"code": error.code, "message": error.message, "next_step": error.next_step}
        _say("broken", wrong)
        return
    except OSError as error:
        _say("cannot_listen", error.strerror or str(error))
        return
    await process.run(said)


class _Process:
    """The gateway with what it was told."""

    def __init__(self, start: Mapping[str, Any]) -> None:
        settings = SpoolSettings(start["segment_bytes"], start["spool_bytes"])
        self._writer = SpoolWriter(Path(start["spool"]), settings, floor=start["floor"])
        self._registry = Registry((), bytes.fromhex(start["password_key"]), {})
        limits, written = Limits(**start["limits"]), self._writer.next
        self.gateway = Gateway(self._writer.write, self._registry, limits, written=written)
        self.gateway.clock_wanted = partial(_say, "wants_its_clock_set")
        self._orders = Orders(self.gateway, _tell_outcome, system_clock)
        self._ended = asyncio.Event()
        self._pushing: list[asyncio.Task[None]] = []
        self._broken: list[BaseException] = []

    async def begin(self, said: asyncio.StreamReader, start: Mapping[str, Any]) -> None:
        """Hear of the stations there are, then listen."""
        while (told := read_line(await said.readline()))[0] == "stations":
            self.learn(told[1])
        tls = _tls(start["tls"])
        listen = self.gateway.listen
        addresses = [await listen(host, port, tls=tls) for host, port in start["listen"]]
        if (http := start["http"]) is not None:
            addresses.append(await self.push_over_http(http))
        if (mqtt := start["mqtt"]) is not None:
            self.push_over_mqtt(mqtt)
        _say("ready", addresses)

    async def run(self, said: asyncio.StreamReader) -> None:
        """Serve until the end."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._fail)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ended.set)
        tasks = [loop.create_task(self._listen_to_keeper(said)), loop.create_task(self._count())]
        await self._ended.wait()
        for task in (*tasks, *self._pushing):
            task.cancel()
        await asyncio.gather(*tasks, *self._pushing, return_exceptions=True)
        await self.gateway.close()
        self._writer.close()
        if self._broken:
            raise self._broken[0]

    async def push_over_http(self, told: Mapping[str, Any]) -> tuple[str, int]:
        """Take messages over HTTP; return the address."""
        from shuzhi.gather.sensors.push.http import PushApp, serve_http

        host, port = told["listen"]
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        app = PushApp(told, self.gateway.committer, self.gateway.new_number())
        serving = asyncio.create_task(serve_http(app, host, port, ready))
        self._pushing.append(serving)
        while not ready.done():
            if serving.done():
                serving.result()
            await asyncio.sleep(0.01)
        return host, ready.result()

    def push_over_mqtt(self, told: Mapping[str, Any]) -> None:
        """Take messages over MQTT."""
        from shuzhi.gather.sensors.push.mqtt import Subscriber

        subscriber = Subscriber(told, self.gateway.committer, self.gateway.new_number())
        self._pushing.append(asyncio.create_task(subscriber.run()))

    def learn(self, told: Mapping[str, Any]) -> None:
        """Take in stations that are new or changed, and the secrets that they name."""
        stations = [heard_station(each) for each in told["stations"]]
        self._registry = self._registry.with_changes(stations, told["secrets"])
        self.gateway.registry = self._registry

    async def _listen_to_keeper(self, said: asyncio.StreamReader) -> None:
        while raw := await said.readline():
            kind, told = read_line(raw)
            if kind == "stations":
                self.learn(told)
            elif kind == "order":
                order = heard_order(told)
                _say("taken" if self._orders.take(order) else "away", order.id)
        self._ended.set()

    async def _count(self) -> None:
        """Tell once a minute how much came, if anything did."""
        before = self.gateway.committer.written
        while True:
            await asyncio.sleep(_COUNT_SECONDS)
            now = self.gateway.committer.written
            if now != before:
                _logger.info(
                    "%s records in a minute, %s connections; refused so far: %s",
                    f"{now - before:,}",
                    self.gateway.connections,
                    dict(self.gateway.refusals) or "none",
                )
            before = now

    def _fail(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        loop.default_exception_handler(context)
        error = context.get("exception")
        # A fault that one connection brought about ends that connection and nothing else.
        if isinstance(error, BaseException) and "transport" not in context:
            self._broken.append(error)
            self._ended.set()


def _tell_outcome(number: int, outcome: Outcome) -> None:
    _say("outcome", told_outcome(number, outcome))


def _say(kind: str, told: Any) -> None:
    sys.stdout.buffer.write(line(kind, told))
    sys.stdout.buffer.flush()


def _tls(files: Mapping[str, str] | None) -> ssl.SSLContext | None:
    if files is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files["certificate"], files["key"])
    return context
