"""Group commit: one commit in flight and no timer; what comes meanwhile is the next batch.

Whoever waits is answered when its record is on the disk, and never before. All of this runs on the
event loop but for the write itself, which has a thread.
"""

from __future__ import annotations

import logging
from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol

from shuzhi.gather.sensors.gateway.express import Familiar, answers, wrong
from shuzhi.gather.sensors.spool import Record
from shuzhi.kernel.errors import ShuzhiError

Write = Callable[[Sequence[Record]], int]
_RETRY_SECONDS = 0.5
_logger = logging.getLogger("shuzhi.gateway")


class Asker(Protocol):
    """Somebody who waits for an answer."""

    def answer(self, raw: bytes) -> None:
        """Tell what was durably stored; does nothing when nobody is there any more."""
        ...

    def look_closer(self, raw: bytes, received_us: int) -> None:
        """Judge a frame whose checksum turned out to be wrong."""
        ...


class _Unchecked(NamedTuple):
    """A record of the next batch whose checksum is still to be checked: its place, its sender."""

    place: int
    asker: Asker
    familiar: Familiar


Answer = tuple[Asker, bytes]


class Committer:
    """Writes records in batches and then gives the answers that were asked for.

    `write` returns when records are on the disk, and raises ShuzhiError when they may not be: the
    same records are then written again until they are. While that lasts, or more than
    `most_waiting` bytes wait, `is_pressed` is true; `relieved` is called when it is over. `written`
    is the number of the record that comes next.
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
        self._loop = loop
        self._write = write
        self._most_waiting = most_waiting
        self._relieved = relieved
        self._records: list[Record] = []
        self._answers: list[Answer] = []
        self._unchecked: list[_Unchecked] = []
        self._bytes = 0
        self._is_at_work = False
        self._is_failing = False
        self._is_closed = False
        self._thread = ThreadPoolExecutor(1, "spool-commit")

    def add(self, record: Record, asker: Asker | None = None, raw: bytes = b"") -> None:
        """Write a record with the next batch; then answer `raw`, if there is anything to answer."""
        self._records.append(record)
        if asker is not None and raw:
            self._answers.append((asker, raw))
        self._bytes += len(record[3])
        if self._bytes > self._most_waiting:
            self.is_pressed = True
        if not self._is_at_work:
            self._is_at_work = True
            # Not at once: what else has come in this turn of the loop belongs to the same batch.
            self._loop.call_soon(self._begin)

    def add_unchecked(self, record: Record, asker: Asker, familiar: Familiar) -> None:
        """Write a frame with the next batch, if its checksum is right, and answer as is usual."""
        self._unchecked.append(_Unchecked(len(self._records), asker, familiar))
        self.add(record)

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
        self._thread.shutdown()

    def _begin(self) -> None:
        records, self._records = self._records, []
        given, self._answers = self._answers, []
        unchecked, self._unchecked = self._unchecked, []
        self._bytes = 0
        if unchecked:
            records = _checked(records, unchecked, given)
        if records:
            self._submit(records, given)
        else:
            self._go_on(given)

    def _submit(self, records: list[Record], answers: list[Answer]) -> None:
        if self._is_closed:
            return

        def tell(done: Future[int]) -> None:
            self._loop.call_soon_threadsafe(self._done, records, answers, done)

        self._thread.submit(self._write, records).add_done_callback(tell)

    def _done(self, records: list[Record], answers: list[Answer], done: Future[int]) -> None:
        error = done.exception()
        if isinstance(error, ShuzhiError):
            self._fail(error)
            self._loop.call_later(_RETRY_SECONDS, self._submit, records, answers)
            return
        # Anything else is a fault of the software: the loop's handler ends the gateway.
        self.written = done.result()
        self._go_on(answers)
        if self.is_pressed:
            self._relieve()

    def _go_on(self, answers: list[Answer]) -> None:
        """Begin the next batch before anybody is answered: the disk need not wait for that."""
        if self._records or self._answers:
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


class _Mark:
    """Waits in the line of answers, to know when everything before it is stored."""

    def __init__(self, committer: Committer) -> None:
        self.done: Future[int] = Future()
        self._committer = committer

    def answer(self, raw: bytes) -> None:
        del raw
        self.done.set_result(self._committer.written)

    def look_closer(self, raw: bytes, received_us: int) -> None:
        """Not asked: a mark sends no frames."""


def _checked(
    records: list[Record], unchecked: list[_Unchecked], given: list[Answer]
) -> list[Record]:
    """Return the records whose checksum is right or was not in question; add their answers."""
    raws = [records[each.place][3] for each in unchecked]
    bad = set(wrong(raws))
    asking = [i for i, each in enumerate(unchecked) if each.familiar.before and i not in bad]
    made = answers([raws[i] for i in asking], [unchecked[i].familiar for i in asking])
    given += zip([unchecked[i].asker for i in asking], made, strict=True)
    if not bad:
        return records
    for each in (unchecked[i] for i in sorted(bad)):
        each.asker.look_closer(records[each.place][3], records[each.place][0])
    out = {unchecked[i].place for i in bad}
    return [record for place, record in enumerate(records) if place not in out]
