"""Stations are registered, changed and shown; passwords are kept as keyed hashes alone."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from shuzhi.app import City, create_city
from shuzhi.cli.commands import app
from shuzhi.gather.sensors.gateway.address import address
from shuzhi.gather.sensors.gateway.limits import Limits
from shuzhi.gather.sensors.hj212 import Checksum, Edition
from shuzhi.gather.sensors.stations import (
    Mode,
    Station,
    StationError,
    is_password,
    password_hash,
    password_key,
    spelled,
)
from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.errors import RefusedError, ShuzhiError
from shuzhi.settings import load_settings

Run = Callable[..., Any]


@pytest.fixture
def city(tmp_path: Path) -> City:
    return create_city(tmp_path)


@pytest.fixture
def run(city: City) -> Run:
    """A function that runs a command on the city and returns what it printed as JSON."""

    def done(*words: str) -> Any:
        told = CliRunner().invoke(
            app, [*words, "--city", str(city.settings.folder)], catch_exceptions=False
        )
        return json.loads(told.stdout) if "--json" in words else told.stdout

    return done


def test_a_station_is_registered_and_shown(run: Run) -> None:
    run("station", "add", "ST0001", "st=32", "edition=2025", "party=acme", "--password", "123456")
    run("station", "set", "ST0001", "mode=strict", "stamps_end=yes", "units=w01018:g/L")
    (shown,) = run("station", "list", "--json")
    assert shown == {
        "mn": "ST0001",
        "st": "32",
        "password_secret": None,
        "key_secret": None,
        "edition": "HJ212_2025",
        "checksum": "standard",
        "mode": "strict",
        "answer_st": "91",
        "answer_flag": None,
        "stamps_end": True,
        "minute_interval": 10,
        "units": {"w01018": "g/L"},
        "party": "acme",
        "outfall": None,
        "longitude": None,
        "latitude": None,
        "located_at": None,
        "is_enabled": True,
    }


def test_a_station_is_disabled_and_enabled(run: Run, city: City) -> None:
    run("station", "add", "ST0001", "st=32", "--password", "123456")
    run("station", "disable", "ST0001")
    assert not city.station("ST0001").is_enabled
    run("station", "enable", "ST0001")
    assert city.station("ST0001").is_enabled
    assert run("station", "show", "ST0001", "--json")["commands"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("add", "ST0001", "st=32"),
        ("add", "ST0001", "--password", "123456"),
        ("add", "ST 001", "st=32", "--password", "123456"),
        ("add", "ST0001", "st=32", "edition=2016", "--password", "123456"),
        ("add", "ST0001", "st=32", "colour=red", "--password", "123456"),
        ("add", "ST0001", "st=32", "minute_interval=0", "--password", "123456"),
        ("add", "ST0001", "st", "--password", "123456"),
        ("set", "NOBODY", "st=32"),
        ("show", "NOBODY"),
    ],
)
def test_what_is_no_station_is_refused(run: Run, words: tuple[str, ...]) -> None:
    with pytest.raises(RefusedError):
        run("station", *words)


def test_a_place_is_known_since_it_was_told_first(run: Run, city: City) -> None:
    run("station", "add", "SIM-1", "st=31", "--password", "123456")
    assert city.station("SIM-1").located_at is None
    run("station", "set", "SIM-1", "longitude=106.5", "latitude=29.5")
    first = city.station("SIM-1")
    run("station", "set", "SIM-1", "longitude=106.5", "party=works")
    assert (first.place, city.station("SIM-1").located_at) == ((106.5, 29.5), first.located_at)
    run("station", "set", "SIM-1", "latitude=29.6")
    moved = city.station("SIM-1").located_at
    assert first.located_at is not None
    assert moved is not None
    assert moved > first.located_at


@pytest.mark.parametrize(
    ("longitude", "latitude"), [(106.5, None), (200.0, 0.0), (0.0, float("nan"))]
)
def test_half_a_place_or_none_on_earth_is_refused(
    city: City, longitude: float, latitude: float | None
) -> None:
    placed = Station("SIM-1", "31", longitude=longitude, latitude=latitude)
    with pytest.raises(StationError, match="longitude and latitude"):
        city.add_station(placed, "123456", by="tester")


def test_a_station_is_registered_once(city: City) -> None:
    city.add_station(Station("ST0001", "31"), "123456", by="tester")
    with pytest.raises(StationError, match=r"gather\.station_known"):
        city.add_station(Station("ST0001", "32"), "123456", by="tester")


def test_the_registry_does_not_give_a_password_away(city: City) -> None:
    city.add_station(Station("ST0001", "31"), "123456", by="tester")
    kept = city.station("ST0001")
    key = password_key(city.settings.folder / "keys" / "stations")
    assert is_password("123456", kept.password_hash, key)
    assert not is_password("123457", kept.password_hash, key)
    assert not is_password("123456", kept.password_hash, bytes(32))
    assert "123456" not in repr(kept)
    assert kept.password_hash not in repr(kept)


def test_the_key_of_passwords_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "stations"
    key = password_key(path)
    assert (len(key), password_key(path)) == (32, key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert password_hash("a", key) != password_hash("b", key)
    path.write_text("short")
    with pytest.raises(StationError, match=r"gather\.bad_password_key"):
        password_key(path)


def test_words_become_a_station() -> None:
    given = {"checksum": "modbus", "mode": "strict", "edition": "2005", "answer_flag": "5"}
    station = spelled(Station("ST0001", "31", "x"), given)
    assert (station.checksum, station.mode) == (Checksum.MODBUS, Mode.STRICT)
    assert (station.edition, station.answer_flag) == (Edition.HJT212_2005, 5)


def test_the_settings_of_a_gateway_are_read_strictly(city: City) -> None:
    written = city.settings.folder / "city.yaml"
    plain = written.read_text()
    written.write_text(plain + "gateway: {limits: {idle_seconds: 60}, listen: ['[::1]:9212']}\n")
    setup = load_settings(city.settings.folder).city.gateway
    assert setup.limits == Limits(idle_seconds=60)
    assert address(setup.listen[0]) == ("::1", 9212)
    for wrong in ("{limits: {idle: 60}}", "{limits: {connections: 0}}", "{lisen: []}"):
        written.write_text(plain + f"gateway: {wrong}\n")
        with pytest.raises(DocumentError, match=r"city\.yaml:\d+: gateway"):
            load_settings(city.settings.folder)


@pytest.mark.parametrize("text", ["9212", "host", "host:port", "host:99999"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ShuzhiError, match=r"gather\.bad_address"):
        address(text)
