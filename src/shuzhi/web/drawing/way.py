"""The way of a case: the stages of its kind in order, what was done, where it stands now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from xml.etree.ElementTree import Element

from markupsafe import Markup

from shuzhi.act.cases import CaseKind, Stage, Step
from shuzhi.act.cases.kind import leads_to
from shuzhi.web.drawing.svg import add, drawing, markup

_WIDE, _HIGH, _ACROSS = 96.0, 52.0, 26.0
_LOW, _HIGH_ARCH, _PAD = 10.0, 62.0, 6.0
# The main line; what leads off it stands below.
_MAIN = (
    Stage.NEW, Stage.VERIFIED, Stage.FILED, Stage.DISPATCHED, Stage.IN_HAND, Stage.FED_BACK,
    Stage.CHECKED, Stage.CLOSED, Stage.RATED,
)  # fmt: skip
_BESIDE = {Stage.RETURNED: Stage.DISPATCHED, Stage.SUSPENDED: Stage.IN_HAND,
           Stage.REOPENED: Stage.CLOSED}  # fmt: skip


def way(
    kind: CaseKind,
    steps: Sequence[Step],
    title: str,
    name: Callable[[Stage], str],
    moment: Callable[[Step], str],
) -> Markup:
    """Return the way that a case took; `name` says a stage and `moment` when a step was."""
    now = steps[-1].stage
    reached = {step.stage: step for step in steps}
    possible = {end for way in kind.ways for end in leads_to(way)} | {Stage.NEW, *reached}
    main = [stage for stage in _MAIN if stage in possible]
    beside = [stage for stage in _BESIDE if stage in reached]
    done = {(a.stage, b.stage) for a, b in pairwise(steps) if a.stage is not b.stage}
    top = _LOW if done <= set(pairwise(main)) else _HIGH_ARCH
    places = {stage: (_PAD + i * (_WIDE + _ACROSS), top) for i, stage in enumerate(main)}
    for stage in beside:
        anchor = _BESIDE[stage] if _BESIDE[stage] in places else main[-1]
        places[stage] = (places[anchor][0], top + _HIGH + 46)
    width = len(main) * (_WIDE + _ACROSS) - _ACROSS + 2 * _PAD
    height = top + _HIGH + (46 + _HIGH if beside else 0) + 30
    made = drawing(width, height, "way", title, " → ".join(name(s.stage) for s in _moves(steps)))
    for start, end in pairwise(main):
        if (start, end) not in done:
            _straight(made, places[start], places[end], "ahead")
    for start, end in sorted(done):
        _edge(made, places, start, end)
    for stage, place in places.items():
        state = "now" if stage is now else "done" if stage in reached else "ahead"
        _box(made, place, name(stage), state, moment(reached[stage]) if stage in reached else "")
    return markup(made)


def _moves(steps: Sequence[Step]) -> list[Step]:
    return [steps[0], *(b for a, b in pairwise(steps) if a.stage is not b.stage)]


def _edge(
    made: Element, places: dict[Stage, tuple[float, float]], start: Stage, end: Stage
) -> None:
    (x1, y1), (x2, y2) = places[start], places[end]
    if y1 == y2 and 0 < x2 - x1 <= _WIDE + _ACROSS + 1:
        _straight(made, (x1, y1), (x2, y2), "done")
        return
    if y1 == y2:
        # Forward over what was left out, or back: in an arch above.
        lift = min(20 + abs(x2 - x1) / 24, 54)
        from_x, to_x = (
            x1 + _WIDE * (0.6 if x2 > x1 else 0.4),
            x2 + _WIDE * (0.4 if x2 > x1 else 0.6),
        )
        path = (
            f"M{from_x:g} {y1:g} C{from_x:g} {y1 - lift:g} {to_x:g} {y2 - lift:g} {to_x:g} {y2:g}"
        )
        add(made, "path", class_="edge done", d=path)
        add(made, "path", class_="head done", d=f"M{to_x:g} {y2:g} l-4 -7 h8 z")
        return
    down = y2 > y1
    from_x, to_x = x1 + _WIDE * 0.5, x2 + _WIDE * 0.5
    from_y, to_y = (y1 + _HIGH, y2) if down else (y1, y2 + _HIGH)
    middle = (from_y + to_y) / 2
    path = f"M{from_x:g} {from_y:g} C{from_x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}"
    add(made, "path", class_="edge done", d=path)
    head = f"M{to_x:g} {to_y:g} l-4 {-7 if down else 7} h8 z"
    add(made, "path", class_="head done", d=head)


def _straight(
    made: Element, start: tuple[float, float], end: tuple[float, float], state: str
) -> None:
    x1, x2, y = start[0] + _WIDE, end[0], start[1] + _HIGH / 2
    add(made, "path", class_=f"edge {state}", d=f"M{x1:g} {y:g} H{x2:g}")
    add(made, "path", class_=f"head {state}", d=f"M{x2:g} {y:g} l-7 -4 v8 z")


def _box(made: Element, place: tuple[float, float], text: str, state: str, moment: str) -> None:
    x, y = place
    add(made, "rect", class_=f"box {state}", x=x, y=y, width=_WIDE, height=_HIGH, rx=6)
    middle = x + _WIDE / 2
    add(made, "text", text, class_=f"name {state}", x=middle, y=y + _HIGH / 2 + 5,
        text_anchor="middle")  # fmt: skip
    if moment:
        add(made, "text", moment, class_="moment", x=middle, y=y + _HIGH + 16,
            text_anchor="middle")  # fmt: skip
