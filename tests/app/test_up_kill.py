"""A running city that is killed at any moment loses no case, clock or entry, and doubles none."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shuzhi.act.cases import CaseId, case, cases, replayed
from shuzhi.act.cases.clocks import ClockState
from shuzhi.app import City, open_city
from shuzhi.audit import queued, read_entries, read_keys, verify_folder

Put = Callable[[City, int, list[tuple[str, int, int]]], None]
_KILLS = 8


@contextmanager
def _up(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "shuzhi", "up", "--city", str(folder)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(  # noqa: S603
        command, stdout=quiet, stderr=quiet
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            process.wait(timeout=20)


def _wait_for(what: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.1)
    return what()


def _entries(city: City) -> list[dict[str, Any]]:
    settings = city.settings
    keys = read_keys(Path(f"{settings.audit_key}.pub").read_text(encoding="utf-8").splitlines())
    assert verify_folder(settings.audit_folder, keys).problems == ()
    return [json.loads(raw)["entry"] for raw in read_entries(settings.audit_folder, keys)]


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_and_doubles_nothing(loop: City, put: Put) -> None:
    folder, chance = loop.settings.folder, random.Random(7)  # noqa: S311
    high = 0
    for kill in range(_KILLS):
        # Each file is one matter of its own: a station that reports once too much.
        put(loop, kill, [(f"s{kill}", kill, 900), (f"quiet{kill}", kill, 10)])
        high += 1
        with _up(folder):
            # Start-up takes about two seconds; the kill falls somewhere in its first work.
            time.sleep(chance.uniform(1.5, 4.5))
    with _up(folder):
        assert _wait_for(lambda: len(cases(loop.office).cases) >= high, 60)
        assert _wait_for(lambda: not queued(loop.control), 30)
    city = open_city(folder)
    opened = cases(city.office, limit=100).cases
    assert sorted(c.merge_key or "" for c in opened) == sorted({c.merge_key or "" for c in opened})
    assert (len(opened), len(city.warnings(limit=100))) == (high, high)
    for held in opened:
        assert replayed(city.office, CaseId(held.id)) == held
        readings = case(city.office, CaseId(held.id)).readings
        assert [r.clock for r in readings if r.state is ClockState.RUNNING] == ["assign"]
    told = [e for e in _entries(city) if e["kind"] == "case.opened"]
    assert len(told) == len({e["subject"] for e in told}) == high


def test_only_one_process_runs_a_city(loop: City) -> None:
    folder = loop.settings.folder
    with _up(folder):
        assert _wait_for(loop.is_up, 30)
        command = [sys.executable, "-m", "shuzhi", "up", "--city", str(folder)]
        second = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, check=False, timeout=60
        )
    assert second.returncode == 2
    assert "runs already" in second.stderr + second.stdout
    assert not loop.is_up()


def test_a_running_city_tells_how_its_jobs_go_and_stops_when_told(loop: City, put: Put) -> None:
    put(loop, 1, [("a", 0, 900)])
    with _up(loop.settings.folder) as process:
        assert _wait_for(lambda: len(cases(loop.office).cases) == 1, 60)
        assert _wait_for(lambda: {"judge", "gather dust_files", "tick"} <= _names(loop), 30)
        process.terminate()
        assert process.wait(timeout=30) == 0
    assert [run.failure for run in loop.jobs() if run.failure] == []


def _names(city: City) -> set[str]:
    return {run.name for run in city.jobs()}
