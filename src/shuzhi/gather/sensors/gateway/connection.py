"""One connection of a station: bytes in, records to the committer, answers out.

Nothing that one connection sends can raise, wait or hold memory beyond its limits; what is refused
is told to the desk, and the other connections never notice.
"""

from __future__ import annotations

from asyncio import BaseTransport, Protocol, Transport
from collections.abc import Callable, Iterable
from functools import cache
from sys import intern
from time import monotonic, time_ns
from typing import cast

from shuzhi.gather.sensors.gateway.admission import Admitted
from shuzhi.gather.sensors.gateway.answers import answer_to, familiar_head
from shuzhi.gather.sensors.gateway.budget import Budget
from shuzhi.gather.sensors.gateway.desk import Desk
from shuzhi.gather.sensors.gateway.express import AREA, QN_END, Familiar, begins_with_qn, is_usual
from shuzhi.gather.sensors.gateway.reading import Reading
from shuzhi.gather.sensors.gateway.sending import NONE
from shuzhi.gather.sensors.hj212 import Frame, Framer, Head, Refusal, head, opened
from shuzhi.gather.sensors.hj212 import Limits as FramingLimits
from shuzhi.gather.sensors.records import Kind

_MOST_HEADS = 64
_ASKS_FOR_TIME = "1013"
_FRAME = int(Kind.FRAME)

Listener = Callable[[Head, bytes], None]


class Connection(Protocol):
    """A connection from `peer`; the station is known by what it sends.

    Whoever listens is given the head and the plain segment of every frame that is taken.
    """

    # Ten thousand of these must not weigh much.
    __slots__ = (
        "_admitted",
        "_budget",
        "_committer",
        "_desk",
        "_file",
        "_framer",
        "_heads",
        "_holds",
        "_is_dropped",
        "_is_express",
        "_left",
        "_listener",
        "_password",
        "_reading",
        "_refusals",
        "_rest",
        "_system",
        "_transport",
        "descriptor",
        "heard_at",
        "is_heard",
        "number",
        "opened_at",
        "peer",
        "stalled_at",
        "station",
    )

    def __init__(self, desk: Desk, number: int) -> None:
        limits = desk.limits
        self.number = number
        self.peer = ""
        self.station = ""
        self._file = self.descriptor = NONE
        self._reading: Reading | None = None
        self._rest = b""
        self._listener: Listener | None = None
        self.opened_at = self.heard_at = monotonic()
        self.stalled_at: float | None = None
        self.is_heard = False
        self._desk = desk
        self._committer = desk.committer
        self._framer = Framer(_framing(limits.frame_bytes, limits.half_frame_seconds))
        self._heads: dict[bytes, Familiar] = {}
        self._password = self._system = ""
        self._admitted: Admitted | None = None
        self._is_dropped = self._is_express = False
        self._holds: frozenset[str] = frozenset()
        self._left = limits.bytes_per_second * limits.burst_seconds
        # Nearly nobody ever needs these.
        self._budget: Budget | None = None
        self._refusals: Budget | None = None

    # What the event loop calls

    def connection_made(self, transport: BaseTransport) -> None:
        """Take the connection, or drop it when there are too many."""
        self._transport = cast(Transport, transport)
        self.peer = intern(str((transport.get_extra_info("peername") or ("",))[0]))
        self._file = self.descriptor = self._desk.file_of(self._transport)
        if not self._desk.came(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what came; what comes next is read together with that of others, if that can be."""
        if self._file != NONE and self._desk.reading.is_able:
            self._transport.pause_reading()
            self._reading = self._desk.reading
            self._reading.begin(self._file, self)
        self.take(data)

    def eof_received(self) -> None:
        """Let the transport close itself: nobody is there to answer to."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell what was left unfinished, and that the connection is gone."""
        del exc
        # The transport closes the socket after this, and its number may soon be another's.
        self._read_no_more()
        with self._committer.sending.lock:
            self.descriptor = NONE
        self._desk.went(self)
        self._take_all(self._framer.close(), time_ns() // 1000)

    def pause_writing(self) -> None:
        """The other side does not read its answers: send it no more reasons for them."""
        self.stalled_at = monotonic()
        self.hold("unread")

    def resume_writing(self) -> None:
        """The other side reads again."""
        self.stalled_at = None
        self.release("unread")

    # What the gateway calls

    def take(self, data: bytes) -> None:
        """Take what came: every whole frame is written and answered, or refused."""
        self.is_heard = True
        cost = len(data)
        familiar = self._heads.get(data[QN_END : data.find(AREA, QN_END)])
        if familiar is not None and self._is_express and is_usual(data):
            # Devices send one frame at a time: this is the way that nearly all of them go.
            entry = (time_ns() // 1000, self.number, _FRAME, data[:-2], self, familiar)
            self._committer.add_unchecked(entry, cost)
            frames = 1
        else:
            frames = self._read(data)
        least = frames * self._desk.frame_cost
        self._left -= cost if cost > least else least
        if self._left < 0:
            self._slow_down()
        if self._committer.is_pressed:
            self.hold("pressure")

    def let_go(self) -> None:
        """Let the transport read the end, which closes it."""
        self._reading = None
        self._transport.resume_reading()

    def answer(self, raw: bytes) -> None:
        """Send `raw`, unless the connection is gone."""
        transport = self._transport
        if transport.is_closing():
            return
        with self._committer.sending.lock:
            transport.write(self._rest + raw)
            self._rest = b""
            if transport.get_write_buffer_size():
                self.descriptor = NONE

    def held_up(self, rest: bytes) -> None:
        """Keep what the socket did not take; the event loop goes on with it."""
        self.descriptor = NONE
        self._rest = rest

    def look_closer(self, raw: bytes, received_us: int) -> None:
        """Judge a frame whose checksum turned out to be wrong."""
        for found in Framer().feed(raw + b"\r\n", 0.0):
            if isinstance(found, Frame):
                self._judge(found, received_us)
            else:
                self._refuse(found, found.raw)

    def listen(self, listener: Listener | None) -> None:
        """Let somebody listen, or nobody any more."""
        self._listener = listener
        self._is_express = False

    @property
    def is_gone(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._transport.is_closing()

    def forget(self) -> None:
        """Ask the registry again, which is another now."""
        self._heads.clear()
        self._admitted = None

    def close(self) -> None:
        """Drop the connection, and with it what it sent and was not looked at yet."""
        self._is_dropped = True
        self._read_no_more()
        self._transport.abort()

    def hold(self, why: str) -> None:
        """Read nothing more until it is released for the same reason."""
        if not self._holds and not self._transport.is_closing():
            self._read_no_more()
        self._holds |= {why}

    def release(self, why: str) -> None:
        """Read again, if nothing else speaks against it."""
        self._holds -= {why}
        if self._holds or self._transport.is_closing():
            return
        if self._reading is None:
            self._transport.resume_reading()
        else:
            self._reading.begin(self._file, self)

    def look_after(self, now: float) -> str:
        """Give up a half frame that is too old; return why to drop the connection, or nothing."""
        limits = self._desk.limits
        if self._framer.pending:
            self._take_all(self._framer.expire(now), time_ns() // 1000)
        if not self._rest and not self._transport.get_write_buffer_size():
            self.descriptor = self._file
        if self.stalled_at is not None and now - self.stalled_at > limits.stalled_seconds:
            return "answers_unread"
        if not self.station and now - self.opened_at > limits.hello_seconds:
            return "nothing_taken"
        if self._holds or self.is_heard:
            self.heard_at, self.is_heard = now, False
        return "idle" if now - self.heard_at > limits.idle_seconds else ""

    def _read_no_more(self) -> None:
        if self._reading is None:
            self._transport.pause_reading()
        else:
            self._reading.end(self._file)

    # How a frame is judged

    def _read(self, data: bytes) -> int:
        """Cut frames out of the stream and take them; return how many pieces there were."""
        found = self._framer.feed(data, monotonic())
        self._take_all(found, time_ns() // 1000)
        # What comes next may be a whole frame, and nobody wants to look into it.
        self._is_express = self._framer.pending == 0 and self._listener is None
        return len(found)

    def _take_all(self, found: Iterable[Frame | Refusal], received_us: int) -> None:
        for each in found:
            if self._is_dropped:
                return
            if not isinstance(each, Frame):
                self._refuse(each, each.raw)
                continue
            familiar = self._familiar(each)
            if familiar is None:
                self._judge(each, received_us)
            else:
                entry = (received_us, self.number, _FRAME, each.raw, self, familiar)
                self._committer.add_unchecked(entry, len(each.raw))

    def _familiar(self, frame: Frame) -> Familiar | None:
        raw = frame.raw
        if frame.tolerated or self._listener is not None or not begins_with_qn(raw):
            return None
        return self._heads.get(raw[QN_END : raw.find(AREA, QN_END)])

    def _judge(self, frame: Frame, received_us: int) -> None:
        said = head(frame.segment)
        if isinstance(said, Refusal):
            return self._refuse(said, frame.raw)
        verdict = self._admit(said)
        if isinstance(verdict, Refusal):
            return self._refuse(verdict, frame.raw, said.mn)
        plain = opened(frame, said, verdict.dialect)
        if isinstance(plain, Refusal):
            return self._refuse(plain, frame.raw, said.mn)
        tolerated = (*frame.tolerated, *said.tolerated, *plain.tolerated)
        if tolerated and (odd := verdict.not_allowed(tolerated)):
            return self._refuse(Refusal("not_strict", detail=", ".join(odd)), frame.raw, said.mn)
        self._welcome(said, verdict)
        self._store(said, verdict, frame, received_us)
        if said.cn == _ASKS_FOR_TIME:
            self._desk.asked_for_time(said.mn)
        if self._listener is not None:
            self._listener(said, plain.segment)
        return None

    def _admit(self, said: Head) -> Admitted | Refusal:
        known = self._admitted
        if (
            known is not None
            and said.mn == self.station
            and said.pw == self._password
            and said.st == self._system
        ):
            return known
        return self._desk.registry.admit(said)

    def _welcome(self, said: Head, admitted: Admitted) -> None:
        if admitted is self._admitted:
            return
        self._admitted, self.station = admitted, admitted.station.mn
        self._password, self._system = intern(said.pw), intern(said.st)
        self._desk.recognised(self, admitted, self._password)

    def _store(self, said: Head, admitted: Admitted, frame: Frame, received_us: int) -> None:
        """Write the frame; remember what its head leads to, if that depends on nothing else."""
        raw = frame.raw
        familiar = familiar_head(said, admitted.dialect)
        if familiar is None or frame.tolerated:
            record = (received_us, self.number, _FRAME, raw)
            return self._committer.add(record, self, answer_to(said, admitted.dialect))
        if len(self._heads) >= _MOST_HEADS:
            self._heads.clear()
        self._heads[raw[QN_END : raw.find(AREA, QN_END)]] = familiar
        entry = (received_us, self.number, _FRAME, raw, self, familiar)
        return self._committer.add_unchecked(entry, len(raw))

    def _refuse(self, refusal: Refusal, raw: bytes, mn: str = "") -> None:
        most = self._desk.limits.refusals_per_minute
        budget = self._refusals = self._refusals or Budget(most, self.opened_at)
        budget.left -= 1
        self._desk.refused(self, refusal, raw, mn)
        if budget.left < 0 and budget.wait(most / 60, most, monotonic()) > 0:
            self._desk.dropped(self, "too_many_refusals")

    def _slow_down(self) -> None:
        limits = self._desk.limits
        rate = limits.bytes_per_second
        budget = self._budget = self._budget or Budget(self._left, self.opened_at)
        budget.left = self._left
        seconds = budget.wait(rate, rate * limits.burst_seconds, monotonic())
        self._left = budget.left
        if seconds > 0 and "budget" not in self._holds:
            self.hold("budget")
            self._desk.later(seconds, self, "budget")


@cache
def _framing(most_bytes: int, half_frame_seconds: float) -> FramingLimits:
    return FramingLimits(most_bytes, half_frame_seconds=half_frame_seconds)
