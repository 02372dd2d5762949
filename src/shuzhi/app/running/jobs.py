"""Jobs: what a running platform does again and again, and how each of them went last time.

A job that fails is tried again, later each time, and stops no other. Jobs of one lane run one
after the other; a lane is a thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread
from time import monotonic

from shuzhi.app.store import JobRun, save_run
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import ShuzhiError
from shuzhi.kernel.instant import Clock

_LONGEST_WAIT_S = 300.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """Work to be done `every` so often, counted from its last end.

    `do` returns how much there was to do; what it says of nothing is not written down.
    """

    name: str
    every: timedelta
    do: Callable[[], int]


class _Turn:
    """When a job is due next, and how often it failed in a row."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.due = monotonic()
        self.failures = 0
        self.is_known = False

    def ended(self, *, is_good: bool) -> None:
        self.failures = 0 if is_good else self.failures + 1
        wait = self.job.every.total_seconds() * 2**self.failures
        longest = max(_LONGEST_WAIT_S, self.job.every.total_seconds())
        self.due = monotonic() + min(wait, longest)


def run_lane(control: Control, clock: Clock, jobs: Sequence[Job], stop: Event) -> None:
    """Run jobs as they fall due, one after the other, until `stop` is set."""
    turns = [_Turn(job) for job in jobs]
    while turns and not stop.is_set():
        turn = min(turns, key=lambda t: t.due)
        if not stop.wait(max(0.0, turn.due - monotonic())):
            _run(control, clock, turn)


def start_lanes(
    control: Control, clock: Clock, lanes: Sequence[Sequence[Job]], stop: Event
) -> tuple[Thread, ...]:
    """Start a thread for each lane; they end soon after `stop` is set, each after its job."""
    threads = tuple(
        Thread(target=run_lane, args=(control, clock, lane, stop), name=f"lane-{place}")
        for place, lane in enumerate(lanes)
    )
    for thread in threads:
        thread.start()
    return threads


def _run(control: Control, clock: Clock, turn: _Turn) -> None:
    started = clock()
    done, failure = _tried(turn.job)
    is_news = bool(done or failure or turn.failures or not turn.is_known)
    turn.ended(is_good=not failure)
    if is_news:
        run = JobRun(turn.job.name, started, clock(), done, failure)
        turn.is_known = _is_kept(control, run)


def _tried(job: Job) -> tuple[int, str]:
    try:
        return job.do(), ""
    except ShuzhiError as error:
        failure = f"{error.code}: {error.message} {error.next_step}".strip()
        _log.warning("%s: %s", job.name, failure)
        return 0, failure
    except Exception as error:  # noqa: BLE001  (no job may stop the others)
        _log.exception("%s failed", job.name)
        return 0, f"{type(error).__name__}: {error}"


def _is_kept(control: Control, run: JobRun) -> bool:
    try:
        save_run(control, run)
    except Exception:  # noqa: BLE001  (a store that is full must not end the lane)
        _log.exception("how %s went could not be written down", run.name)
        return False
    return True
