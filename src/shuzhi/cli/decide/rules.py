"""`shuzhi rules`: what must not be, what it finds, and what else it would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.text import Text

from shuzhi.cli.decide.warnings import show_warnings
from shuzhi.cli.frame.options import AsJson, CityFolder, moment, opened
from shuzhi.cli.frame.output import EXIT_REFUSED, out, print_json, print_table
from shuzhi.kernel.errors import RefusedError

if TYPE_CHECKING:
    from shuzhi.app import City
    from shuzhi.decide.rules import Evaluation, Judged, Rehearsal, Replayed, Rule

commands = typer.Typer(help="用: what must not be, as SQL over new rows.", no_args_is_help=True)

Since = Annotated[str, typer.Option("--from", help="A day or a time, itself included.")]
Until = Annotated[str, typer.Option("--to", help="A day or a time, itself not included.")]
Only = Annotated[list[str] | None, typer.Argument(help="Rules; default: every rule.")]
_MOST_SHOWN = 50


@commands.command("list")
def list_rules(city: CityFolder = None, as_json: AsJson = False) -> None:
    """List the rules, how each stands, and why where one is off."""
    there = opened(city)
    known = there.standings()
    if as_json:
        print_json([{"rule": rule, "standing": known.get(rule.id)} for rule in there.rules()])
        return
    rows = []
    for rule in there.rules():
        standing = known.get(rule.id)
        state = "not registered" if standing is None else "on" if standing.is_on else "off"
        reason = (standing and standing.off_reason) or ""
        title = f"{rule.title_zh} {rule.title_en}"
        rows.append((rule.id, title, rule.dataset, _severity(rule), state, reason))
    columns = ("rule", "title", "data set", "severity", "state", "why")
    print_table(f"{len(rows)} rules", columns, rows)


@commands.command("show")
def show(rule_id: str, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Show a rule as its file says it, and how it stands."""
    there = opened(city)
    rule = there.rule(rule_id)
    standing = there.standings().get(rule.id)
    if as_json:
        print_json({"rule": rule, "standing": standing})
        return
    out.print(Text(rule.text.rstrip()))
    if standing is not None:
        state = "on" if standing.is_on else f"off ({standing.off_code}): {standing.off_reason}"
        out.print(Text(f"version {standing.version}, {state}", style="bold"))


@commands.command("check")
def check(
    file: Annotated[Path | None, typer.Argument(help="Default: every rule of the city.")] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say of rules, or of the one in FILE, whether they can run on what the lake holds."""
    from shuzhi.decide.rules import check_rule, read_rule

    there = opened(city)
    rules = there.rules() if file is None else (read_rule(file),)
    problems = {rule.id: check_rule(there.watch, rule) for rule in rules}
    if as_json:
        print_json(problems)
    else:
        for rule_id, problem in problems.items():
            out.print(f"{rule_id}: {escape(problem) or '[green]in order[/green]'}")
    _refuse_if(any(problems.values()))


@commands.command("judge")
def judge(
    datasets: Annotated[list[str] | None, typer.Argument(help="Default: every data set.")] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Judge what is new in DATASETS and look at silences that are due; `shuzhi up` does both."""
    there = opened(city)
    there.register_rules()
    names = datasets or sorted({rule.dataset for rule in there.rules()})
    done = [*_judged(there.judge(name) for name in names), *_judged([there.look()])]
    there.record()
    if as_json:
        print_json(done)
    else:
        rows = [(r.rule_id, r.state.value, r.findings, r.raised, r.grown, r.reason) for r in done]
        columns = ("rule", "state", "found", "raised", "grown", "why")
        print_table(f"{sum(r.raised for r in done)} warnings raised", columns, rows)


@commands.command("replay")
def replay(
    since: Since,
    until: Until,
    rules: Only = None,
    keep: Annotated[bool, typer.Option(help="Store and tell warnings that are new.")] = False,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Judge history by RULES and show what they would have warned of; nothing is stored."""
    there = opened(city)
    done = there.replay(moment(there, since), moment(there, until), rules or ())
    kept = there.keep_replayed(one for one in done if not one.failure) if keep else 0
    if as_json:
        print_json([_as_document(one) for one in done])
    else:
        show_replay(there, done)
        out.print(f"{kept} warnings stored" if keep else "nothing was stored")
    _refuse_if(any(one.failure for one in done))


@commands.command("rehearse")
def rehearse(
    since: Since,
    until: Until,
    rules: Only = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", help="RULE.VALUE=…; repeatable.")
    ] = None,
    limits: Annotated[
        list[str] | None, typer.Option("--limit", help="LAW_PARAMETER=…; repeatable.")
    ] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Compare history as it is judged with how it would be under other values or other law."""
    from shuzhi.decide.rules import Change

    there = opened(city)
    by_rule: dict[str, dict[str, str]] = {}
    for name, value in _pairs(values or (), "RULE.VALUE=…").items():
        rule_id, _, key = name.partition(".")
        by_rule.setdefault(rule_id, {})[key] = value
    change = Change(by_rule, _pairs(limits or (), "LAW_PARAMETER=…"))
    done = there.rehearse(moment(there, since), moment(there, until), change, rules or ())
    if as_json:
        print_json(done)
    else:
        show_rehearsal(done)
    _refuse_if(any(one.failure for one in done.rules))


@commands.command("on")
def on(
    rule_id: str,
    person: Annotated[str, typer.Option("--as", help="Who switches it on.")],
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let a rule run again from now on; what came meanwhile is for `replay --keep`."""
    opened(city).switch_rule(rule_id, is_on=True, by=person)
    _say_switched(rule_id, as_json, is_on=True)


@commands.command("off")
def off(
    rule_id: str,
    person: Annotated[str, typer.Option("--as", help="Who switches it off.")],
    reason: Annotated[str, typer.Option(help="Why; its owner is told.")],
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Stop a rule until somebody switches it on again."""
    opened(city).switch_rule(rule_id, is_on=False, by=person, reason=reason)
    _say_switched(rule_id, as_json, is_on=False)


def _say_switched(rule_id: str, as_json: bool, *, is_on: bool) -> None:
    if as_json:
        print_json({"rule": rule_id, "is_on": is_on})
    else:
        out.print(f"{escape(rule_id)} is {'on' if is_on else 'off'}")


def show_replay(city: City, done: Sequence[Replayed]) -> None:
    """Show how much each rule would have warned, and the first of it."""
    rows = []
    for one in done:
        by_severity = Counter(w.severity.value for w in one.warnings)
        counts = ", ".join(f"{count} {colour}" for colour, count in by_severity.items())
        rows.append((one.rule.id, len(one.warnings), counts, one.failure))
    print_table("Replay", ("rule", "warnings", "of them", "why not"), rows)
    show_warnings(city, [w for one in done for w in one.warnings][:_MOST_SHOWN])


def show_rehearsal(done: Rehearsal) -> None:
    """Show a comparison by rule and by day."""
    rows = [
        (
            one.rule_id,
            len(one.present),
            len(one.other),
            len(one.only_present),
            len(one.only_other),
            one.failure,
        )
        for one in done.rules
    ]
    columns = ("rule", "as it is", "as it would be", "only as it is", "only then", "why not")
    print_table("Rehearsal", columns, rows)
    days = [(d.day, d.severity.value, d.present, d.other) for d in done.days]
    print_table("By day", ("day", "severity", "as it is", "as it would be"), days)


def _severity(rule: Rule) -> str:
    given = rule.severity
    return given.value if isinstance(given, Enum) else f"as {given.name} says"


def _as_document(one: Replayed) -> Mapping[str, object]:
    rule: Rule = one.rule
    return {"rule": rule.id, "warnings": one.warnings, "failure": one.failure}


def _judged(evaluations: Iterable[Evaluation]) -> Iterable[Judged]:
    return (rule for evaluation in evaluations for rule in evaluation.rules)


def _pairs(texts: Iterable[str], shape: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, is_pair, value = text.partition("=")
        if not is_pair:
            raise RefusedError(
                "cli.bad_pair", f"{text[:40]!r} sets nothing.", next_step=f"Write {shape}"
            )
        pairs[name.strip()] = value.strip()
    return pairs


def _refuse_if(is_bad: bool) -> None:
    if is_bad:
        raise typer.Exit(EXIT_REFUSED)
