"""Tracings as map layers: GeoJSON (RFC 7946) that any map shows."""

from __future__ import annotations

from typing import Any

from shuzhi.decide.tracing.air import AirTrace
from shuzhi.decide.tracing.model import Candidate, Place
from shuzhi.decide.tracing.river import RiverTrace


def river_layer(trace: RiverTrace) -> dict[str, Any]:
    """Return the reaches that were searched, with their hours, and the candidates as points."""
    reaches = [
        _feature(
            {"type": "LineString", "coordinates": [_position(p) for p in up.reach.line]},
            {"kind": "reach", "id": up.reach.id, "hours": round(up.hours, 2)},
        )
        for up in trace.searched
        if len(up.reach.line) > 1
    ]
    return _collection([*reaches, *_points(trace.candidates)])


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
