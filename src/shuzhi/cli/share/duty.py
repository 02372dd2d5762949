"""`shuzhi duty`: what provider, user and manager owe by law, and who does not keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import out, print_json, print_table
from shuzhi.kernel.ids import PartyId

if TYPE_CHECKING:
    from shuzhi.share.duties import Breach

commands = typer.Typer(help="通: duties of sharing, and who breaks them.", no_args_is_help=True)


@commands.command("list")
def list_duties(as_json: AsJson = False) -> None:
    """List the duties that law lays on provider, user and manager, and how each is looked after."""
    from shuzhi.share.duties import duty_list

    known = duty_list()
    if as_json:
        print_json(known.model_dump(mode="json", by_alias=True))
        return
    rows = [
        (d.id, d.role.value, d.title.zh, d.title.en, d.article,
         ", ".join(d.looks) if d.unseen is None else f"not seen: {d.unseen.en}")
        for d in known.duties
    ]  # fmt: skip
    checked = "compared with the law" if known.is_verified else "nobody compared it with the law"
    columns = ("duty", "of the", "题目", "title", "article", "looked after by")
    print_table(f"Duties of sharing ({checked})", columns, rows)


@commands.command("review")
def review(city: CityFolder = None, as_json: AsJson = False) -> None:
    """Look after every duty now; `shuzhi up` does it by itself every hour."""
    there = opened(city)
    done = there.review_duties()
    there.record()
    if as_json:
        print_json(done)
        return
    out.print(f"newly broken: {len(done.found):,}, kept again: {len(done.ended):,}")
    for look, why in done.failed.items():
        out.print(f"[yellow]not looked after[/yellow] {look}: {why}")
    _show(done.found)


@commands.command("breaches")
def breaches(
    party: Annotated[str | None, typer.Option(help="Those of a party.")] = None,
    duty: Annotated[str | None, typer.Option(help="Those of a duty.")] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    before: Annotated[int | None, typer.Option(help="Those before this number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """List duties that are broken, the newest found first."""
    from shuzhi.share.duties import breaches as find

    found = find(
        opened(city).duties_office,
        party=None if party is None else PartyId(party),
        duty=duty,
        is_open=None if is_all else True,
        before=before,
        limit=limit,
    )
    if as_json:
        print_json(found)
    else:
        _show(found)


@commands.command("standing")
def standing(city: CityFolder = None, as_json: AsJson = False) -> None:
    """Show how each party stands: breaches that go on, and all that ever were."""
    from shuzhi.share.duties import records

    found = records(opened(city).duties_office)
    if as_json:
        print_json(found)
        return
    rows = [
        (r.party, r.going_on.total(), r.ever.total(), ", ".join(sorted(r.going_on))) for r in found
    ]
    print_table("Broken duties by party", ("party", "go on", "ever", "which go on"), rows)


def _show(found: tuple[Breach, ...]) -> None:
    rows = [(b.id, b.duty, b.party, b.subject, b.since, b.ended_at or "goes on") for b in found]
    columns = ("number", "duty", "party", "about", "since", "until")
    print_table(f"Broken duties: {len(found):,}", columns, rows)
