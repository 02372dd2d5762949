"""A schema of a river without coordinates: water runs to the right, lengths are true.

Of the reaches that meet, the one with the most water goes straight on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from shuzhi.decide.tracing import Reach, RiverTrace
from shuzhi.web.drawing.names import Point

_WIDTH, _HEIGHT, _PAD = 900.0, 560.0, 34.0
_MOST_ROW, _LEAST_ROW = 64.0, 14.0
_MOST_BEND, _LEAST_KM = 30.0, 0.001


def schema(trace: RiverTrace) -> tuple[dict[str, Sequence[Point]], float]:
    """Return the line of each reach by id, and how many pixels a kilometre has."""
    km, above = _tree(trace)
    rows = _rows(trace.station_reach.to_node, above)
    scale = (_WIDTH - 2 * _PAD) / max(_LEAST_KM, *km.values())
    high = min(_MOST_ROW, max(_LEAST_ROW, _HEIGHT / (1 + max(rows.values()))))

    def at(node: str) -> Point:
        return _WIDTH - _PAD - km[node] * scale, _PAD + rows[node] * high

    reaches = [trace.station_reach, *(up.reach for up in trace.searched)]
    return {reach.id: _line(at(reach.from_node), at(reach.to_node)) for reach in reaches}, scale


def along_schema(line: Sequence[Point], share: float) -> Point:
    """Return the point of a line of a schema that is a share of its length up: true across."""
    x = line[-1][0] + min(max(share, 0.0), 1.0) * (line[0][0] - line[-1][0])
    for (x1, y1), (x2, y2) in pairwise(line):
        if x1 != x2 and min(x1, x2) <= x <= max(x1, x2):
            return x, y1 + (y2 - y1) * (x - x1) / (x2 - x1)
    return line[-1]


def _line(start: Point, end: Point) -> Sequence[Point]:
    """Return a line that goes straight and bends where it meets another."""
    (x1, y1), (x2, y2) = start, end
    bend = min(_MOST_BEND, (x2 - x1) / 2)
    return [start, end] if y1 == y2 else [start, (x2 - bend, y1), end]


def _tree(trace: RiverTrace) -> tuple[dict[str, float], dict[str, list[Reach]]]:
    """Return how far up each node lies, by the quickest way, and what flows into each by it."""
    own = trace.station_reach
    km, above = {own.to_node: 0.0, own.from_node: own.length_km}, {own.to_node: [own]}
    for up in trace.searched:
        if up.reach.from_node not in km:
            km[up.reach.from_node] = own.length_km + up.km + up.reach.length_km
            above.setdefault(up.reach.to_node, []).append(up.reach)
    return km, above


def _rows(outlet: str, above: Mapping[str, list[Reach]]) -> dict[str, float]:
    """Return in which row each node lies: every head water has one of its own."""
    rows: dict[str, float] = {}
    order, waiting, heads = [], [outlet], 0
    while waiting:
        node = waiting.pop()
        order.append(node)
        if node not in above:
            rows[node] = float(heads)
            heads += 1
        waiting += (reach.from_node for reach in reversed(_main_between(above.get(node, []))))
    for node in reversed(order):
        if node in above:
            rows[node] = rows[_main(above[node]).from_node]
    return rows


def _main(reaches: Sequence[Reach]) -> Reach:
    return max(reaches, key=lambda reach: (reach.flow_m3_s or 0.0, reach.id))


def _main_between(reaches: Sequence[Reach]) -> list[Reach]:
    """Return reaches that meet with the main one in their middle."""
    others = [reach for reach in reaches if reach is not _main(reaches)]
    main = [_main(reaches)] if reaches else []
    return [*others[::2], *main, *others[1::2]]
