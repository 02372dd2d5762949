"""The least gateway that keeps the same promise: acknowledged after the fdatasync of its batch.

least_gateway.py FILE SECONDS prints READY and its port. Frame by frame it checks length, checksum
and password and writes the 9014; it knows neither stations nor limits, half frames, back-pressure
or recovery.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from zlib import crc32

import uvloop

from shuzhi.gather.sensors.hj212.crc import digits

HEAD = re.compile(rb"QN=(\d{17});ST=..;CN=\d{4};PW=(123456);MN=([^;]*);Flag=\d+;CP=&&")
ROOM = 64 * 1024 * 1024


class Store:
    """Writes what came while the last batch was written; then answers."""

    def __init__(self, path: str) -> None:
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        for at in range(0, ROOM, 1 << 20):
            os.pwrite(self.file, bytes(1 << 20), at)
        os.fsync(self.file)
        self.at = 0
        self.waiting: list[tuple[asyncio.Transport, bytes, bytes]] = []
        self.is_at_work = False
        self.thread = ThreadPoolExecutor(1)

    def add(self, transport: asyncio.Transport, raw: bytes, answer: bytes) -> None:
        self.waiting.append((transport, raw, answer))
        if not self.is_at_work:
            self.is_at_work = True
            asyncio.get_running_loop().call_soon(self.begin)

    def begin(self) -> None:
        batch, self.waiting = self.waiting, []
        loop = asyncio.get_running_loop()
        done = self.thread.submit(self.write, b"".join([raw for _, raw, _ in batch]))
        done.add_done_callback(lambda _: loop.call_soon_threadsafe(self.answer, batch))

    def write(self, body: bytes) -> None:
        body = b"%08d%08x" % (len(body), crc32(body)) + body
        if self.at + len(body) > ROOM:
            self.at = 0
        os.pwrite(self.file, body, self.at)
        os.fdatasync(self.file)
        self.at += len(body)

    def answer(self, batch: list[tuple[asyncio.Transport, bytes, bytes]]) -> None:
        if self.waiting:
            self.begin()
        else:
            self.is_at_work = False
        for transport, _, answer in batch:
            if not transport.is_closing():
                transport.write(answer)


class Connection(asyncio.Protocol):
    def __init__(self, store: Store) -> None:
        self.store = store

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            end = at + 6 + int(data[at + 2 : at + 6])
            segment = data[at + 6 : end]
            head = HEAD.match(segment)
            if head and digits(segment) == data[end : end + 4]:
                said = b"QN=%b;ST=91;CN=9014;PW=%b;MN=%b;Flag=4;CP=&&&&" % head.groups()
                answer = b"##%04d%b%b\r\n" % (len(said), said, digits(said))
                self.store.add(self.transport, data[at : end + 6], answer)
            at = end + 6


async def main(path: str, seconds: float) -> None:
    store = Store(path)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(store), "127.0.0.1", 0, backlog=4096)
    print("READY", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(seconds)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], float(sys.argv[2])))
