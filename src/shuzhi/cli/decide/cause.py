"""`shuzhi cause`: what may have caused what was measured in a river or in the air."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import out, print_json, print_table
from shuzhi.kernel.instant import wall_clock

if TYPE_CHECKING:
    from shuzhi.app.decide.cause_store import Sought
    from shuzhi.decide.tracing import Candidate

commands = typer.Typer(help="用: candidates with reasons, never verdicts.", no_args_is_help=True)

_Tracing = Annotated[str, typer.Argument(help="A tracing that a pack declares.")]
_Layer = Annotated[Path | None, typer.Option("--layer", help="Write a GeoJSON layer to this file.")]


@commands.command("list")
def list_tracings(city: CityFolder = None, as_json: AsJson = False) -> None:
    """List the tracings that are declared."""
    found = [(t.id, t.kind, t.title_zh, t.title_en) for t in opened(city).tracings().values()]
    if as_json:
        print_json([dict(zip(("id", "kind", "zh", "en"), t, strict=True)) for t in found])
    else:
        print_table(f"{len(found)} tracings", ("tracing", "kind", "title", "in English"), found)


@commands.command("river")
def river(
    tracing: _Tracing,
    reach: Annotated[str, typer.Option(help="The reach of the station.")],
    factor: Annotated[str, typer.Option(help="What was too high.")],
    value: Annotated[float, typer.Option(help="mg/L.")],
    limit: Annotated[float, typer.Option(help="mg/L.")],
    at: Annotated[str, typer.Option(help="When, as 2026-03-02T08:00.")],
    above: Annotated[float, typer.Option(help="km of the station above the reach's end.")] = 0.0,
    layer: _Layer = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Search up a river from a station for outfalls that could have caused an exceedance."""
    from shuzhi.decide.tracing import Exceedance, river_layer
    from shuzhi.kernel.instant import parse_instant

    there = opened(city)
    moment = parse_instant(at, zone=there.settings.city.zone)
    exceedance = Exceedance(factor, reach, moment, value, limit, above)
    found = there.trace_river(tracing, exceedance)
    _write(layer, river_layer(found))
    if as_json:
        print_json({"searched": len(found.searched), "candidates": found.candidates})
        return
    out.print(f"{len(found.searched)} reaches above were searched")
    show_candidates(found.candidates)


@commands.command("air")
def air(
    tracing: _Tracing,
    station: str,
    since: Annotated[str, typer.Option("--from", help="The first hour, as 2026-03-02T08:00.")],
    until: Annotated[str, typer.Option("--to", help="The hour after the last.")],
    threshold: Annotated[float, typer.Option(help="Above it an hour is bad.")],
    factor: Annotated[str | None, typer.Option(help="Of one factor alone.")] = None,
    layer: _Layer = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Search against the wind from a station for sources where its bad hours came from."""
    from shuzhi.decide.tracing import Bad, air_layer
    from shuzhi.kernel.instant import parse_instant

    there = opened(city)
    zone = there.settings.city.zone
    hours = parse_instant(since, zone=zone), parse_instant(until, zone=zone)
    found = there.trace_air(tracing, Bad(station, *hours, threshold, factor))
    _write(layer, air_layer(found))
    if as_json:
        print_json(found)
        return
    out.print(f"{found.hours} hours, {found.calm} of them calm; {found.overall:.0%} were bad")
    show_candidates(found.candidates)


def show_sought(sought: Sought, zone: str) -> None:
    """Show what a tracing found of the causes of a case, or why it found nothing."""
    out.print(f"{sought.tracing}, sought {wall_clock(sought.sought_at, zone)}")
    if sought.failure:
        out.print(sought.failure, markup=False)
    else:
        show_candidates(sought.candidates)


def show_candidates(candidates: tuple[Candidate, ...]) -> None:
    """Show candidates, the likeliest first, each with its reasons."""
    rows = [
        (rank, c.id, c.title, f"{c.score:.3f}", "\n".join(r.en for r in c.reasons))
        for rank, c in enumerate(candidates, 1)
    ]
    heading = "Candidates for review, not verdicts"
    print_table(heading, ("", "id", "title", "score", "reasons"), rows)


def _write(file: Path | None, layer: dict[str, Any]) -> None:
    if file is not None:
        file.write_text(json.dumps(layer, ensure_ascii=False), encoding="utf-8")
