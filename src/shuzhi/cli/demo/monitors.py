"""The monitors of the demonstration, which do not exist: where they stand, and what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shuzhi.gather.sensors.simulator import Monitor, monitors, place_of, registry
from shuzhi.gather.sensors.simulator.frames import PASSWORD
from shuzhi.gather.sensors.stations import Station

if TYPE_CHECKING:
    from shuzhi.app import City
    from shuzhi.kernel.instant import Instant

MONITORS = 24
_TOWNS = ("north_hill", "north_lake", "east_bridge", "east_port", "south_mill", "south_weir")
# A day that is over counts as incomplete where it lacks hours, so the past begins with a whole day.
_LEAST_PAST = timedelta(hours=4)
_BAD_FOR = timedelta(hours=3)
_SCRIPT = """faults:
  - kind: exceedance
    monitor: {monitor}
    factor: {factor}
    after: {after}
    lasts: {lasts}
    amount: 6
"""
_FACTORS = {"waste_water": "w01018", "flue_gas": "a21026"}
AFTER_SECONDS = 15


def place_monitors(city: City, count: int) -> Mapping[str, str]:
    """Register monitors, and return whose they are and what is around them, as CSV by data set."""
    fleet = monitors(count)
    known = {station.mn for station in city.stations()}
    for monitor in fleet:
        if monitor.mn not in known:
            city.add_station(_station(monitor), PASSWORD, by="demonstration")
    return registry(fleet, city.clock(), _town)


def past_of(now: Instant, zone: str) -> timedelta:
    """Return how long the monitors are said to have sent before: from a midnight of the city."""
    there = now.astimezone(ZoneInfo(zone))
    midnight = there.replace(hour=0, minute=0, second=0, microsecond=0)
    past = there - midnight
    return past if past >= _LEAST_PAST else past + timedelta(days=1)


def past_faults(count: int, past: timedelta) -> str:
    """Return the script of what went wrong in the hours before: one river section."""
    river, after = _of(count, "surface_water")[0].number, past - _BAD_FOR
    return _script(river, "w21003", after, "3 hours")


def coming_faults(count: int, now: Instant) -> tuple[str, Monitor]:
    """Return the script of what goes wrong in a moment, and at which monitor.

    It is another one from half hour to half hour, so that a city that is started again has
    something new to show.
    """
    sources = [*_of(count, "waste_water"), *_of(count, "flue_gas")]
    bad = sources[int(now.timestamp()) // 1_800 % len(sources)]
    after = timedelta(seconds=AFTER_SECONDS)
    script = _script(bad.number, _FACTORS[bad.kind.id], after, "10 minutes")
    return script, bad


def _script(monitor: int, factor: str, after: timedelta, lasts: str) -> str:
    seconds = f"{after.total_seconds():.0f} seconds"
    return _SCRIPT.format(monitor=monitor, factor=factor, after=seconds, lasts=lasts)


def _of(count: int, kind: str) -> list[Monitor]:
    return [monitor for monitor in monitors(count) if monitor.kind.id == kind]


def _town(monitor: Monitor) -> str:
    return _TOWNS[monitor.number % len(_TOWNS)]


def _station(monitor: Monitor) -> Station:
    place = f"模拟 simulated {monitor.kind.zh} {monitor.number}"
    longitude, latitude = place_of(monitor)
    return Station(
        monitor.mn, monitor.kind.st, party=_town(monitor), outfall=place,
        longitude=longitude, latitude=latitude,
    )  # fmt: skip
