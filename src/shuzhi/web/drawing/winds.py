"""A search against the wind: sources around a station, and the rose of its bad hours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from markupsafe import Markup

from shuzhi.decide.tracing import AirTrace, Candidate, Sector
from shuzhi.web.drawing.marks import Mark, draw_marks, draw_station
from shuzhi.web.drawing.names import Point
from shuzhi.web.drawing.svg import add, drawing, markup

_SIZE, _RADIUS = 480.0, 196.0
_MIDDLE = (_SIZE / 2, _SIZE / 2)
MOST_MARKS = 40
_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True)
class Words:
    """What a drawing says in the reader's language; `points` name north, east, south and west."""

    title: str
    about: str
    points: tuple[str, str, str, str]


def source_map(
    trace: AirTrace, words: Words, station: str, says: Callable[[Candidate], str]
) -> Markup:
    """Return where candidates stand, true in direction and distance from the station."""
    shown = trace.candidates[:MOST_MARKS]
    far = _round_up(max((c.facts["km"] for c in shown), default=trace.assumptions.most_km))
    made = _compass(words, [(1.0, f"{far:g} km"), (0.5, f"{far / 2:g} km")], "sources")
    marks = [
        Mark(rank, _at(c.facts["bearing_degrees"], c.facts["km"] / far), says(c), c.is_simulated)
        for rank, c in enumerate(shown, 1)
    ]
    draw_marks(made, marks, (_MIDDLE,))
    draw_station(made, _MIDDLE, station)
    return markup(made)


def rose(trace: AirTrace, words: Words, says: Callable[[Sector], str]) -> Markup:
    """Return for each side of the compass the share of its hours that was bad (CPF).

    Sides with too few hours to say anything are outlines; the whole's share is the dashed ring.
    """
    most = max((s.probability or 0.0 for s in trace.sectors), default=0.0)
    far = _round_up(100 * max(most, trace.overall, 0.01))
    made = _compass(words, [(1.0, f"{far:g} %"), (0.5, f"{far / 2:g} %")], "rose")
    half = 180.0 / len(trace.sectors)
    for sector in trace.sectors:
        if sector.probability is None:
            continue
        name = "wedge" if sector.count >= trace.assumptions.least_hours else "wedge few"
        wedge = add(made, "path", class_=name, d=_wedge(sector, half, far))
        add(wedge, "title", says(sector))
    x, y = _MIDDLE
    add(made, "circle", class_="overall", cx=x, cy=y, r=_RADIUS * 100 * trace.overall / far)
    return markup(made)


def _compass(words: Words, rings: Sequence[tuple[float, str]], name: str) -> Element:
    made = drawing(_SIZE, _SIZE, f"winds {name}", words.title, role="group")
    add(made, "desc", words.about)
    x, y = _MIDDLE
    for share, _ in rings:
        add(made, "circle", class_="ring", cx=x, cy=y, r=_RADIUS * share)
    for degrees, point in zip((0, 90, 180, 270), words.points, strict=True):
        at = _at(degrees, 1 + 26 / _RADIUS)
        add(made, "text", point, class_="name", x=at[0], y=at[1] + 5, text_anchor="middle")
    for share, text in rings:
        at = _at(20, share)
        add(made, "text", text, class_="tick ring", x=at[0] + 4, y=at[1] - 3)
    return made


def _at(degrees: float, share: float) -> Point:
    """Return the point in a direction, clockwise from north, `share` of the way to the rim."""
    turn, far = math.radians(degrees), _RADIUS * share
    return _MIDDLE[0] + far * math.sin(turn), _MIDDLE[1] - far * math.cos(turn)


def _wedge(sector: Sector, half: float, far: float) -> str:
    share = 100 * (sector.probability or 0.0) / far
    corners = [_at(sector.middle_degrees + side * half * 0.94, share) for side in (-1, 1)]
    (x1, y1), (x2, y2) = corners
    arc = f"A{share * _RADIUS:.1f} {share * _RADIUS:.1f} 0 0 1 {x2:.1f} {y2:.1f}"
    return f"M{_MIDDLE[0]:g} {_MIDDLE[1]:g}L{x1:.1f} {y1:.1f}{arc}Z"


def _round_up(value: float) -> float:
    """Return the next number of the row 1, 2, 5, 10 that is at least `value`."""
    unit = 10.0 ** math.floor(math.log10(max(value, 0.1)))
    return next(step * unit for step in _STEPS if step * unit >= value)
