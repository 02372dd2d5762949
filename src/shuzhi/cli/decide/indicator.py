"""`shuzhi indicator`: goals with their numbers, and what stands behind a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.text import Text
from rich.tree import Tree as RichTree

from shuzhi.cli.decide.indicator_json import (
    drilled_json,
    indicator_json,
    leaf_json,
    run_json,
    tree_json,
)
from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import EXIT_REFUSED, out, print_json, print_table
from shuzhi.cli.frame.tables import datum

if TYPE_CHECKING:
    from shuzhi.decide.indicators import Branch, Colour, Drilled, Indicator, Leaf, Run, Score, Tree

commands = typer.Typer(help="用: goals, their indicators, and what is behind them.")
Group = Annotated[
    list[str] | None,
    typer.Option("--group", help="One value for each column of the grouping, in its order."),
]
# Terminals have no orange of their own.
_STYLES = {"green": "green", "grey": "bright_black", "yellow": "yellow"} | {
    "orange": "dark_orange",
    "red": "red",
}
_MOST_GROUPS = 8


@commands.command("list")
def list_indicators(city: CityFolder = None, as_json: AsJson = False) -> None:
    """List the indicators of every goal."""
    goals = opened(city).declared.indicators
    if as_json:
        print_json([indicator_json(i) for goal in goals.values() for i in goal.indicators])
        return
    rows = [
        (i.id, f"{i.title_zh} {i.title_en}", i.kind, _unit(i), i.owner, str(i.refresh))
        for _, goal in sorted(goals.items())
        for i in goal.indicators
    ]
    columns = ("indicator", "title", "kind", "unit", "owner", "refresh")
    print_table("Indicators", columns, rows)


@commands.command("tree")
def show_goal(
    goal: Annotated[str | None, typer.Argument(help="Default: every goal.")] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show GOAL with the newest values below it."""
    there = opened(city)
    trees = [there.indicator_tree(name) for name in ([goal] if goal else there.goals())]
    if as_json:
        print_json([tree_json(each) for each in trees])
        return
    for each in trees:
        show_tree(each)


@commands.command("show")
def show(
    indicator: str, group: Group = None, city: CityFolder = None, as_json: AsJson = False
) -> None:
    """Show an INDICATOR: its value, groups, and the trend of the whole or of one GROUP."""
    there = opened(city)
    leaf = there.indicator(indicator)
    trend = there.indicator_history(indicator, group, limit=20)
    if as_json:
        print_json({**leaf_json(leaf), "trend": [run_json(run) for run in trend]})
        return
    out.print(_line(leaf))
    if leaf.run is not None:
        show_groups(leaf.indicator, leaf.run)
    _show_trend(leaf.indicator, trend)


@commands.command("compute")
def compute(
    indicators: Annotated[list[str] | None, typer.Argument(help="Default: every one.")] = None,
    due: Annotated[bool, typer.Option("--due", help="Only those that are old enough.")] = False,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Compute INDICATORS and keep their values; what cannot be computed says why."""
    there = opened(city)
    done = there.compute_due_indicators() if due else there.compute_indicators(indicators or ())
    if as_json:
        print_json([run_json(run) for run in done])
    else:
        rows = [(run.indicator, _shown_colour(run.colour), run.id, run.problem) for run in done]
        print_table("Indicators", ("indicator", "colour", "number", "problem"), rows)
    if any(run.problem for run in done):
        raise typer.Exit(EXIT_REFUSED)


@commands.command("recompute")
def recompute(number: int, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Compute value NUMBER again from the versions of its time, and say if it is the same."""
    again = opened(city).recompute_indicator(number)
    if as_json:
        print_json(
            {"is_same": again.is_same, "differences": again.differences, "run": run_json(again.run)}
        )
    else:
        for difference in again.differences:
            out.print(f"[red]differs[/red] {escape(difference)}")
        versions = ", ".join(f"{n} {v}" for n, v in again.run.versions.items())
        if again.is_same:
            out.print(f"[green]the same[/green] {again.run.indicator} at versions: {versions}")
    if not again.is_same:
        raise typer.Exit(EXIT_REFUSED)


@commands.command("drill")
def drill(
    indicator: str,
    group: Group = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Rows shown at most.")] = 20,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Go down from an INDICATOR, or one GROUP of it, to rows, cases and warnings."""
    drilled = opened(city).drill(indicator, group, limit=limit)
    if as_json:
        print_json(drilled_json(drilled))
    else:
        show_drilled(drilled)


def show_tree(tree: Tree) -> None:
    """Draw a tree with its colours."""
    head = _titled(tree.colour, tree.goal.title_zh, tree.goal.title_en, tree.score)
    drawn = RichTree(head, guide_style="bright_black")
    for branch in tree.branches:
        node = drawn.add(_branch_line(branch))
        for leaf in branch.leaves:
            node.add(_line(leaf))
    out.print(drawn)


def show_groups(indicator: Indicator, run: Run) -> None:
    """Show the groups of a value, the worst first."""
    from shuzhi.decide.indicators import worst_first

    worst = worst_first(indicator, run.groups)
    rows = [
        (
            ", ".join("·" if part is None else str(part) for part in value.group or ()),
            _number(indicator, value.value),
            value.numerator,
            value.denominator,
            _shown_colour(value.colour),
        )
        for value in worst[:_MOST_GROUPS]
    ]
    if rows:
        more = len(worst) - len(rows)
        title = f"{indicator.title_en} by {', '.join(indicator.formula.group_by)}"
        title += f" ({more} more)" if more else ""
        print_table(title, ("group", _unit(indicator), "part", "of", "colour"), rows)


def show_drilled(drilled: Drilled) -> None:
    """Show what stands behind a value."""
    versions = ", ".join(f"{name} version {v}" for name, v in drilled.run.versions.items())
    value = drilled.value.value if drilled.value else None
    shown = f"{_number(drilled.indicator, value)} {_unit(drilled.indicator)}"
    out.print(f"[bold]{drilled.indicator.id}[/bold] {shown} from {versions}")
    if drilled.below:
        out.print(f"  composed of: {', '.join(drilled.below)}; drill into these")
    if drilled.rows:
        more = " (there are more)" if drilled.has_more else ""
        columns = list(drilled.rows[0])
        rows = [tuple(row.values()) for row in drilled.rows]
        print_table(f"Rows{more}", columns, rows, shown=datum)
    for word, ids in (("cases", drilled.cases), ("warnings", drilled.warnings)):
        if ids:
            out.print(f"{word}: {', '.join(map(str, ids))}")


def _show_trend(indicator: Indicator, trend: Sequence[Run]) -> None:
    rows = []
    for run in trend:
        value = next(iter(run.values), None)
        shown = _number(indicator, value.value if value else None)
        colour = _shown_colour(value.colour if value else run.colour)
        rows.append((run.id, run.computed_at, shown, colour, run.problem))
    columns = ("number", "computed at", _unit(indicator), "colour", "problem")
    print_table("Trend", columns, rows)


def _branch_line(branch: Branch) -> Text:
    dimension = branch.dimension
    return _titled(branch.colour, dimension.title_zh, dimension.title_en, branch.score)


def _titled(colour: Colour, zh: str, en: str, score: Score | None) -> Text:
    line = Text.assemble(_dot(colour), " ", (f"{zh} {en}", "bold"))
    if score is not None:
        line.append(f"  {score.points:.1f} points")
        if score.rests_on < 1:
            line.append(f" on {score.rests_on:.0%} of the weight", "yellow")
    return line


def _line(leaf: Leaf) -> Text:
    indicator = leaf.indicator
    line = Text.assemble(_dot(leaf.colour), f" {indicator.title_zh} {indicator.title_en}  ")
    whole = leaf.run.whole if leaf.run else None
    if whole is not None and whole.value is not None:
        line.append(f"{_number(indicator, whole.value)} {_unit(indicator)}", "bold")
        if whole.denominator is not None:
            line.append(f"  ({whole.numerator:,} / {whole.denominator:,})")
    for part, style in _remarks(leaf):
        line.append(f"  {part}", style)
    return line


def _remarks(leaf: Leaf) -> Iterator[tuple[str, str]]:
    from shuzhi.decide.indicators import worst_first

    groups = leaf.run.groups if leaf.run else ()
    if groups:
        worst = worst_first(leaf.indicator, groups)[0]
        name = ", ".join(str(part) for part in worst.group or ())
        yield f"worst of {len(groups)}: {name} {_number(leaf.indicator, worst.value)}", "dim"
    if leaf.problem:
        yield leaf.problem, "red" if leaf.run and leaf.run.problem else "dim"
    if leaf.stale:
        yield f"stale: {leaf.stale}", "yellow"
    yield f"{leaf.indicator.name} · {leaf.indicator.owner}", "dim"


def _dot(colour: Colour) -> tuple[str, str]:
    # The word too: not everybody tells the colours apart, and a pipe has none.
    return f"● {colour.value}", _STYLES[colour.value]


def _shown_colour(colour: Colour) -> Text:
    return Text(colour.value, style=_STYLES[colour.value])


def _unit(indicator: Indicator) -> str:
    """Return the unit as people write it: what is counted stands in braces in UCUM."""
    name = indicator.unit.removeprefix("{").removesuffix("}")
    return name if name == indicator.unit else f"{name.replace('_', ' ')}s"


def _number(indicator: Indicator, value: Decimal | None) -> str:
    return "·" if value is None else f"{value:,.{indicator.decimals}f}"
