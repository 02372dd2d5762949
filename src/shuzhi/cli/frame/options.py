"""What every command takes: the city's folder, and whether a person or a program reads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shuzhi.kernel.instant import Instant, parse_instant

if TYPE_CHECKING:
    from shuzhi.app import City

CityFolder = Annotated[
    Path | None,
    typer.Option("--city", help="The city's folder; default: $SHUZHI_CITY, else here."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def opened(folder: Path | None) -> City:
    """Open the city that a command means."""
    # Only here, so that --help and a mistyped command answer at once: the engines import slowly.
    from shuzhi.app import open_city
    from shuzhi.cli.frame.tables import go_by
    from shuzhi.settings import default_city

    city = open_city(folder or default_city())
    go_by(city.settings.city.zone)
    return city


def moment(city: City, text: str) -> Instant:
    """Return the day or time that a person wrote; without an offset it is one of the city."""
    return parse_instant(text, zone=city.settings.city.zone)
