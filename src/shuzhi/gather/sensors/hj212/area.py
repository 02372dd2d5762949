"""Cuts a data area into groups of names and values, whatever state it is in (HJ 212-2017, 6.3.3).

Groups end in `;`, the items of one group are parted by `,`. Logs stand between `//` and may hold
either.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NAME = re.compile(r"[^=;,]*")
_VALUE = re.compile(r"[^;,]*")
_LOG_END = re.compile(r"//(?=[;,]|\Z)")
_LOG = "//"
_SEPARATORS = (";", ",")


class Area(NamedTuple):
    """The groups of a data area, and what was put up with: codes, and the names concerned."""

    groups: list[list[tuple[str, str]]]
    tolerated: list[tuple[str, str]]


def cut(area: bytes) -> Area:
    """Return the groups of a plain data area, without its `&&`; never raises."""
    tolerated: list[tuple[str, str]] = []
    text = _decoded(area, tolerated)
    groups: list[list[tuple[str, str]]] = [[]]
    place, length = 0, len(text)
    has_open_log = False
    while place < length:
        name = _NAME.match(text, place)[0]  # type: ignore[index]  # it matches the empty text
        place += len(name)
        if text[place : place + 1] == "=":
            end = None if has_open_log else _end_of_log(text, place + 1)
            if end is None:
                has_open_log = has_open_log or text.startswith(_LOG, place + 1)
                end = _VALUE.match(text, place + 1).end()  # type: ignore[union-attr]
            groups[-1].append(_item(name, text[place + 1 : end], tolerated))
            place = end
        else:
            tolerated.append(("name_missing" if name.strip() else "empty_item", name.strip()))
        if text[place : place + 1] == ";":
            groups.append([])
        place += 1
    if text.endswith(_SEPARATORS):
        tolerated.append(("empty_item", ""))
    if has_open_log:
        tolerated.append(("log_not_closed", ""))
    return Area([group for group in groups if group], tolerated)


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


def _end_of_log(text: str, start: int) -> int | None:
    """Return where a value between `//` ends, None if there is no such value."""
    if not text.startswith(_LOG, start):
        return None
    found = _LOG_END.search(text, start + len(_LOG))
    return found.end() if found else None


def _item(name: str, value: str, tolerated: list[tuple[str, str]]) -> tuple[str, str]:
    if name != (bare := name.strip()) or value != value.strip():
        tolerated.append(("blanks", bare))
    if not bare:
        tolerated.append(("name_missing", ""))
    return bare, value.strip()
