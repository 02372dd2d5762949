"""`shuzhi application`: ask for data, answer, extend, refuse, dispute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import counted, out, percent, print_json, print_table
from shuzhi.cli.frame.tables import cell
from shuzhi.kernel.errors import RefusedError

if TYPE_CHECKING:
    from shuzhi.share.agreements import Actor, Application, ApplicationFile, ClockRun, Step

commands = typer.Typer(help="通: ask for data, and answer.", no_args_is_help=True)

# No store counts further.
Number = Annotated[int, typer.Argument(metavar="NUMBER", max=2**62)]
Person = Annotated[str, typer.Option("--as", help="Who acts.")]
Party = Annotated[str, typer.Option("--party", help="For which party.")]
Seen = Annotated[int | None, typer.Option(help="The version that you saw.")]
Said = Annotated[str, typer.Option("--text", help="What to say, or the reason.")]
_FILE = Annotated[Path, typer.Argument(help="The application (YAML; docs/agreements.md).")]


@commands.command("submit")
def submit(
    file: _FILE,
    person: Person,
    party: Party,
    origin: Annotated[
        str | None, typer.Option(help="Names the request; the same again makes nothing new.")
    ] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Submit the application in FILE; what it lacks is said, and it waits for that."""
    from shuzhi.share.agreements import read_application
    from shuzhi.share.agreements import submit as submitted

    there = opened(city)
    asked = read_application(file)
    done = submitted(there.sharing_office, asked, by=actor(person, party), origin=origin)
    there.record()
    show_state(done.application, as_json=as_json)


@commands.command("complete")
def complete(
    number: Number,
    file: _FILE,
    person: Person,
    party: Party,
    seen: Seen = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Complete an application with FILE, which states it as a whole."""
    from shuzhi.share.agreements import read_application

    asked = read_application(file)
    _act(city, number, "complete", person, party, as_json=as_json, seen=seen, asked=asked)


@commands.command("list")
def list_applications(
    party: Annotated[str | None, typer.Option(help="Those of a party, on either side.")] = None,
    is_open: Annotated[bool, typer.Option("--open", help="Only those that wait.")] = False,
    before: Annotated[int | None, typer.Option(help="The last of the page before.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """List applications, the newest first."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.agreements import applications

    found = applications(
        opened(city).sharing_office,
        party=None if party is None else PartyId(party),
        is_open=True if is_open else None,
        before=before,
        limit=limit,
    )
    if as_json:
        print_json(found)
        return
    rows = [
        (a.id, a.state.value, a.applicant, a.provider, a.asked.dataset or a.asked.wanted,
         deadline(a.runs), a.submitted_at)
        for a in found
    ]  # fmt: skip
    columns = ("application", "state", "applicant", "provider", "data", "due", "submitted")
    print_table(counted(len(rows), "application"), columns, rows)


@commands.command("show")
def show(number: Number, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Show an application with everything that was done."""
    from shuzhi.share.agreements import ApplicationId, application

    file = application(opened(city).sharing_office, ApplicationId(number))
    if as_json:
        print_json(file)
    else:
        show_file(file)


@commands.command("answer")
def answer(
    number: Number,
    person: Person,
    party: Party,
    dataset: Annotated[
        str | None, typer.Option(help="Of a demand: the data set that was catalogued for it.")
    ] = None,
    text: Said = "",
    seen: Seen = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Agree to an application: the agreement is made."""
    from shuzhi.share.agreements import ApplicationId, agree

    there = opened(city)
    made = agree(
        there.sharing_office,
        ApplicationId(number),
        by=actor(person, party),
        dataset=dataset,
        text=text,
        seen=seen,
    )
    there.record()
    if as_json:
        print_json(made)
    else:
        terms = made.terms
        out.print(
            f"agreement {made.id}: {terms.dataset} {terms.contract_version}, "
            f"{terms.assigner} → {terms.assignee}, until {cell(terms.until)}"
        )


def plainly(group: typer.Typer, do: Callable[..., None], verb: str, says: str) -> None:
    """Add to `group` the command of a verb to which nothing but words belongs; `do` does it."""

    @group.command(verb.replace("_", "-"), help=says)
    def run(
        number: Number,
        person: Person,
        party: Party,
        text: Said = "",
        seen: Seen = None,
        city: CityFolder = None,
        as_json: AsJson = False,
    ) -> None:
        do(city, number, verb, person, party, as_json=as_json, seen=seen, text=text)


def _act(
    city: Path | None,
    number: int,
    verb: str,
    person: str,
    party: str,
    *,
    as_json: bool,
    **given: Any,
) -> None:
    from shuzhi.share.agreements import Act, ApplicationId, Verb, act

    there = opened(city)
    asked = Act(Verb(verb), actor(person, party), **given)
    done = act(there.sharing_office, ApplicationId(number), asked)
    there.record()
    show_state(done, as_json=as_json)


for _verb, _says in (
    ("return", "Send an application back: it lacks what the text says."),
    ("decline", "Say that the data of a demand are not yours; the authority names another."),
    ("withdraw", "Withdraw an application."),
    ("dispute", "Dispute a refusal, or an answer that did not come in time."),
    ("go_up", "Send a dispute to the next tier."),
):
    plainly(commands, _act, _verb, _says)


@commands.command("assign")
def assign(
    number: Number,
    provider: Annotated[str, typer.Option(help="Who may have the data.")],
    person: Person,
    party: Party,
    seen: Seen = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Name a candidate provider of data that are not catalogued."""
    from shuzhi.kernel.ids import PartyId

    given = {"seen": seen, "provider": PartyId(provider)}
    _act(city, number, "assign", person, party, as_json=as_json, **given)


@commands.command("extend")
def extend(
    number: Number,
    person: Person,
    party: Party,
    days: Annotated[int, typer.Option(help="Ask for so many days more.")] = 0,
    text: Said = "",
    is_granted: Annotated[
        bool | None, typer.Option("--grant/--deny", help="The authority: consent, or not.")
    ] = None,
    seen: Seen = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Ask for an extension of the answer, or as the authority decide about it."""
    verbs = {None: "ask_extension", True: "grant_extension", False: "deny_extension"}
    given = {"seen": seen, "days": days, "text": text}
    _act(city, number, verbs[is_granted], person, party, as_json=as_json, **given)


@commands.command("refuse")
def refuse(
    number: Number,
    person: Person,
    party: Party,
    law: Annotated[str, typer.Option(help="The legal text that forbids it.")],
    rank: Annotated[str, typer.Option(help="law, administrative_regulation, …")],
    article: Annotated[str, typer.Option(help="Its article.")],
    text: Said,
    seen: Seen = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Refuse an application on a legal text of enough rank."""
    from shuzhi.share.catalogue.model import LegalBasis, Rank

    known = {r.value: r for r in Rank}
    if rank not in known:
        raise RefusedError(
            "cli.bad_word",
            f"There is no rank {rank[:40]!r}.",
            next_step=f"Choose one of: {', '.join(known)}.",
        )
    basis = LegalBasis(law, known[rank], article)
    given = {"seen": seen, "text": text, "basis": basis}
    _act(city, number, "refuse", person, party, as_json=as_json, **given)


@commands.command("decide")
def decide(
    number: Number,
    person: Person,
    party: Party,
    is_ordered: Annotated[bool, typer.Option("--share/--uphold")],
    text: Said,
    seen: Seen = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Decide a dispute: the data are to be shared, or the refusal stands."""
    given = {"seen": seen, "text": text, "is_ordered": is_ordered}
    _act(city, number, "decide", person, party, as_json=as_json, **given)


@commands.command("statistics")
def statistics(city: CityFolder = None, as_json: AsJson = False) -> None:
    """Show how each provider answered, with its refusals and what they stand on."""
    from shuzhi.share.agreements import refusal_statistics

    found = refusal_statistics(opened(city).sharing_office)
    if as_json:
        print_json([{**vars(a), "refusal_share": a.refusal_share} for a in found])
        return
    rows = [
        (a.provider, a.asked, a.agreed, a.refused, percent(a.refusal_share), a.late, a.overruled,
         ", ".join(f"{rank}: {count}" for rank, count in sorted(a.by_rank.items())))
        for a in found
    ]  # fmt: skip
    columns = ("provider", "asked", "agreed", "refused", "share", "late", "overruled", "ranks")
    print_table("Answers of providers", columns, rows)


@commands.command("tick")
def tick(city: CityFolder = None, as_json: AsJson = False) -> None:
    """Let the clocks of applications and agreements act; `shuzhi up` does it by itself."""
    from shuzhi.app.running.catching_up import share

    there = opened(city)
    moved = share(there)
    there.record()
    if as_json:
        print_json({"moved": moved})
    else:
        out.print(f"{counted(moved, 'matter')} moved")


def actor(person: str, party: str) -> Actor:
    """Return who acts."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.agreements import Actor

    return Actor(person, PartyId(party))


def deadline(runs: Sequence[ClockRun]) -> datetime | str | None:
    """Return the deadline that is next, or that nobody knows it yet."""
    going = [run for run in runs if run.is_live]
    known = [run.due_at for run in going if run.due_at is not None]
    if known:
        return min(known)
    return "calendar unknown" if going else None


def show_steps(steps: Sequence[Step]) -> None:
    """Show what was done."""
    rows = [(s.at, s.verb.value, s.by, s.party, s.state) for s in steps]
    print_table("What was done", ("at", "act", "by", "party", "state after"), rows)


def show_runs(runs: Sequence[ClockRun]) -> None:
    """Show clocks with the law that they count by."""
    rows = [
        (r.clock.value, r.party, r.due_at, "late" if r.broken_at else None,
         r.term and r.term.legal_basis, None if r.term is None or r.term.is_verified
         else "unverified")
        for r in runs
    ]  # fmt: skip
    print_table("Clocks", ("clock", "against", "due", "", "law", "number"), rows)


def show_state(application: Application, *, as_json: bool) -> None:
    """Show where an application stands now."""
    if as_json:
        print_json(application)
        return
    a = application
    out.print(f"application {a.id}: {a.state.value}, version {a.version}")
    if due := deadline(a.runs):
        out.print(f"due {cell(due)}")
    if a.missing:
        from shuzhi.share.agreements import duties

        titles = {
            r.item: f"{r.title.zh} ({r.title.en}), {r.article}" for r in duties().requirements
        }
        for item in a.missing:
            out.print(f"  lacks {titles.get(item, item)}", soft_wrap=True)


def show_file(file: ApplicationFile) -> None:
    """Show an application, its clocks and its steps."""
    a = file.application
    head = f"application {a.id}: {a.asked.dataset or a.asked.wanted} for {a.applicant}"
    out.print(Text(head, style="bold"), soft_wrap=True)
    show_state(a, as_json=False)
    if a.refused is not None:
        basis = a.refused.basis
        out.print(f"refused on {basis.title} {basis.article}: {a.refused.reason}", soft_wrap=True)
    show_runs(a.runs)
    show_steps(file.steps)
