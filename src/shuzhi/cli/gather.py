"""`shuzhi gather`: sources and their runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from shuzhi.cli.options import AsJson, CityFolder, opened
from shuzhi.cli.output import Bar, out, print_json, print_table

if TYPE_CHECKING:
    from shuzhi.app import City
    from shuzhi.gather.sources import RunReport

commands = typer.Typer(help="聚: sources and their runs.", no_args_is_help=True)


@commands.command("list")
def list_sources(city: CityFolder = None, as_json: AsJson = False) -> None:
    """List the sources and their newest runs."""
    there = opened(city)
    if as_json:
        print_json({"sources": sorted(there.sources()), "runs": there.runs()})
    else:
        show_sources(there)


@commands.command("run")
def run(
    sources: Annotated[list[str] | None, typer.Argument(help="Default: every source.")] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Read what is new at SOURCES and store it by its contract."""
    there = opened(city)
    there.register()
    with Bar() as bar:
        reports = [there.gather(name, bar) for name in sources or sorted(there.sources())]
    if as_json:
        print_json(reports)
    else:
        show_runs(reports)


def show_sources(city: City) -> None:
    """List sources with their newest run."""
    newest = {str(run.source): run for run in reversed(city.runs())}
    rows = [
        (
            name,
            source.dataset,
            source.kind,
            newest[name].state.value if name in newest else None,
            newest[name].started_at if name in newest else None,
        )
        for name, source in sorted(city.sources().items())
    ]
    print_table("Sources", ("source", "data set", "kind", "last run", "at"), rows)


def show_runs(reports: Sequence[RunReport]) -> None:
    """Show what runs did, row by row accounted for."""
    rows = [
        (
            report.source,
            report.dataset,
            "nothing new" if _is_known(report) else report.state.value,
            report.outcome.read,
            report.outcome.inserted,
            report.outcome.updated,
            report.outcome.unchanged,
            report.outcome.repeated,
            report.outcome.quarantined,
        )
        for report in reports
    ]
    columns = ("source", "data set", "state", "read", "inserted", "updated", "unchanged")
    print_table("Loaded", (*columns, "repeated", "quarantined"), rows)
    for report in reports:
        drift = report.outcome
        if drift.unknown_columns or drift.missing_columns:
            out.print(
                f"[yellow]{report.source}[/yellow]: columns unknown to the contract "
                f"{list(drift.unknown_columns)}, columns that did not come "
                f"{list(drift.missing_columns)}"
            )


def _is_known(report: RunReport) -> bool:
    return report.outcome.parts > 0 and report.outcome.parts == report.outcome.parts_known
