"""A running city that is killed at any moment loses no case, clock or entry, and doubles none."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from shuzhi.act.cases import SYSTEM, Case, CaseId, Report, case, cases, open_case, replayed
from shuzhi.act.cases.clocks import ClockState
from shuzhi.app import City, open_city
from shuzhi.app.running.catching_up import NoProgress
from shuzhi.audit import queued, read_entries, read_keys, verify_folder
from shuzhi.decide.rules import WarningRaised
from shuzhi.kernel.events import Publish, ignore, publisher

Put = Callable[[City, int, list[tuple[str, int, int]]], None]
# So many kills that fell into work are wanted; of more cases than of the most, a list is cut.
_WANTED, _MOST = 4, 8


@contextmanager
def _up(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "shuzhi", "up", "--city", str(folder)]
    said = folder / "said.log"
    with (
        said.open("ab") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,  # noqa: S603
    ):
        try:
            yield process
        except AssertionError as error:
            ended, text = process.poll(), said.read_text(encoding="utf-8")
            error.add_note(f"The city, which ended with {ended}, said:\n{text[-4000:]}")
            raise
        finally:
            process.kill()
            process.wait(timeout=20)


def _wait_for(what: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.05)
    return what()


def _entries(city: City) -> list[dict[str, Any]]:
    settings = city.settings
    keys = read_keys(Path(f"{settings.audit_key}.pub").read_text(encoding="utf-8").splitlines())
    assert verify_folder(settings.audit_folder, keys).problems == ()
    return [json.loads(raw)["entry"] for raw in read_entries(settings.audit_folder, keys)]


def _opened(city: City) -> list[Case]:
    return list(cases(city.office, limit=200).cases)


def _is_amid(city: City) -> bool:
    """Tell whether rows that are in the lake wait for their case, or cases for their entry."""
    with city.sql() as connection:
        query = "SELECT COUNT(*) FROM dust WHERE pm10_ug_m3 > 150"
        ((high,),) = connection.execute(query).fetchall()
    return high > len(_opened(city)) or bool(queued(city.control))


def _troubles(city: City, stations: list[str]) -> list[str]:
    """Return what is not as it must be when each of `stations` was too high once."""
    warnings, opened, entries = city.warnings(limit=None), _opened(city), _entries(city)
    subjects = {
        kind: [e["subject"] for e in entries if e["kind"] == kind]
        for kind in ("warning.raised", "case.opened")
    }
    files = [case(city.office, CaseId(held.id)) for held in opened]
    running = [[r.clock for r in f.readings if r.state is ClockState.RUNNING] for f in files]
    same = {
        "warnings": ([w.facts["station"] for w in warnings], stations),
        "cases": ({c.merge_key for c in opened}, {f"{w.rule_id}:{w.merge_key}" for w in warnings}),
        "number of cases": ([len(opened)], [len(stations)]),
        "reports": ([c.reports for c in opened], [1] * len(stations)),
        "clocks": (running, [["assign"]] * len(stations)),
        "histories": ([replayed(city.office, CaseId(c.id)) for c in opened], opened),
        "entries of cases": (subjects["case.opened"], [f"case:{c.id}" for c in opened]),
        "entries of warnings": (subjects["warning.raised"], [str(w.id) for w in warnings]),
    }
    return [what for what, (found, due) in same.items() if sorted(map(str, found)) != _texts(due)]


def _texts(values: Sequence[object]) -> list[str]:
    return sorted(map(str, values))


def _batch(put: Put, city: City, number: int) -> list[str]:
    """Hand in three files of eight stations that are too high, each a matter of its own."""
    named = [[f"s{number}.{file}.{i}" for i in range(8)] for file in range(3)]
    for file, names in enumerate(named):
        put(city, 3 * number + file, [(name, number, 900) for name in names])
    return [name for names in named for name in names]


def _ends_with(city: City, *, warnings: int, opened: int) -> None:
    """Run the city until there are so many warnings and cases, and nothing waits for the log."""
    with _up(city.settings.folder):
        assert _wait_for(lambda: len(city.warnings(limit=None)) >= warnings, 180)
        assert _wait_for(lambda: len(_opened(city)) >= opened, 90)
        assert _wait_for(lambda: not queued(city.control), 90)


@pytest.mark.slow
def test_kill_9_in_the_midst_of_work_loses_and_doubles_nothing(loop: City, put: Put) -> None:
    chance = random.Random(7)  # noqa: S311
    stations: list[str] = []
    amid, longest_s = 0, 0.3
    for kill in range(_MOST):
        before = len(_opened(loop))
        stations += _batch(put, loop, kill)
        with _up(loop.settings.folder):
            assert _wait_for(lambda n=before: len(_opened(loop)) > n, 180)
            time.sleep(chance.uniform(0, longest_s))
        if _is_amid(loop):
            amid += 1
        else:
            # The machine is faster than that.
            longest_s /= 3
        if amid == _WANTED:
            break
    assert amid > 1, f"only {amid} of {_MOST} kills fell into work"
    _ends_with(loop, warnings=len(stations), opened=len(stations))
    assert _troubles(open_city(loop.settings.folder), stations) == []


class Hasty(City):
    """A city whose process dies once warnings are noted as told, before anybody reacted."""

    @cached_property
    def publish(self) -> Publish:
        return ignore


class Forgetful(City):
    """A city that forgets of what fact a case came, and dies before the fact is noted as told."""

    @cached_property
    def publish(self) -> Publish:
        return publisher({WarningRaised: [self._open, self._open]})

    def _open(self, warning: Any) -> None:
        key = warning.merge_key
        report = Report("data_defect", "ordinary", SYSTEM, warning.party, "", "", key)
        open_case(self.office, report)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("worse", "opened", "expected"),
    [
        (Hasty, 24, {"cases", "number of cases", "reports", "clocks"}),
        (Forgetful, 48, {"reports"}),
    ],
)
def test_the_same_check_finds_work_that_is_lost_or_done_twice(
    loop: City, put: Put, worse: type[City], opened: int, expected: set[str]
) -> None:
    stations = _batch(put, loop, 0)
    city = worse(loop.settings, loop.control, loop.lake)
    city.gather("dust_files", NoProgress())
    city.judge("dust")
    stations += _batch(put, loop, 1)
    _ends_with(loop, warnings=len(stations), opened=opened)
    assert set(_troubles(open_city(loop.settings.folder), stations)) >= expected


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
