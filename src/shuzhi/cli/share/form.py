"""`shuzhi form`: what is demanded and what is held of it already; fill in, count the minutes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import counted, out, percent, print_json, print_table
from shuzhi.cli.share.application import Party, Person, Said, actor
from shuzhi.kernel.errors import RefusedError

if TYPE_CHECKING:
    from shuzhi.share.forms import Filling, Judgement, Registered

commands = typer.Typer(
    help="通: forms, what they need not ask, and what they cost.", no_args_is_help=True
)
_Form = Annotated[str, typer.Argument(metavar="FORM")]
_Fields = Annotated[list[str] | None, typer.Option(help="A field; give it again for the next.")]


@commands.command("register")
def register(
    file: Annotated[Path, typer.Argument(help="The form (YAML; docs/forms.md).")],
    person: Person,
    party: Party,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Register the form in FILE, and see which of its fields may be asked."""
    from shuzhi.share.forms import read_form

    there = opened(city)
    done = there.register_form(read_form(file), by=actor(person, party))
    there.record()
    _show(done, as_json=as_json)


@commands.command("check")
def check(city: CityFolder = None, as_json: AsJson = False) -> None:
    """Hold all forms in force against what is held now; `shuzhi up` does it by itself."""
    there = opened(city)
    changed = there.recheck_forms()
    there.record()
    if as_json:
        print_json({"changed": changed})
    else:
        out.print(f"{counted(changed, 'form')} judged otherwise than before")


@commands.command("list")
def list_forms(
    owner: Annotated[str | None, typer.Option(help="Those that a party demands.")] = None,
    is_open: Annotated[bool, typer.Option("--open", help="Only those in force.")] = False,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """List forms with how much of them may be asked."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.forms import declared_minutes, forms, saved_minutes

    found = forms(
        opened(city).forms_office,
        owner=None if owner is None else PartyId(owner),
        is_open=True if is_open else None,
    )
    if as_json:
        print_json(found)
        return
    rows = [
        (h.form.id, h.version, h.form.owner, h.form.schedule.every.value,
         f"{len(h.asked)} of {len(h.form.fields)}", declared_minutes(h), saved_minutes(h))
        for h in found
    ]  # fmt: skip
    columns = ("form", "version", "owner", "due every", "fields asked", "minutes", "saved")
    print_table(counted(len(rows), "form"), columns, rows)


@commands.command("show")
def show(form: _Form, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Show a form: what each field met, who fills it in, what was done."""
    from shuzhi.share.forms import FormId, form_file

    file = form_file(opened(city).forms_office, FormId(form))
    if as_json:
        print_json(file)
        return
    _show(file.held, as_json=False)
    by = file.held.form.filled_by
    who = ", ".join(file.parties) or f"{by.expected} {by.kind.value}"
    out.print(f"filled in by {who}", soft_wrap=True)
    rows = [(s.number, s.at, s.verb, s.by, s.party) for s in file.steps]
    print_table("What was done", ("step", "at", "act", "by", "party"), rows)


@commands.command("say")
def say(
    form: _Form,
    field: Annotated[str, typer.Argument(metavar="FIELD")],
    column: Annotated[str, typer.Argument(metavar="DATASET.COLUMN")],
    person: Person,
    party: Party,
    is_same: Annotated[bool, typer.Option("--same/--different")] = True,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a field is the same as a column that is held."""
    from shuzhi.share.forms import FormId, Same
    from shuzhi.share.forms import say as said

    there = opened(city)
    dataset, _, name = column.partition(".")
    same = Same(field, dataset, name, is_same)
    done = said(there.forms_office, FormId(form), same, by=actor(person, party))
    there.record()
    _show(done, as_json=as_json)


@commands.command("withdraw")
def withdraw(
    form: _Form,
    person: Person,
    party: Party,
    text: Said,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a form: it is not due any more."""
    from shuzhi.share.forms import FormId
    from shuzhi.share.forms import withdraw as withdrawn

    there = opened(city)
    done = withdrawn(there.forms_office, FormId(form), by=actor(person, party), why=text)
    there.record()
    _show(done, as_json=as_json)


@commands.command("repeats")
def repeats(city: CityFolder = None, as_json: AsJson = False) -> None:
    """Show what more than one form asks."""
    from shuzhi.share.forms import asked_twice

    found = asked_twice(opened(city).forms_office)
    if as_json:
        print_json(found)
        return
    rows = [(r.datum, "; ".join(f"{f}.{n} ({o})" for f, o, n in r.asks)) for r in found]
    print_table("Repeats", ("datum", "asked by"), rows)


@commands.command("prefill")
def prefill(
    form: _Form,
    subject: Annotated[str, typer.Argument(help="For whom: a value of the form's subject.")],
    person: Person,
    party: Party,
    role: Annotated[list[str], typer.Option(help="A role that the person holds.")],
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show what is held of SUBJECT for a form, with source, version and time."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.access import User

    user = User(person, PartyId(party), frozenset(role))
    found = opened(city).prefill(form, subject, user=user)
    if as_json:
        print_json(found)
        return
    rows = [
        (v.field, v.value, v.reason, f"{v.dataset}.{v.column}", v.provider, v.version, v.at)
        for v in found
    ]
    columns = ("field", "value", "why none", "held in", "provider", "version", "as of")
    print_table(f"{form} for {subject}", columns, rows)


@commands.command("start")
def start(
    form: _Form,
    due: Annotated[str, typer.Option(help="The day on which it is due (2026-12-05).")],
    person: Person,
    party: Party,
    origin: Annotated[
        str | None, typer.Option(help="Names the request; the same again makes nothing new.")
    ] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Start to fill in a form: its minutes count from now."""
    from shuzhi.share.forms import FormId
    from shuzhi.share.forms import start as started

    there = opened(city)
    by = actor(person, party)
    _show_filling(
        started(there.forms_office, FormId(form), _day(due), by=by, origin=origin),
        as_json=as_json,
    )


@commands.command("hand-in")
def hand_in(
    filling: Annotated[int, typer.Argument(metavar="FILLING")],
    person: Person,
    party: Party,
    typed: _Fields = None,
    confirmed: _Fields = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Hand in what was filled in: which fields were typed, which stood there already."""
    from shuzhi.share.forms import FillingId
    from shuzhi.share.forms import hand_in as handed_in

    there = opened(city)
    by = actor(person, party)
    given = {"typed": typed or (), "confirmed": confirmed or ()}
    done = handed_in(there.forms_office, FillingId(filling), by=by, **given)
    there.record()
    _show_filling(done, as_json=as_json)


@commands.command("burden")
def burden(
    start: Annotated[str, typer.Option("--from", help="The first day (2026-01-01).")],
    end: Annotated[str, typer.Option("--to", help="The day before which it ends.")],
    by: Annotated[str, typer.Option(help="form, owner, party or month.")] = "form",
    form: Annotated[str | None, typer.Option(help="Of one form.")] = None,
    owner: Annotated[str | None, typer.Option(help="What a party demands.")] = None,
    party: Annotated[str | None, typer.Option(help="What a party bears.")] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show how many minutes forms cost, the most costly first."""
    from shuzhi.share.forms import Axis

    known = {axis.value: axis for axis in Axis}
    if by not in known:
        raise _bad_word(
            f"{by[:40]!r} is nothing to count by", f"Choose one of: {', '.join(known)}."
        )
    of: dict[str, Any] = {"form": form, "owner": owner, "party": party}
    found = opened(city).burden(_day(start), _day(end), by=known[by], **of)
    if as_json:
        print_json([{**vars(b), "measured_share": b.measured_share} for b in found])
        return
    rows = [
        (b.key or "citizens and companies", b.times, round(b.minutes, 1),
         percent(b.measured_share), round(b.saved, 1))
        for b in found
    ]  # fmt: skip
    print_table("Minutes", (by, "times", "minutes", "measured", "saved (declared)"), rows)


def _show(held: Registered, *, as_json: bool) -> None:
    if as_json:
        print_json(held)
        return
    form = held.form
    state = "withdrawn" if held.withdrawn_at else f"version {held.version}"
    out.print(f"{form.id} of {form.owner}: {state}", soft_wrap=True)
    rows = [
        (j.field, j.verdict.value, j.dataset and f"{j.dataset}.{j.column}", j.provider,
         _why(j), j.due_at or j.until)
        for j in held.judgements
    ]  # fmt: skip
    columns = ("field", "verdict", "held in", "provider", "by", "due or until")
    print_table(f"{len(held.asked)} of {len(form.fields)} fields are asked", columns, rows)
    near = [(j.field, c) for j in held.judgements for c in j.candidates]
    if near:
        shown = [
            (name, c.dataset if c.column is None else f"{c.dataset}.{c.column}", c.score,
             f"{c.field_name} ~ {c.held_name}")
            for name, c in near
        ]  # fmt: skip
        print_table("May be held: say so, or not", ("field", "held in", "score", "names"), shown)


def _why(judgement: Judgement) -> str:
    said: Sequence[object] = (
        judgement.reach.value if judgement.reach else "",
        f"agreement {judgement.agreement}" if judgement.agreement else "",
        f"application {judgement.application}" if judgement.application else "",
        judgement.basis,
        "unverified" if judgement.is_verified is False else "",
    )
    return ", ".join(str(each) for each in said if each)


def _show_filling(filling: Filling, *, as_json: bool) -> None:
    if as_json:
        print_json({**vars(filling), "minutes": filling.minutes})
        return
    took = "started" if filling.minutes is None else f"handed in after {filling.minutes:.1f} min"
    out.print(f"filling {filling.id} of {filling.form}: {took}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _bad_word(f"{text[:40]!r} is no day", "Write it as 2026-12-05.") from None


def _bad_word(problem: str, next_step: str) -> RefusedError:
    return RefusedError("cli.bad_word", f"{problem}.", next_step=next_step)
