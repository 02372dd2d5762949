"""`shuzhi gather`: sources and their runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import (
    Bar,
    exit_code,
    out,
    print_error,
    print_json,
    print_table,
    problem,
)
from shuzhi.kernel.errors import ShuzhiError

if TYPE_CHECKING:
    from shuzhi.app import City
    from shuzhi.gather.sources import Reason, RunReport

commands = typer.Typer(help="聚: sources and their runs.", no_args_is_help=True)
_MOST_REASONS = 8
# Always shown; other counts only where one of the runs has any.
_COUNTS = ("read", "inserted")
_RARE = ("updated", "unchanged", "repeated", "quarantined")


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
    """Read what is new at SOURCES and store it by its contract.

    A source that fails keeps no other from being read.
    """
    there = opened(city)
    there.register()
    with Bar() as bar:
        tried = [_try(there, name, bar) for name in sources or sorted(there.sources())]
    failed = [attempt.error for attempt in tried if attempt.error is not None]
    if failed and len(tried) == 1:
        raise failed[0]
    if as_json:
        print_json([attempt.told() for attempt in tried])
    else:
        show_attempts(there, tried)
    if failed:
        raise typer.Exit(max(map(exit_code, failed)))


@dataclass(frozen=True)
class Attempt:
    """What became of one source: a report, or the error that there is none for."""

    source: str
    report: RunReport | None = None
    error: ShuzhiError | None = None

    def told(self) -> Any:
        """Return what programs read of it."""
        if self.error is None:
            return self.report
        return {"source": self.source, "state": "failed", "error": problem(self.error)}


def _try(city: City, name: str, bar: Bar) -> Attempt:
    try:
        return Attempt(name, city.gather(name, bar))
    except ShuzhiError as error:
        return Attempt(name, error=error)


def show_sources(city: City) -> None:
    """List sources with their newest run, and why those failed that did."""
    newest = city.newest_runs()
    rows = [
        (name, source.dataset, source.kind, *_newest(newest.get(name)))
        for name, source in sorted(city.sources().items())
    ]
    print_table("Sources", ("source", "data set", "kind", "last run", "at"), rows)
    for name in sorted(city.sources()):
        if name in newest and newest[name].error:
            out.print(f"[red]✗[/red] {escape(f'{name}: {newest[name].error}')}")


def _newest(run: RunReport | None) -> tuple[Any, Any]:
    return (None, None) if run is None else (run.state.value, run.started_at)


def show_attempts(city: City, tried: Sequence[Attempt]) -> None:
    """Show what became of sources, row by row accounted for, and what failed."""
    show_runs(city, [attempt.report for attempt in tried if attempt.report is not None])
    for attempt in tried:
        if attempt.error is not None:
            print_error(attempt.error, as_json=False, about=attempt.source)
    if not tried:
        out.print("There is no source yet; docs/sources.md says how to write one.")


def show_runs(city: City, reports: Sequence[RunReport]) -> None:
    """Show what runs did, row by row accounted for, and why rows were kept out."""
    if not reports:
        return
    columns = (*_COUNTS, *(n for n in _RARE if any(r.outcome.counts()[n] for r in reports)))
    rows = [
        (
            report.source,
            report.dataset,
            "nothing new" if _is_known(report) else report.state.value,
            *(report.outcome.counts()[name] for name in columns),
        )
        for report in reports
    ]
    print_table("Loaded", ("source", "data set", "state", *columns), rows)
    for report in reports:
        show_drift(report)
    show_kept_out(city, reports)


def show_drift(report: RunReport) -> None:
    """Say how the columns that came differ from the contract's."""
    drift = report.outcome
    for what, names in (
        ("unknown to the contract, not stored", drift.unknown_columns),
        ("of the contract, did not come", drift.missing_columns),
    ):
        if names:
            listed = escape(", ".join(names))
            out.print(f"[yellow]columns {what}[/yellow] ({report.source}): {listed}")


def show_kept_out(city: City, reports: Sequence[RunReport]) -> None:
    """Say why rows were kept out, with the first of each reason, and where to see them all."""
    found = [(report, reason) for report in reports for reason in city.reasons(report)]
    if not found:
        return
    rows = [
        (
            report.dataset,
            reason.rows,
            _why(reason),
            f"{reason.origin}, row {reason.row_number}",
            reason.value,
        )
        for report, reason in found[:_MOST_REASONS]
    ]
    out.print()
    columns = ("data set", "rows", "why", "the first is", "with the value")
    print_table("Kept out", columns, rows)
    more = len(found) - _MOST_REASONS
    out.print(f"{f'{more} more reasons; ' if more > 0 else ''}all of them:", end=" ")
    out.print(f'shuzhi sql "FROM {found[0][0].dataset}__quarantine"', markup=False)


def _why(reason: Reason) -> str:
    is_named = reason.column is None or reason.column in reason.reason_en
    return reason.reason_en if is_named else f"{reason.column}: {reason.reason_en}"


def _is_known(report: RunReport) -> bool:
    return report.outcome.parts > 0 and report.outcome.parts == report.outcome.parts_known
