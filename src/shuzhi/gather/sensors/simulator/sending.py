"""Sends what simulated monitors measure over real TCP, and waits for each acknowledgement.

The time of the series may run faster than the clock on the wall (`speed`); what it sends carries
the time of the series.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shuzhi.gather.sensors.hj212 import (
    Dialect,
    Frame,
    Framer,
    Head,
    execution_answer,
    head,
    parameters,
    request_answer,
)
from shuzhi.gather.sensors.hj212.times import stamp
from shuzhi.gather.sensors.simulator.frames import (
    DAY,
    HOUR,
    MINUTES,
    REAL_TIME,
    SPANS,
    Monitor,
    due,
)
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

_ANSWER_S, _TRIES, _RETRY_S = 5.0, 3, 2.0
_REPLIES = ("9013", "9014")
_HISTORY = (MINUTES, HOUR, DAY)
_DONE, _NO_DATA = 1, 100
_MOST_HISTORY_US = 31 * 86_400 * 1_000_000
_MOST_PARTS = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Sent:
    """What was sent and answered so far, over all monitors."""

    frames: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    connections: int = 0
    requests: int = 0


@dataclass(frozen=True)
class Plan:
    """When the series begins and ends, how much faster than the wall it runs, and how often.

    `every` is the interval of real-time values.
    """

    starts: Instant
    ends: Instant
    speed: float = 1.0
    every: timedelta = timedelta(minutes=1)


async def simulate(
    fleet: Sequence[Monitor],
    plan: Plan,
    host: str,
    port: int,
    *,
    tell: Callable[[Sent], None] | None = None,
) -> Sent:
    """Send for every monitor until the series ends; return what was sent.

    A connection that breaks is opened again, and what was not acknowledged is sent again.

    Raises:
        RefusedError: `gather.nobody_listens` when nothing takes the first connection.
    """
    await _require_somebody(host, port)
    sent = Sent()
    loop = asyncio.get_running_loop()
    began = loop.time()

    def moment() -> Instant:
        return Instant(plan.starts + timedelta(seconds=(loop.time() - began) * plan.speed))

    lines = [_Line(monitor, plan, moment, host, port, sent) for monitor in fleet]
    telling = None if tell is None else asyncio.create_task(_tell_often(sent, tell))
    try:
        await asyncio.gather(*(line.run() for line in lines))
    finally:
        if telling is not None:
            telling.cancel()
    return sent


async def _require_somebody(host: str, port: int) -> None:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        raise RefusedError(
            "gather.nobody_listens",
            f"Nothing listens on {host} port {port} ({error.strerror or error}).",
            next_step="Start a gateway first: shuzhi gateway.",
        ) from None
    writer.close()


async def _tell_often(sent: Sent, tell: Callable[[Sent], None]) -> None:
    while True:
        await asyncio.sleep(1)
        tell(sent)


@dataclass
class _Line:
    """The connection of one monitor."""

    monitor: Monitor
    plan: Plan
    moment: Callable[[], Instant]
    host: str
    port: int
    sent: Sent
    writer: asyncio.StreamWriter | None = None
    answers: dict[str, asyncio.Event] = field(default_factory=dict)
    listening: asyncio.Task[None] | None = None
    told: int = 0

    async def run(self) -> None:
        """Send real-time values, and the means of every span when it has ended."""
        # Monitors that all begin at once would send in one breath for ever.
        offset = self.plan.every * ((self.monitor.number % 997) / 997)
        done = Instant(self.plan.starts)
        at = Instant(self.plan.starts + offset)
        while at < self.plan.ends:
            await self._until(at)
            if not self.monitor.is_silent(at):
                await self._all(self.monitor.frames(REAL_TIME, at, self._next()))
                for cn in _HISTORY:
                    await self._means(cn, done, at)
            done, at = at, Instant(at + self.plan.every)
        await self._close()

    async def _means(self, cn: str, after: Instant, until: Instant) -> None:
        for start in due(cn, after, until):
            await self._all(self.monitor.frames(cn, start, self._next()))
            await self._all(self.monitor.revised(cn, start, self._next()))

    async def _until(self, at: Instant) -> None:
        wait = (at - self.moment()).total_seconds() / self.plan.speed
        await asyncio.sleep(max(0.0, wait))

    async def _all(self, frames: Sequence[bytes]) -> None:
        for frame in frames:
            for _ in range(_TRIES):
                if await self._tried(frame):
                    break
            else:
                self.sent.unanswered += 1

    async def _tried(self, frame: bytes) -> bool:
        qn = frame.partition(b"QN=")[2][:17].decode("ascii")
        answered = self.answers.setdefault(qn, asyncio.Event())
        try:
            writer = await self._opened()
            writer.write(frame)
            self.sent.frames += 1
            await writer.drain()
            await asyncio.wait_for(answered.wait(), _ANSWER_S)
        except (OSError, TimeoutError):
            await self._close()
            await asyncio.sleep(_RETRY_S / max(1.0, self.plan.speed))
            return False
        finally:
            self.answers.pop(qn, None)
        self.sent.acknowledged += 1
        return True

    async def _opened(self) -> asyncio.StreamWriter:
        if self.writer is None or self.writer.is_closing():
            reader, self.writer = await asyncio.open_connection(self.host, self.port)
            self.sent.connections += 1
            self.listening = asyncio.create_task(self._listen(reader, self.writer))
        return self.writer

    async def _close(self) -> None:
        if self.listening is not None:
            self.listening.cancel()
        if self.writer is not None:
            self.writer.close()
        self.writer = self.listening = None

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer, clock = Framer(), asyncio.get_running_loop().time
        while chunk := await reader.read(65_536):
            for each in framer.feed(chunk, clock()):
                if isinstance(each, Frame):
                    self._hear(each.segment, writer)
        writer.close()

    def _hear(self, segment: bytes, writer: asyncio.StreamWriter) -> None:
        read = head(segment)
        if not isinstance(read, Head):
            return
        if read.cn in _REPLIES:
            if read.qn in self.answers:
                self.answers[read.qn].set()
            return
        self.sent.requests += 1
        for answer in self._answers(read, parameters(segment[read.area : -2])):
            writer.write(answer)

    def _answers(self, read: Head, asked: dict[str, str]) -> list[bytes]:
        """Return what a monitor says to a request: yes, the data asked for, and done."""
        history = self._history(read.cn, asked) if read.cn in _HISTORY else []
        result = _NO_DATA if read.cn in _HISTORY and not history else _DONE
        dialect = Dialect()
        return [
            request_answer(read, dialect, 1),
            *history,
            execution_answer(read, dialect, result),
        ]

    def _history(self, cn: str, asked: dict[str, str]) -> list[bytes]:
        begin, end = (stamp(asked.get(name, ""))[0] for name in ("BeginTime", "EndTime"))
        if begin is None or end is None or end - begin > _MOST_HISTORY_US:
            return []
        after, until = (Instant(_EPOCH + timedelta(microseconds=us)) for us in (begin, end))
        last = min(until + SPANS[cn], self.moment())
        starts = [s for s in due(cn, after, Instant(last)) if after <= s <= until]
        return [frame for s in starts for frame in self.monitor.frames(cn, s, self._next())]

    def _next(self) -> Instant:
        """Return a moment whose milliseconds no frame of this line has as its QN."""
        self.told += _MOST_PARTS
        return Instant(self.moment() + timedelta(milliseconds=self.told % 60_000))
