"""A receiver as the reception sees it: a child process that has been told what to do."""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from shuzhi.gather.sensors.gateway.door import doors, handed
from shuzhi.gather.sensors.gateway.lines import line, read_line
from shuzhi.kernel.errors import BrokenError

COMMAND = (sys.executable, "-m", "shuzhi.gather.sensors.gateway")
"""What starts a process of the gateway."""

_LONGEST_LINE = 1024 * 1024
_END_SECONDS = 20.0


class Receiver:
    """One life of a receiver; `spool` is its end of a connection to the spool.

    `connections` is how many it has, `orders` are those under way and whether it has taken each.
    It takes connections when it `is_ready`.
    """

    def __init__(self, spool: socket.socket) -> None:
        self.connections = 0
        self.is_ready = False
        self.orders: dict[int, bool] = {}
        self._spool = spool
        self._door, self._its_door = doors()
        self._process: Process
        self._told: asyncio.StreamWriter
        self._said: asyncio.StreamReader

    async def begin(self, start: Mapping[str, Any], written: int) -> None:
        """Start the process and tell it how."""
        spool, door = self._spool, self._its_door
        with spool, door:
            files = (spool.fileno(), door.fileno())
            self._process = await asyncio.create_subprocess_exec(
                *COMMAND, stdin=PIPE, stdout=PIPE, pass_fds=files, limit=_LONGEST_LINE
            )
        self._told, self._said = self._process.stdin, self._process.stdout  # type: ignore[assignment]
        reception = {"spool": files[0], "door": files[1], "written": written}
        of_reception = {"receivers": 1, "listen": [], "http": None, "mqtt": None}
        self.tell("start", {**start, **of_reception, "reception": reception})

    def tell(self, kind: str, told: Any) -> None:
        """Tell it something."""
        self._told.write(line(kind, told))

    async def hear(self) -> tuple[str, Any]:
        """Return what it says next; `died` when it says nothing any more."""
        raw = await self._said.readline()
        return read_line(raw) if raw else ("died", None)

    async def says(self) -> AsyncIterator[tuple[str, Any]]:
        """Yield what it says, until it has died."""
        while (said := await self.hear())[0] != "died":
            yield said

    def note(self, kind: str, told: Any) -> None:
        """Note what becomes of its orders."""
        if kind == "taken":
            self.orders[told] = True
        elif kind == "away":
            self.orders.pop(told, None)
        elif kind == "outcome":
            self.orders.pop(told["id"], None)

    def hand(self, number: int, connection: socket.socket) -> bool:
        """Hand it a connection; False when it does not take it now."""
        if not handed(self._door, number, connection):
            return False
        self.connections += 1
        return True

    async def end(self) -> int | None:
        """Let it end; return the code it ended with."""
        self._door.close()
        self._told.close()
        try:
            return await asyncio.wait_for(self._process.wait(), _END_SECONDS)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            return await self._process.wait()


def died() -> BrokenError:
    """Return what is wrong when a process of the gateway died as it was started."""
    return BrokenError(
        "gather.gateway_died",
        "The process of the gateway died as it was started.",
        next_step="See what it wrote to the log.",
    )
