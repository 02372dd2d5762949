"""Jobs: run again and again, apart from each other, and seen by whoever asks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from threading import Event

import pytest

from shuzhi.app.running.jobs import Job, start_lanes
from shuzhi.app.store import JobRun, job_runs
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import system_clock

SOON = timedelta(milliseconds=5)


def _counting(times: int, stop: Event) -> tuple[list[int], Callable[[], int]]:
    """A job that stops everything at its n-th run."""
    calls: list[int] = []

    def do() -> int:
        calls.append(len(calls))
        if len(calls) >= times:
            stop.set()
        return len(calls)

    return calls, do


def _run(control: Control, stop: Event, *lanes: list[Job]) -> dict[str, JobRun]:
    for thread in start_lanes(control, system_clock, lanes, stop):
        thread.join(timeout=20)
        assert not thread.is_alive()
    return {run.name: run for run in job_runs(control)}


def test_a_job_runs_until_it_is_stopped(control: Control) -> None:
    stop = Event()
    calls, do = _counting(3, stop)
    runs = _run(control, stop, [Job("count", SOON, do)])
    assert calls == [0, 1, 2]
    assert (runs["count"].done, runs["count"].failure) == (3, "")


def test_a_job_that_fails_stops_neither_its_lane_nor_the_others(
    control: Control, caplog: pytest.LogCaptureFixture
) -> None:
    stop = Event()
    calls, do = _counting(5, stop)

    def refused() -> int:
        raise RefusedError("test.no", "It cannot be.", next_step="Try again.")

    def broken() -> int:
        return 1 // 0

    lane = [Job("refused", SOON, refused), Job("broken", SOON, broken), Job("count", SOON, do)]
    with caplog.at_level(logging.WARNING):
        runs = _run(control, stop, lane)
    assert len(calls) == 5
    assert runs["refused"].failure == "test.no: It cannot be. Try again."
    assert "ZeroDivisionError" in runs["broken"].failure
    assert runs["count"].failure == ""
    assert "broken failed" in caplog.text


def test_a_job_that_fails_waits_longer_each_time(control: Control) -> None:
    stop = Event()
    failures: list[int] = []

    def broken() -> int:
        failures.append(1)
        raise RefusedError("test.no", "It cannot be.")

    _, do = _counting(40, stop)
    _run(control, stop, [Job("broken", SOON, broken)], [Job("count", SOON, do)])
    # With waits of 5, 10, 20, … ms, twenty of them would take an hour and a half.
    assert 2 <= len(failures) < 20


def test_a_slow_lane_does_not_hold_up_another(control: Control) -> None:
    stop, is_done = Event(), Event()
    calls, do = _counting(3, is_done)

    def slow() -> int:
        is_done.wait(timeout=15)
        stop.set()
        return 1

    _run(control, stop, [Job("slow", SOON, slow)], [Job("count", SOON, do)])
    assert len(calls) >= 3


def test_a_failure_is_gone_when_the_job_is_good_again(control: Control) -> None:
    stop = Event()
    calls: list[int] = []

    def mended() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise RefusedError("test.no", "It cannot be.")
        stop.set()
        return 0

    runs = _run(control, stop, [Job("mended", SOON, mended)])
    assert (runs["mended"].done, runs["mended"].failure) == (0, "")
