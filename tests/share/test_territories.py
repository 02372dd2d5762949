"""Boundaries: whose they are, where they lie, and that neighbours keep their common border."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Level, Party
from shuzhi.share.parties import (
    Organisation,
    PartyError,
    Territory,
    read_boundaries,
    read_territories,
    write_territories,
)
from shuzhi.web.drawing.territories import Projection

ORGANISATION = Organisation.of(
    [
        Party(PartyId("city"), "滨江市", "Riverside", Level.CITY),
        Party(PartyId("east"), "东城区", "East District", Level.DISTRICT, None, PartyId("city")),
        Party(PartyId("west"), "西城区", "West District", Level.DISTRICT, None, PartyId("city")),
    ]
)


def feature(name: Any, ring: list[list[float]], **properties: Any) -> dict[str, Any]:
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"name": name, **properties}, "geometry": geometry}


def square(west: float, south: float, size: float = 0.5) -> list[list[float]]:
    east, north = west + size, south + size
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def file(tmp_path: Path, *features: Any, **more: Any) -> Path:
    path = tmp_path / "districts.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **more}))
    return path


def wavy(start: float, end: float, x: float, steps: int = 4_000) -> list[list[float]]:
    """A border from south to north with more detail than a map can show."""
    wave = (x + 0.0001 * ((-1) ** n) for n in range(steps + 1))
    return [[w, start + (end - start) * n / steps] for n, w in enumerate(wave)]


@pytest.mark.parametrize("name", ["east", "东城区", "东城", "East District"])
def test_a_feature_is_found_by_id_or_title(tmp_path: Path, name: str) -> None:
    done = read_boundaries(file(tmp_path, feature(name, square(106, 29))), ORGANISATION)
    assert [t.party for t in done.territories.territories] == ["east"]
    assert (done.territories.reference, done.unmatched) == ("WGS 84", ())


def test_what_is_no_party_is_said_and_the_key_may_be_named(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        feature("东城区", square(106, 29), code="w-1"),
        feature("北城区", square(107, 29), code="west"),
    )
    assert read_boundaries(path, ORGANISATION).unmatched == ()
    by_name = read_boundaries(path, ORGANISATION, key="name")
    assert by_name.unmatched == ("北城区",)
    assert [t.party for t in by_name.territories.territories] == ["east"]
    by_code = read_boundaries(path, ORGANISATION, key="code")
    assert ([t.party for t in by_code.territories.territories], by_code.unmatched) == (
        ["west"],
        ("w-1",),
    )


def test_several_features_of_a_party_are_one_territory(tmp_path: Path) -> None:
    path = file(tmp_path, feature("east", square(106, 29)), feature("east", square(108, 29)))
    [territory] = read_boundaries(path, ORGANISATION).territories.territories
    assert len(territory.rings) == 2


def test_neighbours_keep_their_border_and_lose_detail(tmp_path: Path) -> None:
    border = wavy(29.0, 30.0, 106.5)
    west = [[106.0, 29.0], *border, [106.0, 30.0], [106.0, 29.0]]
    east = [[107.0, 29.0], [107.0, 30.0], *reversed(border), [107.0, 29.0]]
    path = file(tmp_path, feature("west", west), feature("east", east))
    known = read_boundaries(path, ORGANISATION).territories.territories
    areas = [shapely.Polygon(t.rings[0]) for t in known]
    assert sum(len(t.rings[0]) for t in known) < 400
    assert shapely.area(shapely.intersection(*areas)) == 0
    assert shapely.area(shapely.union(*areas)) == pytest.approx(1.0)


def test_what_is_kept_is_what_was_read(tmp_path: Path) -> None:
    done = read_boundaries(file(tmp_path, feature("east", square(106, 29))), ORGANISATION)
    kept = tmp_path / "map.json"
    assert read_territories(kept) is None
    write_territories(done.territories, kept)
    assert read_territories(kept) == done.territories
    kept.write_text('{"source": 1}')
    with pytest.raises(PartyError, match=r"map\.json: cannot be read"):
        read_territories(kept)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("nothing", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[1]", "is no GeoJSON object"),
        ('{"type": "Feature"}', "is no FeatureCollection"),
        ('{"type": "FeatureCollection", "features": {}}', "is no FeatureCollection"),
        ('{"type": "FeatureCollection", "features": []}', "names no party"),
        ('{"type": "FeatureCollection", "features": [1, null, "x"]}', "names no party"),
    ],
)
def test_files_that_are_no_boundaries_are_refused(tmp_path: Path, raw: str, problem: str) -> None:
    path = tmp_path / "x.geojson"
    path.write_text(raw)
    with pytest.raises(PartyError, match=problem):
        read_boundaries(path, ORGANISATION)


@pytest.mark.parametrize(
    ("geometry", "problem"),
    [
        ({"type": "Point", "coordinates": [106, 29]}, "feature 1 is a Point"),
        (None, "feature 1 is a None"),
        ({"type": "Polygon", "coordinates": [[[106, "x"]]]}, "no readable coordinates"),
        ({"type": "Polygon"}, "no readable coordinates|no area"),
        ({"type": "Polygon", "coordinates": []}, "no area"),
        ({"type": "Polygon", "coordinates": [square(500_000, 3_000_000)]}, "is projected"),
    ],
)
def test_features_that_cannot_be_drawn_are_refused_with_their_place(
    tmp_path: Path, geometry: Any, problem: str
) -> None:
    given_feature = {"type": "Feature", "properties": {"name": "east"}, "geometry": geometry}
    with pytest.raises(PartyError) as caught:
        read_boundaries(file(tmp_path, given_feature), ORGANISATION)
    assert re.search(problem, f"{caught.value.message} {caught.value.next_step}")


def test_other_reference_systems_are_refused(tmp_path: Path) -> None:
    def read(name: str) -> str:
        crs = {"type": "name", "properties": {"name": name}}
        path = file(tmp_path, feature("east", square(106, 29)), crs=crs)
        return read_boundaries(path, ORGANISATION).territories.reference

    assert read("urn:ogc:def:crs:OGC:1.3:CRS84") == "WGS 84"
    assert read("urn:ogc:def:crs:EPSG::4490") == "CGCS2000"
    with pytest.raises(PartyError, match="EPSG::3857"):
        read("urn:ogc:def:crs:EPSG::3857")


_longitude, _latitude = st.floats(-179, 179), st.floats(-80, 80)


@given(st.lists(st.tuples(_longitude, _latitude), min_size=3, max_size=8, unique=True))
def test_every_point_lies_inside_of_the_drawing(points: list[tuple[float, float]]) -> None:
    territory = Territory(PartyId("x"), (tuple(points),))
    projection = Projection.around(territory.rings)
    for point in points:
        x, y = projection.at(*point)
        assert -0.01 <= x <= 900.01
        assert -0.01 <= y <= 640.01
