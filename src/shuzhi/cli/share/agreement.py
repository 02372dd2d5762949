"""`shuzhi agreement`: what was agreed, as a policy; provide, stop, renew, end, dispose."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import counted, out, print_json, print_table
from shuzhi.cli.frame.tables import cell
from shuzhi.cli.share.application import (
    Number,
    Party,
    Person,
    Seen,
    actor,
    deadline,
    plainly,
    show_runs,
    show_state,
    show_steps,
)

if TYPE_CHECKING:
    from shuzhi.share.agreements import Agreement, AgreementFile

commands = typer.Typer(help="通: deals about data, until their data are gone.",
                       no_args_is_help=True)  # fmt: skip


@commands.command("list")
def list_agreements(
    party: Annotated[str | None, typer.Option(help="Those of a party, on either side.")] = None,
    dataset: Annotated[str | None, typer.Option(help="About a data set.")] = None,
    in_force: Annotated[bool, typer.Option("--in-force", help="Only those that go on.")] = False,
    before: Annotated[int | None, typer.Option(help="The last of the page before.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """List agreements, the newest first."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.agreements import agreements

    found = agreements(
        opened(city).sharing_office,
        party=None if party is None else PartyId(party),
        dataset=dataset,
        in_force=True if in_force else None,
        before=before,
        limit=limit,
    )
    if as_json:
        print_json(found)
        return
    rows = [
        (a.id, a.state.value, a.terms.dataset, a.terms.contract_version, a.terms.assigner,
         a.terms.assignee, a.terms.asked.ends_on, deadline(a.runs))
        for a in found
    ]  # fmt: skip
    columns = ("agreement", "state", "data set", "contract", "provider", "user", "last day", "due")
    print_table(counted(len(rows), "agreement"), columns, rows)


@commands.command("show")
def show(
    number: Number,
    as_policy: Annotated[bool, typer.Option("--policy", help="As ODRL (JSON-LD).")] = False,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show an agreement with everything that was done, or its policy."""
    from shuzhi.share.agreements import AgreementId, agreement

    file = agreement(opened(city).sharing_office, AgreementId(number))
    if as_policy:
        print_json(file.policy)
    elif as_json:
        print_json(file)
    else:
        show_file(file)


def _do(
    city: Path | None,
    number: int,
    verb: str,
    person: str,
    party: str,
    *,
    as_json: bool,
    **given: Any,
) -> None:
    from shuzhi.share.agreements import AgreementId, Deed, Verb, deal

    there = opened(city)
    deed = Deed(Verb(verb), actor(person, party), **given)
    done = deal(there.sharing_office, AgreementId(number), deed)
    there.record()
    show_agreement(done, as_json=as_json)


for _verb, _says in (
    ("provide", "Note that the data were handed over, which ends the clock of provision."),
    ("suspend", "Suspend an agreement; its provider alone can only propose it."),
    ("resume", "Let a suspended agreement go on."),
    ("end", "End an agreement; its provider alone can only propose it."),
):
    plainly(commands, _do, _verb, _says)


@commands.command("renew")
def renew(
    number: Number,
    first: Annotated[str, typer.Option("--from", help="The first day, as 2027-01-01.")],
    last: Annotated[str, typer.Option("--until", help="The last day.")],
    agreed_by: Annotated[str, typer.Option(help="Of the user's own sharing office.")],
    person: Person,
    party: Party,
    seen: Seen = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Apply for an agreement to go on, on the same terms."""
    from shuzhi.share.agreements import AgreementId, Asked
    from shuzhi.share.agreements import renew as renewed

    there = opened(city)
    asked = Asked(starts_on=_day(first), ends_on=_day(last), agreed_by=agreed_by)
    by = actor(person, party)
    done = renewed(there.sharing_office, AgreementId(number), asked, by=by, seen=seen)
    there.record()
    show_state(done.application, as_json=as_json)


@commands.command("dispose")
def dispose(
    number: Number,
    method: Annotated[str, typer.Option(help="How: deleted, overwritten, returned.")],
    text: Annotated[str, typer.Option("--text", help="What was disposed of.")],
    person: Person,
    party: Party,
    document: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The paper; its hash is kept.")
    ] = None,
    seen: Seen = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Hand in the receipt that the data of an ended agreement are gone."""
    sha256 = None if document is None else hashlib.sha256(document.read_bytes()).hexdigest()
    given = {"text": text, "method": method, "document_sha256": sha256, "seen": seen}
    _do(city, number, "dispose", person, party, as_json=as_json, **given)


def show_agreement(agreement: Agreement, *, as_json: bool) -> None:
    """Show where an agreement stands now."""
    if as_json:
        print_json(agreement)
        return
    a = agreement
    out.print(f"agreement {a.id}: {a.state.value}, version {a.version}")
    if a.proposal is not None:
        who = f"{a.terms.assignee} or {a.authority}"
        out.print(f"proposed: {a.proposal.value}; it counts when {who} does it", soft_wrap=True)
    if due := deadline(a.runs):
        out.print(f"due {cell(due)}")


def show_file(file: AgreementFile) -> None:
    """Show an agreement, its terms, clocks and steps."""
    a, terms = file.agreement, file.agreement.terms
    head = f"agreement {a.id}: {terms.dataset} {terms.contract_version}"
    out.print(Text(head, style="bold"), soft_wrap=True)
    out.print(f"{terms.assigner} → {terms.assignee}: {', '.join(terms.asked.fields)}")
    out.print(
        f"for {', '.join(terms.asked.purposes)}, {terms.asked.starts_on} to {terms.asked.ends_on}"
    )
    show_agreement(a, as_json=False)
    show_runs(a.runs)
    show_steps(file.steps)


def _day(text: str) -> Any:
    from datetime import date

    from shuzhi.kernel.errors import RefusedError

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RefusedError(
            "cli.bad_word", f"{text[:40]!r} is no day.", next_step="Write it as 2027-01-01."
        ) from None
