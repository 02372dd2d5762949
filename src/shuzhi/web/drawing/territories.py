"""A map: the territory of each party, by an equirectangular projection of the middle latitude."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from markupsafe import Markup

from shuzhi.share.parties import Ring, Territory
from shuzhi.web.drawing.hexagons import Cell
from shuzhi.web.drawing.svg import add, drawing, link, markup, shortened

_WIDTH, _HEIGHT, _EDGE = 900.0, 640.0, 10.0
# On a sphere of the mean radius of the earth.
KM_PER_DEGREE = 111.195


@dataclass(frozen=True)
class Projection:
    """From degrees to the drawing: true to length in latitude and along the parallel `middle`."""

    west: float
    north: float
    middle: float
    scale: float

    @classmethod
    def around(cls, rings: Sequence[Ring]) -> Projection:
        """Return the projection that lets all rings fill the drawing."""
        longitudes = [x for ring in rings for x, _ in ring]
        latitudes = [y for ring in rings for _, y in ring]
        west, north = min(longitudes), max(latitudes)
        middle = (min(latitudes) + north) / 2
        across = (max(longitudes) - west) * math.cos(math.radians(middle)) or 1e-9
        down = (north - min(latitudes)) or 1e-9
        scale = min((_WIDTH - 2 * _EDGE) / across, (_HEIGHT - 2 * _EDGE) / down)
        return cls(west, north, middle, scale)

    def at(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Return where a point lies in the drawing."""
        narrower = math.cos(math.radians(self.middle))
        x = _EDGE + (longitude - self.west) * narrower * self.scale
        return x, _EDGE + (self.north - latitude) * self.scale


def territories(shown: Sequence[tuple[Territory, Cell]], title: str) -> tuple[Markup, float]:
    """Return the map, and the parallel that its projection is true along (degrees)."""
    projection = Projection.around([ring for territory, _ in shown for ring in territory.rings])
    said = "; ".join(f"{cell.name}: {cell.says}" for _, cell in shown)
    made = drawing(_WIDTH, _HEIGHT, "territories", title, said, role="group")
    for territory, cell in shown:
        _draw(made, projection, territory, cell)
    for territory, cell in shown:
        _name(made, projection, territory, cell)
    return markup(made), projection.middle


def _draw(made: Element, projection: Projection, territory: Territory, cell: Cell) -> None:
    group = link(made, cell.address, f"{cell.name}: {cell.says}")
    path = " ".join(_path(projection, ring) for ring in territory.rings)
    add(group, "path", class_=f"cell {cell.state}", d=path, fill_rule="evenodd")


def _path(projection: Projection, ring: Ring) -> str:
    points = (projection.at(*point) for point in ring)
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points) + "Z"


def _name(made: Element, projection: Projection, territory: Territory, cell: Cell) -> None:
    """Write name and figure in the middle of the largest ring; the area below leads on."""
    largest = max(territory.rings, key=_area)
    points = [projection.at(*point) for point in largest]
    x = (min(p[0] for p in points) + max(p[0] for p in points)) / 2
    y = (min(p[1] for p in points) + max(p[1] for p in points)) / 2
    place = {"x": x, "text_anchor": "middle", "pointer_events": "none"}
    add(made, "text", shortened(cell.name, 10), class_="name", y=y - 2, **place)
    add(made, "text", cell.figure, class_="figure", y=y + 16, **place)


def _area(ring: Ring) -> float:
    following = (*ring[1:], ring[0])
    pairs = zip(ring, following, strict=True)
    return abs(sum(x * v - u * y for (x, y), (u, v) in pairs)) / 2
