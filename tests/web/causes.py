"""A river and a wind for the small city of the pages, and what was sought in them."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa

from shuzhi.app import City
from shuzhi.decide.tracing import Bad, Exceedance
from shuzhi.kernel.instant import Instant

TRACINGS = {
    "tracings/rivers.yaml": """
id: rivers
title: {zh: 沿河上溯, en: Up the rivers}
reads: [reaches, outfalls, loads]
river:
  reaches: |
    SELECT id, from_node, to_node, length_km, speed_m_s, flow_m3_s, is_simulated FROM reaches
  outfalls: |
    SELECT id, title, reach_id, above_km, party, longitude, latitude, is_simulated FROM outfalls
  loads: SELECT outfall_id, factor, load_kg_d FROM loads
assumptions: {speed_m_s: 0.4, most_hours: 48, decay_per_hour: {w21003: 0.01}}
""",
    "tracings/winds.yaml": """
id: winds
title: {zh: 按风向归因, en: By the wind}
reads: [wind, works]
air:
  stations: SELECT DISTINCT station AS id, longitude, latitude FROM wind
  hours: SELECT station, observed_at, value, speed_m_s, from_degrees, TRUE AS is_simulated FROM wind
  sources: SELECT id, title, longitude, latitude, party, load_kg_h FROM works
assumptions: {most_km: 30}
""",
}
_REACHES = {
    "id": ["main-1", "main-2", "main-3", "brook", "mill", "out"],
    "from_node": ["a", "b", "c", "d", "e", "f"],
    "to_node": ["b", "c", "f", "b", "c", "g"],
    "length_km": [9.0, 6.5, 4.0, 3.2, 5.1, 2.0],
    "speed_m_s": [0.6, 0.6, 0.7, None, 0.3, 0.7],
    "flow_m3_s": [6.0, 8.5, 11.0, 0.9, 2.2, 11.4],
    "is_simulated": [False, False, False, True, False, False],
}
_OUTFALLS = {
    "id": ["DW1", "DW2", "DW3", "DW4"],
    "title": ["<b>东化工厂</b>", "北印染厂", "污水处理厂", "电镀园"],
    "reach_id": ["main-2", "brook", "mill", "mill"],
    "above_km": [2.0, 1.0, 3.0, 2.9],
    "party": ["east", "west", None, "harbour"],
    "longitude": [None, 106.5, None, None],
    "latitude": [None, 29.6, None, None],
    "is_simulated": [False, True, False, False],
}
_LOADS = {
    "outfall_id": ["DW1", "DW2", "DW3", "DW4"],
    "factor": ["w21003", "w21003", "w21003", "w20122"],
    "load_kg_d": [900.0, 40.0, 2200.0, 5.0],
}
_WORKS = {
    "id": ["DA1", "DA2", "DA3"],
    "title": ["热电厂", "水泥厂", "钢铁厂"],
    "longitude": [106.62, 106.41, 106.52],
    "latitude": [29.50, 29.52, 29.61],
    "party": ["east", None, "harbour"],
    "load_kg_h": [30.0, 4.0, None],
}


def load_river_and_wind(city: City) -> None:
    """Put into the lake what the tracings read: six reaches, four outfalls, four days of wind."""
    start = city.clock()
    hours = range(96)
    wind = {
        "station": ["1001A"] * 96,
        "observed_at": [start - timedelta(hours=96 - hour) for hour in hours],
        "value": [210.0 if hour % 3 == 0 else 40.0 + hour % 7 for hour in hours],
        "speed_m_s": [0.2 if hour % 16 == 5 else 2.5 for hour in hours],
        "from_degrees": [90.0 if hour % 3 == 0 else 270.0 + 22.5 * (hour % 4) for hour in hours],
        "longitude": [106.5] * 96,
        "latitude": [29.5] * 96,
    }
    tables = {"reaches": _REACHES, "outfalls": _OUTFALLS, "loads": _LOADS, "works": _WORKS}
    for name, columns in {**tables, "wind": wind}.items():
        city.lake.append(name, pa.table(columns))


def exceeded(city: City) -> Exceedance:
    """Ammonia at the lowest reach, above its limit."""
    return Exceedance("w21003", "out", city.clock(), 2.6, 1.0, 0.5)


def bad_air(city: City) -> Bad:
    """The hours of the four days before now that were dusty."""
    now = city.clock()
    return Bad("1001A", Instant(now - timedelta(days=4)), now, 150.0)


def seek(city: City) -> None:
    """Let somebody seek the causes of both: the first search and the second."""
    city.seek("rivers", exceeded(city), by="clerk", origin="test:river")
    city.seek("winds", bad_air(city), by="clerk", origin="test:air")
