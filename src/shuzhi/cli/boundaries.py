"""`shuzhi map`: official boundaries for the map of the operations centre."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import counted, out, print_json

commands = typer.Typer(help="Boundaries for the operations centre.", no_args_is_help=True)


@commands.command("import")
def import_boundaries(
    file: Annotated[Path, typer.Argument(help="GeoJSON in WGS 84 or CGCS2000.")],
    key: Annotated[
        str | None, typer.Option(help="The property with the id or title of the party.")
    ] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Take the boundaries in FILE for the map; those imported before are replaced."""
    done = opened(city).import_boundaries(file, key=key)
    known = done.territories
    if as_json:
        print_json(
            {
                "source": known.source,
                "reference": known.reference,
                "parties": [t.party for t in known.territories],
                "unmatched": done.unmatched,
            }
        )
        return
    points = sum(len(ring) for t in known.territories for ring in t.rings)
    kept = counted(len(known.territories), "territory").replace("territorys", "territories")
    out.print(f"{kept} ({known.reference}, {points:,} points) for the operations centre")
    if done.unmatched:
        names = escape(", ".join(done.unmatched[:12]))
        out.print(f"[yellow]of no party that is registered[/yellow]: {names}")


@commands.command("remove")
def remove(city: CityFolder = None, as_json: AsJson = False) -> None:
    """Forget the boundaries; the map is schematic again."""
    was_there = opened(city).remove_boundaries()
    if as_json:
        print_json({"removed": was_there})
    else:
        out.print("The map is schematic again." if was_there else "There were no boundaries.")
