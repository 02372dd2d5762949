"""What a simulated monitor measures at any moment: the same each time it is asked.

Values follow the day, the load and a slow random walk made of hashes; so a history that is asked
for again says what was sent live.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from datetime import timedelta

from shuzhi.gather.sensors.simulator.faults import Fault, FaultKind
from shuzhi.gather.sensors.simulator.kinds import Course, Kind
from shuzhi.kernel.instant import Instant

_DAY_S = 86_400
_WALK_S = 1_800
_LEAST_LOAD = 0.35
_CHINA_S = 8 * 3_600


def measured(
    kind: Kind, course: Course, seed: int, at: Instant, faults: Sequence[Fault] = ()
) -> float:
    """Return a value, rounded as the monitor rounds it, with the faults that are at work."""
    active = [f for f in faults if f.holds(course.factor, at)]
    at = _moved(at, active)
    value = _usual(kind, course, seed, at, active)
    for fault in active:
        value = _faulty(fault, course, value)
    most = math.inf if any(f.kind is FaultKind.IMPOSSIBLE for f in active) else course.most
    decimals = 15 if any(f.kind is FaultKind.DIGITS for f in active) else course.decimals
    return round(min(value, most), decimals)


def load_of(kind: Kind, seed: int, at: Instant) -> float:
    """Return how busy the plant is, 0.35 to 1; 1 where nothing is produced."""
    if not kind.is_source:
        return 1.0
    hour = _local_s(at) / 3_600
    shift = 0.5 + 0.5 * math.sin((hour - 8) / 24 * 2 * math.pi)
    noise = _walk(f"load{seed}", at)
    return min(1.0, max(_LEAST_LOAD, 0.55 + 0.35 * shift + 0.1 * noise))


def chance(name: str) -> float:
    """Return a number from 0 to below 1 that a name always has."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _usual(kind: Kind, course: Course, seed: int, at: Instant, active: Sequence[Fault]) -> float:
    own = 0.8 + 0.4 * chance(f"{seed}{course.factor}")
    phase = (_local_s(at) / 3_600 - course.peak_hour) / 24 * 2 * math.pi
    is_detached = any(f.kind in (FaultKind.DETACHED, FaultKind.TOO_QUIET) for f in active)
    load = 0.0 if is_detached else course.load * (load_of(kind, seed, at) - 0.75)
    is_quiet = any(f.kind is FaultKind.TOO_QUIET for f in active)
    noise = 0.02 * course.noise if is_quiet else course.noise
    moved = course.swing * math.cos(phase) * (0.02 if is_quiet else 1.0)
    walk = noise * _walk(f"{seed}{course.factor}", at)
    fine = 0.25 * noise * (2 * chance(f"{seed}{course.factor}{int(at.timestamp())}") - 1)
    return max(0.0, course.mean * own * (1 + moved + load + walk + fine))


def _moved(at: Instant, active: Sequence[Fault]) -> Instant:
    """Return the moment whose value is shown: a copy shows yesterday's, a flat line its first."""
    for fault in active:
        if fault.kind is FaultKind.FLAT_LINE:
            return fault.begins
        if fault.kind is FaultKind.COPY:
            return Instant(at - timedelta(days=1))
    return at


def _faulty(fault: Fault, course: Course, value: float) -> float:
    match fault.kind:
        case FaultKind.EXCEEDANCE | FaultKind.JUMP | FaultKind.RANGE:
            return value * fault.amount
        case FaultKind.PARAMETER:
            return value / fault.amount
        case FaultKind.CLIPPED:
            # `amount` is the limit under which everything is kept.
            return min(value, 0.97 * fault.amount)
        case FaultKind.IMPOSSIBLE:
            return 25.0 if course.factor == "a19001" else value + 100.0
    return value


def _walk(name: str, at: Instant) -> float:
    """Return a slow random course between -1 and 1, smooth from half hour to half hour."""
    place, part = divmod(int(at.timestamp()), _WALK_S)
    share = part / _WALK_S
    smooth = share * share * (3 - 2 * share)
    left, right = (2 * chance(f"{name}{p}") - 1 for p in (place, place + 1))
    return left + (right - left) * smooth


def _local_s(at: Instant) -> int:
    return (int(at.timestamp()) + _CHINA_S) % _DAY_S
