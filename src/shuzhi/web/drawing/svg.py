"""Making SVG: elements that escape whatever is put into them.

Colours are classes of the style sheet, so that a diagram follows the page and its printing.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

# Characters that XML cannot hold at all, written or escaped (XML 1.0, 2.2).
_NO_XML = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)])


def drawing(
    width: float, height: float, name: str, title: str, description: str = "", *, role: str = "img"
) -> Element:
    """Return an empty drawing that screen readers know by `title` and `description`.

    One that holds links is no picture but a `group`.
    """
    return Element(
        "svg",
        {
            "class": f"drawing {name}",
            "viewBox": f"0 0 {number(width)} {number(height)}",
            "width": number(width),
            "height": number(height),
            "role": role,
            "aria-label": clean(f"{title}. {description}" if description else title),
        },
    )


def add(parent: Element, tag: str, text: str = "", **given: object) -> Element:
    """Add an element; `class_` stands for `class`, and `x_y` for `x-y`."""
    named = {k.rstrip("_").replace("_", "-"): v for k, v in given.items() if v is not None}
    made = SubElement(parent, tag, {k: clean(number(v)) for k, v in named.items()})
    if text:
        made.text = clean(text)
    return made


def link(parent: Element, address: str | None, title: str = "") -> Element:
    """Add a group that leads to `address`, where there is one."""
    made = add(parent, "a", href=address) if address else add(parent, "g")
    if title:
        add(made, "title", title)
    return made


def markup(made: Element) -> Markup:
    """Return a drawing as text that may stand in a page."""
    return Markup(tostring(made, encoding="unicode"))  # noqa: S704  (ElementTree has escaped it)


def number(value: object) -> str:
    """Return a number as short as it can be; everything else as its text."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def clean(text: str) -> str:
    """Return `text` without what XML cannot hold."""
    return text.translate(_NO_XML)


def columns(text: str) -> int:
    """Return how many columns a text takes; Chinese signs take two."""
    return sum(2 if ord(sign) > 0x2E80 else 1 for sign in text)


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` columns."""
    width = 0
    for place, sign in enumerate(text):
        width += columns(sign)
        if width > most:
            return f"{text[: max(place - 1, 1)]}…"
    return text
