"""Small charts: a line over time, a bar of a share. The figures stand beside them as a table."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from shuzhi.web.drawing.svg import add, drawing, markup, number

_PAD = 6.0
Point = tuple[str, float | None]


def bar(share: float | None, title: str, *, width: int = 120, colour: str = "") -> Markup:
    """Return a bar that is filled to `share` (0 to 1); empty where nothing is known."""
    made = drawing(width, 8, f"bar {colour}", title)
    add(made, "rect", class_="rest", width=width, height=8, rx=4)
    if share is not None:
        add(made, "rect", class_="full", width=width * min(max(float(share), 0), 1), height=8, rx=4)
    return markup(made)


def line(
    points: Sequence[Point], title: str, *, width: int = 560, height: int = 150, unit: str = ""
) -> Markup:
    """Return a line through `points` (a name and a value each); a gap where there is no value."""
    values = [float(value) for _, value in points if value is not None]
    made = drawing(width, height, "line", title)
    if not values:
        return markup(made)
    low, high = min(values), max(values)
    room = (high - low) or abs(high) * 0.1 or 1.0
    left, bottom = 58.0, height - 22.0
    step = (width - left - _PAD) / max(len(points) - 1, 1)

    def place(index: int, value: float) -> tuple[float, float]:
        up = (value - low) / room if high > low else 0.5
        return left + index * step, bottom - up * (bottom - 12.0)

    for value in sorted({low, high}):
        _, y = place(0, value)
        add(made, "line", class_="grid", x1=left, x2=width - _PAD, y1=y, y2=y)
        shown = f"{value:,.4g}{unit}"
        add(made, "text", shown, class_="tick", x=left - 6, y=y + 4, text_anchor="end")
    for part in _unbroken(points, place):
        add(made, "path", class_="curve", d="M" + " L".join(part))
    for index, (name, each) in enumerate(points):
        if each is not None:
            x, y = place(index, float(each))
            dot = add(made, "circle", class_="dot", cx=x, cy=y, r=3)
            add(dot, "title", f"{name}: {each:,.6g}{unit}")
    for index, anchor in {len(points) - 1: "end", 0: "start"}.items():
        x = left + index * step
        add(made, "text", points[index][0], class_="tick", x=x, y=height - 6, text_anchor=anchor)
    return markup(made)


def spark(
    values: Sequence[float | None], title: str, *, width: int = 96, height: int = 28
) -> Markup:
    """Return a line without words, for a tile; nothing for less than two values."""
    there = [float(v) for v in values if v is not None]
    if len(there) < 2:
        return Markup("")
    made = drawing(width, height, "spark", title)
    low, room = min(there), (max(there) - min(there)) or 1.0
    step = (width - 4) / (len(there) - 1)
    dots = [
        f"{number(2 + i * step)} {number(height - 3 - (v - low) / room * (height - 6))}"
        for i, v in enumerate(there)
    ]
    add(made, "path", class_="curve", d="M" + " L".join(dots))
    return markup(made)


def _unbroken(points: Sequence[Point], place: object) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for index, (_, value) in enumerate(points):
        if value is None:
            parts.append([])
        else:
            x, y = place(index, float(value))  # type: ignore[operator]
            parts[-1].append(f"{number(x)} {number(y)}")
    return [part for part in parts if len(part) > 1]
