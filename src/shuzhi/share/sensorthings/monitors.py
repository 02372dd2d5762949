"""Monitors and what they sent as SensorThings: stations are Things, values Observations.

A Datastream is one field of one factor under one command of one station (`mn.st.cn.factor.field`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pyarrow as pa

from shuzhi.gather.lake import Lake
from shuzhi.gather.sensors.hj212 import tables
from shuzhi.gather.sensors.stations import Station
from shuzhi.share.sensorthings.asking import Engine
from shuzhi.share.sensorthings.entities import COLUMNS

OBSERVED = "observations"
_MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
# How long the value of a command is of: a day, an hour, minutes by the station's own setting.
_LASTS = """
  CASE o.cn WHEN '2031' THEN INTERVAL 1 DAY WHEN '2041' THEN INTERVAL 1 DAY
            WHEN '2061' THEN INTERVAL 1 HOUR
            WHEN '2051' THEN to_minutes(coalesce(s.minute_interval, 10)) END"""
_STREAM = "concat_ws('.', o.mn, o.st, o.cn, o.factor, o.field)"
_PLACE = """
      SELECT mn AS id, coalesce(outfall, mn) AS name, 'Where the monitor stands' AS description,
        longitude, latitude, NULL::VARCHAR AS properties"""
_VIEWS = {
    "st_things": """
      SELECT mn AS id, coalesce(outfall, mn) AS name, 'HJ 212 monitor ' || mn AS description,
        json_object('mn', mn, 'st', st, 'party', party, 'outfall', outfall)::VARCHAR AS properties
      FROM __stations""",
    "st_sensors": """
      SELECT mn AS id, 'Data logger ' || mn AS name, edition AS description,
        edition AS metadata, NULL::VARCHAR AS properties FROM __stations""",
    "st_observed_properties": """
      SELECT code AS id, en AS name, zh AS description, 'urn:hj212:factor:' || code AS definition,
        json_object('zh', zh, 'cas', cas)::VARCHAR AS properties FROM __factors""",
    "st_datastreams": f"""
      SELECT {_STREAM} AS id, any_value(coalesce(f.zh, o.factor)) || ' ' || o.field AS name,
        'HJ 212 command ' || o.cn || ', factor ' || o.factor || ', field ' || o.field
          AS description,
        '{_MEASUREMENT}' AS observation_type,
        any_value(o.unit) AS unit_name, any_value(o.unit) AS unit_symbol,
        'http://unitsofmeasure.org/' || any_value(o.unit) AS unit_definition,
        min(o.data_time) AS phenomenon_start,
        max(o.data_time + coalesce({_LASTS}, INTERVAL 0 SECOND)) AS phenomenon_end,
        json_object('cn', o.cn, 'field', o.field)::VARCHAR AS properties,
        o.mn AS thing_id, o.mn AS sensor_id, o.factor AS observed_property_id
      FROM {OBSERVED} o LEFT JOIN __factors f ON f.code = o.factor
        LEFT JOIN __stations s ON s.mn = o.mn
      GROUP BY o.mn, o.st, o.cn, o.factor, o.field""",  # noqa: S608  (constants of this module)
    "st_features": f"{_PLACE} FROM __stations",
    # A place that is not known is no Location; of earlier places nothing is kept.
    "st_locations": f"{_PLACE}, mn AS thing_id FROM __stations WHERE longitude IS NOT NULL",
    "st_historical_locations": """
      SELECT mn AS id, located_at AS moment, mn AS thing_id, mn AS location_id
      FROM __stations WHERE longitude IS NOT NULL""",
    "st_observations": f"""
      SELECT {_STREAM} || '.' || epoch_us(o.data_time) || '.' || o.revision AS id,
        {_STREAM} AS datastream_id, o.mn AS feature_id, o.data_time AS phenomenon_start,
        o.data_time + {_LASTS} AS phenomenon_end, o.received_at AS result_time,
        o.number AS result, o.text AS result_text, o.mark AS result_quality,
        json_object('revision', o.revision, 'qn', o.qn)::VARCHAR AS parameters
      FROM {OBSERVED} o LEFT JOIN __stations s ON s.mn = o.mn""",  # noqa: S608
}
_STATION_COLUMNS = ("mn", "st", "party", "outfall", "edition")
_FACTOR_COLUMNS = ("code", "zh", "en", "cas")


@contextmanager
def monitors_engine(
    lake: Lake, stations: Sequence[Station], now: datetime, *, memory_limit: str | None = None
) -> Iterator[Engine]:
    """Open an engine over the stations that are registered and what of them is in the lake.

    Before anything was received it has Things and no Observations.
    """
    has_values = lake.exists(OBSERVED)
    only = [OBSERVED] if has_values else []
    with lake.duck(only=only, memory_limit=memory_limit) as connection:
        connection.register("__stations", _stations(stations))
        connection.register("__factors", _factors())
        for relation, columns in COLUMNS.items():
            sql = _VIEWS.get(relation)
            is_there = sql is not None and (has_values or f"FROM {OBSERVED} " not in sql)
            made = sql if is_there else _nothing(columns)
            connection.execute(f"CREATE TEMP VIEW {relation} AS {made}")
        yield Engine(connection, now)


def _stations(stations: Sequence[Station]) -> pa.Table:
    rows: list[dict[str, Any]] = [
        {
            **{c: _plain(getattr(s, c)) for c in _STATION_COLUMNS},
            "minute_interval": s.minute_interval,
            "longitude": s.longitude,
            "latitude": s.latitude,
            "located_at": s.located_at,
        }
        for s in stations
    ]
    schema = pa.schema(
        [
            *((c, pa.string()) for c in _STATION_COLUMNS),
            ("minute_interval", pa.int64()),
            ("longitude", pa.float64()),
            ("latitude", pa.float64()),
            ("located_at", pa.timestamp("us", tz="UTC")),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def _plain(value: object) -> str | None:
    return None if value is None else str(value)


def _factors() -> pa.Table:
    rows = [{c: row[c] or None for c in _FACTOR_COLUMNS} for row in tables.rows("factors")]
    return pa.Table.from_pylist(rows, schema=pa.schema([(c, pa.string()) for c in _FACTOR_COLUMNS]))


_TYPES = {
    **dict.fromkeys(("longitude", "latitude", "result"), "DOUBLE"),
    **dict.fromkeys(("moment", "phenomenon_start", "phenomenon_end", "result_time"), "TIMESTAMPTZ"),
}


def _nothing(columns: Sequence[str]) -> str:
    nothing = ", ".join(f"NULL::{_TYPES.get(c, 'VARCHAR')} AS {c}" for c in columns)
    return f"SELECT {nothing} WHERE false"
