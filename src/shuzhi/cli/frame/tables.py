"""Tables that fit the window: as columns where they have room, else one row below the other.

Names and numbers are never broken; only texts of several words are wrapped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from shuzhi.cli.frame.plain import plain
from shuzhi.kernel.instant import named_zone

_GAP = 3
_NARROWEST_TEXT = 18

# Of the city that was opened: people go by its clock.
_zone: ContextVar[str | None] = ContextVar("zone", default=None)

Shown = Callable[[Any], str | Text]


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    width: int,
    shown: Shown,
) -> RenderableType:
    """Return what shows `rows` in `width` signs, each value as `shown`; numbers stand right."""
    cells = [[shown(value) for value in row] for row in rows]
    wraps = _wrapped(columns, cells, width)
    if wraps is None:
        return _records(title, columns, cells)
    made = Table(
        title=Text(title, "bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, _GAP - 2),
    )
    for index, column in enumerate(columns):
        is_number = _are_numbers([row[index] for row in rows])
        made.add_column(
            Text(column),
            justify="right" if is_number else "left",
            no_wrap=not wraps[index],
            overflow="fold",
            vertical="top",
        )
    for row in cells:
        made.add_row(*row)
    return made


def record(fields: Sequence[tuple[str, str | Text]]) -> Table:
    """Return names and values below each other."""
    block = Table(box=None, show_header=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0))
    block.add_column(style="dim", no_wrap=True)
    block.add_column(overflow="fold")
    for name, value in fields:
        block.add_row(escape(name.replace("\n", " ")), value)
    return block


def cell(value: Any) -> str | Text:
    """Return a count, a name or a moment as a person reads it; an absent value is a dot."""
    if isinstance(value, Text):
        return value
    if value is None:
        return "[dim]·[/dim]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, datetime):
        return _moment(value)
    return escape(str(value))


def go_by(zone: str) -> None:
    """Show moments from now on as the clocks of `zone` (an IANA name) do."""
    _zone.set(zone)


def _moment(at: datetime) -> str:
    zone = _zone.get()
    if zone is None or at.tzinfo is None:
        return at.isoformat(sep=" ", timespec="seconds")
    local = at.astimezone(named_zone(zone))
    is_whole = local.time() == time(local.hour, local.minute)
    return f"{local:%Y-%m-%d %H:%M}" if is_whole else f"{local:%Y-%m-%d %H:%M:%S}"


def datum(value: Any) -> str | Text:
    """Return a value of a data set as it is: 2013 is a year, and a list is JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _decimal(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, (list, dict, tuple)):
        return escape(json.dumps(plain(value), ensure_ascii=False))
    return cell(value)


def _decimal(value: float) -> str:
    """Return six places, or all there is where those would hide the value."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    is_hidden = value != 0 and text.strip("-0.") == ""
    return repr(value) if is_hidden or abs(value) >= 1e15 else text


def _are_numbers(values: Sequence[Any]) -> bool:
    there = [value for value in values if value is not None]
    return bool(there) and all(isinstance(value, (int, float, Decimal)) for value in there)


def _wrapped(
    columns: Sequence[str], cells: Sequence[Sequence[str | Text]], width: int
) -> list[bool] | None:
    """Return which columns are wrapped so that all fit; None where they cannot."""
    texts = [[_text(row[index]) for row in cells] for index in range(len(columns))]
    heads = [max(map(cell_len, column.split("\n"))) for column in columns]
    natural = [max([head, *map(_longest, t)]) for head, t in zip(heads, texts, strict=True)]
    room = width - _GAP * len(columns)
    if sum(natural) <= room:
        return [False] * len(columns)
    is_text = [any(" " in text for text in column) for column in texts]
    least = [
        min(size, max(head, _NARROWEST_TEXT)) if is_wrapped else size
        for size, head, is_wrapped in zip(natural, heads, is_text, strict=True)
    ]
    return is_text if sum(least) <= room else None


def _text(shown: str | Text) -> str:
    return shown.plain if isinstance(shown, Text) else Text.from_markup(shown).plain


def _longest(text: str) -> int:
    return max(map(cell_len, text.split("\n")))


def _records(
    title: str, columns: Sequence[str], cells: Sequence[Sequence[str | Text]]
) -> RenderableType:
    blocks: list[RenderableType] = [Text(title, "bold")]
    for row in cells:
        blocks += [Text(), record(list(zip(columns, row, strict=True)))]
    return Group(*blocks)
