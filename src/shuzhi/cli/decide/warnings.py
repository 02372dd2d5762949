"""`shuzhi warnings`: what rules and forecasters found, what is expected, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shuzhi.cli.decide.warnings_json import backtest_document, score_document
from shuzhi.cli.frame.options import AsJson, CityFolder, moment, opened
from shuzhi.cli.frame.output import out, percent, print_json, print_table
from shuzhi.kernel.instant import wall_clock

if TYPE_CHECKING:
    from shuzhi.app import City
    from shuzhi.decide.rules import Evaluation, Warning
    from shuzhi.decide.warnings import Backtest, Errors, Score, Share

commands = typer.Typer(help="用: what was found, and what is expected.", no_args_is_help=True)
_MOST_SHOWN = 50


@commands.command("list")
def list_warnings(
    rule: Annotated[str | None, typer.Option(help="Of this rule only.")] = None,
    dataset: Annotated[str | None, typer.Option(help="About this data set only.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Still true at this day or time, or later.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = _MOST_SHOWN,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """List warnings, the newest first."""
    there = opened(city)
    start = None if since is None else moment(there, since)
    found = there.warnings(rule_id=rule, dataset=dataset, since=start, limit=limit)
    if as_json:
        print_json(found)
    else:
        show_warnings(there, found)


@commands.command("forecast")
def forecast(
    forecaster: Annotated[
        str | None, typer.Argument(help="Show what this one expects; default: let all look.")
    ] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let the forecasters look that are due, or show the forecasts of one."""
    there = opened(city)
    if forecaster is not None:
        show_forecasts(there, forecaster, as_json=as_json)
        return
    there.register_forecasters()
    done = there.forecast()
    if as_json:
        print_json(done)
    else:
        show_looks(there, done)


@commands.command("backtest")
def backtest(
    forecaster: str,
    since: Annotated[str, typer.Option("--from", help="A day or a time, itself included.")],
    until: Annotated[str, typer.Option("--to", help="A day or a time, itself not included.")],
    every: Annotated[
        int | None, typer.Option(min=1, help="Steps from cut-off to cut-off; default: horizon.")
    ] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Replay history: what FORECASTER would have said, beside what came true."""
    there = opened(city)
    done = there.backtest(forecaster, moment(there, since), moment(there, until), every=every)
    if as_json:
        print_json(backtest_document(done))
    else:
        show_backtest(forecaster, done)


@commands.command("score")
def score(
    least_warnings: Annotated[
        int, typer.Option(min=1, help="Warnings before a rule may be proposed for retirement.")
    ] = 20,
    least_days: Annotated[
        int, typer.Option(min=1, help="Days since its first before it may be proposed.")
    ] = 60,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Score every rule and forecaster by what became of its warnings."""
    from shuzhi.decide.warnings import Retirement

    found = opened(city).warning_scores(Retirement(least_warnings, least_days))
    if as_json:
        print_json([score_document(one) for one in found])
    else:
        show_scores(found)


@commands.command("outcome")
def outcome(
    warning: int,
    became: Annotated[str, typer.Argument(help="acted, confirmed or false.")],
    person: Annotated[str, typer.Option("--as", help="Who says so.")],
    happened: Annotated[
        str | None, typer.Option("--at", help="Since when what was warned of was so.")
    ] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Note what a WARNING turned out to be."""
    from shuzhi.decide.warnings.outcomes import outcome_named

    there = opened(city)
    at = None if happened is None else moment(there, happened)
    is_new = there.note_outcome(warning, outcome_named(became), by=person, happened_at=at)
    if as_json:
        print_json({"warning": warning, "outcome": became, "is_new": is_new})
    else:
        out.print(f"warning {warning} {'is' if is_new else 'was already'} {became}")


def show_warnings(city: City, found: Sequence[Warning]) -> None:
    """Show warnings as a table, with what their pack says of them and the city's own times."""
    zone = city.settings.city.zone
    rows = [
        (
            w.id or "",
            w.severity.value,
            w.rule_id,
            wall_clock(w.at, zone),
            wall_clock(w.last_at, zone),
            w.count,
            w.party,
            city.says(w.rule_id, w.facts, "zh") or _told(w),
        )
        for w in found
    ]
    columns = ("warning", "severity", "rule", "from", "until", "found", "party", "what")
    print_table(f"{len(rows)} warnings", columns, rows)


def show_looks(city: City, done: Evaluation) -> None:
    """Show every forecaster: how it stands, when it looked last, and what it found just now."""
    looked = {judged.rule_id: judged for judged in done.rules}
    standings = city.standings()
    rows = []
    for one in city.forecasters():
        standing, judged = standings[one.id], looked.get(one.id)
        found = (None, None) if judged is None else (judged.findings, judged.raised)
        state = "on" if standing.is_on else "off"
        rows.append((one.id, state, standing.looked_at, *found, standing.off_reason or ""))
    columns = ("forecaster", "state", "last look", "found", "raised", "why off")
    print_table(f"{len(looked)} of {len(rows)} forecasters were due", columns, rows)


def show_forecasts(city: City, forecaster_id: str, *, as_json: bool) -> None:
    """Show for each series the forecast in force, or why there is none."""
    from shuzhi.decide.warnings import Forecast
    from shuzhi.decide.warnings.series import steps_of

    forecaster = city.forecaster(forecaster_id)
    steps = steps_of(city.watch, forecaster)
    issued = city.forecasts(forecaster_id)
    if as_json:
        print_json([{"made_at": i.made_at, "said": i.said} for i in issued])
        return
    rows: list[Sequence[Any]] = []
    for one in issued:
        said = one.said
        named = ", ".join(map(str, said.key))
        if isinstance(said, Forecast):
            peak = int(said.mean.argmax())
            at = steps.begins(said.first + peak)
            interval = f"{said.low[peak]:.4g} to {said.high[peak]:.4g}"
            rows.append((named, one.made_at, at, float(said.mean[peak]), interval, said.filled, ""))
        else:
            rows.append((named, one.made_at, None, None, "", None, f"{said.why}: {said.detail}"))
    interval = f"{forecaster.method.level} % interval"
    columns = ("series", "made", "highest at", "then", interval, "filled", "why none")
    print_table(f"{forecaster_id}: {forecaster.title_en}", columns, rows)


def show_backtest(forecaster_id: str, done: Backtest) -> None:
    """Show errors by series and together, and how warnings would have fared."""
    rows: list[Sequence[Any]] = [
        (", ".join(map(str, key)), *_errors(found)) for key, found in done.by_series.items()
    ]
    rows += [] if done.errors is None else [("all", *_errors(done.errors))]
    columns = ("series", "steps", "MAE", "naive MAE", "MASE", "covered")
    print_table(f"{forecaster_id}: {done.forecasts} forecasts", columns, rows)
    for why, count in done.without.items():
        out.print(f"  no forecast {count} times: {why.value}")
    if done.unusual is not None:
        out.print(f"  in anomalies: {_share(done.unusual)}")
    if done.foretold is not None:
        told = done.foretold
        out.print(f"  warnings {told.warnings}, came true {_share(told.precision)}")
        out.print(f"  crossings that were warned of {_share(told.recall)}")
        if told.lead_times is not None:
            out.print(f"  lead time: median {told.lead_times.median}, p10 {told.lead_times.p10}")


def show_scores(found: Sequence[Score]) -> None:
    """Show the scores of rules; below them those that are proposed for retirement."""
    rows = [
        (
            one.rule_id,
            one.warnings,
            one.open,
            _share(one.precision),
            _share(one.false_alarms),
            _share(one.acted_upon),
            _share(one.closed),
            one.lead_times and str(one.lead_times.median),
            one.lead_times and str(one.lead_times.p10),
        )
        for one in found
    ]
    shares = ("precision", "false alarms", "acted upon", "closed")
    columns = ("rule", "warnings", "open", *shares, "lead: median", "lead: p10")
    print_table("What became of warnings", columns, rows)
    for one in found:
        if one.retire is not None:
            out.print(f"[yellow]proposed for retirement[/yellow] {one.rule_id}: {one.retire}")


def _share(share: Share) -> str:
    if share.interval is None:
        return "·"
    low, high = share.interval
    exact = f"{share.count} of {share.of}"
    return f"{percent(share.value)} ({exact}; {low * 100:.0f} to {high * 100:.0f} %)"


def _errors(found: Errors) -> tuple[Any, ...]:
    figures = (round(number, 3) for number in (found.mae, found.naive_mae, found.mase))
    return (found.steps, *figures, _share(found.covered))


def _told(warning: Warning) -> str:
    return ", ".join(f"{name} {value}" for name, value in warning.facts.items())
