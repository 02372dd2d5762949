"""How the command line speaks: tables and lines for people, one JSON document for programs.

Answers go to standard output, progress and errors to standard error, so that a pipe stays clean.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

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
from rich.text import Text

from shuzhi.cli.frame.plain import plain
from shuzhi.cli.frame.tables import Shown, cell, record, table
from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.errors import BrokenError, ShuzhiError

# Whoever reads a pipe or a log has no window to fit into.
out = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
err = Console(stderr=True, highlight=False)

EXIT_REFUSED = 2
EXIT_BROKEN = 3

UNDATED = "not known yet: the holiday notice is not out"
"""What stands in the place of a deadline that the calendar does not reach."""


def print_json(value: Any) -> None:
    """Print one JSON document; dataclasses become objects, instants ISO 8601."""
    json.dump(plain(value), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, shown: Shown = cell
) -> None:
    """Print rows as a table, or one below the other where the window is too narrow for columns."""
    out.print(table(title, columns, [tuple(row) for row in rows], out.width, shown))


def print_facts(title: str, facts: Iterable[tuple[str, Any]]) -> None:
    """Print what is known of one thing, a fact on each line."""
    out.print(Text(title, "bold"), soft_wrap=True)
    out.print(record([(name, cell(value)) for name, value in facts]))


def counted(number: int, noun: str) -> str:
    """Return how many there are: 1 row, 2 rows."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(share: float | None) -> str:
    """Return a share as a percentage that never rounds a fault away: 99.997 % is not 100 %."""
    if share is None:
        return "no evidence"
    shown = f"{share * 100:.2f}"
    if share < 1 and shown == "100.00":
        shown = "99.99"
    return f"{shown} %"


def problem(error: ShuzhiError) -> dict[str, Any]:
    """Return an error as programs read it."""
    told = {"code": error.code, "message": error.message, "next_step": error.next_step}
    return told | ({"findings": error.findings} if isinstance(error, DocumentError) else {})


def exit_code(error: ShuzhiError) -> int:
    """Return the code with which a command ends that met this error."""
    return EXIT_BROKEN if isinstance(error, BrokenError) else EXIT_REFUSED


def print_error(error: ShuzhiError, *, as_json: bool, about: str = "") -> int:
    """Print an error as a person or a program wants it; return the exit code.

    `about` names what it happened to, where a command does several things.
    """
    if as_json:
        print_json({"error": problem(error)})
    else:
        # Each finding begins with file and line, which an editor can open.
        said = error.findings if isinstance(error, DocumentError) else [error.message]
        for each in said:
            about_it = f"{about}: {each}" if about else str(each)
            err.print(f"[red]✗[/red] {escape(about_it)}", soft_wrap=True)
        if error.next_step:
            err.print(f"  → {escape(error.next_step)}", soft_wrap=True)
        err.print(f"  [dim]{error.code}[/dim]")
    return exit_code(error)


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
