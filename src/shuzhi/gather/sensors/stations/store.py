"""The table of stations in the control store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    Row,
    String,
    Table,
    func,
    select,
)

from shuzhi.gather.sensors.hj212 import Checksum, Edition
from shuzhi.gather.sensors.stations.model import MOST_MN, Mode, Station
from shuzhi.kernel.control import InstantColumn, metadata
from shuzhi.kernel.instant import Instant

station_table = Table(
    "sensors_station",
    metadata,
    Column("mn", String(MOST_MN), primary_key=True),
    Column("st", String(3), nullable=False),
    Column("password_hash", String(64), nullable=False),
    Column("password_secret", String(120)),
    Column("key_secret", String(120)),
    Column("edition", Integer, nullable=False),
    Column("checksum", String(20), nullable=False),
    Column("mode", String(20), nullable=False),
    Column("answer_st", String(3), nullable=False),
    Column("answer_flag", Integer),
    Column("stamps_end", Boolean, nullable=False),
    Column("minute_interval", Integer, nullable=False),
    Column("units", JSON, nullable=False),
    Column("party", String(120), index=True),
    Column("outfall", String(200)),
    Column("is_enabled", Boolean, nullable=False),
    Column("longitude", Float),
    Column("latitude", Float),
    Column("located_at", InstantColumn),
    Column("changed_at", InstantColumn, nullable=False),
)


def read_stations(connection: Connection, mn: str | None = None) -> tuple[Station, ...]:
    """Return every station, or that one, by MN."""
    query = select(station_table).order_by(station_table.c.mn)
    if mn is not None:
        query = query.where(station_table.c.mn == mn)
    return tuple(_station(row) for row in connection.execute(query))


def read_stamp(connection: Connection) -> tuple[object, ...]:
    """Return how many stations there are and when the last one was changed."""
    query = select(func.count(), func.max(station_table.c.changed_at)).select_from(station_table)
    return tuple(connection.execute(query).one())


def insert_station(connection: Connection, station: Station, now: Instant) -> None:
    """Write a station that is not there yet."""
    connection.execute(station_table.insert(), _row(station, now))


def update_station(connection: Connection, station: Station, now: Instant) -> None:
    """Write a station in place of what is known of it."""
    changed = station_table.update().where(station_table.c.mn == station.mn)
    connection.execute(changed.values(_row(station, now)))


def _row(station: Station, now: Instant) -> Mapping[str, Any]:
    return {
        "mn": station.mn,
        "st": station.st,
        "password_hash": station.password_hash,
        "password_secret": station.password_secret,
        "key_secret": station.key_secret,
        "edition": int(station.edition),
        "checksum": station.checksum.value,
        "mode": station.mode.value,
        "answer_st": station.answer_st,
        "answer_flag": station.answer_flag,
        "stamps_end": station.stamps_end,
        "minute_interval": station.minute_interval,
        "units": dict(station.units),
        "party": station.party,
        "outfall": station.outfall,
        "is_enabled": station.is_enabled,
        "longitude": station.longitude,
        "latitude": station.latitude,
        "located_at": station.located_at,
        "changed_at": now,
    }


def _station(row: Row[Any]) -> Station:
    return Station(
        mn=row.mn,
        st=row.st,
        password_hash=row.password_hash,
        password_secret=row.password_secret,
        key_secret=row.key_secret,
        edition=Edition(row.edition),
        checksum=Checksum(row.checksum),
        mode=Mode(row.mode),
        answer_st=row.answer_st,
        answer_flag=row.answer_flag,
        stamps_end=row.stamps_end,
        minute_interval=row.minute_interval,
        units=row.units,
        party=row.party,
        outfall=row.outfall,
        longitude=row.longitude,
        latitude=row.latitude,
        located_at=row.located_at,
        is_enabled=row.is_enabled,
    )
