"""Bars that stand beside each other: how each of several groups fares in each of several ways.

The figures stand at the bars, and in a table beside the drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from markupsafe import Markup

from shuzhi.web.drawing.svg import add, drawing, markup, shortened

_WIDTH, _LEFT, _BAR = 350.0, 92.0, 160.0
_HEAD, _ROW, _GAP = 22.0, 18.0, 10.0


@dataclass(frozen=True)
class Bar:
    """One bar: its class, what it is called and says, how full it is and how far it reaches.

    `full` and `reach` are shares of the whole length (0 to 1), None for what is not known.
    """

    state: str
    name: str
    says: str
    full: float | None
    reach: float | None = None


Group = tuple[str, Sequence[Bar]]


def compared(groups: Sequence[Group], title: str) -> Markup:
    """Return the groups one below the other, each with its bars."""
    height = sum(_HEAD + _ROW * len(bars) + _GAP for _, bars in groups)
    said = "; ".join(f"{name}: " + ", ".join(f"{b.name} {b.says}" for b in bars)
                     for name, bars in groups)  # fmt: skip
    made = drawing(_WIDTH, height, "compared", title, said)
    top = 0.0
    for name, bars in groups:
        add(made, "text", shortened(name, 48), class_="name", x=0, y=top + 15)
        for place, bar in enumerate(bars):
            _draw(made, bar, top + _HEAD + place * _ROW)
        top += _HEAD + _ROW * len(bars) + _GAP
    return markup(made)


def _draw(made: Element, bar: Bar, y: float) -> None:
    add(made, "text", shortened(bar.name, 15), class_="tick", x=0, y=y + 10)
    add(made, "rect", class_="rest", x=_LEFT, y=y, width=_BAR, height=12, rx=3)
    if bar.full is not None:
        wide = _BAR * min(max(bar.full, 0), 1)
        add(made, "rect", class_=f"full {bar.state}", x=_LEFT, y=y, width=wide, height=12, rx=3)
    if bar.reach is not None:
        start, end = (_LEFT + _BAR * min(max(s, 0), 1) for s in (bar.full or 0, bar.reach))
        add(made, "path", class_="reach", d=f"M{start:.1f} {y + 6:.1f}H{end:.1f}m0 -4v8")
    add(made, "text", bar.says, class_="figure", x=_LEFT + _BAR + 8, y=y + 11)
