"""Who the simulated monitors belong to, the river that they stand on, and the wind around them.

Tables in the shape of the data sets that a registry of pollution sources has. All of it is made up
and says so: names, ids that begin with SIM, and `is_simulated` where a table has it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from shuzhi.gather.sensors.simulator.frames import Monitor
from shuzhi.gather.sensors.simulator.series import chance, measured
from shuzhi.kernel.instant import Instant

Row = Mapping[str, object]
PARTY = "source_companies"
_SINCE, _CENTRE = "2020-01-01", (106.55, 29.56)
_DAYS_OF_WIND, _HOUR = 14, timedelta(hours=1)
# What permits and sections allow: loose enough to be kept on most days.
_PERMITTED: Mapping[str, tuple[float, str]] = {
    "a21026": (35, "mg/m3"),
    "a21002": (60, "mg/m3"),
    "a34013": (30, "mg/m3"),
    "w01018": (50, "mg/L"),
    "w21003": (5, "mg/L"),
    "w21001": (15, "mg/L"),
    "w21011": (0.5, "mg/L"),
}
_SECTIONS = {"w21003": 0.3, "w01019": 4.0, "w21011": 0.12}
# Sulphur dioxide in the air, ug/m3: what a plume adds, and the newest hour, which is bad.
_SO2, _PLUME, _BAD = "a21026", 250.0, 620.0


def registry(
    fleet: Sequence[Monitor], until: Instant, party_of: Callable[[Monitor], str] = lambda _: PARTY
) -> Mapping[str, str]:
    """Return CSV text by data set; hours of wind go up to `until`, `party_of` answers for each."""
    sources = [monitor for monitor in fleet if monitor.kind.is_source]
    water = [monitor for monitor in sources if monitor.kind.id == "waste_water"]
    rivers = [monitor for monitor in fleet if monitor.kind.id == "surface_water"]
    stations = [monitor for monitor in fleet if monitor.kind.id == "air"]
    last = f"SIM-R{len(water)}"
    tables: dict[str, Iterable[Row]] = {
        "pollution_sources": (_source(monitor, party_of(monitor)) for monitor in sources),
        "outfalls": (_outfall(m, water, party_of(m)) for m in sources),
        "monitors": map(_monitor, sources),
        "permits": (row for monitor in sources for row in _permits(monitor)),
        "river_reaches": (_reach(place) for place in range(len(water) + 1)),
        "river_sections": (row for m in rivers for row in _sections(m, last, party_of(m))),
        "wind_hours": (row for monitor in stations for row in _wind(monitor, until)),
    }
    return {name: text for name, rows in tables.items() if (text := _csv(list(rows)))}


def place_of(monitor: Monitor) -> tuple[float, float]:
    """Return where a monitor is said to stand: longitude and latitude, degrees of WGS 84."""
    east, north = _CENTRE
    if monitor.kind.id == "air":
        return east, north
    # Gas stands to the east, where the wind of the bad hours comes from.
    away = 0.04 + 0.08 * chance(f"east{monitor.number}")
    aside = 0.02 * (chance(f"north{monitor.number}") - 0.5)
    if monitor.kind.id == "flue_gas":
        return round(east + away, 5), round(north + aside, 5)
    return round(east - away, 5), round(north + aside, 5)


def _source(monitor: Monitor, party: str) -> Row:
    return {
        "source_id": f"SIM-S{monitor.number}",
        "source_zh": _name(monitor),
        "management": "key",
        "party": party,
    }


def _outfall(monitor: Monitor, water: Sequence[Monitor], party: str) -> Row:
    longitude, latitude = place_of(monitor)
    is_water = monitor in water
    return {
        "outfall_id": _outfall_id(monitor),
        "source_zh": _name(monitor),
        "party": party,
        "medium": "water" if is_water else "gas",
        "longitude": longitude,
        "latitude": latitude,
        "source_id": f"SIM-S{monitor.number}",
        "reach_id": f"SIM-R{water.index(monitor)}" if is_water else "",
        "above_km": 1.0 if is_water else "",
    }


def _monitor(monitor: Monitor) -> Row:
    return {
        "mn": monitor.mn,
        "outfall_id": _outfall_id(monitor),
        "installed_on": _SINCE,
        "is_in_service": "true",
        "edition": 2017,
        "minute_interval": 10,
    }


def _permits(monitor: Monitor) -> Iterator[Row]:
    for course in monitor.kind.courses:
        if course.factor in _PERMITTED:
            limit, unit = _PERMITTED[course.factor]
            for statistic in ("hour", "day"):
                yield {
                    "outfall_id": _outfall_id(monitor),
                    "factor": course.factor,
                    "statistic": statistic,
                    "qualifier": "<=",
                    "valid_from": _SINCE,
                    "limit_value": limit,
                    "unit": unit,
                    "is_converted": "false",
                }


def _reach(place: int) -> Row:
    return {
        "reach_id": f"SIM-R{place}",
        "from_node": f"SIM-N{place}",
        "to_node": f"SIM-N{place + 1}",
        "length_km": round(2 + 3 * chance(f"length{place}"), 1),
        "speed_m_s": round(0.4 + 0.4 * chance(f"speed{place}"), 2),
        "flow_m3_s": 4 + place,
        "is_simulated": "true",
    }


def _sections(monitor: Monitor, reach: str, party: str) -> Iterator[Row]:
    for factor, limit in _SECTIONS.items():
        yield {
            "mn": monitor.mn,
            "factor": factor,
            "section_zh": f"模拟断面{monitor.number}",
            "limit_value": limit,
            "unit": "mg/L",
            "reach_id": reach,
            "above_km": 0,
            "party": party,
            "is_simulated": "true",
        }


def _wind(monitor: Monitor, until: Instant) -> Iterator[Row]:
    course = next(c for c in monitor.kind.courses if c.factor == _SO2)
    newest = until.replace(minute=0, second=0, microsecond=0)
    longitude, latitude = place_of(monitor)
    hours = 24 * _DAYS_OF_WIND
    for ago in range(hours, -1, -1):
        at = Instant(newest - ago * _HOUR)
        is_east = ago % 3 == 0
        value = measured(monitor.kind, course, monitor.number, at) + _PLUME * is_east
        aside = 20 * (chance(f"wind{at.isoformat()}") - 0.5)
        yield {
            "station": monitor.mn,
            "observed_at": at.isoformat(),
            "factor": _SO2,
            "value": round(value, 1) if ago else _BAD,
            "speed_m_s": round(1.5 + 2 * chance(f"speed{at.isoformat()}"), 1),
            "from_degrees": round((90 if is_east else 270) + aside),
            "longitude": longitude,
            "latitude": latitude,
            "is_simulated": "true",
        }


def _outfall_id(monitor: Monitor) -> str:
    return f"SIM-O{monitor.number}"


def _name(monitor: Monitor) -> str:
    return f"模拟企业{monitor.number}（{monitor.kind.zh}）"


def _csv(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
