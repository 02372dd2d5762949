"""The frames of simulated monitors: real-time values, and means of minutes, hours and days.

Means are computed from the same values that are sent in real time, as HJ 212-2017 annex D has it
(arithmetic), unless a fault says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from statistics import fmean

from shuzhi.gather.sensors.hj212 import Message, request_number, write
from shuzhi.gather.sensors.hj212.times import written
from shuzhi.gather.sensors.simulator.faults import Fault, FaultKind
from shuzhi.gather.sensors.simulator.kinds import KINDS, Course, Kind
from shuzhi.gather.sensors.simulator.series import measured
from shuzhi.kernel.instant import EPOCH, Instant

REAL_TIME, MINUTES, HOUR, DAY = "2011", "2051", "2061", "2031"
SPANS = {
    MINUTES: timedelta(minutes=10),
    HOUR: timedelta(hours=1),
    DAY: timedelta(days=1),
}
PASSWORD = "123456"  # noqa: S105  (of stations that do not exist)
_SAMPLES = 10
_MILLISECOND = timedelta(milliseconds=1)
_MOST_AREA = 900
_CHINA_OFFSET = timedelta(hours=8)
_FLAG = 5


@dataclass(frozen=True)
class Monitor:
    """A monitor that does not exist; `number` seeds its values."""

    number: int
    kind: Kind
    faults: tuple[Fault, ...] = ()

    @property
    def mn(self) -> str:
        """Its MN, which says that it is simulated."""
        return f"SIM{self.number:021}"

    def is_silent(self, at: Instant) -> bool:
        """Whether a fault keeps it from sending."""
        return any(f.kind is FaultKind.OFFLINE and f.holds(None, at) for f in self.faults)

    def frames(self, cn: str, data_time: Instant, sent_at: Instant) -> list[bytes]:
        """Return the frames of one command for one time; more than one where it must be split.

        The first has the QN of the millisecond after `sent_at`, the next that of the one after.
        """
        groups = [self._group(cn, course, data_time) for course in self._courses(data_time)]
        parts = list(_parts(groups, f"DataTime={written(self._clock(data_time))}"))
        return [
            write(
                Message(
                    self.kind.st,
                    cn,
                    area,
                    request_number(self._clock(sent_at) + place * _MILLISECOND),
                    PASSWORD,
                    self.mn,
                    _FLAG if len(parts) == 1 else _FLAG + 2,
                    None if len(parts) == 1 else len(parts),
                    None if len(parts) == 1 else place,
                )
            )
            for place, area in enumerate(parts, 1)
        ]

    def revised(self, cn: str, data_time: Instant, sent_at: Instant) -> list[bytes]:
        """Return frames that say something else of a time that was sent before, or none."""
        held = [f for f in self.faults if f.kind is FaultKind.REVISION]
        if not any(f.holds(None, data_time) for f in held):
            return []
        calmer = Monitor(self.number, self.kind, tuple(_as_lower(f) for f in held))
        return calmer.frames(cn, data_time, sent_at)

    def _courses(self, at: Instant) -> Iterator[Course]:
        gone = [f for f in self.faults if f.kind is FaultKind.MISSING_FACTOR]
        for course in self.kind.courses:
            if not any(f.holds(course.factor, at) for f in gone):
                yield course

    def _group(self, cn: str, course: Course, at: Instant) -> str:
        mark = self._mark(course, at)
        if cn == REAL_TIME:
            value = measured(self.kind, course, self.number, at, self.faults)
            return f"{course.factor}-Rtd={_plain(value)},{course.factor}-Flag={mark}"
        least, mean, most = self._over(course, at, SPANS[cn])
        told = (("Min", least), ("Avg", mean), ("Max", most))
        values = ",".join(f"{course.factor}-{name}={_plain(v)}" for name, v in told)
        return f"{values},{course.factor}-Flag={mark}"

    def _over(self, course: Course, start: Instant, span: timedelta) -> tuple[float, float, float]:
        moments = [Instant(start + span * place / _SAMPLES) for place in range(_SAMPLES)]
        values = [measured(self.kind, course, self.number, m, self.faults) for m in moments]
        least, mean, most = min(values), fmean(values), max(values)
        kinds = {f.kind for f in self.faults if f.holds(course.factor, start)}
        if FaultKind.DISORDER in kinds:
            least, most = most, least
        if FaultKind.NOT_RECOMPUTED in kinds:
            mean *= 0.8
        digits = 15 if FaultKind.DIGITS in kinds else course.decimals
        return least, round(mean, digits), most

    def _mark(self, course: Course, at: Instant) -> str:
        kinds = {f.kind for f in self.faults if f.holds(course.factor, at)}
        if FaultKind.MARK_ABUSE in kinds:
            return "C"
        return "T" if FaultKind.RANGE in kinds else "N"

    def _clock(self, at: Instant) -> Instant:
        off = [f.amount for f in self.faults if f.kind is FaultKind.CLOCK and f.holds(None, at)]
        return Instant(at + timedelta(minutes=sum(off)))


def monitors(
    count: int, kinds: Sequence[str] = tuple(KINDS), faults: Sequence[Fault] = ()
) -> tuple[Monitor, ...]:
    """Return `count` monitors of mixed kinds, each with the faults of its number."""
    return tuple(
        Monitor(
            number,
            KINDS[kinds[number % len(kinds)]],
            tuple(f for f in faults if f.monitor == number),
        )
        for number in range(count)
    )


def due(cn: str, after: Instant, until: Instant) -> Iterator[Instant]:
    """Yield the starts of the spans of a command that end after `after` and not after `until`."""
    span = SPANS[cn]
    start = after - (after + _CHINA_OFFSET - EPOCH) % span
    while start + span <= until:
        yield Instant(start)
        start += span


def _as_lower(fault: Fault) -> Fault:
    return Fault(
        FaultKind.PARAMETER, fault.monitor, fault.begins, fault.ends, fault.factor, fault.amount
    )


def _parts(groups: Sequence[str], head: str) -> Iterator[str]:
    area = head
    for group in groups:
        if len(area) + 1 + len(group) > _MOST_AREA:
            yield area
            area = head
        area = f"{area};{group}"
    yield area


def _plain(value: float) -> str:
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")
