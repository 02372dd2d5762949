"""Boxes that stand in a grid, and the edges between them: what diagrams of states have in common.

An edge is `done` where somebody went that way, and `ahead` where one may go.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from shuzhi.web.drawing.svg import add

WIDE, HIGH, ACROSS, DOWN, PAD = 96.0, 52.0, 26.0, 46.0, 6.0
# Room above the first row for arches.
ARCH = 62.0
_MOST_LIFT = 54.0
Place = tuple[float, float]


def box(made: Element, place: Place, text: str, state: str, moment: str = "") -> None:
    """Draw a state with its name, and below it when it was reached."""
    x, y = place
    add(made, "rect", class_=f"box {state}", x=x, y=y, width=WIDE, height=HIGH, rx=6)
    middle = x + WIDE / 2
    add(made, "text", text, class_=f"name {state}", x=middle, y=y + HIGH / 2 + 5,
        text_anchor="middle")  # fmt: skip
    if moment:
        add(made, "text", moment, class_="moment", x=middle, y=y + HIGH + 16,
            text_anchor="middle")  # fmt: skip


def edge(made: Element, start: Place, end: Place, state: str) -> None:
    """Draw an edge between two boxes: straight to the next, else in an arch, or up or down."""
    (x1, y1), (x2, y2) = start, end
    if y1 != y2:
        _across(made, start, end, state)
    elif 0 < x2 - x1 <= WIDE + ACROSS + 1:
        y = y1 + HIGH / 2
        add(made, "path", class_=f"edge {state}", d=f"M{x1 + WIDE:g} {y:g} H{x2:g}")
        add(made, "path", class_=f"head {state}", d=f"M{x2:g} {y:g} l-7 -4 v8 z")
    else:
        _arch(made, start, end, state)


def _arch(made: Element, start: Place, end: Place, state: str) -> None:
    """Draw an edge forward over what was left out, or back."""
    (x1, y), (x2, _) = start, end
    lift = min(20 + abs(x2 - x1) / 24, _MOST_LIFT)
    from_x, to_x = x1 + WIDE * (0.6 if x2 > x1 else 0.4), x2 + WIDE * (0.4 if x2 > x1 else 0.6)
    path = f"M{from_x:g} {y:g} C{from_x:g} {y - lift:g} {to_x:g} {y - lift:g} {to_x:g} {y:g}"
    add(made, "path", class_=f"edge {state}", d=path)
    add(made, "path", class_=f"head {state}", d=f"M{to_x:g} {y:g} l-4 -7 h8 z")


def _across(made: Element, start: Place, end: Place, state: str) -> None:
    (x1, y1), (x2, y2) = start, end
    down = y2 > y1
    from_x, to_x = x1 + WIDE * 0.5, x2 + WIDE * 0.5
    from_y, to_y = (y1 + HIGH, y2) if down else (y1, y2 + HIGH)
    middle = (from_y + to_y) / 2
    path = f"M{from_x:g} {from_y:g} C{from_x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}"
    add(made, "path", class_=f"edge {state}", d=path)
    head = f"M{to_x:g} {to_y:g} l-4 {-7 if down else 7} h8 z"
    add(made, "path", class_=f"head {state}", d=head)
