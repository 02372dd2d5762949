"""`shuzhi quality`: checks, scores, worst rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import out, percent, print_json, print_table

if TYPE_CHECKING:
    from shuzhi.gather.quality.model import FaultyRow, Ratio, Report

commands = typer.Typer(help="Checks, scores, worst rows.", no_args_is_help=True)

_SCORED = (
    *("rows", "quarantined", "完整性\ncompleteness", "准确性\naccuracy"),
    *("时效性\ntimeliness", "可用性\navailability", "not met"),
)


@commands.command("check")
def check(
    datasets: Annotated[list[str] | None, typer.Argument(help="Default: every data set.")] = None,
    worst: Annotated[int, typer.Option(help="How many of the worst rows to show.")] = 0,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Check DATASETS against their contracts and keep the reports."""
    there = opened(city)
    names = datasets or [name for name in there.datasets() if there.lake.exists(name)]
    reports = [there.check(name) for name in names]
    rows = {name: there.worst_rows(name, worst) for name in names} if worst else {}
    if as_json:
        print_json({"reports": [report_numbers(r) for r in reports], "worst_rows": rows})
        return
    show_scores(reports)
    for report in reports:
        show_failed(report)
    for name, found in rows.items():
        show_worst(name, found)


@commands.command("trend")
def trend(
    dataset: str,
    limit: Annotated[int, typer.Option(min=1, help="How many checks at most.")] = 30,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show how DATASET scored each time it was checked, the newest last."""
    reports = opened(city).trend(dataset, limit)
    if as_json:
        print_json([report_numbers(r) for r in reports])
        return
    if not reports:
        out.print(f"{dataset} was never checked; shuzhi quality check {dataset}", markup=False)
        return
    rows = [(r.measured_at, *_scored(r)) for r in reports]
    print_table(f"{dataset}: quality over time", ("checked at", *_SCORED), rows)


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
    rows = [(report.dataset, *_scored(report)) for report in reports]
    print_table("Quality", ("data set", *_SCORED), rows)


def _scored(report: Report) -> tuple[Any, ...]:
    return (
        report.rows,
        report.quarantined,
        _score(report.completeness),
        _score(report.accuracy),
        _score(report.timeliness),
        percent(report.availability.value),
        f"{len(report.failed)} of {len(report.measurements)}",
    )


def _score(ratio: Ratio | None) -> str:
    return percent(None if ratio is None else ratio.value)


def show_failed(report: Report) -> None:
    """Show the checks that are not met, with their numbers, and those that could not be tried."""
    rows = [
        (m.check.id, m.check.title_en, m.broken_count, m.ratio.checked if m.ratio else None)
        for m in report.failed
    ]
    if rows:
        out.print()
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
        out.print()
        print_table(f"{dataset}: worst rows", ("row", "what is wrong"), rows)
