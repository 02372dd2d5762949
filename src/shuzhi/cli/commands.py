"""The commands of `shuzhi`: one module for each group of verbs; they call what `app` offers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from shuzhi.cli import audit, boundaries, calendar, pack
from shuzhi.cli.act import case, evaluation
from shuzhi.cli.decide import cause, indicator, model, rules, warnings
from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import counted, out, print_json, print_table
from shuzhi.cli.frame.tables import datum
from shuzhi.cli.gather import contract, lake, lineage, quality, sensing, simulate, station
from shuzhi.cli.gather import loading as gather
from shuzhi.cli.running import run, web
from shuzhi.cli.running import up as running
from shuzhi.cli.share import (
    account,
    agreement,
    application,
    catalogue,
    correction,
    delivery,
    duty,
    form,
    linkage,
    one_source,
    receipt,
    verification,
)
from shuzhi.kernel.instant import parse_instant

if TYPE_CHECKING:
    from shuzhi.app import City, Registered
    from shuzhi.gather.lake import Answer

app = typer.Typer(
    help="Shuzhi 数治: the open data platform that a city runs itself on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(contract.commands, name="contract")
app.add_typer(gather.commands, name="gather")
app.add_typer(quality.commands, name="quality")
app.add_typer(account.commands, name="account")
app.add_typer(account.key_commands, name="key")
app.add_typer(agreement.commands, name="agreement")
app.add_typer(application.commands, name="application")
app.add_typer(audit.commands, name="audit")
app.add_typer(case.commands, name="case")
app.add_typer(delivery.commands, name="delivery")
app.add_typer(receipt.commands, name="receipt")
app.add_typer(receipt.objection_commands, name="objection")
app.add_typer(evaluation.commands, name="evaluation")
app.add_typer(duty.commands, name="duty")
app.add_typer(correction.commands, name="correction")
app.add_typer(one_source.commands, name="one-source")
app.add_typer(form.commands, name="form")
app.add_typer(calendar.commands, name="calendar")
app.add_typer(catalogue.commands, name="catalogue")
app.add_typer(cause.commands, name="cause")
app.add_typer(indicator.commands, name="indicator")
app.add_typer(lake.commands, name="lake")
app.add_typer(lineage.commands, name="lineage")
app.add_typer(linkage.commands, name="linkage")
app.add_typer(boundaries.commands, name="map")
app.add_typer(model.commands, name="model")
app.add_typer(pack.commands, name="pack")
app.add_typer(station.commands, name="station")
app.add_typer(rules.commands, name="rules")
app.add_typer(verification.commands, name="verification")
app.add_typer(warnings.commands, name="warnings")
app.command("trace")(lineage.trace)
app.command("gateway")(sensing.gateway)
app.command("land")(sensing.land)
app.command("up")(running.up)
app.command("run")(run.run)
app.command("status")(running.status)
app.command("web")(web.web)
app.command("simulate")(simulate.simulate)


@app.command()
def init(
    folder: Path,
    pack: Annotated[str | None, typer.Option("--pack", help="Run this scenario pack.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a city in FOLDER, or register what was added to it."""
    from shuzhi.app import create_city

    city = create_city(folder, pack=pack)
    done = city.register()
    if as_json:
        datasets = {"datasets": city.datasets(), "not_catalogued": done.refused}
        print_json({"folder": city.settings.folder, **datasets})
    else:
        show_city(city, done)


@app.command()
def sql(
    query: str,
    city: CityFolder = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Rows shown at most.")] = 50,
    at: Annotated[
        str | None, typer.Option(help="As data stood then (ISO 8601; the city's zone).")
    ] = None,
    agreement: Annotated[
        int | None, typer.Option(help="Ask inside of an agreement, with a receipt.")
    ] = None,
    person: Annotated[str, typer.Option("--as", help="Who asks by the agreement.")] = "",
    party: Annotated[str, typer.Option(help="For which party.")] = "",
    role: Annotated[str, typer.Option(help="In which role.")] = "",
    purpose: Annotated[str, typer.Option(help="For which purpose.")] = "",
    as_json: AsJson = False,
) -> None:
    """Ask the lake one SELECT; every data set is a table, `NAME__quarantine` what was kept out."""
    there = opened(city)
    if agreement is not None:
        delivery.ask(there, agreement, query, (person, party, role, purpose))
        return
    then = None if at is None else parse_instant(at, zone=there.settings.city.zone)
    found = there.ask(query, limit=limit, at=then)
    if as_json:
        print_json([dict(zip(found.columns, row, strict=True)) for row in found.rows])
    else:
        show_answer(found)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument()] = Path("demo-city"),
    runs: Annotated[
        bool | None,
        typer.Option("--run/--no-run", help="Run it then; default: at a terminal, yes."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Build and run a city: real flights of 2013, simulated monitors, an account for each role."""
    from shuzhi.cli.demo import demonstrate

    demonstrate(folder, runs=runs, as_json=as_json)


def show_city(city: City, done: Registered) -> None:
    """Say what the city holds and what to do next."""
    settings = city.settings
    folder = escape(str(settings.folder))
    out.print(f"[bold]{escape(settings.city.title_en)}[/bold] in {folder}")
    out.print(f"  data sets with a contract: {', '.join(city.datasets()) or 'none yet'}")
    out.print(f"  sources: {', '.join(sorted(city.sources())) or 'none yet'}")
    for entry in done.refused:
        lacks = "; ".join(str(f) for f in entry.findings if f.severity == "refusal")
        out.print(f"  [yellow]not in the catalogue[/yellow] {entry.id}: {escape(lacks)}")
    if city.sources():
        out.print(f"  next: shuzhi gather run --city {folder}", soft_wrap=True)
    else:
        out.print(
            "  next: put a contract in contracts/ and a source in sources/ (docs/sources.md),"
        )
        out.print("  or make a city with a scenario pack: shuzhi pack list")


def show_answer(found: Answer) -> None:
    """Show the rows that a question found, and whether there are more."""
    more = " (the first; --limit N shows more)" if found.is_cut else ""
    print_table(f"{counted(len(found.rows), 'row')}{more}", found.columns, found.rows, shown=datum)
