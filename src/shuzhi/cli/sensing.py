"""`shuzhi gateway` and `shuzhi land`: the processes that take in what stations send."""

from __future__ import annotations

import logging
import sys
from threading import Event, Thread
from typing import Annotated

import typer

from shuzhi.cli.options import AsJson, CityFolder, opened
from shuzhi.cli.output import err, print_json
from shuzhi.kernel.errors import BrokenError

Listen = Annotated[
    list[str] | None, typer.Option("--listen", help="HOST:PORT; default: the city's settings.")
]
NoLanding = Annotated[
    bool, typer.Option("--no-landing", help="Only spool; `shuzhi land` brings it into the lake.")
]
Follow = Annotated[bool, typer.Option("--follow", help="Go on until standard input ends.")]


def gateway(listen: Listen = None, no_landing: NoLanding = False, city: CityFolder = None) -> None:
    """Take what stations send and acknowledge what is on the disk, until a signal comes."""
    _log()

    def ready(addresses: object) -> None:
        err.print(f"listening on {addresses}")

    try:
        opened(city).run_gateway(ready, listen=listen or (), has_landing=not no_landing)
    except OSError as error:
        raise BrokenError(
            "cli.cannot_listen",
            f"The gateway cannot listen: {error.strerror or error}.",
            next_step="See which process has the address, or choose another with --listen.",
        ) from None


def land(follow: Follow = False, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Bring what is spooled into the lake, exactly once."""
    _log()
    place = opened(city)
    if follow:
        stop = Event()
        Thread(target=_wait_for_the_end, args=(stop,), daemon=True).start()
        place.run_landing(stop)
        return
    record = place.land()
    if as_json:
        print_json({"landed_until": record})
    else:
        err.print(f"everything before record {record:,} is in the lake")


def _wait_for_the_end(stop: Event) -> None:
    sys.stdin.buffer.read()
    stop.set()


def _log() -> None:
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("shuzhi").setLevel(logging.INFO)
