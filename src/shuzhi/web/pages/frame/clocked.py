"""Cases with what their clocks show, for lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shuzhi.act.cases import Case, CaseKind, ClockState, Reading, readings
from shuzhi.app import City
from shuzhi.kernel.instant import EPOCH, Instant


@dataclass(frozen=True)
class Clocked:
    """A case, its kind, and the clock that matters most: the one that runs out first.

    `kind` is None for a kind that no pack of the city declares any more.
    """

    case: Case
    kind: CaseKind | None
    reading: Reading | None


def clocked(city: City, found: Iterable[Case]) -> list[Clocked]:
    """Return `found` with their clocks as they are now."""
    office = city.office
    return [_clocked(office.kinds.get(case.kind), case, city) for case in found]


def _clocked(kind: CaseKind | None, case: Case, city: City) -> Clocked:
    if kind is None:
        return Clocked(case, None, None)
    shown = readings(case, city.office.clocks(kind.id), city.clock())
    live = [reading for reading in shown if reading.state is not ClockState.ENDED]
    return Clocked(case, kind, min(live, key=_urgency, default=None))


def _urgency(reading: Reading) -> tuple[bool, bool, Instant]:
    # A clock that stands has no end yet, and comes after those that run; of these one whose end
    # nobody knows comes last.
    stands = reading.state is ClockState.STANDING and not reading.is_late
    return stands, reading.due_at is None, reading.due_at or EPOCH
