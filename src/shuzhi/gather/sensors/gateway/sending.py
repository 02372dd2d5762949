"""Sends the answers of a batch on the thread that wrote it, beside the event loop, which reads.

Sending is a third of a frame's work, and nearly all of it the system's.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from threading import Lock
from typing import Protocol

from shuzhi.gather.sensors.gateway.bulk import AT_ONCE, BulkWriter

NONE = -1
"""In place of a descriptor: there is no socket that may be used."""


class Asker(Protocol):
    """Somebody who waits for an answer.

    `descriptor` is a socket that takes answers without blocking; it changes, and is closed, only
    while `Sending.lock` is held.
    """

    descriptor: int = NONE

    def answer(self, raw: bytes) -> None:
        """Tell what was durably stored; does nothing when nobody is there any more."""
        ...

    def held_up(self, rest: bytes) -> None:
        """Keep `rest`, which the socket did not take, for the next `answer`; lend no socket.

        Only those who have one are told, on another thread, with the lock held.
        """
        del rest

    def look_closer(self, raw: bytes, received_us: int) -> None:
        """Judge a frame whose checksum turned out to be wrong; only who sends frames is asked."""
        del raw, received_us


Answer = tuple[Asker, bytes]


class Sending:
    """Sends answers, on any thread; where the system cannot, `is_able` is false."""

    def __init__(self) -> None:
        self.lock = Lock()
        self._bulk: BulkWriter | None = None
        with suppress(OSError):
            self._bulk = BulkWriter()
        self.is_able = self._bulk is not None

    def send(self, answers: Sequence[Answer]) -> list[Answer]:
        """Send what can be sent; return what must be answered on the event loop."""
        left: list[Answer] = []
        for first in range(0, len(answers), AT_ONCE):
            left += self._send(answers[first : first + AT_ONCE])
        return left

    def close(self) -> None:
        """Send nothing more."""
        if self._bulk is not None:
            self._bulk.close()

    def _send(self, some: Sequence[Answer]) -> list[Answer]:
        if self._bulk is None:
            return list(some)
        left: list[Answer] = []
        # Whoever closes a socket waits for the lock, so that no other has its number by then.
        with self.lock:
            files = [asker.descriptor for asker, _ in some]
            if NONE in files or len(set(files)) < len(files):
                some, left = _apart(some)
                files = [asker.descriptor for asker, _ in some]
            for place, count in self._bulk.write(files, [raw for _, raw in some]):
                asker, raw = some[place]
                asker.held_up(raw[count:])
                left.append((asker, b""))
        return left


def _apart(some: Sequence[Answer]) -> tuple[list[Answer], list[Answer]]:
    """Return one answer for each socket, in place of several, and those that have none."""
    joined: dict[Asker, bytes] = {}
    left: list[Answer] = []
    for asker, raw in some:
        if asker.descriptor == NONE:
            left.append((asker, raw))
        else:
            joined[asker] = joined.get(asker, b"") + raw
    return list(joined.items()), left
