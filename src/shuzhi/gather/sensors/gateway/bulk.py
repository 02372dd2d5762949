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
from array import array
from collections.abc import Sequence
from errno import EAGAIN
from itertools import accumulate, islice
from typing import NamedTuple

AT_ONCE = 256
_ROOM_BYTES = 2_048
_READ, _WRITE = 0, 1


class _Calls(NamedTuple):
    setup: int
    destroy: int
    events: int
    submit: int


_NUMBERS = {"x86_64": _Calls(206, 207, 208, 209), "aarch64": _Calls(0, 1, 4, 2)}
# Where the parts of a request (64 bytes) and of what became of it (32 bytes) lie, in words.
_REQUEST_WORDS, _EVENT_WORDS = 8, 4
_PLACE, _FILE, _BUFFER, _BYTES = 0, 5, 3, 4
_RESULT = 2
_OPERATION = 8


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
        requests = bytearray(AT_ONCE * _REQUEST_WORDS * 8)
        words = memoryview(requests).cast("Q")
        words[_PLACE::_REQUEST_WORDS] = array("Q", range(AT_ONCE))
        operations = memoryview(requests).cast("H")
        operations[_OPERATION :: _REQUEST_WORDS * 4] = array("H", [operation] * AT_ONCE)
        self._files = memoryview(requests).cast("I")[_FILE :: _REQUEST_WORDS * 2]
        self._buffers = words[_BUFFER::_REQUEST_WORDS]
        self._sizes = words[_BYTES::_REQUEST_WORDS]
        first = _address(requests)
        listed = range(first, first + len(requests), _REQUEST_WORDS * 8)
        self._list = (ctypes.c_uint64 * AT_ONCE)(*listed)
        self._events = bytearray(AT_ONCE * _EVENT_WORDS * 8)
        told = memoryview(self._events).cast("q")
        self._places = told[_PLACE::_EVENT_WORDS]
        self._results = told[_RESULT::_EVENT_WORDS]
        self._first_event = _address(self._events)

    def close(self) -> None:
        """Let go of it."""
        self._brief(self._numbers.destroy, self._context)

    def _done(self, files: Sequence[int]) -> list[int]:
        """Let all be done; return for each its bytes, or the negative number of its error."""
        count = len(files)
        self._files[:count] = array("I", files)
        begun = self._call(self._numbers.submit, self._context, ctypes.c_long(count), self._list)
        ended = 0
        while ended < begun:
            ended += max(0, self._take(ended, begun - ended))
        if ended == count and self._places[:count].tolist() == list(range(count)):
            return self._results[:count].tolist()
        results = [-EAGAIN] * count
        for place, result in zip(self._places[:ended], self._results[:ended], strict=True):
            results[place] = result
        return results

    def _take(self, first: int, count: int) -> int:
        room = ctypes.c_void_p(self._first_event + first * _EVENT_WORDS * 8)
        most = ctypes.c_long(count)
        return int(self._brief(self._numbers.events, self._context, most, most, room, None))


class BulkReader(_Bulk):
    """Reads many sockets at once. Raises as `_Bulk`."""

    def __init__(self) -> None:
        super().__init__(_READ)
        self._room = bytearray(AT_ONCE * _ROOM_BYTES)
        self._starts = range(0, len(self._room), _ROOM_BYTES)
        begin = _address(self._room)
        self._buffers[:] = array("Q", range(begin, begin + len(self._room), _ROOM_BYTES))
        self._sizes[:] = array("Q", [_ROOM_BYTES] * AT_ONCE)

    def read(self, files: Sequence[int]) -> list[bytes | None]:
        """Return what each socket has: nothing at its end, or when it is broken; None if not yet.

        At most `AT_ONCE` sockets.
        """
        room = memoryview(self._room)
        return [
            bytes(room[at : at + count]) if count > 0 else None if count == -EAGAIN else b""
            for at, count in zip(self._starts, self._done(files), strict=False)
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
        lengths = list(map(len, bodies))
        buffer = b"".join(bodies)
        begin = ctypes.cast(ctypes.c_char_p(buffer), ctypes.c_void_p).value or 0
        self._buffers[:count] = array("Q", islice(accumulate(lengths, initial=begin), count))
        self._sizes[:count] = array("Q", lengths)
        written = self._done(files)
        if written == lengths:
            return []
        return [
            (place, max(0, some))
            for place, (some, whole) in enumerate(zip(written, lengths, strict=True))
            if some != whole
        ]


def _address(room: bytearray) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(room))
