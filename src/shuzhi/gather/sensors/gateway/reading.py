"""Reads all connections that have something to say, a few hundred with one system call.

The event loop watches one file that stands for all of them. Whatever is unusual about a connection,
its end above all, is left to its transport.
"""

from __future__ import annotations

import select
from asyncio import AbstractEventLoop
from contextlib import suppress
from typing import Protocol

from shuzhi.gather.sensors.gateway.bulk import AT_ONCE, BulkReader


class Taker(Protocol):
    """Whoever is read."""

    def take(self, data: bytes) -> None:
        """Take what came."""
        ...

    def let_go(self) -> None:
        """Read the end, or what is wrong, by other means; it is not read here any more."""
        ...


class Reading:
    """Reads sockets on an event loop; where the system cannot, `is_able` is false."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.is_able = False
        # By descriptor; these are small numbers, and a list of ten thousand is a tenth of a dict.
        self._takers: list[Taker | None] = []
        with suppress(OSError):
            self._bulk = BulkReader()
            self._epoll = select.epoll()
            self._loop = loop
            loop.add_reader(self._epoll.fileno(), self._read)
            self.is_able = True

    def begin(self, file: int, taker: Taker) -> None:
        """Read a socket from now on, if it is not read already."""
        if file >= len(self._takers):
            self._takers += [None] * (file + 1 - len(self._takers))
        if self._takers[file] is None:
            self._takers[file] = taker
            self._epoll.register(file, select.EPOLLIN)

    def end(self, file: int) -> None:
        """Read a socket no more, if it was read."""
        if self.reads(file):
            self._takers[file] = None
            self._epoll.unregister(file)

    def reads(self, file: int) -> bool:
        """Whether a socket is read here now."""
        return file < len(self._takers) and self._takers[file] is not None

    def close(self) -> None:
        """Read nothing more."""
        if self.is_able:
            self._takers.clear()
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._bulk.close()

    def _read(self) -> None:
        files = [file for file, _ in self._epoll.poll(0, AT_ONCE)]
        for file, data in zip(files, self._bulk.read(files), strict=True):
            # One connection may bring about the end of another.
            taker = self._takers[file]
            if taker is None or data is None:
                continue
            if data:
                taker.take(data)
            else:
                self.end(file)
                taker.let_go()
