"""`shuzhi simulate`: monitors that do not exist send to a gateway, with faults on demand."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import out, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shuzhi.app import City
    from shuzhi.gather.sensors.simulator import Monitor, Sent
    from shuzhi.kernel.instant import Instant


def simulate(
    monitors: Annotated[int, typer.Option(min=1, max=20_000, help="How many.")] = 20,
    to: Annotated[str, typer.Option(help="HOST:PORT of the gateway.")] = "127.0.0.1:9212",
    seconds: Annotated[float, typer.Option(min=1, help="How long, on the wall's clock.")] = 60,
    speed: Annotated[float, typer.Option(min=1, max=3_600, help="How much faster.")] = 1,
    every: Annotated[float, typer.Option(min=1, help="Seconds between real-time values.")] = 30,
    faults: Annotated[Path | None, typer.Option(help="A script of faults (YAML).")] = None,
    register: Annotated[bool, typer.Option("--register", help="Register the stations.")] = False,
    write_registry: Annotated[
        Path | None,
        typer.Option(help="Write whose the monitors are, the river, the wind; send nothing."),
    ] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Send simulated values of N monitors over TCP; every station is called SIM…."""
    from shuzhi.gather.sensors.simulator import Plan, read_script
    from shuzhi.gather.sensors.simulator import monitors as fleet_of
    from shuzhi.gather.sensors.simulator import simulate as send
    from shuzhi.kernel.instant import Instant, system_clock

    ends = system_clock()
    span = timedelta(seconds=seconds * speed)
    # A series that runs faster than the wall ends now, so that nothing comes from the future.
    starts = ends if speed == 1 else Instant(ends - span)
    script = read_script(faults, starts) if faults else ()
    fleet = fleet_of(monitors, faults=script)
    if write_registry is not None:
        _write(write_registry, fleet, ends, as_json=as_json)
        return
    if register:
        _register(opened(city), fleet)
    host, _, port = to.rpartition(":")
    plan = Plan(starts, Instant(starts + span), speed, timedelta(seconds=every))
    if not as_json:
        _say_faults(fleet, to)
    sent = asyncio.run(send(fleet, plan, host or "127.0.0.1", int(port)))
    if as_json:
        print_json({"simulated": True, **vars(sent)})
    else:
        _say(sent)


def _write(folder: Path, fleet: Sequence[Monitor], until: Instant, *, as_json: bool) -> None:
    from shuzhi.gather.sensors.simulator import registry

    folder.mkdir(parents=True, exist_ok=True)
    tables = {f"{name}_simulated.csv": text for name, text in registry(fleet, until).items()}
    for name, text in tables.items():
        (folder / name).write_text(text, encoding="utf-8")
    if as_json:
        print_json({"simulated": True, "files": list(tables)})
    else:
        out.print(f"[yellow]SIMULATED[/yellow]: {', '.join(tables)} in {folder}")


def _register(there: City, fleet: Sequence[Monitor]) -> None:
    from shuzhi.gather.sensors.simulator import place_of
    from shuzhi.gather.sensors.simulator.frames import PASSWORD
    from shuzhi.gather.sensors.stations import Station

    known = {station.mn for station in there.stations()}
    for monitor in fleet:
        if monitor.mn not in known:
            place = f"模拟 simulated {monitor.kind.zh} {monitor.number}"
            longitude, latitude = place_of(monitor)
            station = Station(
                monitor.mn, monitor.kind.st, outfall=place, longitude=longitude, latitude=latitude
            )
            there.add_station(station, PASSWORD, by="simulator")


def _say_faults(fleet: Sequence[Monitor], to: str) -> None:
    out.print(f"[yellow]SIMULATED[/yellow]: {len(fleet)} monitors that do not exist send to {to}")
    for monitor in fleet:
        for fault in monitor.faults:
            out.print(
                f"  {monitor.mn} {fault.kind} {fault.begins:%H:%M:%S} to {fault.ends:%H:%M:%S}"
            )


def _say(sent: Sent) -> None:
    out.print(
        f"{sent.frames} frames sent, {sent.acknowledged} acknowledged, "
        f"{sent.unanswered} never; {sent.connections} connections, {sent.requests} requests heard"
    )
