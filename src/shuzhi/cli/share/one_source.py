"""`shuzhi one-source`: who is the source of a datum, and whether others say the same."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import out, print_facts, print_json, print_table
from shuzhi.cli.share.application import Party, Person, Said, actor
from shuzhi.kernel.errors import RefusedError

commands = typer.Typer(help="通: one source for each datum.", no_args_is_help=True)
_Column = Annotated[str, typer.Argument(metavar="DATASET.COLUMN")]


@commands.command("list")
def list_sources(city: CityFolder = None, as_json: AsJson = False) -> None:
    """Show who is registered as the source of what."""
    from shuzhi.share.forms import all_sources

    found = all_sources(opened(city).control)
    if as_json:
        print_json(found)
        return
    rows = [(s.datum, s.party, s.standing.value, s.since, s.by, s.why) for s in found]
    print_table("Sources", ("datum", "party", "as", "since", "by", "why"), rows)


@commands.command("designate")
def designate(
    datum: Annotated[str, typer.Argument(help="meaning:NAME or column:DATASET.COLUMN.")],
    source: Annotated[str, typer.Option(help="The party that is its source.")],
    person: Person,
    party: Party,
    text: Said,
    is_lead: Annotated[bool, typer.Option("--lead/--source-only")] = True,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """As the authority, name the source of a datum, or the lead among several."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.forms import designate as designated

    there = opened(city)
    given: dict[str, Any] = {"by": actor(person, party), "why": text, "is_lead": is_lead}
    made = designated(there.sharing_office, datum, PartyId(source), **given)
    there.record()
    if as_json:
        print_json(made)
    else:
        out.print(f"{made.datum}: {made.party} ({made.standing.value})", soft_wrap=True)


@commands.command("conflicts")
def conflicts(city: CityFolder = None, as_json: AsJson = False) -> None:
    """Show what several departments hold or collect, that without a lead first."""
    found = opened(city).source_conflicts()
    if as_json:
        print_json(found)
        return
    rows = [(c.datum, c.parties, tuple(h.name for h in c.held), c.lead) for c in found]
    print_table("Several sources", ("datum", "parties", "held in", "lead"), rows)


@commands.command("compare")
def compare(
    here: _Column,
    there: Annotated[str, typer.Argument(metavar="DATASET.COLUMN")],
    person: Person,
    party: Party,
    role: Annotated[str, typer.Option(help="In which role.")],
    purpose: Annotated[str, typer.Option(help="For which purpose.")],
    examples: Annotated[int, typer.Option(min=0, max=1000)] = 20,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Compare two columns key by key, inside of what you may see of both."""
    from shuzhi.kernel.ids import PartyId
    from shuzhi.share.access import Refusal, User
    from shuzhi.share.delivery import Asker

    user = User(person, PartyId(party), frozenset({role}))
    asker = Asker(user, role, purpose)
    found = opened(city).compare_sources(here, there, asker=asker, examples=examples)
    if isinstance(found, Refusal):
        raise RefusedError(f"share.{found.reason}", found.en, next_step="Apply for the data.")
    if as_json:
        print_json(found)
        return
    names = ("equal", "differs", "only_here", "only_there", "here_version", "there_version")
    print_facts(f"{here} and {there}", [(name, getattr(found, name)) for name in names])
    rows = [(e.key, e.here, e.there) for e in (*found.differing, *found.lacking)]
    print_table("Examples", ("key", "here", "there"), rows)
