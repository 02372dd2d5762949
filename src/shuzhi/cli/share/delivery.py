"""`shuzhi delivery`: rows, files, figures and changes by agreement, each with a receipt."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import (
    EXIT_REFUSED,
    counted,
    err,
    out,
    print_facts,
    print_json,
    print_table,
)
from shuzhi.cli.share.application import Number, Party, Person, actor
from shuzhi.cli.share.receipt import list_receipts, show_receipt
from shuzhi.kernel.errors import RefusedError

if TYPE_CHECKING:
    from shuzhi.app import City
    from shuzhi.share.access import Refusal
    from shuzhi.share.delivery import Answer, Asker, MediaType, Wanted

commands = typer.Typer(help="通: data by agreement, each time with a receipt.",
                       no_args_is_help=True)  # fmt: skip

Role = Annotated[str, typer.Option(help="A role of the agreement that you hold.")]
Purpose = Annotated[str, typer.Option(help="A purpose of the agreement.")]
Columns = Annotated[str | None, typer.Option(help="Columns, as a,b,c; default: all.")]
Form = Annotated[str, typer.Option(help="json, csv, parquet or arrow.")]


@commands.command("query")
def query(
    agreement: Number,
    person: Person,
    party: Party,
    role: Role,
    purpose: Purpose,
    columns: Columns = None,
    form: Form = "json",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Rows of a page.")] = 1_000,
    cursor: Annotated[str | None, typer.Option(help="Of the page before.")] = None,
    name: Annotated[str | None, typer.Option("--query", help="An approved query.")] = None,
    values: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE for it.")] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write a page of rows, or the answer of an approved query, to standard output."""
    from shuzhi.share.delivery import ask_approved, page

    there = opened(city)
    wanted = _wanted(agreement, columns, "json" if as_json else form)
    asker = _asker(person, party, role, purpose)
    if name is None:
        found = page(there.delivery_desk, wanted, asker, limit=limit, cursor=cursor)
    else:
        found = ask_approved(there.delivery_desk, wanted, asker, name, _pairs(values or ()))
    write_answer(there, found)


@commands.command("file")
def file(
    agreement: Number,
    folder: Annotated[Path, typer.Option("--to", help="Where to put it.")],
    person: Person,
    party: Party,
    role: Role,
    purpose: Purpose,
    columns: Columns = None,
    form: Form = "parquet",
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Put all rows of an agreement into a file, its receipt with proof beside it."""
    wanted, asker = _wanted(agreement, columns, form), _asker(person, party, role, purpose)
    done = opened(city).deliver_file(wanted, asker, folder)
    if isinstance(done, Path):
        proof = done.with_name(f"{done.name}.receipt.json")
        if as_json:
            print_json({"file": done, "receipt": proof})
        else:
            out.print(f"{done}\n{proof}", soft_wrap=True)
    else:
        refuse(done)


@commands.command("subscribe")
def subscribe(
    agreement: Number,
    url: Annotated[str, typer.Argument(help="Where changes are pushed to.")],
    person: Person,
    party: Party,
    role: Role,
    purpose: Purpose,
    columns: Columns = None,
    from_start: Annotated[bool, typer.Option(help="Send all that is there first.")] = False,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Have changes pushed to URL; the secret to check signatures by is shown."""
    from shuzhi.share.delivery import Subscription, subscribe
    from shuzhi.share.delivery.webhooks import secret_of

    there = opened(city)
    wanted, asker = _wanted(agreement, columns, "json"), _asker(person, party, role, purpose)
    made = subscribe(there.delivery_desk, wanted, asker, url, from_start=from_start)
    there.record()
    if not isinstance(made, Subscription):
        refuse(made)
        return
    shown = {"subscription": made.id, "secret": secret_of(there.city_key, made.id)}
    if as_json:
        print_json(shown)
    else:
        print_facts(f"subscription {made.id}", shown.items())


@commands.command("subscriptions")
def list_subscriptions(city: CityFolder = None, as_json: AsJson = False) -> None:
    """List who is told of changes, and how far each of them is."""
    from shuzhi.share.delivery import subscriptions

    found = subscriptions(opened(city).delivery_desk)
    if as_json:
        print_json(found)
        return
    rows = [
        (s.id, s.state.value, s.wanted.agreement, s.url, s.position, s.failures, s.last_error)
        for s in found
    ]
    columns = ("subscription", "state", "agreement", "to", "version", "failures", "last error")
    print_table(counted(len(rows), "subscription"), columns, rows)


@commands.command("push")
def push(city: CityFolder = None, as_json: AsJson = False) -> None:
    """Push what changed to every subscription; `shuzhi up` does it by itself."""
    there = opened(city)
    sent = there.push_changes()
    there.record()
    if as_json:
        print_json({"sent": sent})
    else:
        out.print(f"{counted(sent, 'batch')[:-1]}es sent" if sent != 1 else "1 batch sent")


@commands.command("resume")
def resume(
    number: Number, person: Person, party: Party, city: CityFolder = None, as_json: AsJson = False
) -> None:
    """Let a subscription that died go on from what was acknowledged last."""
    from shuzhi.share.delivery import SubscriptionId, resume

    _moved(city, resume, SubscriptionId(number), person, party, as_json=as_json)


@commands.command("unsubscribe")
def unsubscribe(
    number: Number, person: Person, party: Party, city: CityFolder = None, as_json: AsJson = False
) -> None:
    """End a subscription."""
    from shuzhi.share.delivery import SubscriptionId, unsubscribe

    _moved(city, unsubscribe, SubscriptionId(number), person, party, as_json=as_json)


@commands.command("approve")
def approve(
    agreement: Number,
    name: str,
    sql: str,
    person: Person,
    party: Party,
    parameters: Annotated[
        list[str] | None, typer.Option("--parameter", help="NAME:TYPE[:LEAST[:MOST]].")
    ] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """As the provider, let SQL be asked by NAME, with $NAME for each parameter."""
    from shuzhi.share.agreements import AgreementId
    from shuzhi.share.delivery import approve as approved

    there = opened(city)
    typed = tuple(map(_parameter, parameters or ()))
    by = actor(person, party)
    made = approved(there.delivery_desk, AgreementId(agreement), name, sql, typed, by=by)
    there.record()
    if as_json:
        print_json(made)
    else:
        out.print(f"agreement {agreement}: {name} may be asked")


@commands.command("queries")
def queries(agreement: Number, city: CityFolder = None, as_json: AsJson = False) -> None:
    """List the approved queries of an agreement."""
    from shuzhi.share.agreements import AgreementId
    from shuzhi.share.delivery import approved_queries

    found = approved_queries(opened(city).delivery_desk, AgreementId(agreement))
    if as_json:
        print_json(found)
        return
    rows = [(q.name, ", ".join(p.name for p in q.parameters), q.by, q.at, q.sql) for q in found]
    columns = ("query", "parameters", "approved by", "at", "SQL")
    print_table("Approved queries", columns, rows)


commands.command("list")(list_receipts)
commands.command("show")(show_receipt)


def write_answer(there: City, found: Answer | Refusal) -> None:
    """Write an answer to standard output, what its receipt says to standard error."""
    from shuzhi.share.delivery import Answer

    there.record()
    if not isinstance(found, Answer):
        refuse(found)
        return
    shutil.copyfileobj(found.content, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    told = {"receipt": found.receipt.id, "sha256": found.receipt.what.sha256}
    more = {} if found.next_cursor is None else {"cursor": found.next_cursor}
    err.print(json.dumps({**told, **more}), soft_wrap=True)


def ask(there: City, agreement: int, sql: str, who: tuple[str, str, str, str]) -> None:
    """Answer SQL inside of an agreement: person, party, role and purpose say who asks."""
    from shuzhi.share.delivery import answer

    wanted = _wanted(agreement, None, "json")
    write_answer(there, answer(there.delivery_desk, wanted, _asker(*who), sql))


def refuse(found: Refusal) -> None:
    """Say why there is no answer, and end with the exit code of a refusal."""
    err.print(f"[red]✗[/red] {found.zh} {found}", soft_wrap=True)
    raise typer.Exit(EXIT_REFUSED)


def _moved(
    city: Path | None, move: Any, number: int, person: str, party: str, *, as_json: bool
) -> None:
    there = opened(city)
    after = move(there.delivery_desk, number, by=actor(person, party))
    there.record()
    if as_json:
        print_json(after)
    else:
        out.print(f"subscription {number}: {after.state.value}")


def _wanted(agreement: int, columns: str | None, form: str) -> Wanted:
    from shuzhi.share.agreements import AgreementId
    from shuzhi.share.delivery import Wanted

    named = None if columns is None else tuple(columns.split(","))
    return Wanted(AgreementId(agreement), named, (), _media(form))


def _media(form: str) -> MediaType:
    from shuzhi.share.delivery import MediaType

    known = {m.name.lower(): m for m in MediaType}
    if form not in known:
        raise RefusedError(
            "cli.bad_word",
            f"There is no form {form[:40]!r}.",
            next_step=f"Choose one of: {', '.join(known)}.",
        )
    return known[form]


def _asker(person: str, party: str, role: str, purpose: str) -> Asker:
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.access import User
    from shuzhi.share.delivery import Asker

    return Asker(User(person, PartyId(party), frozenset({role})), role, purpose)


def _pairs(values: Sequence[str]) -> dict[str, str]:
    cut = [value.partition("=") for value in values]
    return {name: value for name, _, value in cut}


def _parameter(text: str) -> Any:
    from shuzhi.gather.contracts import LogicalType
    from shuzhi.share.delivery import Parameter

    name, kind, *limits = text.split(":")
    known = {t.value: t for t in LogicalType}
    least, most = (*(limit or None for limit in limits), None, None)[:2]
    if kind not in known:
        raise RefusedError(
            "cli.bad_word",
            f"There is no type {kind[:40]!r}.",
            next_step="Write NAME:TYPE[:LEAST[:MOST]], with the types of contracts.",
        )
    return Parameter(name, known[kind], least, most)
