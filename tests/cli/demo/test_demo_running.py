"""The demonstration runs: a case opens before one's eyes, and nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest

from shuzhi.act.cases import Case, cases
from shuzhi.app import City
from shuzhi.cli.demo.building import build_town
from shuzhi.cli.demo.running import RULE

_CODE = """
import sys
from shuzhi.app import open_city
from shuzhi.cli.demo import run_demo
run_demo(open_city(sys.argv[1]))
"""
_PATIENCE_S = 240


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> City:
    return build_town(tmp_path_factory.mktemp("demo-runs"), monitors=8, people=12)


@pytest.fixture
def running(town: City) -> Iterator[subprocess.Popen[str]]:
    command = (sys.executable, "-u", "-c", _CODE, str(town.settings.folder))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.mark.demo
def test_a_case_opens_and_nothing_is_left_when_it_ends(
    town: City, running: subprocess.Popen[str]
) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not (opened := exceedances(town)) and time.monotonic() < until:
        assert running.poll() is None
        time.sleep(0.25)
    [case] = opened
    assert "SIM" in case.title
    assert len(processes_of(town.settings.folder)) >= 4
    running.send_signal(signal.SIGTERM)
    said = running.communicate(timeout=90)[0]
    assert running.returncode == 0
    assert f"case {case.id} opened" in said or "In about" in said
    assert said.splitlines()[-1].startswith("stopped")
    assert processes_of(town.settings.folder) == []
    assert (town.settings.folder / "logs" / "gateway.log").stat().st_size > 0


@pytest.mark.demo
def test_pages_answer_and_a_keeper_that_is_killed_leaves_nothing(
    town: City, running: subprocess.Popen[str]
) -> None:
    assert running.stdout is not None
    line = next(line for line in running.stdout if line.startswith("  operations centre"))
    assert httpx.get(line.split()[-1], timeout=30).status_code == 200
    running.kill()
    until = time.monotonic() + 90
    while (left := processes_of(town.settings.folder)) and time.monotonic() < until:
        time.sleep(0.25)
    assert left == []


def exceedances(city: City) -> list[Case]:
    found = cases(city.office, limit=200).cases
    return [case for case in found if (case.merge_key or "").startswith(f"{RULE}:")]


def processes_of(folder: Path) -> list[int]:
    """Return the processes whose command names the folder, but for the keeper's own."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().split(b"\0")
        except OSError:
            continue
        if os.fsencode(folder) in words and b"-c" not in words:
            found.append(int(place.parent.name))
    return found
