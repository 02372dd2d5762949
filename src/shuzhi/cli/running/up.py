"""`shuzhi up` and `shuzhi status`: run a city, and see how its jobs go."""

from __future__ import annotations

import logging
import signal
from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING

from rich.text import Text

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import counted, out, print_json, print_table
from shuzhi.kernel.instant import wall_clock

if TYPE_CHECKING:
    from shuzhi.app import City

_SOON = timedelta(days=1)


def up(city: CityFolder = None) -> None:
    """Run the city until Ctrl-C: read sources, judge, open cases, let clocks run, keep the log."""
    from shuzhi.app.running.worker import run_city

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # What it says at every start says nothing to whoever runs a city.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    there = opened(city)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    out.print(f"[bold]{there.settings.city.title_en}[/bold] runs in {there.settings.folder}")
    out.print("  see how it goes: shuzhi status; stop it: Ctrl-C")
    _tell_of_calendar(there)
    run_city(there, stop)
    out.print("stopped; what was left undone is done when it runs again")


def status(city: CityFolder = None, as_json: AsJson = False) -> None:
    """Show what waits, how each job of a running city went last, and what failed."""
    from shuzhi.act.cases import tally

    there = opened(city)
    runs, cases = there.jobs(), tally(there.office, soon=_SOON)
    if as_json:
        counts = {"open": cases.open, "late": cases.late}
        ends = there.calendar_ends()
        told = {"is_up": there.is_up(), "cases": counts, "calendar_ends": ends, "jobs": runs}
        print_json(told)
        return
    late = Text(f"{cases.late:,} late", "red" if cases.late else "green")
    out.print(Text.assemble(f"{counted(cases.open, 'case')} open, ", late))
    _tell_of_calendar(there)
    zone = there.settings.city.zone
    rows = [
        (
            run.name,
            wall_clock(run.ended_at, zone),
            run.done,
            Text(run.failure or "good", _style(run.failure)),
        )
        for run in runs
    ]
    print_table(_headline(there), ("job", "last did something", "how much", "how it went"), rows)


def _tell_of_calendar(city: City) -> None:
    """Say that a holiday notice is due: without it clocks run without a deadline."""
    if ends := city.calendar_ends():
        told = f"Working days are known until {ends}; load the State Council's notice for "
        out.print(Text(f"{told}{ends.year + 1}: shuzhi calendar load FILE", "yellow"))


def _style(failure: str) -> str:
    return "red" if failure else "green"


def _headline(city: City) -> str:
    state = "runs" if city.is_up() else "does not run; start it with: shuzhi up"
    return f"{city.settings.city.title_en} {state}"
