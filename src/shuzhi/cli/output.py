"""How the command line speaks: tables and lines for people, one JSON document for programs.

Answers go to standard output, progress and errors to standard error, so that a pipe stays clean.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table as RichTable
from rich.text import Text

from shuzhi.kernel.errors import BrokenError, ShuzhiError

# Whoever reads a pipe or a log has no window to fit into.
out = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
err = Console(stderr=True, highlight=False)

EXIT_REFUSED = 2
EXIT_BROKEN = 3


def print_json(value: Any) -> None:
    """Print one JSON document; dataclasses become objects, instants ISO 8601."""
    json.dump(plain(value), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def plain(value: Any) -> Any:
    """Return `value` as what JSON can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (UUID, Path, Decimal)):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as a table; numbers stand right, an absent value is a dot."""
    table = RichTable(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    listed = [tuple(row) for row in rows]
    for index, column in enumerate(columns):
        values = [row[index] for row in listed if row[index] is not None]
        is_number = bool(values) and all(isinstance(v, (int, float, Decimal)) for v in values)
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in listed:
        table.add_row(*(cell(value) for value in row))
    out.print(table)


def cell(value: Any) -> str | Text:
    """Return `value` as a person reads it in a table."""
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
        return value.isoformat(sep=" ", timespec="seconds")
    return escape(str(value))


def percent(share: float | None) -> str:
    """Return a share as a percentage that never rounds a fault away: 99.997 % is not 100 %."""
    if share is None:
        return "no evidence"
    shown = f"{share * 100:.2f}"
    if share < 1 and shown == "100.00":
        shown = "99.99"
    return f"{shown} %"


def print_error(error: ShuzhiError, *, as_json: bool) -> int:
    """Print an error as a person or a program wants it; return the exit code."""
    if as_json:
        problem = {"code": error.code, "message": error.message, "next_step": error.next_step}
        print_json({"error": problem})
    else:
        err.print(f"[red]✗[/red] {escape(error.message)}")
        if error.next_step:
            err.print(f"  → {escape(error.next_step)}")
        err.print(f"  [dim]{error.code}[/dim]")
    return EXIT_BROKEN if isinstance(error, BrokenError) else EXIT_REFUSED


class _Done(ProgressColumn):
    """A percentage where the total is known, else how much is done."""

    def render(self, task: Task) -> Text:
        """Return the column's text for one piece of work."""
        if task.total is None:
            return Text(f"{task.completed:,.0f}")
        return Text(f"{task.percentage:>3.0f}%")


class Bar:
    """A progress bar on standard error; silent where nobody looks."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            _Done(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, label: str, total: int | None) -> None:
        """Begin one piece of work of `total` units (None: unknown)."""
        self._task = self._progress.add_task(label, total=total)

    def advanced(self, amount: int) -> None:
        """Note that `amount` units more are done."""
        if self._task is not None:
            self._progress.advance(self._task, amount)

    def finished(self) -> None:
        """End the piece of work."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
