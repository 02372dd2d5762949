"""Group commit: one commit in flight and no timer; what comes meanwhile is the next batch.

Whoever waits is answered when its record is on the disk, and never before. All of this runs on the
event loop but for the write itself and the sending of answers, which have a thread.
"""

from __future__ import annotations

import logging
from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Final

from shuzhi.gather.sensors.gateway.express import Familiar, answers, wrong
from shuzhi.gather.sensors.gateway.sending import Answer, Asker, Sending
from shuzhi.gather.sensors.spool import Record
from shuzhi.kernel.errors import ShuzhiError

Write = Callable[[Sequence[Record]], int]
_RETRY_SECONDS = 0.5
_logger = logging.getLogger("shuzhi.gateway")


# A record, and where its checksum is still to be checked, who sent it and what its head leads to.
Entry = tuple[int, int, int, bytes, Asker | None, Familiar | None]
# The number of the next record, and who must still be answered; or what went wrong.
_Outcome = tuple[int, list[Answer]] | Exception
_RECORD: Final = 4


class Committer:
    """Writes records in batches and then gives the answers that were asked for.

    `write` returns when records are on the disk, and raises ShuzhiError when they may not be: the
    same records are then written again until they are. While that lasts, or more than
    `most_waiting` bytes wait, `is_pressed` is true; `relieved` is called when it is over. `written`
    is the number of the record that comes next; `stored_here` counts those that were added here.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        write: Write,
        *,
        most_waiting: int,
        relieved: Callable[[], None],
        written: int = 0,
    ) -> None:
        self.is_pressed = False
        self.written = written
        self.stored_here = 0
        self.sending = Sending()
        self._loop = loop
        self._write = write
        self._most_waiting = most_waiting
        self._relieved = relieved
        self._entries: list[Entry] = []
        self._answers: list[Answer] = []
        self._bytes = 0
        self._is_at_work = False
        self._is_failing = False
        self._is_closed = False
        self._jobs: SimpleQueue[tuple[list[Record], list[Answer]] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="spool-commit", daemon=True)
        self._thread.start()

    def add(self, record: Record, asker: Asker | None = None, raw: bytes = b"") -> None:
        """Write a record with the next batch; then answer `raw`, if there is anything to answer."""
        if asker is not None and raw:
            self._answers.append((asker, raw))
        self.add_unchecked((*record, None, None), len(record[3]))

    def add_unchecked(self, entry: Entry, size: int) -> None:
        """Write a frame with the next batch, if its checksum is right, and answer as is usual."""
        self._entries.append(entry)
        self._bytes += size
        if self._bytes > self._most_waiting:
            self.is_pressed = True
        if not self._is_at_work:
            self._is_at_work = True
            # Not at once: what else has come in this turn of the loop belongs to the same batch.
            self._loop.call_soon(self._begin)

    def stored(self) -> Future[int]:
        """Return what is done, with the number of the next record, when all that came is stored."""
        mark = _Mark(self)
        self._answers.append((mark, b""))
        if not self._is_at_work:
            self._is_at_work = True
            self._loop.call_soon(self._begin)
        return mark.done

    @property
    def is_idle(self) -> bool:
        """True when everything that was added is on the disk."""
        return not self._is_at_work

    def close(self) -> None:
        """End the thread when its last batch is written; what comes later is dropped."""
        self._is_closed = True
        self._jobs.put(None)
        self._thread.join()
        self.sending.close()

    def _begin(self) -> None:
        entries, self._entries = self._entries, []
        given, self._answers = self._answers, []
        self._bytes = 0
        entries = _checked(entries, given)
        if entries:
            self._submit([entry[:_RECORD] for entry in entries], given)
        else:
            self._go_on(given)

    def _submit(self, records: list[Record], answers: list[Answer]) -> None:
        if not self._is_closed:
            self._jobs.put((records, answers))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            records, answers = job
            outcome: _Outcome
            try:
                outcome = self._write(records), self.sending.send(answers)
            except Exception as error:  # noqa: BLE001
                outcome = error
            self._loop.call_soon_threadsafe(self._done, records, answers, outcome)

    def _done(self, records: list[Record], answers: list[Answer], outcome: _Outcome) -> None:
        if isinstance(outcome, ShuzhiError):
            self._fail(outcome)
            self._loop.call_later(_RETRY_SECONDS, self._submit, records, answers)
            return
        if isinstance(outcome, Exception):
            # A fault of the software: the loop's handler ends the gateway.
            raise outcome
        self.written, left = outcome
        self.stored_here += len(records)
        self._go_on(left)
        if self.is_pressed:
            self._relieve()

    def _go_on(self, answers: list[Answer]) -> None:
        """Begin the next batch before anybody is answered: the disk need not wait for that."""
        if self._entries or self._answers:
            self._begin()
        else:
            self._is_at_work = False
        for asker, raw in answers:
            asker.answer(raw)

    def _fail(self, error: ShuzhiError) -> None:
        if not self._is_failing:
            _logger.error("nothing more is read or acknowledged: %s", error)
        self._is_failing = self.is_pressed = True

    def _relieve(self) -> None:
        if self._is_failing:
            _logger.warning("the spool can be written again")
        self._is_failing = self.is_pressed = False
        self._relieved()


class _Mark(Asker):
    """Waits in the line of answers, to know when everything before it is stored."""

    def __init__(self, committer: Committer) -> None:
        self.done: Future[int] = Future()
        self._committer = committer

    def answer(self, raw: bytes) -> None:
        del raw
        self.done.set_result(self._committer.written)


def _checked(entries: list[Entry], given: list[Answer]) -> list[Entry]:
    """Return the entries whose checksum is right or was not in question; add their answers."""
    unchecked = [entry for entry in entries if entry[5] is not None]
    if not unchecked:
        return entries
    bad = wrong([entry[3] for entry in unchecked])
    if bad:
        out = [unchecked[place] for place in bad]
        for received_us, _, _, raw, asker, _ in out:
            asker.look_closer(raw, received_us)  # type: ignore[union-attr]
        gone = set(map(id, out))
        entries = [entry for entry in entries if id(entry) not in gone]
        unchecked = [entry for entry in unchecked if id(entry) not in gone]
    asking = [entry for entry in unchecked if entry[5].before]  # type: ignore[union-attr]
    if asking:
        _, _, _, raws, askers, familiars = zip(*asking, strict=True)
        given += zip(askers, answers(raws, familiars), strict=True)
    return entries
