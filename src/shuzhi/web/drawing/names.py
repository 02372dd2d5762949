"""Names beside what they name, where they cover no mark and no other name."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element

from shuzhi.web.drawing.svg import add, columns

Point = tuple[float, float]
# Left, top, right and bottom of what stands there.
Box = tuple[float, float, float, float]
# Of a text of class `tick`: a column, what stands above and below its line, and room around it.
_COLUMN, _ABOVE, _BELOW, _ROOM = 6.5, 10.0, 3.0, 2.0
# From what is named to the line of a name above or below it.
_UP, _DOWN = -9.0, 18.0


def around(at: Point, radius: float) -> Box:
    """Return the box of what is drawn around a point."""
    return at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius


def text_box(at: Point, text: str, anchor: str = "middle") -> Box:
    """Return the box of a small text whose line is at a point: its middle, or its end."""
    wide = _COLUMN * columns(text)
    left = at[0] - (wide if anchor == "end" else wide / 2)
    return left, at[1] - _ABOVE, left + wide, at[1] + _BELOW


def draw_name(made: Element, text: str, points: Iterable[Point], taken: list[Box]) -> None:
    """Write a name above or below the first of the points where it covers nothing `taken`.

    What it covers itself is taken then. Where there is no room it is left away.
    """
    width, height = float(made.get("width", "inf")), float(made.get("height", "inf"))
    for x, y in points:
        for line in (y + _UP, y + _DOWN):
            left, top, right, bottom = box = text_box((x, line), text)
            is_inside = left >= 0 and top >= 0 and right <= width and bottom <= height
            if is_inside and not any(_meets(box, other) for other in taken):
                taken.append(box)
                add(made, "text", text, class_="tick", x=x, y=line, text_anchor="middle")
                return


def _meets(one: Box, other: Box) -> bool:
    across = one[0] < other[2] + _ROOM and other[0] < one[2] + _ROOM
    return across and one[1] < other[3] + _ROOM and other[1] < one[3] + _ROOM
