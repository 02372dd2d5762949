"""`shuzhi run`: all processes of a city together, kept until Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from shuzhi.cli.frame.options import CityFolder, opened
from shuzhi.cli.frame.output import out

if TYPE_CHECKING:
    from shuzhi.app import City
    from shuzhi.app.running.processes import Process, Stage

_HOST, _WEB_PORT, _GATEWAY_PORT = "127.0.0.1", 8000, 9212


@dataclass(frozen=True)
class Addresses:
    """Where a city answers: its pages, and its gateway for stations."""

    web: str
    gateway: str

    @property
    def url(self) -> str:
        """The address for a browser."""
        return f"http://{self.web}"


def run(
    listen: Annotated[
        str | None, typer.Option(help="HOST:PORT of the pages; default: 8000, or a free one.")
    ] = None,
    gateway: Annotated[
        str | None, typer.Option(help="HOST:PORT for stations; default: 9212, or a free one.")
    ] = None,
    login: Annotated[
        bool, typer.Option(help="Show nothing before a visitor signed in (docs/accounts.md).")
    ] = False,
    city: CityFolder = None,
) -> None:
    """Run a city whole (jobs, pages, gateway); what dies is started again; Ctrl-C ends it all."""
    there = opened(city)
    addresses = chosen(listen, gateway)
    keep_city(
        there, [processes_of(there, addresses, asks_login=login)], lambda: show(there, addresses)
    )


def chosen(web: str | None = None, gateway: str | None = None) -> Addresses:
    """Return the addresses that were given; else the usual ones, or free ones, which is said."""
    return Addresses(
        web or _free("pages", _WEB_PORT), gateway or _free("the gateway", _GATEWAY_PORT)
    )


def processes_of(
    city: City, addresses: Addresses, *, asks_login: bool = False
) -> tuple[Process, ...]:
    """Return the processes of a city, which need each other only when they run."""
    from shuzhi.app.running.processes import Process, listens

    def listening(address: str) -> Callable[[], bool]:
        host, _, port = address.rpartition(":")
        return lambda: listens(host.strip("[]"), int(port))

    login = ("--login",) if asks_login else ()
    return (
        Process(
            "gateway",
            command(city, "gateway", "--listen", addresses.gateway),
            listening(addresses.gateway),
        ),
        Process("up", command(city, "up"), city.is_up),
        Process(
            "web",
            command(city, "web", "--listen", addresses.web, *login),
            listening(addresses.web),
        ),
    )


def command(city: City, *words: str) -> tuple[str, ...]:
    """Return the command line of a `shuzhi` command about this city that ends with its keeper."""
    from shuzhi.cli.running.tethered import COMMAND

    return (*COMMAND, *words, "--city", str(city.settings.folder))


def keep_city(
    city: City,
    stages: Sequence[Stage],
    ready: Callable[[], None],
    look: Callable[[], None] = lambda: None,
) -> None:
    """Keep the processes of a city until a signal comes; `look` is called now and then.

    Raises:
        BrokenError: as `keep`; RefusedError `app.already_up`.
    """
    from shuzhi.app.running.processes import Listener, keep
    from shuzhi.app.running.worker import already_up

    if city.is_up():
        raise already_up(city)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    out.print("starting: " + ", ".join(each.name for stage in stages for each in stage))
    keep(stages, city.settings.folder / "logs", Listener(_tell, ready, look), stop)
    out.print("stopped; what was left undone is done when it runs again")


def show(city: City, addresses: Addresses) -> None:
    """Say where a city that runs can be seen."""
    out.print(f"[bold]{city.settings.city.title_en}[/bold] runs. Stop it: Ctrl-C")
    for what, where in (
        ("pages", f"{addresses.url}/"),
        ("operations centre", f"{addresses.url}/operations"),
        ("stations send to", addresses.gateway),
        ("logs", str(city.settings.folder / "logs")),
    ):
        out.print(f"  {what:<18} {where}", soft_wrap=True)


def _free(what: str, wanted: int) -> str:
    from shuzhi.app.running.processes import free_port

    port = free_port(_HOST, wanted)
    if port != wanted:
        out.print(f"[yellow]port {wanted} is taken[/yellow]: {what} on {port}")
    return f"{_HOST}:{port}"


def _tell(text: str) -> None:
    out.print(f"[yellow]![/yellow] {text}")
