"""The rules of the pack `air` on nine months of Chongqing: the known faults, all found, none more.

What must be found is counted from the same rows by other means, a loop over hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from shuzhi.decide.rules import (
    Warning,
    Watch,
    evaluate,
    look,
    register_rules,
    replay,
    warnings,
)
from shuzhi.kernel.instant import Instant
from shuzhi.packs import installed_pack

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

FOLDER = "data/01_air/cnemc_2019_chongqing_region"
HOUR = timedelta(hours=1)
START = Instant(datetime(2018, 12, 31, 16, tzinfo=UTC))
END = Instant(datetime(2019, 9, 30, 16, tzinfo=UTC))
ITEMS = {
    "AQI": "aqi",
    "PM2.5": "pm2_5_ug_m3",
    "PM10": "pm10_ug_m3",
    "SO2": "so2_ug_m3",
    "NO2": "no2_ug_m3",
    "O3": "o3_ug_m3",
    "CO": "co_mg_m3",
}
# Of each item how many hours before have to be the same, and the longest stretch in the data.
FROZEN = {
    "PM2.5": (5, 6),
    "PM10": (5, 17),
    "O3": (35, 28),
    "SO2": (35, 167),
    "NO2": (5, 8),
    "CO": (35, 30),
}
NAMES = (
    "air_feed_late",
    "air_station_dead",
    "air_value_frozen",
    "air_pm2_5_above_pm10",
    "air_o3_hour_exceeded",
)


@dataclass(frozen=True)
class Air:
    """The watch of a city that has the rows, all of them and by month."""

    watch: Watch
    stations: list[str]
    hours: pa.Table
    months: list[pa.Table]


@pytest.fixture
def air(shared: Path, bench: Any) -> Air:
    folder = shared / FOLDER
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        own = connection.sql(
            "SELECT ID AS station, stations_name AS name_zh, true AS is_in_service, "
            f"'ecology_bureau' AS responsible FROM '{folder}/stations.csv' WHERE area = '重庆'"
        ).to_arrow_table()
        columns = ", ".join(f'"{name}"' for name in own["station"].to_pylist())
        items = ", ".join(
            f"max(value) FILTER (type = '{item}')::DOUBLE AS {column}"
            for item, column in ITEMS.items()
        )
        hours = connection.sql(
            "SELECT station, timezone('Asia/Shanghai', strptime(date, '%Y%m%d')) "
            f"+ hour * INTERVAL 1 HOUR AS observed_at, {items} "
            f"FROM (UNPIVOT '{folder}/sites_wide.parquet' ON {columns} "
            "INTO NAME station VALUE value) GROUP BY ALL HAVING aqi IS NOT NULL "
            "OR pm2_5_ug_m3 IS NOT NULL OR pm10_ug_m3 IS NOT NULL OR so2_ug_m3 IS NOT NULL "
            "OR no2_ug_m3 IS NOT NULL OR o3_ug_m3 IS NOT NULL OR co_mg_m3 IS NOT NULL"
        ).to_arrow_table()
        connection.register("hours", hours)
        months = [
            connection.sql(
                f"FROM hours WHERE month(observed_at + INTERVAL 8 HOUR) = {month}"
            ).to_arrow_table()
            for month in range(1, 10)
        ]
    bench.lake.append("air_stations", own)
    bench.law = installed_pack("air").declared.law
    bench.memory_limit = "1GB"
    return Air(bench.watch, own["station"].to_pylist(), hours, months)


def test_the_known_faults_of_chongqing_are_found_and_live_says_what_a_replay_says(
    air: Air, bench: Any
) -> None:
    rules = [installed_pack("air").declared.rules[name] for name in NAMES]
    clock = [START]
    watch = replace(air.watch, clock=lambda: clock[0])
    bench.lake.append("air_quality_hourly", air.months[0].slice(0, 0))
    register_rules(watch, rules, by="test")
    for number, month in enumerate(air.months, start=2):
        bench.lake.append("air_quality_hourly", month)
        evaluate(watch, rules, "air_quality_hourly")
        begins = datetime(2019, number, 1, tzinfo=UTC) - 8 * HOUR
        clock[0] = Instant(begins - timedelta(minutes=1))
        look(watch, rules)
    assert bench.off() == {}
    live = warnings(watch, limit=None)
    done = {one.rule.id: one for one in replay(watch, rules, Instant(START + HOUR), END)}
    assert [one.failure for one in done.values()] == [""] * len(rules)
    found = [w for one in done.values() for w in one.warnings]
    assert bench.seen(live) == bench.seen(found)

    seen = _values(air.hours)
    late = done["air_feed_late"].warnings
    assert _looks(late) == _silent_looks({t for _, t in seen}, 3)
    whole_day = datetime(2019, 4, 7, 16, tzinfo=UTC)
    assert any(w.at <= whole_day + 3 * HOUR and w.last_at >= whole_day + 23 * HOUR for w in late)

    dead = done["air_station_dead"].warnings
    register = set(air.stations)
    never = register - {station for station, _ in seen}
    # Two are known to be dead all year; two more have no value in the months that are here.
    assert never > {"1423A", "1430A"}
    always = (END - START) // HOUR - 1
    assert {str(w.facts["station"]) for w in dead if w.count == always} == never
    for station in sorted(register):
        times = {t for s, t in seen if s == station}
        own = [w for w in dead if w.facts["station"] == station]
        assert _looks(own) == _silent_looks(times, 24)

    for place, (item, (earlier, longest)) in enumerate(FROZEN.items()):
        frozen = [w for w in done["air_value_frozen"].warnings if w.facts["item"] == item]
        assert sum(w.count for w in frozen) == len(_frozen(seen, place, earlier))
        station, last, length = max(_runs(seen, place), key=lambda run: run[2])
        assert length == longest
        told = (w.facts["station"] == station and w.at <= last <= w.last_at for w in frozen)
        assert any(told) == (longest > earlier)

    above = done["air_pm2_5_above_pm10"].warnings
    expected = [k for k, (fine, coarse, *_) in seen.items() if fine and coarse and fine > coarse]
    assert sum(w.count for w in above) == len(expected) > 0
    over = done["air_o3_hour_exceeded"].warnings
    assert sum(w.count for w in over) == sum(
        1 for _, _, ozone, *_ in seen.values() if ozone is not None and ozone > 200
    )
    assert over


def _values(hours: pa.Table) -> dict[tuple[str, datetime], tuple[Any, ...]]:
    return {
        (row["station"], row["observed_at"].astimezone(UTC)): tuple(
            row[ITEMS[item]] for item in FROZEN
        )
        for row in hours.to_pylist()
    }


def _looks(found: Iterable[Warning]) -> int:
    return sum(w.count for w in found)


def _silent_looks(times: set[datetime], after: int) -> int:
    """Count the hours, the first and the end left out, with no row in the `after` hours to it."""
    silent = 0
    for number in range(1, (END - START) // HOUR):
        at = START + number * HOUR
        silent += not any(at - back * HOUR in times for back in range(after))
    return silent


def _frozen(
    seen: dict[tuple[str, datetime], Any], place: int, earlier: int
) -> list[tuple[str, datetime]]:
    """Return where a value is the same as in each of the `earlier` hours before."""
    nothing = (None,) * len(FROZEN)
    return [
        (station, at)
        for (station, at), values in seen.items()
        if values[place] is not None
        and all(
            seen.get((station, at - back * HOUR), nothing)[place] == values[place]
            for back in range(1, earlier + 1)
        )
    ]


def _runs(seen: dict[tuple[str, datetime], Any], place: int) -> Iterator[tuple[str, datetime, int]]:
    """Yield the station, last hour and length of every stretch of hours with the same value."""
    lengths: dict[tuple[str, datetime, float], int] = {}
    for station, at in sorted(seen):
        value = seen[station, at][place]
        lengths[station, at, value] = 1 + lengths.get((station, at - HOUR, value), 0)
        if value is not None:
            yield station, at, lengths[station, at, value]
