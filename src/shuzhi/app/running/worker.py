"""The jobs of a running city, and the process that runs them.

Whatever a job does follows from what is stored, so that a process that was killed at any moment
is simply started again: the next run does what was left, and nothing twice.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event
from time import sleep
from typing import TextIO

from shuzhi.act import cases
from shuzhi.app.city import City
from shuzhi.app.running import catching_up
from shuzhi.app.running.jobs import Job, start_lanes
from shuzhi.gather.sources import Source
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.spans import parse_span
from shuzhi.share.verification import sweep

_QUARTER_SECOND = timedelta(milliseconds=250)
_SECOND = timedelta(seconds=1)
_TEN_SECONDS = timedelta(seconds=10)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_MOMENT_S = 0.01


def lanes_of(city: City) -> tuple[tuple[Job, ...], ...]:
    """Return the jobs of a city: quick, sources, slow, what calls others, what was asked for."""
    seen = catching_up.Seen()
    quick = (
        Job("judge", _QUARTER_SECOND, lambda: catching_up.judge(city, seen)),
        Job("record", _QUARTER_SECOND, city.record),
        Job("follow cases", _SECOND, lambda: catching_up.follow_cases(city)),
        Job("look", _TEN_SECONDS, lambda: city.look().raised),
        Job("tick", _TEN_SECONDS, lambda: _ticked(cases.tick(city.office))),
        Job("date", _MINUTE, lambda: city.date().all),
        Job("share", _TEN_SECONDS, lambda: catching_up.share(city)),
        Job("misuse", _TEN_SECONDS, lambda: catching_up.misuse(city)),
        Job("sweep", _MINUTE, lambda: sweep(city.control, city.clock())),
        Job("objections", _TEN_SECONDS, lambda: catching_up.objections(city)),
    )
    sources = tuple(_gathering(city, s) for s in city.sources().values() if s.every is not None)
    slow = (
        Job("build", _TEN_SECONDS, lambda: catching_up.build(city)),
        Job("measure", _TEN_SECONDS, lambda: len(city.compute_due_indicators())),
        Job("forecast", _MINUTE, lambda: city.forecast().raised),
        Job("index", _TEN_SECONDS, lambda: catching_up.index(city)),
        Job("tidy", _HOUR, lambda: catching_up.tidy(city)),
        Job("correct", _TEN_SECONDS, lambda: catching_up.correct(city)),
        Job("forms", _HOUR, city.recheck_forms),
        Job("duties", _HOUR, lambda: len(city.review_duties().found)),
        Job("check", _MINUTE, lambda: catching_up.check(city)),
    )
    # Receivers elsewhere may be slow: nothing else waits for them.
    outward = (Job("push", _SECOND, city.push_changes),)
    # What somebody waits for may take minutes, and waits for nothing else.
    asked = (Job("link", _SECOND, city.link),)
    return quick, sources, slow, outward, asked


def run_city(city: City, stop: Event) -> None:
    """Run a city until `stop` is set; one process at a time.

    Raises:
        RefusedError: `app.already_up`; as `City.register`.
    """
    with _alone(city):
        city.register()
        threads = start_lanes(city.control, city.clock, lanes_of(city), stop)
        for thread in threads:
            thread.join()
        city.record()


@contextmanager
def _alone(city: City) -> Iterator[None]:
    with city.up_file.open("w") as held:
        while not _is_locked(held, fcntl.LOCK_EX):
            # Who only looks whether the city is up shares the lock, for a moment.
            if not _is_locked(held, fcntl.LOCK_SH):
                raise already_up(city)
            fcntl.flock(held, fcntl.LOCK_UN)
            sleep(_MOMENT_S)
        yield


def _is_locked(held: TextIO, way: int) -> bool:
    try:
        fcntl.flock(held, way | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def already_up(city: City) -> RefusedError:
    """Return the refusal to run a city twice."""
    return RefusedError(
        "app.already_up",
        f"The city in {city.settings.folder} runs already.",
        next_step="Stop the other process, or let it run.",
    )


def _gathering(city: City, source: Source) -> Job:
    every = parse_span(source.every or "")
    return Job(f"gather {source.name}", every, lambda: catching_up.gather(city, source))


def _ticked(ticked: cases.Ticked) -> int:
    return ticked.broken + ticked.escalated
