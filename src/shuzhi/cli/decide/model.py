"""`shuzhi model`: data sets that SQL makes of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import EXIT_REFUSED, Bar, out, print_json, print_table

if TYPE_CHECKING:
    from shuzhi.decide.models import ModelRun

commands = typer.Typer(help="用: data sets that SQL makes of others.", no_args_is_help=True)


@commands.command("list")
def list_models(city: CityFolder = None, as_json: AsJson = False) -> None:
    """List the models, what each reads, and how it is built."""
    models = opened(city).declared.models
    if as_json:
        print_json(list(models.values()))
        return
    rows = [
        (
            m.name,
            f"{m.title_zh} {m.title_en}",
            ", ".join(m.reads),
            "new rows" if m.incremental else "whole",
        )
        for m in models.values()
    ]
    print_table("Models", ("model", "title", "reads", "built from"), rows)


@commands.command("run")
def run(
    models: Annotated[list[str] | None, typer.Argument(help="Default: every model.")] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Build MODELS whose inputs or SQL changed, each after what it reads."""
    there = opened(city)
    with Bar() as bar:
        done = there.build(bar, models or ())
    if as_json:
        print_json(done)
    else:
        show_builds(done)
    if any(run.reason for run in done):
        raise typer.Exit(EXIT_REFUSED)


def show_builds(done: Sequence[ModelRun]) -> None:
    """Show what became of each model, and why where one was not built."""
    rows = [(run.model, run.state.value, run.rows, run.version) for run in done]
    if rows:
        print_table("Models", ("model", "state", "rows written", "version"), rows)
    for run in done:
        if run.reason:
            out.print(f"[red]{run.state.value}[/red] {run.model}: {escape(run.reason)}")
