"""A schematic map: one hexagon for each party of a level. It says nothing of where they lie."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from markupsafe import Markup

from shuzhi.web.drawing.svg import add, drawing, link, markup, shortened

_RADIUS = 74.0
_TURNS = ((1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1))


@dataclass(frozen=True)
class Cell:
    """One party: what it is called, how it stands (a class), its figure, and where it leads."""

    name: str
    state: str
    figure: str
    says: str
    address: str | None = None


def hexagons(cells: Sequence[Cell], title: str) -> Markup:
    """Return the cells around the first one, ring by ring."""
    places = [_centre(q, r) for (q, r), _ in zip(_spiral(), cells, strict=False)]
    left = min((x for x, _ in places), default=0.0) - _RADIUS
    top = min((y for _, y in places), default=0.0) - _RADIUS
    width = max((x for x, _ in places), default=0.0) + _RADIUS - left
    height = max((y for _, y in places), default=0.0) + _RADIUS - top
    said = "; ".join(f"{cell.name}: {cell.says}" for cell in cells)
    made = drawing(width, height, "hexagons", title, said, role="group")
    for cell, (x, y) in zip(cells, places, strict=True):
        _draw(made, cell, x - left, y - top)
    return markup(made)


def _spiral() -> Iterator[tuple[int, int]]:
    yield 0, 0
    ring = 1
    while True:
        q, r = 0, -ring
        for dq, dr in _TURNS:
            for _ in range(ring):
                yield q, r
                q, r = q + dq, r + dr
        ring += 1


def _centre(q: int, r: int) -> tuple[float, float]:
    return _RADIUS * math.sqrt(3) * (q + r / 2), _RADIUS * 1.5 * r


def _draw(made: Element, cell: Cell, x: float, y: float) -> None:
    group = link(made, cell.address, f"{cell.name}: {cell.says}")
    corners = (math.radians(60 * i - 90) for i in range(6))
    size = _RADIUS - 4
    points = " ".join(f"{x + size * math.cos(a):.1f},{y + size * math.sin(a):.1f}" for a in corners)
    add(group, "polygon", class_=f"cell {cell.state}", points=points)
    name = shortened(cell.name, 16)
    add(group, "text", name, class_="name", x=x, y=y - 6, text_anchor="middle")
    add(group, "text", cell.figure, class_="figure", x=x, y=y + 20, text_anchor="middle")
