"""The process of the landing: lands in rounds, keeps the tables compact, lets old segments go."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event
from time import monotonic

import pyarrow as pa

from shuzhi.gather.lake import Lake
from shuzhi.gather.sensors.hj212 import Dialect
from shuzhi.gather.sensors.landing.land import TABLES, Landing
from shuzhi.gather.sensors.landing.messages import Deliveries
from shuzhi.gather.sensors.spool import SpoolSettings, release
from shuzhi.kernel.errors import BrokenError, ShuzhiError
from shuzhi.kernel.events import Publish
from shuzhi.kernel.instant import Clock, Instant

_LOCK = ".landing.lock"
_ROUND_BYTES = 8 * 1024 * 1024
_MARKS_SECONDS = 10.0
_RETRY_SECONDS = 2.0
# A commit costs time with every file that the table has.
_COMPACT_AFTER = 40
# About once an hour where something is landed each second: it looks at every file.
_VACUUM_AFTER = 90
_logger = logging.getLogger("shuzhi.landing")


@dataclass(frozen=True)
class LandingPlan:
    """From where to where, how often, and how long what was landed stays in the spool.

    `compacting` is the same lake, opened once more, whose tables are compacted beside the landing.
    """

    lake: Lake
    compacting: Lake
    spool: Path
    settings: SpoolSettings
    dialects: Callable[[], Mapping[str, Dialect]]
    publish: Publish
    clock: Clock
    deliveries: Deliveries
    every_seconds: float
    keep_hours: float


def run_landing(plan: LandingPlan, stop: Event) -> None:
    """Land until told to stop.

    Raises:
        BrokenError: `gather.landing_busy` when another process lands.
    """
    with _alone(plan.spool):
        landing = _opened(plan)
        keeping = Keeping(plan)
        while not stop.is_set():
            started = monotonic()
            try:
                landed = landing.land(_ROUND_BYTES)
                keeping.after_round(landing, is_idle=landed is None)
            except ShuzhiError as error:
                _logger.error("nothing is landed for now: %s", error)
                stop.wait(_RETRY_SECONDS)
                continue
            is_behind = landed is not None and landed.frames * 100 > _ROUND_BYTES // 4
            if not is_behind:
                stop.wait(max(0.0, started + plan.every_seconds - monotonic()))
        keeping.close()
        landing.keep_marks()


def land_everything(plan: LandingPlan) -> int:
    """Land what is there, and return up to which record; for tests, scripts and the end of a day.

    Raises:
        BrokenError: as `run_landing` and `Landing.land`.
    """
    with _alone(plan.spool):
        landing = _opened(plan)
        while landing.land(_ROUND_BYTES) is not None:
            pass
        landing.keep_marks()
        return landing.record


def compact_tables(lake: Lake, *, clears: bool) -> None:
    """Make few large files of what was landed; `clears`: delete what is kept long enough.

    How long that is the settings of the lake say. Raises as `Lake.compact`.
    """
    for name in filter(lake.exists, TABLES):
        lake.compact(name)
        if clears:
            lake.vacuum(name)


def _opened(plan: LandingPlan) -> Landing:
    return Landing(
        plan.lake,
        plan.spool,
        plan.dialects,
        deliveries=plan.deliveries,
        publish=plan.publish,
        clock=plan.clock,
    )


class Keeping:
    """What is to be done now and then beside the landing itself."""

    def __init__(self, plan: LandingPlan) -> None:
        self._plan = plan
        self._rounds = self._compactions = 0
        self._kept_at = monotonic()
        self._thread = ThreadPoolExecutor(1, "landing-compacts")
        self._compacted: Future[None] | None = None

    def after_round(self, landing: Landing, *, is_idle: bool) -> None:
        """Do what is due after a round."""
        self._rounds += not is_idle
        if monotonic() - self._kept_at > _MARKS_SECONDS:
            self._kept_at = monotonic()
            landing.keep_marks()
            before = self._plan.clock() - timedelta(hours=self._plan.keep_hours)
            plan = self._plan
            release(plan.spool, plan.settings, read=landing.record, before=Instant(before))
        if self._rounds >= _COMPACT_AFTER and (self._compacted is None or self._compacted.done()):
            self._rounds = 0
            self._compacted = self._thread.submit(self._compact)

    def close(self) -> None:
        """Return when nothing is under way any more."""
        self._thread.shutdown()

    def _compact(self) -> None:
        self._compactions += 1
        try:
            compact_tables(self._plan.compacting, clears=self._compactions % _VACUUM_AFTER == 0)
        except ShuzhiError as error:
            _logger.error("tables are not compacted for now: %s", error)
        pa.default_memory_pool().release_unused()


@contextmanager
def _alone(spool: Path) -> Iterator[None]:
    spool.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(spool / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BrokenError(
                "gather.landing_busy",
                f"Another process lands what is in {spool}.",
                next_step="It is enough; the gateway starts one of its own.",
            ) from None
        yield
    finally:
        os.close(descriptor)
