"""What the page of a search shows: its drawings, and every figure that stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shuzhi.app.decide.cause_store import Sought
from shuzhi.decide.tracing import AirTrace, Candidate, Exceedance, Reach, RiverTrace, Sector
from shuzhi.web.drawing import rivers, winds
from shuzhi.web.drawing.marks import mark_id, row_id
from shuzhi.web.pages.frame.reading import Reader

_MOST_ROWS = 150
_COMPASS = (
    "N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE",
    "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW",
)  # fmt: skip


@dataclass(frozen=True)
class ReachRow:
    """A reach that was searched: how long its water is under way to the station's reach."""

    reach: Reach
    hours: float
    km: float


@dataclass(frozen=True)
class SideRow:
    """A side of the compass by its name, with what the wind from there brought."""

    name: str
    sector: Sector


def search_context(sought: Sought, reader: Reader) -> dict[str, Any]:
    """Return what the template of a search needs."""
    trace = sought.trace
    river = trace if isinstance(trace, RiverTrace) else None
    air = trace if isinstance(trace, AirTrace) else None
    asked_river = isinstance(sought.question, Exceedance)
    return {
        "sought": sought,
        "asked": sought.question,
        "kind": None if sought.question is None else "river" if asked_river else "air",
        "row_id": row_id,
        "mark_id": mark_id,
        "marked": (),
        **(_river(river, reader) if river else {"river": None}),
        **(_air(air, _station(sought, reader), reader) if air else {"air": None}),
    }


def _river(trace: RiverTrace, reader: Reader) -> dict[str, Any]:
    station = reader.t("tracings.at_reach", reach=trace.station_reach.id)
    words = rivers.Words(
        reader.t("tracings.map_river", station=station),
        reader.t("tracings.drawing_about"),
        reader.t("tracings.station_mark"),
        lambda reach, hours: _reach_says(reach, hours, reader),
        _candidate_says,
    )
    reaches = [trace.station_reach, *(up.reach for up in trace.searched)]
    rows = [ReachRow(up.reach, up.hours, up.km) for up in trace.searched[:_MOST_ROWS]]
    drawn = rivers.river_map(trace, words)
    shown = {
        "trace": trace,
        "map": drawn,
        "rows": [ReachRow(trace.station_reach, 0.0, 0.0), *rows],
        "most_rows": _MOST_ROWS,
        "unknown_speeds": sum(not reach.speed_m_s for reach in reaches),
        "simulated": sum(reach.is_simulated for reach in reaches),
        "knows_flow": any(reach.flow_m3_s for reach in reaches),
    }
    return {"river": shown, "marked": drawn.marked}


def _air(trace: AirTrace, station: str, reader: Reader) -> dict[str, Any]:
    points = (
        reader.t("compass.N"),
        reader.t("compass.E"),
        reader.t("compass.S"),
        reader.t("compass.W"),
    )
    about = reader.t("tracings.drawing_about")
    around = winds.Words(reader.t("tracings.map_air", station=station), about, points)
    bad = winds.Words(reader.t("tracings.rose", station=station), about, points)
    rows = [SideRow(_side(sector), sector) for sector in trace.sectors]
    names = {row.sector: row.name for row in rows}
    shown = {
        "trace": trace,
        "says_map": around.title,
        "says_rose": bad.title,
        "map": winds.source_map(trace, around, station, _candidate_says),
        "rose": winds.rose(trace, bad, lambda sector: _side_says(names[sector], sector, reader)),
        "rows": rows,
    }
    return {"air": shown, "marked": range(1, winds.MOST_MARKS + 1)}


def _station(sought: Sought, reader: Reader) -> str:
    question = sought.question
    if question is None or isinstance(question, Exceedance):
        return reader.t("tracings.station_mark")
    return question.station


def _reach_says(reach: Reach, hours: float, reader: Reader) -> str:
    return reader.t(
        "tracings.reach_says",
        reach=reach.id,
        km=reader.number(reach.length_km, 1),
        flow="–" if reach.flow_m3_s is None else f"{reach.flow_m3_s:,.4g} m³/s",
        hours=reader.number(hours, 1),
    )


def _side_says(name: str, sector: Sector, reader: Reader) -> str:
    return reader.t(
        "tracings.side_says",
        side=reader.word("compass", name),
        hours=sector.count,
        bad=sector.high,
        share=reader.percent(sector.probability, 0),
    )


def _side(sector: Sector) -> str:
    """Return the point of the compass nearest to the middle of a sector."""
    return _COMPASS[round(sector.middle_degrees / 22.5) % len(_COMPASS)]


def _candidate_says(candidate: Candidate) -> str:
    return candidate.title or candidate.id
