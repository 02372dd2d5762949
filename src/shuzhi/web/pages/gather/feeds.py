"""How fresh each source is: read in time, late, failed, or never read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shuzhi.app import City
from shuzhi.gather.sources import RunReport, Source, State
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.spans import parse_span

# A feed is late after this many of its intervals without a run.
_LATE_AFTER = 2


class Health(StrEnum):
    """How a feed stands."""

    GOOD = "good"
    LATE = "late"
    FAILED = "failed"
    NEVER = "never"


@dataclass(frozen=True)
class Feed:
    """A source, its newest run, and how it stands."""

    source: Source
    run: RunReport | None
    health: Health


def feeds(city: City) -> list[Feed]:
    """Return every source of the city, by name."""
    runs, now = city.newest_runs(), city.clock()
    found = ((source, runs.get(name)) for name, source in sorted(city.sources().items()))
    return [Feed(source, run, _health(source, run, now)) for source, run in found]


def _health(source: Source, run: RunReport | None, now: Instant) -> Health:
    if run is None:
        return Health.NEVER
    if run.state in (State.FAILED, State.KILLED):
        return Health.FAILED
    if source.every is None or run.ended_at is None:
        return Health.GOOD
    is_late = now - run.ended_at > _LATE_AFTER * parse_span(source.every)
    return Health.LATE if is_late else Health.GOOD
