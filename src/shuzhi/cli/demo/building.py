"""Builds the demonstration city: its own files, real flights, simulated monitors and people."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shuzhi.app import City, create_city
from shuzhi.app.running.worker import already_up
from shuzhi.cli.demo.accounts import Made, make_accounts
from shuzhi.cli.demo.flights import Loaded, load_flights, show_flights
from shuzhi.cli.demo.linking import link
from shuzhi.cli.demo.monitors import MONITORS, place_monitors
from shuzhi.cli.demo.people import PEOPLE, incomes, job_seekers, residents
from shuzhi.cli.demo.sharing import share
from shuzhi.cli.frame.output import Bar, out, print_table

PACK = "nyc_flights"
_FILES = Path(__file__).parent / "city"
_SIMULATED = (
    "pollution_sources",
    "outfalls",
    "monitors",
    "permits",
    "river_reaches",
    "river_sections",
    "wind_hours",
    "residents",
    "incomes",
    "job_seekers",
)


@dataclass(frozen=True)
class Built:
    """A city of the demonstration, what was done with the flights, and who may sign in."""

    city: City
    flights: Loaded
    accounts: Sequence[Made]


def build(folder: Path) -> Built:
    """Build the city in `folder`, or go on where an earlier run stopped.

    Raises:
        RefusedError: `cli.no_demo_data` when the package with the data is not installed;
            `app.already_up` while it runs; `app.pack_not_listed` for a folder of another city.
    """
    city = _made(folder)
    flights, accounts = load_flights(city), _peopled(city, monitors=MONITORS, people=PEOPLE)
    link(city)
    city.refresh_verifications()
    return Built(city, flights, accounts)


def build_town(folder: Path, *, monitors: int = MONITORS, people: int = PEOPLE) -> City:
    """Build the city without the flights, and without knowing people again."""
    city = _made(folder)
    _peopled(city, monitors=monitors, people=people)
    return city


def show(built: Built) -> None:
    """Show what the flights are, and who may sign in."""
    show_flights(built.city, built.flights)
    out.print()
    show_accounts(built.accounts)


def show_accounts(accounts: Sequence[Made]) -> None:
    """Show who may sign in; a password stands here once."""
    rows = [(a.name, a.password or "as before", a.role, a.does) for a in accounts]
    print_table("who may sign in", ("account", "password", "role", "as whom"), rows)
    if any(a.password for a in accounts):
        out.print("  Passwords are shown this once; they are kept nowhere.")
    if not all(a.password for a in accounts):
        out.print("  New password: shuzhi account password NAME --generate --city FOLDER")


def _made(folder: Path) -> City:
    """Return the city with its own files; those that are there already stay as they are."""
    for file in sorted(_FILES.rglob("*.yaml")):
        target = folder / file.relative_to(_FILES)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copyfile(file, target)
    city = create_city(folder, pack=PACK)
    if city.is_up():
        raise already_up(city)
    return city


def _peopled(city: City, *, monitors: int, people: int) -> Sequence[Made]:
    """Let monitors, people and accounts be there, and departments ask each other for data."""
    tables = {**place_monitors(city, monitors), "residents": residents(people)}
    _gathered(city, {**tables, "incomes": incomes(people), "job_seekers": job_seekers(people)})
    city.register_forms()
    made = make_accounts(city.accounts_office)
    share(city)
    city.review_duties()
    city.record()
    return made


def _gathered(city: City, tables: Mapping[str, str]) -> None:
    for name, text in tables.items():
        file = city.settings.folder / "incoming" / f"{name}_simulated.csv"
        file.write_text(text, encoding="utf-8")
    with Bar() as bar:
        for name in _SIMULATED:
            if name in tables:
                city.gather(f"{name}_file", bar)
