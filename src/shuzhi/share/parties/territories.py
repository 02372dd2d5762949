"""Where parties lie: their territories, from an official boundary file to a small one of ours.

A boundary file is GeoJSON (RFC 7946) in WGS 84 or CGCS2000, which are the same on any map. Shared
borders stay shared when they are made simpler.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import shapely
from shapely.errors import ShapelyError

from shuzhi.kernel.files import put_whole
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Party
from shuzhi.share.parties.errors import PartyError
from shuzhi.share.parties.model import Organisation

Point = tuple[float, float]
Ring = tuple[Point, ...]
_MOST_BYTES = 64 * 1024 * 1024
_MOST_FEATURES = 5_000
# How many of the smallest steps that a map shows lie across the whole city.
_STEPS_ACROSS = 1_500
_DIGITS = 6
# What is written of a reference system; the last part of each is its code.
_KNOWN = {"CRS84": "WGS 84", "4326": "WGS 84", "4490": "CGCS2000"}
_NAMES = ("party", "adcode", "code", "name", "NAME", "name_zh", "name_en")
_ENDINGS = ("自治县", "街道", "新区", "区", "县", "市", "镇", "乡")


@dataclass(frozen=True)
class Territory:
    """Where a party lies: rings of (longitude, latitude) in degrees; holes by the even-odd rule."""

    party: PartyId
    rings: tuple[Ring, ...]


@dataclass(frozen=True)
class Territories:
    """What a boundary file told: its name, its reference system, and the territories."""

    source: str
    reference: str
    territories: tuple[Territory, ...]

    def of(self, party: PartyId) -> Territory | None:
        """Return the territory of a party; None where the file has none."""
        return next((t for t in self.territories if t.party == party), None)


@dataclass(frozen=True)
class Imported:
    """What came of a boundary file: territories, and features that are no party's, by name."""

    territories: Territories
    unmatched: tuple[str, ...]


def read_boundaries(path: Path, organisation: Organisation, *, key: str | None = None) -> Imported:
    """Read a boundary file; each feature belongs to the party that its property `key` names.

    A party is named by its id or by one of its titles; without `key` the usual names of properties
    are tried.

    Raises:
        PartyError: `share.boundaries_bad` with what is wrong and where.
    """
    document = _document(path)
    reference = _reference(document)
    features = document.get("features")
    if document.get("type") != "FeatureCollection" or not isinstance(features, list):
        raise _bad(path, "is no FeatureCollection", "Export the boundaries as GeoJSON.")
    if len(features) > _MOST_FEATURES:
        raise _bad(path, f"has more than {_MOST_FEATURES:,} features", "Leave out lower levels.")
    named = [(_party(feature, organisation, key), feature) for feature in features]
    found: dict[PartyId, list[Any]] = {}
    for number, (party, feature) in enumerate(named, start=1):
        if party is not None:
            found.setdefault(party.id, []).append(_shape(path, number, feature))
    if not found:
        raise _bad(
            path,
            "names no party that is registered",
            f"Say with --key which property has the id or title; they have: {_keys(features)}.",
        )
    made = tuple(_simpler({party: shapely.union_all(s) for party, s in found.items()}))
    unmatched = tuple(_name(feature, key) for party, feature in named if party is None)
    return Imported(Territories(path.name, reference, made), unmatched)


def write_territories(territories: Territories, path: Path) -> None:
    """Keep territories in a file of ours; one that was there is replaced whole."""
    put_whole(path, json.dumps(asdict(territories), ensure_ascii=False).encode())


def read_territories(path: Path) -> Territories | None:
    """Return what `write_territories` kept; None where there is no such file.

    Raises:
        PartyError: `share.boundaries_bad` when somebody changed it.
    """
    if not path.exists():
        return None
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        territories = tuple(
            Territory(PartyId(t["party"]), tuple(_ring(ring) for ring in t["rings"]))
            for t in kept["territories"]
        )
        return Territories(str(kept["source"]), str(kept["reference"]), territories)
    except (ValueError, KeyError, TypeError) as error:
        raise _bad(path, f"cannot be read ({error})", "Import the boundaries again.") from None


def _document(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _bad(path, "is larger than 64 MiB", "Make it simpler, or leave out lower levels.")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise _bad(path, f"cannot be read ({error.strerror})", "Name another file.") from None
    except (ValueError, RecursionError):
        raise _bad(path, "is no JSON", "Export the boundaries as GeoJSON.") from None
    if not isinstance(document, dict):
        raise _bad(path, "is no GeoJSON object", "Export the boundaries as GeoJSON.")
    return document


def _reference(document: Mapping[str, Any]) -> str:
    crs = document.get("crs")
    if crs is None:
        return "WGS 84"
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = str(properties.get("name")) if isinstance(properties, dict) else ""
    found = _KNOWN.get(name.rpartition(":")[2])
    if found is None:
        raise PartyError(
            "share.boundaries_bad",
            f"The boundaries are in {name[:80] or 'a reference system without a name'}.",
            next_step="Convert them to longitude and latitude: EPSG:4326 or EPSG:4490.",
        )
    return found


def _party(feature: Any, organisation: Organisation, key: str | None) -> Party | None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    for name in (key,) if key else _NAMES:
        value = properties.get(name) if isinstance(properties, dict) else None
        if value is None:
            continue
        party = organisation.get(PartyId(str(value))) or _titled(organisation, str(value))
        if party is not None:
            return party
    return None


def _titled(organisation: Organisation, title: str) -> Party | None:
    """Return the only party of that title; an ending such as 区 may be left away."""
    bare = _bare(title)
    found = [p for p in organisation if bare in (_bare(p.title_zh), p.title_en)]
    exact = [p for p in organisation if title in (p.title_zh, p.title_en)]
    chosen = exact or found
    return chosen[0] if len(chosen) == 1 else None


def _bare(title: str) -> str:
    ending = next((e for e in _ENDINGS if title.endswith(e) and len(title) > len(e) + 1), "")
    return title.removesuffix(ending)


def _shape(path: Path, number: int, feature: Mapping[str, Any]) -> Any:
    where = f"feature {number}"
    geometry = feature.get("geometry")
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        raise _bad(path, f"{where} is a {kind}, no polygon", "Leave it out.")
    try:
        shape = shapely.from_geojson(json.dumps(geometry))
        sound = shapely.make_valid(shape)
    except (ShapelyError, ValueError, TypeError):
        raise _bad(path, f"{where} has no readable coordinates", "Export it again.") from None
    west, south, east, north = shapely.bounds(sound)
    if not all(map(math.isfinite, (west, south, east, north))) or sound.is_empty:
        raise _bad(path, f"{where} has no area", "Leave it out.")
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise _bad(
            path,
            f"{where} lies outside of longitude and latitude ({west:.0f}, {south:.0f})",
            "It is projected: convert it to EPSG:4326 or EPSG:4490.",
        )
    return sound


def _simpler(shapes: Mapping[PartyId, Any]) -> Iterator[Territory]:
    """Yield the territories with no detail that a map of them all could show."""
    areas = list(shapes.values())
    west, south, east, north = shapely.total_bounds(areas)
    step = max(east - west, north - south) / _STEPS_ACROSS
    if shapely.coverage_is_valid(areas):
        areas = list(shapely.coverage_simplify(areas, step))
    else:
        areas = [shapely.simplify(area, step, preserve_topology=True) for area in areas]
    for party, area in zip(shapes, areas, strict=True):
        yield Territory(party, tuple(_rings(area)))


def _rings(area: Any) -> Iterator[Ring]:
    for polygon in shapely.get_parts(area):
        if polygon.geom_type == "Polygon":
            for ring in (polygon.exterior, *polygon.interiors):
                yield _ring(ring.coords)


def _ring(points: Iterable[Sequence[float]]) -> Ring:
    return tuple((round(float(p[0]), _DIGITS), round(float(p[1]), _DIGITS)) for p in points)


def _name(feature: Any, key: str | None) -> str:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    held = properties if isinstance(properties, dict) else {}
    return next((str(held[n])[:60] for n in (key, *_NAMES) if n and held.get(n)), "without a name")


def _keys(features: Sequence[Any]) -> str:
    first = features[0] if features else None
    properties = first.get("properties") if isinstance(first, dict) else None
    keys = list(properties)[:12] if isinstance(properties, dict) else []
    return ", ".join(map(str, keys)) or "none"


def _bad(path: Path, problem: str, next_step: str) -> PartyError:
    return PartyError("share.boundaries_bad", f"{path.name}: {problem}.", next_step=next_step)
