"""`shuzhi receipt` and `shuzhi objection`: what left, who used my data, and objecting to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shuzhi.cli.frame.options import AsJson, CityFolder, moment, opened
from shuzhi.cli.frame.output import counted, out, print_facts, print_json, print_table
from shuzhi.cli.frame.tables import cell
from shuzhi.cli.share.application import Number, Party, Person, actor, deadline

if TYPE_CHECKING:
    from shuzhi.app import City
    from shuzhi.share.receipts import Objection, Receipt

commands = typer.Typer(help="通: what left, to whom, and who used my data.",
                               no_args_is_help=True)  # fmt: skip
objection_commands = typer.Typer(help="通: objections to a use of one's data.",
                                 no_args_is_help=True)  # fmt: skip

Before = Annotated[int | None, typer.Option(help="The last of the page before.")]
Limit = Annotated[int, typer.Option(min=1, max=500)]
Kind = Annotated[str, typer.Option(help="The kind of subject: person, company.")]


def list_receipts(
    party: Annotated[str | None, typer.Option(help="Of a party, on either side.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Of a data set.")] = None,
    agreement: Annotated[int | None, typer.Option(help="Of an agreement.")] = None,
    since: Annotated[str | None, typer.Option(help="From then on.")] = None,
    until: Annotated[str | None, typer.Option(help="Before then.")] = None,
    before: Before = None,
    limit: Limit = 50,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """List what left, the newest first."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.agreements import AgreementId
    from shuzhi.share.receipts import receipts

    there = opened(city)
    found = receipts(
        there.receipt_office,
        party=None if party is None else PartyId(party),
        dataset=dataset,
        agreement=None if agreement is None else AgreementId(agreement),
        since=None if since is None else moment(there, since),
        until=None if until is None else moment(there, until),
        before=before,
        limit=limit,
    )
    _show_receipts(found, as_json=as_json)


def show_receipt(number: Number, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Show one receipt."""
    from shuzhi.share.receipts import ReceiptId, receipt

    found = receipt(opened(city).receipt_office, ReceiptId(number))
    if as_json:
        print_json(found)
    else:
        facts = {"at": found.at, **vars(found.what), "subjects": found.subjects}
        print_facts(f"receipt {number}", facts.items())


commands.command("list")(list_receipts)
commands.command("show")(show_receipt)


@commands.command("prove")
def prove(
    number: Number,
    city: CityFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="A proof is JSON anyhow.")] = True,
) -> None:
    """Print all that a receipt is checked by, as JSON: its entry of the audit log, with proof."""
    del as_json
    from shuzhi.share.receipts import ReceiptError, ReceiptId, receipt

    there = opened(city)
    there.record()
    found = there.receipt_proof(receipt(there.receipt_office, ReceiptId(number)))
    if found is None:
        raise ReceiptError(
            "share.receipt_unproven",
            f"The audit log does not have receipt {number} yet.",
            next_step="Another process keeps the log: ask again in a while.",
        )
    print_json(found.document())


@commands.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="What `receipt prove` or the page gave you.")],
    key: Annotated[
        Path | None, typer.Option(help="The log's public key; default: the city's.")
    ] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Check that a receipt is in the audit log, by its proof and the log's public key alone."""
    from shuzhi.audit import read_keys
    from shuzhi.share.receipts import check_receipt, read_receipt_proof

    held = key or opened(city).settings.audit_key.with_name("audit.pub")
    keys = read_keys(held.read_text(encoding="utf-8").splitlines())
    found = read_receipt_proof(file.read_text(encoding="utf-8"))
    proved = check_receipt(found, keys)
    number = found.told["id"]
    if as_json:
        print_json({"receipt": number, "entry": proved.index, "size": proved.checkpoint.size})
    else:
        told = f"entry {proved.index:,} of {proved.checkpoint.size:,}"
        out.print(f"receipt {number} is in the log: {told}")


@commands.command("uses-of")
def uses_of(
    subject: str,
    kind: Kind = "person",
    dataset: Annotated[str | None, typer.Option(help="Of a data set.")] = None,
    before: Before = None,
    limit: Limit = 50,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show who used the data of SUBJECT."""
    from shuzhi.share.receipts import uses_of

    office = opened(city).receipt_office
    found = uses_of(office, kind, subject, dataset=dataset, before=before, limit=limit)
    _show_receipts(found, as_json=as_json)


@objection_commands.command("make")
def make_objection(
    receipt: Number,
    subject: str,
    person: Person,
    text: Annotated[str, typer.Option("--text", help="The reason.")],
    kind: Kind = "person",
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Object to the use that RECEIPT tells of, as SUBJECT."""
    from shuzhi.share.receipts import ReceiptId, object_to

    there = opened(city)
    office = there.receipt_office
    made = object_to(office, ReceiptId(receipt), kind, subject, reason=text, by=person)
    _show_objection(there, made, as_json=as_json)


@objection_commands.command("answer")
def answer_objection(
    number: Number,
    is_stopped: Annotated[bool, typer.Option("--stop/--keep")],
    text: Annotated[str, typer.Option("--text", help="The reason.")],
    person: Person,
    party: Party,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """As the provider or the authority, stop the use or keep it."""
    from shuzhi.share.receipts import ObjectionId, answer_objection

    there = opened(city)
    given: dict[str, Any] = {"by": actor(person, party), "text": text, "is_stopped": is_stopped}
    done = answer_objection(there.receipt_office, ObjectionId(number), **given)
    _show_objection(there, done, as_json=as_json)


@objection_commands.command("withdraw")
def withdraw_objection(
    number: Number,
    subject: str,
    person: Person,
    kind: Kind = "person",
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Take an objection back, as SUBJECT."""
    from shuzhi.share.receipts import ObjectionId, withdraw_objection

    there = opened(city)
    office = there.receipt_office
    done = withdraw_objection(office, ObjectionId(number), kind, subject, by=person)
    _show_objection(there, done, as_json=as_json)


@objection_commands.command("list")
def list_objections(
    provider: Annotated[str | None, typer.Option(help="Of a provider.")] = None,
    is_overdue: Annotated[bool, typer.Option("--overdue", help="Not answered in time.")] = False,
    before: Before = None,
    limit: Limit = 50,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """List objections, the newest first."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.receipts import objections

    found = objections(
        opened(city).receipt_office,
        provider=None if provider is None else PartyId(provider),
        is_overdue=is_overdue,
        before=before,
        limit=limit,
    )
    if as_json:
        print_json(found)
        return
    rows = [
        (o.id, o.state.value, o.receipt, o.agreement, o.dataset, o.provider, deadline([o.run]),
         "late" if o.is_overdue else None)
        for o in found
    ]  # fmt: skip
    columns = ("objection", "state", "receipt", "agreement", "data set", "provider", "due", "")
    print_table(counted(len(rows), "objection"), columns, rows)


def _show_objection(there: City, held: Objection, *, as_json: bool) -> None:
    there.record()
    if as_json:
        print_json(held)
    else:
        due = deadline([held.run])
        out.print(
            f"objection {held.id}: {held.state.value}" + (f", due {cell(due)}" if due else "")
        )


def _show_receipts(found: Sequence[Receipt], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [
        (r.id, r.at, r.what.assignee, r.what.asker, r.what.purpose, r.what.dataset,
         r.what.lake_version, r.what.left.value, r.what.rows, ", ".join(r.what.columns))
        for r in found
    ]  # fmt: skip
    columns = ("receipt", "at", "user", "who", "purpose", "data set", "version", "as", "rows",
               "columns")  # fmt: skip
    print_table(counted(len(rows), "receipt"), columns, rows)
