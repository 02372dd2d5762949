"""Tracings as map layers: GeoJSON (RFC 7946) that any map shows."""

from __future__ import annotations

from typing import Any

from shuzhi.decide.tracing.air import AirTrace
from shuzhi.decide.tracing.model import Candidate, Place
from shuzhi.decide.tracing.network import Reach, point_along
from shuzhi.decide.tracing.river import RiverTrace


def layer_of(trace: RiverTrace | AirTrace) -> dict[str, Any]:
    """Return the layer of a search, as `river_layer` or `air_layer`."""
    return river_layer(trace) if isinstance(trace, RiverTrace) else air_layer(trace)


def river_layer(trace: RiverTrace) -> dict[str, Any]:
    """Return the reaches that were searched, with their hours, the station and the candidates.

    What has no coordinates is left out: reaches without a line, candidates without a place.
    """
    own, above_km = trace.station_reach, trace.exceedance.above_km
    searched = [(own, 0.0), *((up.reach, up.hours) for up in trace.searched)]
    found = [_reach(reach, hours) for reach, hours in searched if len(reach.line) > 1]
    if len(own.line) > 1:
        line = [(p.longitude, p.latitude) for p in own.line]
        place = Place(*point_along(line, above_km=above_km, length_km=own.length_km))
        found.append(_feature(_point(place), {"kind": "station", "reach_id": own.id}))
    return _collection([*found, *_points(trace.candidates)])


def _reach(reach: Reach, hours: float) -> dict[str, Any]:
    line = {"type": "LineString", "coordinates": [_position(p) for p in reach.line]}
    known = {"flow_m3_s": reach.flow_m3_s, "is_simulated": reach.is_simulated}
    return _feature(line, {"kind": "reach", "id": reach.id, "hours": round(hours, 2), **known})


def air_layer(trace: AirTrace) -> dict[str, Any]:
    """Return the station with its sectors, and the candidates as points."""
    rose = [
        {"middle_degrees": s.middle_degrees, "count": s.count, "probability": s.probability}
        for s in trace.sectors
    ]
    station = _feature(_point(trace.place), {"kind": "station", "sectors": rose})
    return _collection([station, *_points(trace.candidates)])


def _points(candidates: tuple[Candidate, ...]) -> list[dict[str, Any]]:
    return [
        _feature(
            _point(c.place),
            {
                "kind": "candidate",
                "rank": rank,
                "id": c.id,
                "title": c.title,
                "score": round(c.score, 4),
                "is_simulated": c.is_simulated,
                "reasons": [{"code": r.code, "zh": r.zh, "en": r.en} for r in c.reasons],
            },
        )
        for rank, c in enumerate(candidates, 1)
        if c.place is not None
    ]


def _collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}


def _feature(geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _point(place: Place) -> dict[str, Any]:
    return {"type": "Point", "coordinates": _position(place)}


def _position(place: Place) -> list[float]:
    return [place.longitude, place.latitude]
