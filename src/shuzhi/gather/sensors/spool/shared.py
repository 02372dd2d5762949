"""One writer for several processes: whole batches come over sockets, and one sync is for all.

Each process has one batch under way at most. What comes while the disk is busy is written
together, next; nobody is told that a record is durable before that of everybody else in the same
sync is.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import threading
from collections.abc import Sequence

from shuzhi.gather.sensors.spool.batch import Packed, Record, pack
from shuzhi.gather.sensors.spool.errors import spool_gone
from shuzhi.gather.sensors.spool.writer import SpoolWriter
from shuzhi.kernel.errors import BrokenError

# Bytes of the body, records.
_HEADER = struct.Struct("<II")
_ROOM_BYTES = 1024 * 1024


class SharedSpool:
    """Lets other processes write with `writer`, on a thread of its own."""

    def __init__(self, writer: SpoolWriter) -> None:
        self._writer = writer
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="shared-spool", daemon=True)
        self._thread.start()

    def open(self) -> socket.socket:
        """Return the end of a new connection, for a `DistantSpool` here or in a child."""
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ROOM_BYTES)
        ours.setblocking(False)
        self._selector.register(ours, selectors.EVENT_READ, _Client(ours))
        return theirs

    def close(self) -> None:
        """End, when what has come is written; those who are still there are cut off."""
        self._wake.close()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()

    def _serve(self) -> None:
        while True:
            ready = [key.data for key, _ in self._selector.select()]
            whole = {client: batch for client in ready if client and (batch := self._read(client))}
            if whole:
                told = self._written(list(whole.values()))
                for client in whole:
                    client.tell(told)
            if None in ready:
                return

    def _read(self, client: _Client) -> Packed | None:
        try:
            return client.read()
        except EOFError:
            self._selector.unregister(client.end)
            client.end.close()
            return None

    def _written(self, batches: Sequence[Packed]) -> bytes:
        try:
            return json.dumps({"next": self._writer.write_packed(batches)}).encode() + b"\n"
        except BrokenError as error:
            facts = (error.code, error.message, error.next_step)
            return json.dumps({"broken": facts}).encode() + b"\n"


class _Client:
    """What has come of the batch that a process sends."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self._begin()

    def _begin(self) -> None:
        self._count = 0
        self._came = bytearray(_HEADER.size)
        self._at = 0

    def read(self) -> Packed | None:
        """Read on; return the batch when it is whole. Raises EOFError when nobody is there."""
        while True:
            try:
                got = self.end.recv_into(memoryview(self._came)[self._at :])
            except BlockingIOError:
                return None
            except ConnectionResetError:
                raise EOFError from None
            if not got:
                raise EOFError
            self._at += got
            if self._at < len(self._came):
                continue
            if self._count:
                packed = Packed(self._count, self._came)
                self._begin()
                return packed
            length, self._count = _HEADER.unpack(self._came)
            self._came, self._at = bytearray(length), 0

    def tell(self, told: bytes) -> None:
        """Say what became of the batch; whoever is gone need not hear it."""
        try:
            self.end.send(told)
        except OSError:
            return


class DistantSpool:
    """A spool that another process writes; `end` is what `SharedSpool.open` returned."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._answers = end.makefile("rb")

    def write(self, records: Sequence[Record]) -> int:
        """Write records; return, when they are on the disk, the number after the last of all.

        Raises:
            BrokenError: as `SpoolWriter.write`, and `gather.spool_gone`.
        """
        packed = pack(records)
        try:
            self._end.sendall(_HEADER.pack(len(packed.body), packed.count))
            self._end.sendall(packed.body)
            answer = self._answers.readline()
        except OSError:
            answer = b""
        if not answer:
            raise spool_gone()
        told = json.loads(answer)
        if "broken" in told:
            code, message, next_step = told["broken"]
            raise BrokenError(code, message, next_step=next_step)
        return int(told["next"])

    def close(self) -> None:
        """Let go of it."""
        self._answers.close()
        self._end.close()
