"""Several processes that are the first in a new city at the same time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shuzhi.app import City, create_city, open_city
from shuzhi.audit import Entry, queue
from shuzhi.gather.sensors.stations import password_key

_PROCESSES, _CITIES = 2, 2


@pytest.mark.slow
def test_processes_that_are_the_first_at_once_make_one_city(tmp_path: Path) -> None:
    command = [sys.executable, __file__]
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)  # noqa: S603
        for _ in range(_PROCESSES)
    ]
    assert [_line(process) for process in started] == ["ready"] * _PROCESSES
    for number in range(_CITIES):
        folder = tmp_path / f"city{number}"
        for process in started:
            print(folder, file=process.stdin, flush=True)
        said = {_line(process) for process in started}
        assert len(said) == 1, said
        city = open_city(folder)
        city.record()
        assert json.loads(said.pop()) == _secrets(city)
        assert city.verify_audit().problems == ()
        assert city.audit_head().checkpoint.size >= _PROCESSES
    for process in started:
        process.communicate(timeout=60)


def _line(process: subprocess.Popen[str]) -> str:
    return process.stdout.readline().strip() if process.stdout else ""


def _begin(city: City) -> None:
    """Do what makes the log and its key."""
    with city.control.transaction() as connection:
        queue(connection, Entry("test.begun", city.clock(), "a test", "city:1"))
    city.record()


def _secrets(city: City) -> list[str]:
    keys = city.city_key, password_key(city.settings.folder / "keys" / "stations")
    return [key.hex() for key in keys]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _main() -> None:
    _say("ready")
    for line in sys.stdin:
        try:
            city = create_city(line.strip())
            _begin(city)
            told: object = _secrets(city)
        except Exception as error:  # noqa: BLE001  (the test shows it)
            told = repr(error)
        _say(json.dumps(told))


if __name__ == "__main__":
    _main()
