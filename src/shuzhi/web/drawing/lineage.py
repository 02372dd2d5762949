"""Where a data set comes from and what depends on it, from left to right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from markupsafe import Markup

from shuzhi.gather.lineage import Trace
from shuzhi.web.drawing.svg import add, drawing, link, markup, shortened

_WIDE, _HIGH, _ACROSS, _DOWN, _PAD = 190.0, 40.0, 70.0, 16.0, 8.0
_MOST_A_COLUMN = 14


@dataclass(frozen=True)
class _Box:
    name: str
    x: float
    y: float
    is_asked: bool = False


def lineage(trace: Trace, title: str, address: Callable[[str], str | None]) -> Markup:
    """Return both ways of `trace`; each data set leads to `address`."""
    columns = _columns(trace)
    most = max(len(column) for column in columns.values())
    height = most * (_HIGH + _DOWN) - _DOWN + 2 * _PAD
    first = min(columns)
    boxes: dict[str, _Box] = {}
    for place, names in columns.items():
        top = (height - len(names) * (_HIGH + _DOWN) + _DOWN) / 2
        for row, name in enumerate(names):
            x = _PAD + (place - first) * (_WIDE + _ACROSS)
            boxes[name] = _Box(name, x, top + row * (_HIGH + _DOWN), place == 0)
    width = (max(columns) - first) * (_WIDE + _ACROSS) + _WIDE + 2 * _PAD
    made = drawing(width, height, "lineage", title, ", ".join(boxes), role="group")
    for source, target, job in _edges(trace):
        if source in boxes and target in boxes and source != target:
            _arrow(made, boxes[source], boxes[target], job)
    for box in boxes.values():
        _draw(made, box, address(box.name))
    return markup(made)


def _columns(trace: Trace) -> dict[int, list[str]]:
    """Return the names by how many jobs away they are; each stands where it is nearest."""
    place = {str(trace.place.node): 0}
    for side, steps in ((-1, trace.upstream), (1, trace.downstream)):
        for step in steps:
            node = step.source.node if side < 0 else step.target.node
            place.setdefault(str(node), side * step.distance)
    columns: dict[int, list[str]] = {}
    for name, where in sorted(place.items(), key=lambda pair: (pair[1], pair[0])):
        columns.setdefault(where, []).append(name)
    return {where: names[:_MOST_A_COLUMN] for where, names in columns.items()}


def _edges(trace: Trace) -> list[tuple[str, str, str]]:
    steps = (*trace.upstream, *trace.downstream)
    return sorted({(str(s.source.node), str(s.target.node), s.job) for s in steps})


def _arrow(made: Element, start: _Box, end: _Box, job: str) -> None:
    x1, y1, x2, y2 = start.x + _WIDE, start.y + _HIGH / 2, end.x, end.y + _HIGH / 2
    middle = (x1 + x2) / 2
    path = add(
        made,
        "path",
        class_="edge",
        d=f"M{x1:g} {y1:g} C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}",
    )
    add(path, "title", job)
    add(made, "path", class_="head", d=f"M{x2:g} {y2:g} l-7 -4 v8 z")


def _draw(made: Element, box: _Box, address: str | None) -> None:
    group = link(made, address, box.name)
    kind = "asked" if box.is_asked else "outside" if ":" in box.name else "held"
    add(group, "rect", class_=f"box {kind}", x=box.x, y=box.y, width=_WIDE, height=_HIGH, rx=6)
    shown = shortened(box.name, 26)
    add(group, "text", shown, x=box.x + 12, y=box.y + _HIGH / 2 + 5)
