"""`shuzhi gateway` and `shuzhi land`: the processes that take in what stations send."""

from __future__ import annotations

import logging
import signal
import sys
from threading import Event
from typing import Annotated

import typer

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import err, print_json

Listen = Annotated[
    list[str] | None, typer.Option("--listen", help="HOST:PORT; default: the city's settings.")
]
NoLanding = Annotated[
    bool, typer.Option("--no-landing", help="Only spool; `shuzhi land` brings it into the lake.")
]
Follow = Annotated[bool, typer.Option("--follow", help="Go on until a signal comes.")]


def gateway(listen: Listen = None, no_landing: NoLanding = False, city: CityFolder = None) -> None:
    """Take what stations send and acknowledge what is on the disk, until a signal comes."""
    _log()
    opened(city).run_gateway(
        lambda addresses: err.print(f"listening on {addresses}"),
        _until_a_signal(),
        listen=listen or (),
        has_landing=not no_landing,
    )


def land(follow: Follow = False, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Bring what is spooled into the lake, exactly once."""
    _log()
    place = opened(city)
    if follow:
        place.run_landing(_until_a_signal())
        return
    record = place.land()
    if as_json:
        print_json({"landed_until": record})
    else:
        err.print(f"everything before record {record:,} is in the lake")


def _until_a_signal() -> Event:
    """Return what is set when somebody wants the process to end."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _log() -> None:
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("shuzhi").setLevel(logging.INFO)
