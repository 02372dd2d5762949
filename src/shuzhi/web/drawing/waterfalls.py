"""Why a pair of records is likely to be one: what each part adds, from the odds before to after.

To the right lies what speaks for one subject, to the left what speaks against it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from markupsafe import Markup

from shuzhi.web.drawing.svg import add, drawing, markup, shortened

_WIDTH, _LEFT, _PLOT = 350.0, 92.0, 200.0
_HEAD, _ROW, _BAR = 20.0, 24.0, 14.0
# A bar that adds nothing is still seen.
_LEAST = 1.5


@dataclass(frozen=True)
class Step:
    """One bar: what it is called and says, and from which match weight it leads to which.

    `is_whole` marks where the way begins and ends; those bars stand from no weight at all.
    """

    name: str
    says: str
    start: float
    end: float
    is_whole: bool = False


@dataclass(frozen=True)
class Line:
    """A match weight from which on something is done with a pair, and what that is called."""

    name: str
    weight: float


def waterfall(steps: Sequence[Step], lines: Sequence[Line], title: str, description: str) -> Markup:
    """Return the steps one below the other, under the lines; weights are log2 of the odds."""
    ends = [0.0, *(w for s in steps for w in (s.start, s.end)), *(line.weight for line in lines)]
    low, wide = min(ends), max(ends) - min(ends) or 1.0

    def at(weight: float) -> float:
        return _LEFT + (weight - low) / wide * _PLOT

    height = _HEAD + _ROW * len(steps) + 4
    made = drawing(_WIDTH, height, "waterfall", title, description)
    _rule(made, at(0), height, "zero")
    for place, line in enumerate(sorted(lines, key=lambda each: each.weight)):
        x = at(line.weight)
        _rule(made, x, height, "limit")
        # Two lines may lie close together: the lesser is named to its left.
        anchor = "end" if place == 0 and len(lines) > 1 else "start"
        shift = -4 if anchor == "end" else 4
        add(made, "text", line.name, class_="tick", x=x + shift, y=13, text_anchor=anchor)
    for place, step in enumerate(steps):
        _draw(made, step, _HEAD + place * _ROW, at)
    return markup(made)


def _rule(made: Element, x: float, height: float, kind: str) -> None:
    add(made, "line", class_=kind, x1=x, x2=x, y1=_HEAD - 3, y2=height)


def _draw(made: Element, step: Step, y: float, at: Callable[[float], float]) -> None:
    left, right = sorted((at(step.start), at(step.end)))
    kind = "whole" if step.is_whole else "for" if step.end >= step.start else "against"
    width = max(right - left, _LEAST)
    top = y + (_ROW - _BAR) / 2
    add(made, "text", shortened(step.name, 13), class_="part", x=0, y=y + 16)
    add(made, "rect", class_=kind, x=left, y=top, width=width, height=_BAR, rx=2)
    add(made, "text", step.says, class_="figure", x=_WIDTH, y=y + 16, text_anchor="end")
