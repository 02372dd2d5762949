"""Cuts a data area into groups of names and values, whatever state it is in (HJ 212-2017, 6.3.3).

Groups end in `;`, the items of one group are parted by `,`. Logs stand between `//` and may hold
either.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LOG_END = re.compile(r"//(?=[;,]|\Z)")
_LOG = "//"
_LOG_BEGIN = "=//"
_SEPARATOR_OR_LOG = re.compile(r"[;,]|=//")


class Area(NamedTuple):
    """The groups of a data area, and what was put up with: codes, and the names concerned."""

    groups: list[list[tuple[str, str]]]
    tolerated: list[tuple[str, str]]


def cut(area: bytes) -> Area:
    """Return the groups of a plain data area, without its `&&`; never raises."""
    tolerated: list[tuple[str, str]] = []
    text = _decoded(area, tolerated)
    if not text:
        return Area([], tolerated)
    parted = _parted(text, tolerated) if _LOG in text else [g.split(",") for g in text.split(";")]
    groups = [_items(items, tolerated) for items in parted]
    return Area([group for group in groups if group], tolerated)


def _parted(text: str, tolerated: list[tuple[str, str]]) -> list[list[str]]:
    """Part groups and items of a text with logs, in which separators do not count."""
    groups: list[list[str]] = [[]]
    begin = place = 0
    log_ends = True
    while (found := _SEPARATOR_OR_LOG.search(text, place)) is not None:
        place = found.end()
        if found[0] == _LOG_BEGIN:
            end = _LOG_END.search(text, place) if log_ends else None
            # Where one log does not end no later one does, so nobody looks again.
            log_ends = end is not None
            place = end.end() if end else place
            continue
        groups[-1].append(text[begin : place - 1])
        begin = place
        if found[0] == ";":
            groups.append([])
    groups[-1].append(text[begin:])
    if not log_ends:
        tolerated.append(("log_not_closed", ""))
    return groups


def _items(items: list[str], tolerated: list[tuple[str, str]]) -> list[tuple[str, str]]:
    found = []
    for item in items:
        name, equals, value = item.partition("=")
        bare, text = name.strip(), value.strip()
        if not equals or not bare:
            tolerated.append(("empty_item" if not (bare or equals) else "name_missing", bare))
        if equals:
            if name != bare or value != text:
                tolerated.append(("blanks", bare))
            found.append((bare, text))
    return found


def parameters(area: bytes) -> dict[str, str]:
    """Return the items of a data area by name, the first of each, such as `QnRtn`."""
    found: dict[str, str] = {}
    for group in cut(area).groups:
        for name, value in group:
            found.setdefault(name, value)
    return found


def _decoded(area: bytes, tolerated: list[tuple[str, str]]) -> str:
    try:
        return area.decode("utf-8")
    except UnicodeDecodeError:
        tolerated.append(("text_not_utf8", ""))
    text = area.decode("gb18030", errors="replace")
    if "\ufffd" in text:
        tolerated.append(("text_undecodable", ""))
    return text
