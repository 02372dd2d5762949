"""The demonstration: a city that runs, of real flights and made-up monitors and people."""

from __future__ import annotations

import sys
from pathlib import Path

from shuzhi.cli.demo.building import Built, build, build_town, show
from shuzhi.cli.demo.running import run_demo
from shuzhi.cli.frame.output import out, print_json

__all__ = ["Built", "build", "build_town", "demonstrate", "run_demo", "show"]

_TITLE = (
    "[bold]Shuzhi 数治[/bold]: a city with real data (New York City's flights of 2013) and "
    "[yellow]simulated[/yellow] monitors, people and departments"
)


def demonstrate(folder: Path, *, runs: bool | None, as_json: bool) -> None:
    """Build the city in `folder`, show it, and run it until a signal comes.

    Where nobody said whether it `runs`, it does at a terminal: a pipe would wait for ever.

    Raises:
        RefusedError: as `build`; BrokenError as `run_demo`.
    """
    if not as_json:
        out.print(f"{_TITLE}\n")
    built = build(folder)
    flights = built.flights
    if as_json:
        accounts = {"accounts": built.accounts, "folder": built.city.settings.folder}
        done = {"loaded": flights.loaded, "models": flights.models, "quality": flights.checked}
        print_json(done | accounts)
    else:
        show(built)
    if runs or (runs is None and not as_json and sys.stdout.isatty()):
        out.print()
        run_demo(built.city)
    elif not as_json:
        out.print(f"\nRun it: .venv/bin/shuzhi demo --run {folder}", soft_wrap=True)
