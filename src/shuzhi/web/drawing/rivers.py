"""A map of a search up a river: the reaches with their flow, the station, the candidates.

With coordinates it is true to them; without, it is a schema in which only lengths are true.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.etree.ElementTree import Element

from markupsafe import Markup

from shuzhi.decide.tracing import Candidate, Place, Reach, RiverTrace, point_along
from shuzhi.web.drawing.marks import RADIUS, Mark, draw_marks, draw_station
from shuzhi.web.drawing.names import Box, Point, around, draw_name
from shuzhi.web.drawing.river_schema import along_schema, schema
from shuzhi.web.drawing.svg import add, drawing, markup, shortened
from shuzhi.web.drawing.territories import KM_PER_DEGREE, Projection

Lines = Mapping[str, Sequence[Point]]
_PAD, _FOOT = 34.0, 40.0
# So much room a drawing has at least, for marks beside each other.
_LEAST_HEIGHT = 200.0
# More reaches than this are drawn together, without a text for each.
_MOST_TOLD, _MOST_NAMED = 80, 14
MOST_MARKS = 40
# Which shares of a reach its name may stand at, the middle first.
_WHERE_NAMED = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9)
_LEAST_STEP, _LEAST_STEP_OF_MANY, _LEAST_FOR_ARROW = 1.5, 4.0, 16.0
_THIN, _THICK, _UNKNOWN = 1.5, 7.0, 2.5


@dataclass(frozen=True)
class Words:
    """What a map says in the reader's language; `reach` says one reach and its hours."""

    title: str
    about: str
    station: str
    reach: Callable[[Reach, float], str]
    candidate: Callable[[Candidate], str]


@dataclass(frozen=True)
class RiverMap:
    """The drawing; the ranks that it marks; how many reaches it has no coordinates for.

    `middle` is the parallel that its projection is true along (degrees), None for a schema.
    """

    drawn: Markup
    middle: float | None
    left_out: int
    marked: frozenset[int]


@dataclass(frozen=True)
class _Layout:
    """Where everything lies; `along` gives the point of a line a share of its length up."""

    lines: Lines
    px_per_km: float
    along: Callable[[Sequence[Point], float], Point]
    place: Callable[[Place], Point] | None = None
    middle: float | None = None

    def at(self, reach: Reach, above_km: float) -> Point | None:
        line = self.lines.get(reach.id)
        if line is None:
            return None
        return self.along(line, above_km / reach.length_km if reach.length_km else 0.0)


def river_map(trace: RiverTrace, words: Words) -> RiverMap:
    """Return the map of a search; a schema where most reaches have no coordinates."""
    hours = {trace.station_reach.id: 0.0} | {up.reach.id: up.hours for up in trace.searched}
    reaches = [trace.station_reach, *(up.reach for up in trace.searched)]
    layout = _layout(trace, reaches)
    shown = [reach for reach in reaches if reach.id in layout.lines]
    points = [point for line in layout.lines.values() for point in line]
    marks = list(_marks(trace, layout, {reach.id: reach for reach in shown}, words))
    points += [mark.at for mark in marks]
    width = max((x for x, _ in points), default=0.0) + _PAD
    height = max([_LEAST_HEIGHT, *(y + _PAD + _FOOT for _, y in points)])
    made = drawing(width, height, "river", words.title, role="group")
    add(made, "desc", words.about)
    _water(made, shown, layout, lambda reach: words.reach(reach, hours[reach.id]))
    station = layout.at(trace.station_reach, trace.exceedance.above_km)
    places = draw_marks(made, marks, () if station is None else (station,))
    taken = [around(place, RADIUS) for place in places]
    if station is not None:
        anchor = "end" if station[0] > width * 0.7 else "middle"
        taken += draw_station(made, station, words.station, anchor=anchor)
    if len(shown) <= _MOST_NAMED:
        _name(made, shown, layout, taken)
    _scale(made, layout.px_per_km, height)
    marked = frozenset(mark.rank for mark in marks)
    return RiverMap(markup(made), layout.middle, len(reaches) - len(shown), marked)


def _layout(trace: RiverTrace, reaches: Sequence[Reach]) -> _Layout:
    located = [reach for reach in reaches if len(reach.line) > 1]
    if 2 * len(located) < len(reaches):
        lines, px_per_km = schema(trace)
        return _Layout(lines, px_per_km, along_schema)
    rings = [tuple((p.longitude, p.latitude) for p in reach.line) for reach in located]
    rings += [((c.place.longitude, c.place.latitude),) for c in trace.candidates if c.place]
    projection = Projection.around(rings)

    def place(of: Place) -> Point:
        x, y = projection.at(of.longitude, of.latitude)
        return x + _PAD, y + _PAD

    step = _LEAST_STEP if len(located) <= _MOST_TOLD else _LEAST_STEP_OF_MANY
    lines = {reach.id: _thinned([place(p) for p in reach.line], step) for reach in located}
    px_per_km = projection.scale / KM_PER_DEGREE
    return _Layout(lines, px_per_km, _along_line, place, projection.middle)


def _along_line(line: Sequence[Point], share: float) -> Point:
    return point_along(line, above_km=share, length_km=1.0)


def _thinned(line: Sequence[Point], step: float) -> Sequence[Point]:
    """Return a line without the points that nobody could tell from the one before."""
    kept = [line[0]]
    for point in line[1:-1]:
        if math.dist(point, kept[-1]) >= step:
            kept.append(point)
    return [*kept, line[-1]]


def _marks(
    trace: RiverTrace, layout: _Layout, reaches: Mapping[str, Reach], words: Words
) -> Iterator[Mark]:
    for rank, candidate in enumerate(trace.candidates[:MOST_MARKS], 1):
        at = None
        if layout.place is not None and candidate.place is not None:
            at = layout.place(candidate.place)
        elif candidate.spot is not None and candidate.spot.reach_id in reaches:
            reach = reaches[candidate.spot.reach_id]
            at = layout.at(reach, candidate.spot.above_km)
        if at is not None:
            yield Mark(rank, at, words.candidate(candidate), candidate.is_simulated)


def _water(
    made: Element, reaches: Sequence[Reach], layout: _Layout, says: Callable[[Reach], str]
) -> None:
    """Draw reaches as wide as their flow, dashed where their speed is assumed."""
    most = max((reach.flow_m3_s or 0.0 for reach in reaches), default=0.0)
    if len(reaches) > _MOST_TOLD:
        _together(made, reaches, layout, most)
        return
    for reach in reaches:
        line = layout.lines[reach.id]
        group = add(made, "g", class_="reach")
        add(group, "title", says(reach))
        wide = _width(reach, most)
        add(group, "path", class_=_class(reach), d=_path(line), stroke_width=wide)
        if head := _head(layout, line, wide):
            add(group, "path", class_="flow", d=head)


def _name(made: Element, reaches: Sequence[Reach], layout: _Layout, taken: list[Box]) -> None:
    """Write the name of each reach beside it, where nothing is covered that is `taken`."""
    for reach in reaches:
        line = layout.lines[reach.id]
        points = (layout.along(line, share) for share in _WHERE_NAMED)
        draw_name(made, shortened(reach.id, 16), points, taken)


def _together(made: Element, reaches: Sequence[Reach], layout: _Layout, most: float) -> None:
    alike: dict[tuple[str, float], list[str]] = {}
    heads = []
    for reach in reaches:
        line, wide = layout.lines[reach.id], _width(reach, most)
        alike.setdefault((_class(reach), wide), []).append(_path(line))
        heads.append(_head(layout, line, wide))
    for (name, wide), paths in alike.items():
        add(made, "path", class_=name, d="".join(paths), stroke_width=wide)
    add(made, "path", class_="flow", d="".join(heads))


def _width(reach: Reach, most: float) -> float:
    """Return how wide a reach is drawn: its area as its flow, in steps of half a pixel."""
    if reach.flow_m3_s is None or not most:
        return _UNKNOWN
    share = math.sqrt(max(reach.flow_m3_s, 0.0) / most)
    return round(2 * (_THIN + share * (_THICK - _THIN))) / 2


def _class(reach: Reach) -> str:
    return "water" if reach.speed_m_s else "water assumed"


def _path(line: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in line)


def _head(layout: _Layout, line: Sequence[Point], wide: float) -> str:
    """Return an arrow head in the middle of a line, with the water; none where it is too short."""
    if sum(math.dist(*piece) for piece in pairwise(line)) < _LEAST_FOR_ARROW:
        return ""
    (x, y), ahead = layout.along(line, 0.5), layout.along(line, 0.47)
    turn = math.atan2(ahead[1] - y, ahead[0] - x)
    size = 5.5 + wide / 2
    corners = [
        (x + size * math.cos(turn + a), y + size * math.sin(turn + a)) for a in (0, 2.5, -2.5)
    ]
    return _path(corners) + "Z"


def _scale(made: Element, px_per_km: float, height: float) -> None:
    """Draw a bar that is as long as a round number of kilometres."""
    if not px_per_km > 0:
        return
    about = 160.0 / px_per_km
    unit = 10.0 ** math.floor(math.log10(about))
    km = next(step * unit for step in (5, 2, 1) if step * unit <= about)
    y, end = height - 12, 10 + km * px_per_km
    add(made, "path", class_="scale", d=f"M10 {y - 5:.1f}V{y:.1f}H{end:.1f}V{y - 5:.1f}")
    add(made, "text", f"{km:g} km", class_="tick", x=end + 6, y=y + 1)
