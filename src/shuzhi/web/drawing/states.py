"""Diagrams of states: where something can go, which way it went, where it stands now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from shuzhi.web.drawing.boxes import ACROSS, ARCH, DOWN, HIGH, PAD, WIDE, Place, box, edge
from shuzhi.web.drawing.svg import drawing, markup

_LOW, _BELOW = 10.0, 30.0


@dataclass(frozen=True)
class Plan:
    """Where each state stands, as column and row, and which ways lead from one to another."""

    places: Mapping[str, tuple[int, int]]
    ways: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Reached:
    """A state that was reached, and when, as it is written."""

    state: str
    moment: str


def states(
    plan: Plan, reached: Sequence[Reached], title: str, name: Callable[[str], str]
) -> Markup:
    """Return the diagram of a plan with the way that was `reached`; `name` says a state."""
    moves = [reached[0], *(b for a, b in pairwise(reached) if a.state != b.state)]
    done = {(a.state, b.state) for a, b in pairwise(moves)}
    last = {move.state: move.moment for move in moves}
    top = ARCH if any(_is_arch(plan, *way) for way in done) else _LOW
    places = {state: _place(place, top) for state, place in plan.places.items()}
    columns, rows = (max(each) + 1 for each in zip(*plan.places.values(), strict=True))
    width = columns * (WIDE + ACROSS) - ACROSS + 2 * PAD
    height = top + rows * (HIGH + DOWN) - DOWN + _BELOW
    made = drawing(width, height, "way", title, " → ".join(name(m.state) for m in moves))
    for way in (*(w for w in plan.ways if w not in done), *sorted(done)):
        edge(made, places[way[0]], places[way[1]], "done" if way in done else "ahead")
    for state, place in places.items():
        now = state == moves[-1].state
        box(made, place, name(state), "now" if now else "done" if state in last else "ahead",
            last.get(state, ""))  # fmt: skip
    return markup(made)


def _place(place: tuple[int, int], top: float) -> Place:
    column, row = place
    return PAD + column * (WIDE + ACROSS), top + row * (HIGH + DOWN)


def _is_arch(plan: Plan, start: str, end: str) -> bool:
    """Whether a way of the first row cannot be drawn as a straight line."""
    (x1, y1), (x2, y2) = plan.places[start], plan.places[end]
    return y1 == y2 == 0 and x2 - x1 != 1
