"""Numbered marks of candidates, and the station: each leads to its row, none covers another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from shuzhi.web.drawing.names import Box, Point, around, text_box
from shuzhi.web.drawing.svg import add, link

RADIUS = 11.0
_APART = 2 * RADIUS + 3.0
# A mark that finds no room after so many tries covers another.
_MOST_TRIES = 900
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


@dataclass(frozen=True)
class Mark:
    """A candidate by its rank, from 1: where it lies, and what it is called."""

    rank: int
    at: Point
    title: str
    is_simulated: bool = False


def row_id(rank: int) -> str:
    """Return the id that the row of a candidate has on its page."""
    return f"candidate-{rank}"


def mark_id(rank: int) -> str:
    """Return the id that the mark of a candidate has on its page."""
    return f"mark-{rank}"


def draw_marks(
    made: Element, marks: Sequence[Mark], taken: Sequence[Point] = ()
) -> tuple[Point, ...]:
    """Draw marks beside each other and beside the points `taken`, each tied to where it lies.

    All are whole within the drawing. Returns their middles.
    """
    places = list(taken)
    room = float(made.get("width", "inf")), float(made.get("height", "inf"))
    for mark in marks:
        place = _free(mark.at, places, room)
        places.append(place)
        _draw(made, mark, place)
    return tuple(places[len(taken) :])


def draw_station(
    made: Element, at: Point, title: str, *, anchor: str = "middle"
) -> tuple[Box, Box]:
    """Draw the station as a diamond with its name below it; return the boxes of both."""
    x, y = at
    group = add(made, "g", class_="station")
    add(group, "title", title)
    add(group, "path", d=f"M{x:.1f} {y - 11:.1f} l11 11 -11 11 -11 -11 z")
    add(group, "text", title, x=x, y=y + 26, text_anchor=anchor)
    return around(at, RADIUS), text_box((x, y + 26), title, anchor)


def _draw(made: Element, mark: Mark, place: Point) -> None:
    (x, y), (tied_x, tied_y) = place, mark.at
    if place != mark.at:
        add(made, "line", class_="tie", x1=tied_x, y1=tied_y, x2=x, y2=y)
        add(made, "circle", class_="tie", cx=tied_x, cy=tied_y, r=2)
    group = link(made, f"#{row_id(mark.rank)}", f"{mark.rank}. {mark.title}")
    group.set("id", mark_id(mark.rank))
    group.set("class", " ".join(_classes(mark)))
    add(group, "circle", cx=x, cy=y, r=RADIUS)
    add(group, "text", f"{mark.rank}", x=x, y=y + 4, text_anchor="middle")


def _classes(mark: Mark) -> list[str]:
    first = ["first"] if mark.rank == 1 else []
    return ["mark", *first, *(["simulated"] if mark.is_simulated else [])]


def _free(at: Point, places: Sequence[Point], room: Point) -> Point:
    """Return the point nearest to `at`, going round it, where a mark covers none of `places`."""
    for step in range(_MOST_TRIES):
        far, turn = RADIUS * math.sqrt(step), step * _GOLDEN_ANGLE
        here = (at[0] + far * math.cos(turn), at[1] + far * math.sin(turn))
        is_inside = all(RADIUS <= x <= most - RADIUS for x, most in zip(here, room, strict=True))
        if is_inside and all(math.dist(here, other) >= _APART for other in places):
            return here
    return at
