"""What others ask of the registry: register a station, change, show, disable it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shuzhi.audit import Entry, queue
from shuzhi.gather.sensors.stations.errors import StationError, no_such_station
from shuzhi.gather.sensors.stations.model import Station, require_station
from shuzhi.gather.sensors.stations.store import (
    insert_station,
    read_stamp,
    read_stations,
    update_station,
)
from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Instant


def register_station(control: Control, station: Station, *, by: str, now: Instant) -> None:
    """Register a station; a gateway that runs takes it within seconds.

    Raises:
        StationError: `gather.bad_station`, `gather.station_known`.
    """
    require_station(station)
    with control.transaction() as connection:
        if read_stations(connection, station.mn):
            raise StationError(
                "gather.station_known",
                f"The station {station.mn!r} is registered already.",
                next_step="Change it with `shuzhi station set`, or register another MN.",
            )
        insert_station(connection, _located(station, None, now), now)
        queue(connection, _entry("station.registered", station, by, now))


def change_station(
    control: Control, mn: str, change: Callable[[Station], Station], *, by: str, now: Instant
) -> Station:
    """Put what `change` makes of a station in its place, and return it.

    Raises:
        StationError: `gather.no_such_station`, `gather.bad_station`.
    """
    with control.transaction() as connection:
        there = read_stations(connection, mn)
        if not there:
            raise no_such_station(mn)
        station = require_station(replace(change(there[0]), mn=mn))
        station = _located(station, there[0], now)
        update_station(connection, station, now)
        queue(connection, _entry("station.changed", station, by, now))
        return station


def set_enabled(control: Control, mn: str, *, is_enabled: bool, by: str, now: Instant) -> Station:
    """Let a station send, or refuse what it sends from now on. Raises as `change_station`."""
    return change_station(
        control, mn, lambda station: replace(station, is_enabled=is_enabled), by=by, now=now
    )


def stations(control: Control) -> tuple[Station, ...]:
    """Return every station, by MN."""
    with control.transaction() as connection:
        return read_stations(connection)


def registry_stamp(control: Control) -> tuple[object, ...]:
    """Return what is different whenever a station was registered or changed."""
    with control.transaction() as connection:
        return read_stamp(connection)


def station(control: Control, mn: str) -> Station:
    """Return the station with this MN. Raises StationError `gather.no_such_station`."""
    with control.transaction() as connection:
        found = read_stations(connection, mn)
    if not found:
        raise no_such_station(mn)
    return found[0]


def _located(station: Station, before: Station | None, now: Instant) -> Station:
    """Return a station that says since when its place is known."""
    if station.longitude is None:
        return replace(station, located_at=None)
    if before is not None and station.place == before.place:
        return replace(station, located_at=before.located_at)
    return replace(station, located_at=now)


def _entry(kind: str, station: Station, by: str, now: Instant) -> Entry:
    facts = {
        "st": station.st,
        "edition": station.edition.name,
        "mode": station.mode.value,
        "party": station.party,
        "place": [None if degrees is None else str(degrees) for degrees in station.place],
        "is_enabled": station.is_enabled,
    }
    return Entry(kind, now, by, f"station:{station.mn}", facts)
