"""Runs the demonstration city, and a simulator in which something goes wrong soon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shuzhi.act.cases import cases
from shuzhi.cli.demo.monitors import AFTER_SECONDS, coming_faults, past_faults, past_of
from shuzhi.cli.frame.output import out
from shuzhi.cli.running.run import Addresses, chosen, command, keep_city, processes_of, show

if TYPE_CHECKING:
    from shuzhi.act.cases import Case
    from shuzhi.app import City
    from shuzhi.app.running.processes import Process

RULE = "real_time_exceeded"
_SPEED, _EVERY_SECONDS = 3_600, 5
_PAST_EVERY_SECONDS = 1_800
# Longer than anybody looks on.
_FOR_EVER_SECONDS = 10 * 365 * 86_400


def run_demo(city: City) -> None:
    """Run the city with its simulated monitors until a signal comes. Raises as `keep_city`."""
    addresses = chosen()
    simulators, what = _simulators(city, addresses)
    stages = (processes_of(city, addresses), *((each,) for each in simulators))

    def ready() -> None:
        show(city, addresses)
        _show_what_comes(addresses, what)

    keep_city(city, stages, ready, _Announcing(city, addresses).look)


class _Announcing:
    """Says when a case of the coming exceedance opens."""

    def __init__(self, city: City, addresses: Addresses) -> None:
        self._city, self._addresses = city, addresses
        self._known = {case.id for case in self._exceedances()}

    def look(self) -> None:
        for case in self._exceedances():
            if case.id not in self._known:
                self._known.add(case.id)
                where = f"{self._addresses.url}/cases/{case.id}"
                out.print(f"[green]case {case.id} opened[/green] {case.title}", soft_wrap=True)
                out.print(f"  {where}", soft_wrap=True)

    def _exceedances(self) -> list[Case]:
        newest = cases(self._city.office, limit=20).cases
        return [case for case in newest if (case.merge_key or "").startswith(f"{RULE}:")]


def _simulators(city: City, addresses: Addresses) -> tuple[tuple[Process, ...], str]:
    """Return who sends: the hours before, at speed and once; then the present, with its fault."""
    from shuzhi.app.running.processes import Process

    stations = [s.mn for s in city.stations() if s.mn.startswith("SIM")]
    count, folder = len(stations), city.settings.folder / "simulated"
    folder.mkdir(exist_ok=True)
    script, bad = coming_faults(count, city.clock())
    past = past_of(city.clock(), city.settings.city.zone)
    (folder / "past.yaml").write_text(past_faults(count, past), encoding="utf-8")
    (folder / "coming.yaml").write_text(script, encoding="utf-8")
    send = ("simulate", "--monitors", str(count), "--to", addresses.gateway)

    def simulator(name: str, faults: str, *words: str, is_once: bool = False) -> Process:
        line = command(city, *send, *words, "--faults", str(folder / faults))
        return Process(name, line, is_once=is_once)

    seconds = f"{past.total_seconds() / _SPEED:g}"
    before = ("--speed", f"{_SPEED}", "--seconds", seconds, "--every", f"{_PAST_EVERY_SECONDS}")
    now = ("--every", f"{_EVERY_SECONDS}", "--seconds", f"{_FOR_EVER_SECONDS}")
    live = simulator("simulator", "coming.yaml", *now)
    if any(table.name == "observations" for table in city.tables()):
        return (live,), bad.mn
    return (simulator("simulator-past", "past.yaml", *before, is_once=True), live), bad.mn


def _show_what_comes(addresses: Addresses, mn: str) -> None:
    out.print(f"\nIn about {AFTER_SECONDS} seconds the [yellow]simulated[/yellow] monitor {mn}")
    out.print("  goes beyond its permit: a warning is raised and a case opens. Look on at")
    out.print(f"  {addresses.url}/operations/city  and  {addresses.url}/cases", soft_wrap=True)
    out.print("  A river section has been bad for hours: its case names who may have caused it.")
