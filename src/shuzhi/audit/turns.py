"""Turns: callers of many threads wait in line, and one of them works for all who wait.

This is group commit with no thread of its own: the first in line leads, serves those behind it,
and hands the lead to the next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Condition, Lock

MOST_ENTRIES_OF_A_COMMIT = 16_384
# Callers that were served together come back together; without a moment's patience, each second
# commit would be for the first of them alone.
_PATIENCE_S = 0.01


class Ticket:
    """A caller in line: its entries, or None where it wants to be the only one at work."""

    def __init__(self, entries: Sequence[bytes] | None) -> None:
        self.entries = None if entries is None else tuple(entries)
        self.first: int | None = None
        self.error: BaseException | None = None
        self.leads = False
        # A lock of its own wakes one thread; a common one would wake them all, one by one.
        self._bell = Lock()
        self._bell.acquire()

    def wait(self) -> None:
        """Return when this ticket was served, or is to lead."""
        self._bell.acquire()

    def ring(self) -> None:
        """End its wait."""
        self._bell.release()


class Turns:
    """The line."""

    def __init__(self) -> None:
        self._gate = Lock()
        self._arrived = Condition(self._gate)
        self._line: deque[Ticket] = deque()
        self._is_busy = False
        self._expected = 1

    def serve(self, ticket: Ticket, work: Callable[[Sequence[Ticket]], None]) -> None:
        """Wait in line until another one has served the ticket, or lead and do `work`."""
        if self._leads(ticket):
            batch = [ticket]
            try:
                batch = self._batch()
                work(batch)
            finally:
                self._leave(batch)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one at work."""
        ticket = Ticket(None)
        self._leads(ticket)
        try:
            yield
        finally:
            self._leave([ticket])

    def _leads(self, ticket: Ticket) -> bool:
        with self._gate:
            self._line.append(ticket)
            if not self._is_busy:
                self._is_busy = ticket.leads = True
            elif len(self._line) >= self._expected:
                self._arrived.notify()
        if not ticket.leads:
            try:
                ticket.wait()
            except BaseException:
                self._give_up(ticket)
                raise
        return ticket.leads

    def _batch(self) -> list[Ticket]:
        """Take the leader, and those behind it whose entries fit in the same commit."""
        with self._gate:
            self._arrived.wait_for(lambda: len(self._line) >= self._expected, _PATIENCE_S)
            taken = [self._line.popleft()]
            room = MOST_ENTRIES_OF_A_COMMIT - len(taken[0].entries or ())
            while self._line:
                behind = self._line[0].entries
                if behind is None or len(behind) > room:
                    break
                room -= len(behind)
                taken.append(self._line.popleft())
            self._expected = len(taken)
            return taken

    def _leave(self, batch: Sequence[Ticket]) -> None:
        """End the turn: wake the others of the batch, and the next to lead."""
        for ticket in batch[1:]:
            ticket.ring()
        with self._gate:
            if self._line and self._line[0] is batch[0]:
                self._line.popleft()
            following = self._line[0] if self._line else None
            self._is_busy = following is not None
            if following is not None:
                following.leads = True
        if following is not None:
            following.ring()

    def _give_up(self, ticket: Ticket) -> None:
        # Its thread was interrupted: nobody would lead if the lead came to it.
        with self._gate:
            is_waiting = ticket in self._line and not ticket.leads
            if is_waiting:
                self._line.remove(ticket)
        if ticket.leads:
            self._leave([ticket])
