"""What monitors sent last: for each station its newest value of every factor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from shuzhi.gather.lake import Lake
from shuzhi.gather.sensors.landing.tables import OBSERVATIONS
from shuzhi.kernel.instant import Instant

_NEWEST = """
SELECT mn, factor, field, number, text, unit, mark, data_time, received_at FROM observations
WHERE received_at > $since AND field IN ('Rtd', 'Avg')
QUALIFY row_number() OVER (
  PARTITION BY mn, factor ORDER BY data_time DESC, field DESC, revision DESC) = 1
ORDER BY mn, factor LIMIT $most"""


@dataclass(frozen=True)
class NewestValue:
    """One value: `mark` is the station's own word on it, N for good (HJ 212)."""

    factor: str
    field: str
    number: float | None
    text: str | None
    unit: str | None
    mark: str | None
    data_time: Instant


@dataclass(frozen=True)
class NewestOfStation:
    """What a station sent last, and when that arrived."""

    mn: str
    received_at: Instant
    values: tuple[NewestValue, ...]


def newest_values(
    lake: Lake, *, now: Instant, within: timedelta, most: int = 2_000, memory_limit: str | None
) -> tuple[NewestOfStation, ...]:
    """Return the newest real-time or mean value of each factor that arrived `within` the past."""
    if not lake.exists(OBSERVATIONS.name):
        return ()
    asked = {"since": now - within, "most": most}
    with lake.duck(only=[OBSERVATIONS.name], memory_limit=memory_limit) as connection:
        rows = connection.sql(_NEWEST, params=asked).to_arrow_table().to_pylist()
    return tuple(_station(mn, [*of]) for mn, of in groupby(rows, key=lambda row: str(row["mn"])))


def _station(mn: str, rows: Iterable[dict[str, Any]]) -> NewestOfStation:
    received = max(row["received_at"] for row in rows)
    names = NewestValue.__dataclass_fields__
    values = (NewestValue(**{name: row[name] for name in names}) for row in rows)
    return NewestOfStation(mn, received, tuple(sorted(values, key=attrgetter("factor"))))
