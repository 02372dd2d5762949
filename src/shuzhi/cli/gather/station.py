"""`shuzhi station`: register monitors, see them, and tell them what to do."""

from __future__ import annotations

import getpass
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import EXIT_REFUSED, out, print_facts, print_json, print_table
from shuzhi.kernel.errors import RefusedError

if TYPE_CHECKING:
    from shuzhi.gather.sensors.commands import Asked
    from shuzhi.gather.sensors.rereading import Comparison
    from shuzhi.gather.sensors.stations import Station

commands = typer.Typer(help="Monitors that send by themselves.", no_args_is_help=True)

Password = Annotated[str | None, typer.Option(help="The password that the station sends.")]
Given = Annotated[list[str] | None, typer.Argument(help="NAME=VALUE, as often as needed.")]


@commands.command("add")
def add(
    mn: str,
    given: Given = None,
    password: Password = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Register the station MN; a gateway that runs knows it within seconds.

    Give its st=31 and --password, or password_secret=NAME of an environment variable. Further:
    edition=2005|2017|2025 mode=tolerant|strict checksum=standard|modbus|modbus_swapped
    stamps_end=yes|no minute_interval=10 units=CODE:UNIT,… party=… outfall=… key_secret=NAME
    """
    from shuzhi.gather.sensors.stations import Station, spelled

    station = spelled(Station(mn, ""), _pairs(given))
    opened(city).add_station(station, password, by=getpass.getuser())
    _say("registered", mn, as_json)


@commands.command("set")
def set_(
    mn: str,
    given: Given = None,
    password: Password = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Change what is named of the station MN; names as with `add`."""
    from shuzhi.gather.sensors.stations import spelled

    pairs = _pairs(given)
    opened(city).change_station(
        mn, lambda station: spelled(station, pairs), password, by=getpass.getuser()
    )
    _say("changed", mn, as_json)


@commands.command("disable")
def disable(mn: str, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Refuse what the station MN sends from now on."""
    _enable(mn, city, as_json, is_enabled=False)


@commands.command("enable")
def enable(mn: str, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Take what the station MN sends again."""
    _enable(mn, city, as_json, is_enabled=True)


@commands.command("list")
def list_(city: CityFolder = None, as_json: AsJson = False) -> None:
    """List the stations."""
    found = opened(city).stations()
    if as_json:
        print_json([_shown(station) for station in found])
        return
    columns = ("mn", "st", "edition", "mode", "party", "outfall", "enabled")
    rows = [(s.mn, s.st, s.edition.name, s.mode, s.party, s.outfall, s.is_enabled) for s in found]
    print_table(f"{len(found)} stations", columns, rows)


@commands.command("show")
def show(mn: str, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Show the station MN and what was asked of it last."""
    place = opened(city)
    station, asked = place.station(mn), place.commands_to(mn)
    if as_json:
        print_json({"station": _shown(station), "commands": asked})
        return
    print_facts(mn, list(_shown(station).items()))
    columns = ("command", "cn", "by", "asked", "state", "why", "frames")
    rows = [
        (a.id, a.cn, a.asked_by, a.asked_at, a.state, a.outcome.why, a.outcome.frames)
        for a in asked
    ]
    print_table(f"{len(rows)} commands", columns, rows)


@commands.command("command")
def command(
    mn: str,
    cn: str,
    given: Given = None,
    over_time: Annotated[int, typer.Option(help="Seconds until it is repeated.")] = 10,
    repeats: Annotated[int, typer.Option(help="How often it is repeated.")] = 3,
    wait: Annotated[int, typer.Option(help="Seconds to wait for the station to come.")] = 60,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Send the request CN to the station MN and wait for what comes of it.

    1012 SystemTime=now sets its time, 1062 RtdInterval=30 an interval, 3012 PolId=w01018 takes a
    sample; 2031, 2051 and 2061 with BeginTime and EndTime read its records.
    """
    from shuzhi.gather.sensors.commands import Wish

    place = opened(city)
    wish = Wish(mn, cn, _pairs(given), over_time, repeats, wait)
    _tell(place.outcome(place.command(wish, by=getpass.getuser())), None, as_json=as_json)


@commands.command("reread")
def reread(
    mn: str,
    begin: str,
    end: str,
    cn: Annotated[str, typer.Option(help="2031 day, 2051 minute, 2061 hour data.")] = "2061",
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Read the records of a station from BEGIN to END again and compare them with its uploads."""
    from shuzhi.kernel.instant import parse_instant

    place = opened(city)
    zone = place.settings.city.zone
    span = (parse_instant(begin, zone=zone), parse_instant(end, zone=zone))
    asked, found = place.reread(mn, cn, *span, by=getpass.getuser())
    _tell(asked, found, as_json=as_json)


def _tell(asked: Asked, found: Comparison | None, *, as_json: bool) -> None:
    outcome = asked.outcome
    if as_json:
        print_json({"command": asked, "comparison": found})
    else:
        verdict = f"[red]{outcome.why}[/red]" if outcome.why else "[green]done[/green]"
        returned = f"QnRtn={outcome.qn_return} ExeRtn={outcome.exe_return}"
        out.print(f"{verdict} after {outcome.attempts} attempts, {returned}")
        for name, value in outcome.answer.items():
            out.print(f"  {escape(name)}={escape(value)}")
    if found is not None and not as_json:
        out.print(f"  {found.frames} frames, {found.new} values that were not uploaded before")
        out.print(f"  {len(found.not_kept)} times that were uploaded and are not kept")
        rows = [(d.data_time, d.factor, d.field, d.before, d.text) for d in found.differing]
        print_table(f"{len(rows)} differ", ("time", "factor", "field", "before", "now"), rows)
    if outcome.why:
        raise typer.Exit(EXIT_REFUSED)


def _enable(mn: str, city: Any, as_json: bool, *, is_enabled: bool) -> None:
    opened(city).change_station(
        mn, lambda s: replace(s, is_enabled=is_enabled), None, by=getpass.getuser()
    )
    _say("enabled" if is_enabled else "disabled", mn, as_json)


def _say(done: str, mn: str, as_json: bool) -> None:
    if as_json:
        print_json({"mn": mn, "done": done})
    else:
        out.print(f"{done} {escape(mn)}")


def _shown(station: Station) -> dict[str, Any]:
    told = {f.name: getattr(station, f.name) for f in fields(station) if f.name != "password_hash"}
    return told | {"edition": station.edition.name, "units": dict(station.units)}


def _pairs(given: list[str] | None) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in given or [])
    if bad := [name for name, value in pairs.items() if not value]:
        raise RefusedError(
            "cli.bad_parameter",
            f"{bad[0][:60]!r} is not NAME=VALUE.",
            next_step="Write each as in st=31 or BeginTime=20260301000000.",
        )
    return pairs
