"""`shuzhi calendar`: the working days that deadlines count by, and the notices that extend them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from shuzhi.cli.frame.dating import show_dated
from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import counted, out, print_json
from shuzhi.kernel.instant import day_of

commands = typer.Typer(help="Working days and holiday notices.", no_args_is_help=True)
_Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="DAY")]


@commands.command("show")
def show(city: CityFolder = None, as_json: AsJson = False) -> None:
    """Say which years the calendar knows, and how long it lasts."""
    there = opened(city)
    days = there.working_days
    today = day_of(there.clock(), there.settings.city.zone)
    left = days.ends_at.toordinal() - today.toordinal()
    if as_json:
        known = {"first_year": days.first_year, "last_year": days.last_year}
        print_json({**known, "days_left": left, "notices": there.notices()})
        return
    out.print(f"Working days are known from {days.first_year} to {days.last_year}.")
    for notice in there.notices():
        out.print(f"  notice for {notice.year}: {escape(notice.legal_reference)}")
    out.print(
        f"That is for {counted(max(left, 0), 'day')} more; then load the State Council's notice "
        f"for {days.last_year + 1}: shuzhi calendar load FILE"
    )


@commands.command("due")
def due(
    day: _Day,
    working_days: Annotated[int, typer.Argument(min=0, metavar="N")],
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say which day is the N-th working day after DAY."""
    found = opened(city).working_days.add(day.date(), working_days)
    if as_json:
        print_json({"from": day.date(), "working_days": working_days, "due": found})
    else:
        out.print(f"{found:%Y-%m-%d %A}")


@commands.command("load")
def load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Take the State Council's holiday notice of a year, written as docs/calendar.md says."""
    there = opened(city)
    notice = there.take_notice(file)
    dated = there.date()
    there.record()
    if as_json:
        print_json({**vars(notice), "dated": dated})
        return
    off, worked = len(notice.holidays), len(notice.working_weekends)
    out.print(
        f"{notice.year}: {counted(off, 'day')} off, {counted(worked, 'weekend day')} worked "
        f"({escape(notice.legal_reference)})"
    )
    show_dated(dated)
