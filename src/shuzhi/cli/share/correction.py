"""`shuzhi correction`: doubt a value, correct it, call back what rested on it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import counted, out, print_facts, print_json, print_table
from shuzhi.cli.frame.tables import cell
from shuzhi.cli.share.application import (
    Number,
    Party,
    Person,
    Said,
    Seen,
    actor,
    deadline,
    plainly,
    show_runs,
)
from shuzhi.kernel.errors import RefusedError

if TYPE_CHECKING:
    from shuzhi.share.correction import Doubt, Listed

commands = typer.Typer(
    help="通: doubts, corrections, and what rested on a wrong value.", no_args_is_help=True
)
_Column = Annotated[str, typer.Argument(metavar="DATASET.COLUMN")]


@commands.command("doubt")
def doubt(
    column: _Column,
    key: Annotated[list[str], typer.Option(help="COLUMN=VALUE of the row's key; one for each.")],
    person: Person,
    party: Party,
    seen: Annotated[str | None, typer.Option(help="The value that you saw.")] = None,
    right: Annotated[str | None, typer.Option(help="What it is to be; none: no value.")] = None,
    text: Said = "",
    document: Annotated[
        list[Path] | None, typer.Option(exists=True, dir_okay=False, help="A paper that proves it.")
    ] = None,
    receipt: Annotated[int | None, typer.Option(help="The delivery in which you saw it.")] = None,
    of: Annotated[str, typer.Option(help="party, citizen or company.")] = "party",
    origin: Annotated[
        str | None, typer.Option(help="Names the request; the same again makes nothing new.")
    ] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Doubt the value of DATASET.COLUMN in one row; its provider has to verify it in time."""
    from shuzhi.share.correction import Doubted, Doubter, submit

    there = opened(city)
    dataset, _, name = column.partition(".")
    papers = tuple(hashlib.sha256(file.read_bytes()).hexdigest() for file in document or ())
    pairs = tuple(_pair(each) for each in key)
    what = Doubted(dataset, pairs, name, seen, right, text, papers, receipt)
    who = _word(of, {each.value: each for each in Doubter})
    by = actor(person, party)
    done = submit(there.correction_office, what, by=by, doubter=who, origin=origin)
    there.record()
    _show(done, as_json=as_json)


@commands.command("list")
def list_doubts(
    party: Annotated[str | None, typer.Option(help="Those of a party, on either side.")] = None,
    dataset: Annotated[str | None, typer.Option(help="About a data set.")] = None,
    is_open: Annotated[bool, typer.Option("--open", help="Only those that wait.")] = False,
    before: Annotated[int | None, typer.Option(help="The last of the page before.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """List doubts, the newest first."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.correction import doubts

    found = doubts(
        opened(city).correction_office,
        party=None if party is None else PartyId(party),
        dataset=dataset,
        is_open=True if is_open else None,
        before=before,
        limit=limit,
    )
    if as_json:
        print_json(found)
        return
    rows = [
        (d.id, d.state.value, f"{d.what.dataset}.{d.what.column}", d.party, d.responsible,
         deadline(d.runs), d.submitted_at)
        for d in found
    ]  # fmt: skip
    columns = ("doubt", "state", "value", "doubted by", "verified by", "due", "submitted")
    print_table(counted(len(rows), "doubt"), columns, rows)


@commands.command("show")
def show(number: Number, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Show a doubt: its steps, who was told, and the decisions to be reviewed."""
    from shuzhi.share.correction import DoubtId, doubt_file

    file = doubt_file(opened(city).correction_office, DoubtId(number))
    if as_json:
        print_json(file)
        return
    held = file.doubt
    _show(held, as_json=False)
    facts = [*held.what.key, (held.what.column, held.what.seen), ("to be", held.what.right)]
    print_facts("Doubted", [*facts, ("evidence", held.what.evidence)])
    show_runs(held.runs)
    steps = [(s.at, s.verb.value, s.by, s.party, s.state.value) for s in file.steps]
    print_table("What was done", ("at", "act", "by", "party", "state after"), steps)
    told = [(n.party, n.told_at, n.receipts, n.acknowledged_at, n.by) for n in file.notices]
    print_table("Told", ("party", "at", "receipts", "acknowledged", "by"), told)
    _show_listed([(held.id, each) for each in file.listed])


@commands.command("accept")
def accept(
    number: Number,
    person: Person,
    party: Party,
    value: Annotated[str | None, typer.Option(help="What it is to be; none: no value.")] = None,
    text: Said = "",
    seen: Seen = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say that the value is wrong. It is corrected when the right one came in by its source."""
    from shuzhi.share.correction import DoubtId
    from shuzhi.share.correction import accept as accepted

    there = opened(city)
    by = actor(person, party)
    office = there.correction_office
    done = accepted(office, DoubtId(number), value, by=by, text=text, seen=seen)
    there.record()
    _show(done, as_json=as_json)


@commands.command("refer")
def refer(
    number: Number,
    to: Annotated[str, typer.Option(help="A registered source of the value.")],
    person: Person,
    party: Party,
    text: Said,
    seen: Seen = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Pass a doubt on to the registered source of the value."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.correction import DoubtId
    from shuzhi.share.correction import refer as referred

    there = opened(city)
    by = actor(person, party)
    office = there.correction_office
    done = referred(office, DoubtId(number), PartyId(to), by=by, text=text, seen=seen)
    there.record()
    _show(done, as_json=as_json)


def _plain_act(
    city: Path | None,
    number: int,
    verb: str,
    person: str,
    party: str,
    *,
    as_json: bool,
    seen: int | None,
    text: str,
) -> None:
    from shuzhi.share.correction import DoubtId, keep, withdraw

    verbs: dict[str, Callable[..., Doubt]] = {"keep": keep, "withdraw": withdraw}
    there = opened(city)
    by = actor(person, party)
    done = verbs[verb](there.correction_office, DoubtId(number), by=by, text=text, seen=seen)
    there.record()
    _show(done, as_json=as_json)


plainly(commands, _plain_act, "keep", "Say that the value is right, and why.")
plainly(commands, _plain_act, "withdraw", "Take a doubt back.")


@commands.command("acknowledge")
def acknowledge(
    number: Number,
    person: Person,
    party: Party,
    receiver: Annotated[
        str | None, typer.Option("--for", help="The authority: for a receiver out of reach.")
    ] = None,
    text: Said = "",
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say for a receiver that it knows of the correction."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.correction import DoubtId
    from shuzhi.share.correction import acknowledge as acknowledged

    there, whose = opened(city), None if receiver is None else PartyId(receiver)
    by, office = actor(person, party), there.correction_office
    done = acknowledged(office, DoubtId(number), by=by, receiver=whose, why=text)
    there.record()
    _show(done, as_json=as_json)


@commands.command("review")
def review(
    number: Number,
    kind: Annotated[str, typer.Argument(help="warning, case, indicator, …")],
    decision: Annotated[str, typer.Argument(metavar="DECISION")],
    is_changed: Annotated[bool, typer.Option("--changed/--kept")],
    person: Person,
    party: Party,
    text: Said,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say of a decision that used the wrong value that it was changed, or is kept, and why."""
    from shuzhi.share.correction import DecisionKind, DoubtId, Review
    from shuzhi.share.correction import review as reviewed

    there = opened(city)
    what = (DoubtId(number), _word(kind, {k.value: k for k in DecisionKind}), decision)
    found = Review.CHANGED if is_changed else Review.KEPT
    done = reviewed(there.correction_office, *what, found, by=actor(person, party), why=text)
    there.record()
    _show(done, as_json=as_json)


@commands.command("notices")
def notices(
    party: Annotated[str, typer.Argument(metavar="PARTY")],
    every: Annotated[bool, typer.Option("--all", help="Those acknowledged too.")] = False,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show what a receiver was told of wrong values."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.correction import notices as told

    found = told(opened(city).correction_office, PartyId(party), is_open=not every)
    if as_json:
        print_json(found)
        return
    rows = [(n.doubt, n.told_at, n.receipts, n.acknowledged_at) for n in found]
    columns = ("doubt", "at", "receipts", "acknowledged")
    print_table(counted(len(rows), "notice"), columns, rows)


@commands.command("reviews")
def reviews(
    party: Annotated[str, typer.Argument(metavar="PARTY")],
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show the decisions that a party still has to review."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.correction import to_review

    found = to_review(opened(city).correction_office, PartyId(party))
    if as_json:
        print_json(found)
    else:
        _show_listed(list(found))


@commands.command("tick")
def tick(city: CityFolder = None, as_json: AsJson = False) -> None:
    """Look whether the lake holds what was corrected; `shuzhi up` does it by itself."""
    from shuzhi.app.running.catching_up import correct

    there = opened(city)
    moved = correct(there)
    there.record()
    if as_json:
        print_json({"moved": moved})
    else:
        out.print(f"{counted(moved, 'doubt')} moved")


def _show(doubt: Doubt, *, as_json: bool) -> None:
    if as_json:
        print_json(doubt)
        return
    d = doubt
    head = f"doubt {d.id} about {d.what.dataset}.{d.what.column}: {d.state.value}"
    out.print(Text(f"{head}, version {d.version}", style="bold"), soft_wrap=True)
    if d.is_open:
        out.print(f"{d.responsible} verifies it; due {cell(deadline(d.runs))}", soft_wrap=True)


def _show_listed(found: list[tuple[Any, Listed]]) -> None:
    rows = [
        (doubt, each.decision.kind.value, each.decision.id, each.decision.title,
         each.decision.party, each.decision.at, each.decision.nearness.value,
         each.review.value, each.by)
        for doubt, each in found
    ]  # fmt: skip
    columns = ("doubt", "kind", "decision", "title", "party", "at", "by its", "review", "by")
    print_table("Decisions that used the value", columns, rows)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise RefusedError(
            "cli.bad_word", f"{text[:40]!r} is no key.", next_step="Write it as COLUMN=VALUE."
        )
    return name, value


def _word(text: str, known: dict[str, Any]) -> Any:
    if text in known:
        return known[text]
    raise RefusedError(
        "cli.bad_word",
        f"There is no {text[:40]!r} here.",
        next_step=f"Choose one of: {', '.join(known)}.",
    )
