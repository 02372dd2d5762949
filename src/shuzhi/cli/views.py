"""What the commands show to people: tables of runs, scores, rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
from rich.markup import escape

from shuzhi.app import City, open_city
from shuzhi.cli.output import out, percent, print_json, print_table
from shuzhi.gather.quality.model import FaultyRow, Ratio, Report
from shuzhi.gather.sources import RunReport
from shuzhi.kernel.errors import RefusedError
from shuzhi.settings import default_city


def opened(folder: Path | None) -> City:
    """Open the city that a command means."""
    return open_city(folder or default_city())


def show_city(city: City) -> None:
    """Say what the city holds and what to do next."""
    settings = city.settings
    out.print(f"[bold]{escape(settings.city.title_en)}[/bold] in {settings.folder}")
    out.print(f"  data sets with a contract: {', '.join(city.datasets()) or 'none yet'}")
    out.print(f"  sources: {', '.join(sorted(city.sources())) or 'none yet'}")
    out.print(f"  next: shuzhi gather run --city {settings.folder}")


def show_sources(city: City) -> None:
    """List sources with their newest run."""
    newest = {run.source: run for run in reversed(city.runs())}
    rows = [
        (
            name,
            source.dataset,
            source.kind,
            newest[name].state.value if name in newest else None,
            newest[name].started_at if name in newest else None,
        )
        for name, (source, _) in sorted(city.sources().items())
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


def report_numbers(report: Report) -> dict[str, Any]:
    """Return a report with its scores, for programs."""
    return {
        "report": report,
        "scores": {
            "completeness": report.completeness,
            "accuracy": report.accuracy,
            "timeliness": report.timeliness,
            "availability": report.availability.value,
        },
        "dimensions": {d.value: ratio for d, ratio in report.dimensions.items()},
    }


def show_scores(reports: Sequence[Report]) -> None:
    """Show the four scores of each data set; where nothing is known, that is what it says."""
    rows = [
        (
            report.dataset,
            report.rows,
            report.quarantined,
            _score(report.completeness),
            _score(report.accuracy),
            _score(report.timeliness),
            percent(report.availability.value),
            f"{len(report.failed)} of {len(report.measurements)}",
        )
        for report in reports
    ]
    columns = ("data set", "rows", "quarantined", "完整性 completeness", "准确性 accuracy")
    more = ("时效性 timeliness", "可用性 availability", "not met")
    print_table("Quality", (*columns, *more), rows)


def _score(ratio: Ratio | None) -> str:
    return percent(None if ratio is None else ratio.value)


def show_failed(report: Report) -> None:
    """Show the checks that are not met, with their numbers, and those that could not be tried."""
    rows = [
        (m.check.id, m.check.title_en, m.broken_count, m.ratio.checked if m.ratio else None)
        for m in report.failed
    ]
    if rows:
        print_table(f"{report.dataset}: not met", ("check", "promise", "broken", "of"), rows)
    for measured in report.unchecked:
        out.print(f"[yellow]not checked[/yellow] {measured.check.id}: {escape(measured.reason)}")


def show_worst(dataset: str, found: Sequence[FaultyRow]) -> None:
    """Show the worst rows of a data set with the reason for each cell."""
    rows = [
        (
            ", ".join(f"{k}={v}" for k, v in row.key.items()),
            "\n".join(f"{f.column or '(row)'} = {f.value}: {f.reason_en}" for f in row.findings),
        )
        for row in found
    ]
    if rows:
        print_table(f"{dataset}: worst rows", ("row", "what is wrong"), rows)


def show_query(city: City, query: str, *, limit: int, as_json: bool) -> None:
    """Run a query and show its first rows."""
    with city.sql() as connection:
        try:
            relation = connection.sql(query)
            columns = relation.columns if relation is not None else []
            rows = relation.limit(limit).fetchall() if relation is not None else []
        except duckdb.Error as error:
            raise RefusedError(
                "cli.bad_query",
                str(error).split("\n\n")[0],
                next_step="Only SELECTs over the city's data sets run here.",
            ) from None
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(f"{len(rows)} rows", columns, rows)
