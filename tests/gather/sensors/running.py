"""A gateway on an event loop of its own in a thread, and stations with real sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import uvloop
from frames import PASSWORD, frame

from shuzhi.gather.sensors.gateway.admission import Registry
from shuzhi.gather.sensors.gateway.committer import Write
from shuzhi.gather.sensors.gateway.limits import Limits
from shuzhi.gather.sensors.gateway.server import Gateway
from shuzhi.gather.sensors.hj212 import Framer, Head, Refusal, head
from shuzhi.gather.sensors.records import Kind, Refused, read_refused
from shuzhi.gather.sensors.spool import SpoolReader, SpoolWriter
from shuzhi.gather.sensors.stations import Station, password_hash

Answer = TypeVar("Answer")
KEY = b"k" * 32
HASH = password_hash(PASSWORD, KEY)
PATIENCE = 10.0


def stations(*mns: str, **more: Any) -> list[Station]:
    return [Station(mn, "31", HASH, **more) for mn in mns]


def registry(found: Sequence[Station]) -> Registry:
    return Registry(found, KEY, {"STATION_KEY": "0" * 16})


def eventually(check: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Return when `check` is true; fail when it stays false."""
    give_up_at = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < give_up_at, "it did not happen"
        time.sleep(0.01)


class Running:
    """A gateway that runs; `spool` is where it writes."""

    def __init__(
        self,
        folder: Path,
        known: Sequence[Station],
        limits: Limits | None = None,
        write: Callable[[SpoolWriter], Write] = lambda writer: writer.write,
    ) -> None:
        self.folder = folder / "spool"
        self.writer = SpoolWriter(self.folder)
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.faults: list[dict[str, Any]] = []
        self._loop.set_exception_handler(lambda _, context: self.faults.append(context))
        self.gateway = self.do(self._opened(write(self.writer), registry(known), limits))
        self.port = self.do(self.gateway.listen("127.0.0.1", 0))[1]

    async def _opened(self, write: Write, known: Registry, limits: Limits | None) -> Gateway:
        return Gateway(write, known, limits)

    def do(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def call(self, work: Callable[[], Answer]) -> Answer:
        async def done() -> Answer:
            return work()

        return self.do(done())

    def stop(self) -> None:
        self.do(self.gateway.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self.writer.close()
        assert not self.faults, self.faults

    def frames(self) -> list[bytes]:
        """The frames that are in the spool."""
        return [body for kind, body in self._records() if kind == Kind.FRAME]

    def refused(self) -> list[Refused]:
        """What is in quarantine."""
        return [read_refused(body) for kind, body in self._records() if kind == Kind.REFUSED]

    def _records(self) -> Iterator[tuple[int, bytes]]:
        reader = SpoolReader(self.folder)
        while batches := reader.read():
            for batch in batches:
                for _, _, kind, body in batch.records():
                    yield kind, body


@contextmanager
def running(folder: Path, known: Sequence[Station], *args: Any, **more: Any) -> Iterator[Running]:
    """Run a gateway; at the end no fault may have come up."""
    place = Running(folder, known, *args, **more)
    try:
        yield place
    finally:
        place.stop()


class Device:
    """A station's end of a connection, over a socket that was made before, or a new one."""

    def __init__(self, port: int, mn: str = "ST0001", made: socket.socket | None = None) -> None:
        self.mn = mn
        self.socket = made or socket.socket()
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self._framer = Framer()
        self._heard: list[bytes] = []

    def __enter__(self) -> Device:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, raw: bytes) -> None:
        self.socket.sendall(raw)

    def tell(self, **more: Any) -> bytes:
        """Send a frame of this station and return it."""
        raw = frame(self.mn, **more)
        self.send(raw)
        return raw

    def hear(self) -> bytes:
        """Return the next frame from the gateway; fail when it does not come."""
        while not self._heard:
            chunk = self.socket.recv(65_536)
            assert chunk, "the gateway closed the connection"
            for found in self._framer.feed(chunk, 0.0):
                assert not isinstance(found, Refusal)
                self._heard.append(found.raw)
        return self._heard.pop(0)

    def hear_head(self) -> Head:
        """Return the head of the next frame."""
        found = head(self.hear()[6:-4])
        assert isinstance(found, Head)
        return found

    def hears_nothing(self, seconds: float = 0.3) -> bool:
        """Whether nothing comes for some time."""
        self.socket.settimeout(seconds)
        try:
            return self._heard == [] and self.socket.recv(65_536) == b"never"
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(PATIENCE)

    def is_closed(self) -> bool:
        """Whether the gateway has dropped this connection, or does so soon."""
        try:
            while self.socket.recv(65_536):
                pass
        except ConnectionResetError:
            return True
        return True
