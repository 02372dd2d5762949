"""`shuzhi linkage`: train, accept and run linkages, review pairs, say why, show a subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import counted, out, percent, print_json, print_table
from shuzhi.cli.share.application import Party, Person
from shuzhi.kernel.errors import RefusedError

if TYPE_CHECKING:
    from shuzhi.share.linkage import (
        Compared,
        Figures,
        Precision,
        Record,
        Shortcoming,
        SubjectFile,
        Waiting,
    )

commands = typer.Typer(
    help="通: the same person, company or place across departments.", no_args_is_help=True
)
_Name = Annotated[str, typer.Argument(metavar="LINKAGE")]
_Record = Annotated[str, typer.Argument(metavar="DATASET:KEY")]


@commands.command("list")
def list_linkages(city: CityFolder = None, as_json: AsJson = False) -> None:
    """List what is declared, with models and the newest run."""
    from shuzhi.share.linkage import last_run, models

    office = opened(city).linkage_office
    found = [(ours, models(office, name), last_run(office, name))
             for name, ours in sorted(office.linkages.items())]  # fmt: skip
    if as_json:
        print_json([{"linkage": ours, "models": kept, "run": done} for ours, kept, done in found])
        return
    rows = [
        (ours.id, ours.title.zh, ours.kind.value, ", ".join(m.dataset for m in ours.members),
         ", ".join(f"{k.number} {k.state.value}" for k in kept),
         done and done.figures.subjects, done and done.at)
        for ours, kept, done in found
    ]  # fmt: skip
    columns = ("linkage", "title", "kind", "data sets", "models", "subjects", "run")
    print_table(counted(len(rows), "linkage"), columns, rows)


@commands.command("train")
def train(name: _Name, person: Person, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Train a model on the data of today, beside the one in use; it waits to be accepted."""
    from shuzhi.share.linkage import shortcomings
    from shuzhi.share.linkage import train as trained

    there = opened(city)
    made = trained(there.linkage_office, name, by=person)
    there.record()
    if as_json:
        print_json(made)
    else:
        _show_trained(made, shortcomings(there.linkage_office.linkage(name), made.model.trained))


@commands.command("accept")
def accept(
    name: _Name,
    number: Annotated[int, typer.Argument(metavar="MODEL")],
    person: Person,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Use model MODEL from now on."""
    from shuzhi.share.linkage import accept as accepted

    there = opened(city)
    kept = accepted(there.linkage_office, name, number, by=person)
    there.record()
    if as_json:
        print_json(kept)
    else:
        out.print(f"{name}: model {kept.number} is {kept.state.value}")


@commands.command("run")
def run(name: _Name, person: Person, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Link the data of today with the accepted model."""
    from shuzhi.share.linkage import run as linked

    there = opened(city)
    done = linked(there.linkage_office, name, by=person)
    there.record()
    if as_json:
        print_json(done)
    else:
        print_table(f"{name}: run {done.id}", ("figure", "number"), _figures(done.figures))


@commands.command("review")
def review(
    name: _Name,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 20,
    size: Annotated[
        int | None, typer.Option("--sample", min=1, help="A random sample of the links instead.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the sample.")] = 1,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show which pairs somebody should look at, the most telling first."""
    from shuzhi.share.linkage import review as waiting_pairs
    from shuzhi.share.linkage import sample

    office = opened(city).linkage_office
    if size is None:
        waiting, known = waiting_pairs(office, name, limit=limit), None
    else:
        known, waiting = sample(office, name, size=size, seed=seed)
    if as_json:
        print_json({"waiting": waiting, "precision": known})
        return
    _show_waiting(waiting[:limit])
    if known is not None:
        _show_precision(known)


@commands.command("decide")
def decide(
    name: _Name,
    one: _Record,
    other: _Record,
    verdict: Annotated[str, typer.Option(help="same, different or cannot_tell")],
    reason: Annotated[str, typer.Option("--why", help="What you looked at.")],
    person: Person,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say what a pair is; later runs keep to it."""
    from shuzhi.share.linkage import Verdict
    from shuzhi.share.linkage import decide as decided

    _require_one_of("verdict", verdict, [v.value for v in Verdict])
    there = opened(city)
    ends = (_record(one), _record(other))
    done = decided(there.linkage_office, name, *ends, Verdict(verdict), by=person, reason=reason)
    there.record()
    if as_json:
        print_json(done)
    else:
        out.print(f"{one} and {other}: {done.verdict.value}, says {done.by}")


@commands.command("why")
def why(
    name: _Name,
    one: _Record,
    other: _Record,
    person: Person,
    language: Annotated[str, typer.Option("--in", help="zh or en")] = "zh",
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say why two records are linked or not: from the odds before to those after each part."""
    from shuzhi.share.linkage import lines
    from shuzhi.share.linkage import why as explained

    _require_one_of("language", language, ["zh", "en"])
    there = opened(city)
    shown = explained(there.linkage_office, name, _record(one), _record(other), by=person)
    there.record()
    if as_json:
        print_json(shown)
        return
    for line in lines(shown, language):
        out.print(line, soft_wrap=True)


@commands.command("subject")
def subject(
    name: _Name,
    which: Annotated[str, typer.Argument(metavar="SUBJECT", help="Its id, or DATASET:KEY.")],
    person: Person,
    party: Party,
    role: Annotated[str, typer.Option(help="In which role you ask.")],
    purpose: Annotated[str, typer.Option(help="For which purpose.")],
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show what you may see of one subject, source by source."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.access import User
    from shuzhi.share.linkage import Asker

    there = opened(city)
    asker = Asker(User(person, PartyId(party), frozenset({role})), role, purpose)
    named = _record(which) if ":" in which else which
    shown = there.subject_file(name, named, asker=asker)
    there.record()
    if as_json:
        print_json(shown)
    else:
        _show_file(shown)


def _require_one_of(what: str, word: str, words: list[str]) -> None:
    if word not in words:
        raise RefusedError(
            "cli.bad_word",
            f"There is no {what} {word[:40]!r}.",
            next_step=f"Choose one of: {', '.join(words)}.",
        )


def _record(text: str) -> Record:
    from shuzhi.share.linkage import Record

    dataset, _, key = text.partition(":")
    return Record(dataset, key)


def _figures(figures: Figures) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [
        ("pairs", figures.pairs),
        ("linked", figures.linked),
        ("to review", figures.to_review),
        ("subjects", figures.subjects),
        ("largest subject", figures.largest),
    ]
    return rows + [(f"not joined: {name}", count) for name, count in figures.refused.items()]


def _show_trained(made: Compared, lacking: tuple[Shortcoming, ...]) -> None:
    from shuzhi.share.linkage import by_advice

    kept = made.model
    before = dict(_figures(made.before.figures)) if made.before else {}
    rows = [(name, count, before.get(name)) for name, count in _figures(kept.figures)]
    title = f"{kept.linkage}: model {kept.number} ({kept.state.value})"
    print_table(title, ("figure", "this model", "the one in use"), rows)
    for advice, those in by_advice(lacking):
        for said in those:
            out.print(Text(f"- {said.en}"), soft_wrap=True)
        out.print(Text(advice.en), soft_wrap=True)


def _show_waiting(waiting: tuple[Waiting, ...]) -> None:
    rows = [
        (":".join(w.placed.pair.left), ":".join(w.placed.pair.right),
         f"{w.placed.pair.probability:.3f}", w.placed.place.value,
         ", ".join(f"{d.by}: {d.verdict.value}" for d in w.decisions))
        for w in waiting
    ]  # fmt: skip
    columns = ("one", "other", "probability", "stands", "said so far")
    print_table(counted(len(rows), "pair"), columns, rows)


def _show_precision(known: Precision) -> None:
    told = f"{known.same + known.different} of {known.sampled} decided, of {known.links:,} links"
    if known.share is None:
        out.print(f"{told}; nothing can be said yet")
    else:
        bounds = f"{percent(known.low)} to {percent(known.high)}"
        out.print(f"{told}; right: {percent(known.share)} ({bounds} with 95 % confidence)")


def _show_file(shown: SubjectFile) -> None:
    whose = shown.subject or "no other record that you may see"
    out.print(Text(f"{shown.linkage}: {whose}", "bold"))
    for sheet in shown.sheets:
        if sheet.refusal is not None:
            out.print(f"{sheet.dataset}: not shown ({sheet.refusal.en})", soft_wrap=True)
            continue
        heads = [f"{c} (masked)" if c in sheet.masked else c for c in sheet.columns]
        print_table(sheet.dataset, heads, sheet.rows)
        if sheet.withheld:
            out.print(f"withheld: {', '.join(sheet.withheld)}")
    for differs in shown.differs:
        told = "; ".join(f"{t.dataset}: {t.value} ({t.seen_at or 'no time'})" for t in differs.told)
        out.print(f"{differs.part} differs: {told}", soft_wrap=True)
