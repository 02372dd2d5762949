"""`shuzhi evaluation`: score a period, publish, see leagues and what is behind a number, appeal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import UNDATED, out, percent, print_json, print_table
from shuzhi.kernel.errors import RefusedError

if TYPE_CHECKING:
    from shuzhi.act.evaluation import Appeal, Behind, Correction, League, Measure, Number, Person

commands = typer.Typer(help="治: what parties have done, in numbers.", no_args_is_help=True)

_Scheme = Annotated[str, typer.Argument(help="A scheme of evaluation.")]
_Period = Annotated[str, typer.Argument(help="2026-03, 2026-Q1 or 2026, as the scheme is scored.")]
_Version = Annotated[int | None, typer.Option(help="Of the score; default: the newest.")]
_As = Annotated[str, typer.Option("--as", help="Who acts.")]
_Party = Annotated[str, typer.Option("--party", help="For which party.")]
_CORRECTION = "decide: FACT leaves it out, FACT:FIELD=VALUE corrects it; repeatable."


class LevelName(StrEnum):
    """The levels that have a league."""

    CITY = "city"
    DISTRICT = "district"
    TOWN = "town"


@commands.command("score")
def score(
    scheme: _Scheme,
    period: _Period,
    by: _As,
    publish: Annotated[bool, typer.Option("--publish", help="Publish it at once.")] = False,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Score a period as a draft; once it is published it does not change any more."""
    there = opened(city)
    made = there.score(scheme, period, by=by)
    if publish:
        there.publish_score(scheme, period, by=by)
        there.record()
    if as_json:
        print_json({"published": publish, "scored": made})
        return
    scored = sum(s.total is not None for s in made.scores)
    state = "published" if publish else "a draft"
    out.print(f"{scheme} {period}: {scored} of {len(made.scores)} parties scored; {state}")
    if made.strangers:
        out.print(f"[yellow]{len(made.strangers)} facts belong to nobody registered[/yellow]")


@commands.command("publish")
def publish(
    scheme: _Scheme, period: _Period, by: _As, city: CityFolder = None, as_json: AsJson = False
) -> None:
    """Publish the draft of a period; from now on one may appeal."""
    there = opened(city)
    version = there.publish_score(scheme, period, by=by)
    there.record()
    if as_json:
        print_json({"scheme": scheme, "period": period, "version": version})
    else:
        out.print(f"{scheme} {period}: version {version} is published")


@commands.command("league")
def league(
    scheme: _Scheme,
    period: _Period,
    level: Annotated[LevelName, typer.Option(help="Which parties are compared.")],
    version: _Version = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show the parties of a level by rank, with formulas and the numbers beside them."""
    from shuzhi.kernel.party import Level

    found = opened(city).league(scheme, period, Level[level.name], version=version)
    if as_json:
        print_json(found)
    else:
        show_league(found)


@commands.command("show")
def show(
    scheme: _Scheme,
    period: _Period,
    party: _Party,
    measure: Annotated[str, typer.Option(help="Which number; default: the scheme's first.")] = "",
    version: _Version = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show everything behind a number of a party."""
    from shuzhi.kernel.ids import PartyId

    there = opened(city)
    chosen = measure or there.evaluating.scheme(scheme).measures[0].id
    found = there.behind(scheme, period, PartyId(party), chosen, version=version)
    if as_json:
        print_json(found)
    else:
        show_behind(found)


@commands.command("appeal")
def appeal(
    scheme: _Scheme,
    period: _Period,
    measure: Annotated[str, typer.Option(help="The number that is wrong.")],
    fact: Annotated[list[str], typer.Option(help="A fact behind it that is wrong; repeatable.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    by: _As,
    party: _Party,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Appeal a number of one's own party."""
    there = opened(city)
    person = _person(by, party)
    raised = there.appeal_score(scheme, period, measure, by=person, facts=fact, reason=reason)
    there.record()
    show_appeals([raised], as_json=as_json)


@commands.command("decide")
def decide(
    appeal_id: Annotated[int, typer.Argument(metavar="APPEAL")],
    is_upheld: Annotated[bool, typer.Option("--uphold/--reject")],
    reason: Annotated[str, typer.Option(help="Why.")],
    by: _As,
    party: _Party,
    fact: Annotated[list[str] | None, typer.Option(help=_CORRECTION)] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Decide an appeal of another party; what is upheld makes a new version of the score."""
    from shuzhi.act.evaluation import AppealId

    there = opened(city)
    done = there.decide_appeal(
        AppealId(appeal_id),
        by=_person(by, party),
        is_upheld=is_upheld,
        reason=reason,
        corrections=_corrections(fact or ()),
    )
    there.record()
    show_appeals([done], as_json=as_json)


@commands.command("appeals")
def appeals(city: CityFolder = None, as_json: AsJson = False) -> None:
    """List all appeals, with those that nobody decided in time."""
    there = opened(city)
    show_appeals(there.appeals(), as_json=as_json)


@commands.command("verify")
def verify(
    scheme: _Scheme,
    period: _Period,
    version: _Version = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Compute a score again from its stored facts, and say whether it is the same."""
    made = opened(city).recompute_score(scheme, period, version=version)
    if as_json:
        print_json({"is_same": True, "parties": len(made)})
    else:
        out.print(f"{scheme} {period}: {len(made)} scores come out the same")


def show_league(found: League) -> None:
    """Show a league: totals and ranks, each measure as A / B, and what the measures are."""
    state = "draft" if found.published_at is None else f"published {found.published_at.date()}"
    title = f"{found.scheme.title.zh} {found.scheme.title.en} · {found.period} · {found.level.name}"
    measures = found.scheme.measures
    columns = ("rank", "party", "points", "±", "↑", *(m.id for m in measures), "appeals")
    rows = [
        (
            row.score.rank,
            row.score.party,
            row.score.total if row.score.total is not None else row.score.lack.value,
            row.change,
            row.rose,
            *(_shown(m, row.score.number(m.id)) for m in measures),
            row.appeals or None,
        )
        for row in found.rows
    ]
    out.print(f"version {found.version} of {found.versions}, {state}")
    print_table(title, columns, rows)
    beside = found.scheme.counters
    rows = [
        (row.score.party, *(_shown(m, row.score.number(m.id)) for m in beside))
        for row in found.rows
    ]
    print_table("Beside it 旁列指标", ("party", *(m.id for m in beside)), rows)
    formulas = [(m.id, f"{m.title.zh} {m.title.en}", m.formula.zh, m.formula.en, m.weight or None)
                for m in found.scheme]  # fmt: skip
    print_table("Formulas 算式", ("measure", "title", "算式", "formula", "weight"), formulas)


def show_behind(found: Behind) -> None:
    """Show the facts behind a number."""
    measure, number = found.measure, found.number
    head = f"{measure.title.zh} {measure.title.en} of {found.party}: {_shown(measure, number)}"
    out.print(Text(head, style="bold"))
    out.print(f"{measure.formula.zh} · {measure.formula.en}")
    points = number.lack.value if number.points is None else f"{number.points} points"
    out.print(f"version {found.version}: {points}")
    rows = [(c.fact.id, c.fact.party, c.fact.subject, c.numerator, c.denominator)
            for c in found.facts]  # fmt: skip
    print_table(f"{len(rows)} facts", ("fact", "party", "subject", "A", "B"), rows)
    for correction in found.corrections:
        done = ", ".join(f"{k}={v}" for k, v in correction.values.items()) or "left out"
        out.print(f"on appeal: {correction.fact}: {done}")
    for name, beside in found.beside.items():
        out.print(f"beside it: {name} {beside.numerator:f} / {beside.denominator:f}")
    if measure.gaming:
        out.print(f"{measure.gaming.zh}\n{measure.gaming.en}")


def show_appeals(found: Sequence[Appeal], *, as_json: bool) -> None:
    """Show appeals with their deadlines and how they ended."""
    if as_json:
        print_json(found)
        return
    rows = [
        (
            a.id,
            f"{a.scheme} {a.period}",
            a.raised_by.party,
            a.measure,
            ", ".join(a.facts[:3]),
            a.due_at or UNDATED,
            "yes" if a.is_verified else "unverified term",
            f"too late, until {a.raise_until}" if a.is_raised_late else "in time",
            _ended(a),
        )
        for a in found
    ]
    columns = ("appeal", "score", "party", "measure", "facts", "decide before", "law", "raised",
               "decided")  # fmt: skip
    print_table(f"{len(rows)} appeals", columns, rows)


def _ended(appeal: Appeal) -> str | None:
    decision = appeal.decision
    if decision is None:
        return None
    if not decision.is_upheld:
        return f"rejected by {decision.by.party}"
    return f"upheld by {decision.by.party}: version {decision.version_after}"


def _shown(measure: Measure, number: Number) -> str:
    from shuzhi.act.evaluation import Shown

    if number.value is None:
        return "·"
    value = f"{number.value:.2f}"
    if measure.shown is Shown.PERCENT:
        value = percent(float(number.value))
    return f"{value} ({number.numerator:f}/{number.denominator:f})"


def _person(name: str, party: str) -> Person:
    from shuzhi.act.evaluation import Person
    from shuzhi.kernel.ids import PartyId

    return Person(name, PartyId(party))


def _corrections(texts: Sequence[str]) -> tuple[Correction, ...]:
    """Read `case:17/1` and `case:17/1:is_late=false`; several of one fact become one correction."""
    from shuzhi.act.evaluation import Correction

    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        head, equals, value = text.partition("=")
        fact, colon, name = head.rpartition(":") if equals else (text, "", "")
        if equals and not (fact and colon and name):
            raise RefusedError(
                "cli.bad_word",
                f"{text[:60]!r} corrects nothing.",
                next_step="Write FACT to leave a fact out, or FACT:FIELD=VALUE to correct it.",
            )
        values = found.setdefault(fact, {})
        if equals:
            values[name] = _value(value)
    return tuple(Correction(fact, values) for fact, values in found.items())


def _value(text: str) -> Any:
    known: dict[str, Any] = {"true": True, "false": False, "none": None}
    if text in known:
        return known[text]
    return int(Decimal(text)) if text.isdecimal() else text
