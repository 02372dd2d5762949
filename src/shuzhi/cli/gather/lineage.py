"""`shuzhi trace` and `shuzhi lineage`: where data come from and what depends on them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape
from rich.tree import Tree

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import out, print_json

if TYPE_CHECKING:
    from shuzhi.gather.lineage import Place, Step, Trace

commands = typer.Typer(help="Lineage as OpenLineage events.", no_args_is_help=True)


def trace(
    what: Annotated[str, typer.Argument(metavar="DATASET[.COLUMN]")],
    depth: Annotated[int, typer.Option(min=1, max=50, help="How many jobs away at most.")] = 50,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show where a data set or a column comes from, and what depends on it."""
    found = opened(city).trace(what, depth=depth)
    if as_json:
        print_json(found)
    else:
        show_trace(found)


@commands.command("export")
def export(city: CityFolder = None, as_json: AsJson = False) -> None:
    """Print every event as one line of JSON (OpenLineage 2-0-2); with --json, all as one list."""
    lines = opened(city).export_lineage()
    if as_json:
        print_json([json.loads(line) for line in lines])
        return
    for line in lines:
        sys.stdout.write(line + "\n")


@commands.command("import")
def take(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Keep the run events in FILE, one line of JSON each."""
    report = opened(city).import_lineage(file)
    if as_json:
        print_json(report)
        return
    out.print(f"{report.kept} kept, {report.known} known already, {len(report.refused)} refused")
    for refused in report.refused:
        out.print(f"  line {refused.line}: {escape(refused.reason)}", soft_wrap=True)


def show_trace(found: Trace) -> None:
    """Show both directions as trees that start at what was asked for."""
    out.print(_tree("comes from", found.place, found.upstream, "upstream"))
    out.print(_tree("goes into", found.place, found.downstream, "downstream"))
    if found.is_cut:
        out.print("There is more than is shown; ask for a column, or with a larger --depth.")


def _tree(
    title: str, start: Place, steps: Sequence[Step], side: Literal["upstream", "downstream"]
) -> Tree:
    tree = Tree(f"[bold]{escape(str(start))}[/bold] {title}")
    if not steps:
        tree.add("[dim]nothing that any run told of[/dim]")
    branches = {start: tree}
    for step in steps:
        near, far = step.target, step.source
        if side == "downstream":
            near, far = far, near
        how = ", ".join(word.value.lower().replace("_", " ") for word in step.how)
        when = f"{step.job}, {step.ran_at:%Y-%m-%d %H:%M}Z"
        label = f"{escape(str(far))}  [dim]{escape(f'{how} · ' if how else '')}{escape(when)}[/dim]"
        # A place that several ways lead to is unfolded once.
        whole = branches.get(near) or next((b for p, b in branches.items() if p.node == near.node))
        branch = whole.add(label)
        branches.setdefault(far, branch)
    return tree
