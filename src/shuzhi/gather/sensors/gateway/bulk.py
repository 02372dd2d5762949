"""Reads or writes hundreds of sockets with one system call, in which others may run Python.

Linux takes a list of reads or writes of any files at once (`io_submit`, <linux/aio_abi.h>); a
socket that does not block does its own while the list is gone through. This saves a third of what
a call for each of them costs, and above all the interpreter's lock is given up and taken back
once in place of hundreds of times.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Sequence
from errno import EAGAIN
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

AT_ONCE = 256
_ROOM_BYTES = 2_048
_READ, _WRITE = 0, 1


class _Calls(NamedTuple):
    setup: int
    destroy: int
    events: int
    submit: int


_NUMBERS = {"x86_64": _Calls(206, 207, 208, 209), "aarch64": _Calls(0, 1, 4, 2)}
_REQUEST = np.dtype(
    [
        ("place", "<u8"),
        ("key", "<u4"),
        ("how", "<i4"),
        ("operation", "<u2"),
        ("priority", "<i2"),
        ("file", "<u4"),
        ("buffer", "<u8"),
        ("bytes", "<u8"),
        ("offset", "<i8"),
        ("reserved", "<u8"),
        ("flags", "<u4"),
        ("event_file", "<u4"),
    ]
)
_EVENT = np.dtype([("place", "<u8"), ("request", "<u8"), ("result", "<i8"), ("more", "<i8")])


class _Bulk:
    """A list of requests that the system goes through; one thread at a time may use it.

    Raises OSError where the system has no such call or no room for it.
    """

    def __init__(self, operation: int) -> None:
        numbers = _NUMBERS.get(platform.machine()) if sys.platform == "linux" else None
        if numbers is None:
            raise OSError("no io_submit")
        self._numbers = numbers
        self._call = ctypes.CDLL(None, use_errno=True).syscall
        # Keeps the interpreter's lock: for what takes no time.
        self._brief = ctypes.PyDLL(None, use_errno=True).syscall
        self._call.restype = self._brief.restype = ctypes.c_long
        self._context = ctypes.c_ulong(0)
        if self._brief(numbers.setup, ctypes.c_long(AT_ONCE), ctypes.byref(self._context)) != 0:
            raise OSError(ctypes.get_errno(), "io_setup")
        self._requests = np.zeros(AT_ONCE, _REQUEST)
        self._requests["place"] = np.arange(AT_ONCE)
        self._requests["operation"] = operation
        begin = self._requests.ctypes.data
        self._listed = begin + np.arange(AT_ONCE, dtype=np.uint64) * _REQUEST.itemsize
        self._list = ctypes.c_void_p(self._listed.ctypes.data)
        self._events = np.zeros(AT_ONCE, _EVENT)
        self._first_event = self._events.ctypes.data

    def close(self) -> None:
        """Let go of it."""
        self._brief(self._numbers.destroy, self._context)

    def _results(self, count: int) -> NDArray[np.int64]:
        """Let the first requests be done; return bytes or the negative number of an error."""
        wanted = ctypes.c_long(count)
        begun = self._call(self._numbers.submit, self._context, wanted, self._list)
        ended = 0
        while ended < begun:
            ended += max(0, self._ended(ended, begun - ended))
        events = self._events[:ended]
        results = np.full(count, -EAGAIN, np.int64)
        results[events["place"].view(np.int64)] = events["result"]
        return results

    def _ended(self, first: int, count: int) -> int:
        room = ctypes.c_void_p(self._first_event + first * _EVENT.itemsize)
        most = ctypes.c_long(count)
        return int(self._brief(self._numbers.events, self._context, most, most, room, None))


class BulkReader(_Bulk):
    """Reads many sockets at once. Raises as `_Bulk`."""

    def __init__(self) -> None:
        super().__init__(_READ)
        self._room = bytearray(AT_ONCE * _ROOM_BYTES)
        self._starts = range(0, len(self._room), _ROOM_BYTES)
        begin = np.frombuffer(self._room, np.uint8).ctypes.data
        self._requests["buffer"] = begin + np.array(self._starts)
        self._requests["bytes"] = _ROOM_BYTES

    def read(self, files: Sequence[int]) -> list[bytes | None]:
        """Return what each socket has: nothing at its end, or when it is broken; None if not yet.

        At most `AT_ONCE` sockets.
        """
        if not files:
            return []
        self._requests["file"][: len(files)] = files
        room = memoryview(self._room)
        counts = self._results(len(files)).tolist()
        return [
            bytes(room[at : at + count]) if count > 0 else None if count == -EAGAIN else b""
            for at, count in zip(self._starts, counts, strict=False)
        ]


class BulkWriter(_Bulk):
    """Writes many sockets at once. Raises as `_Bulk`."""

    def __init__(self) -> None:
        super().__init__(_WRITE)

    def write(self, files: Sequence[int], bodies: Sequence[bytes]) -> list[tuple[int, int]]:
        """Write each body; return the places of those that were not taken whole, and how much was.

        At most `AT_ONCE` sockets, each of them once.
        """
        count = len(files)
        if not count:
            return []
        buffer = np.frombuffer(b"".join(bodies), np.uint8)
        lengths = np.fromiter(map(len, bodies), np.int64, count)
        requests = self._requests[:count]
        requests["file"] = files
        requests["bytes"] = lengths
        requests["buffer"] = buffer.ctypes.data + np.cumsum(lengths) - lengths
        written = self._results(count)
        short = np.flatnonzero(written != lengths).tolist()
        return [(place, max(0, int(written[place]))) for place in short]
