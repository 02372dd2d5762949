"""The gateway's own process: sockets and the spool, and a keeper at the other end of its pipes.

It is told its stations and orders on standard input and tells what came on standard output, both
as `lines` has them. It ends when its input does, on SIGTERM or SIGINT, after what it has taken is
written and answered. A receiver is such a process too; its keeper is the reception.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from typing import Any

from shuzhi.gather.sensors.gateway.lines import line, read_line
from shuzhi.gather.sensors.gateway.receiving import Place, Receiving, opened
from shuzhi.gather.sensors.gateway.reception import Reception
from shuzhi.kernel.errors import ShuzhiError

_LONGEST_LINE = 64 * 1024 * 1024


async def serve() -> None:
    """Serve as the first line on standard input says."""
    loop = asyncio.get_running_loop()
    said = asyncio.StreamReader(_LONGEST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(said), sys.stdin)
    _, start = read_line(await said.readline())
    try:
        place = _place(start)
        while (told := read_line(await said.readline()))[0] == "stations":
            place.learn(told[1])
        _say("ready", await place.open())
    except ShuzhiError as error:
        wrong = {"code": error.code, "message": error.message, "next_step": error.next_step}
        _say("broken", wrong)
        return
    except OSError as error:
        _say("cannot_listen", error.strerror or str(error))
        return
    await _Life(place).run(said)


def _place(start: Mapping[str, Any]) -> Place:
    return (
        Reception(start, _say, opened(start)) if start["receivers"] > 1 else Receiving(start, _say)
    )


class _Life:
    """Runs a place until it is told to end, or a fault of the software ends it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._ended = asyncio.Event()
        self._broken: list[BaseException] = []

    async def run(self, said: asyncio.StreamReader) -> None:
        """Serve until the end. Raises what ended it, if that was a fault."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._fail)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ended.set)
        listening = loop.create_task(self._listen(said))
        await self._ended.wait()
        listening.cancel()
        await self._place.close()
        if self._broken:
            raise self._broken[0]

    async def _listen(self, said: asyncio.StreamReader) -> None:
        while raw := await said.readline():
            kind, told = read_line(raw)
            if kind == "stations":
                self._place.learn(told)
            elif kind == "order":
                self._place.order(told)
        self._ended.set()

    def _fail(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        loop.default_exception_handler(context)
        error = context.get("exception")
        # A fault that one connection brought about ends that connection and nothing else.
        if isinstance(error, BaseException) and "transport" not in context:
            self._broken.append(error)
            self._ended.set()


def _say(kind: str, told: Any) -> None:
    sys.stdout.buffer.write(line(kind, told))
    sys.stdout.buffer.flush()
