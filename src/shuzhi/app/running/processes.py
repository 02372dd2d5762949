"""Keeps the processes of a city: starts them, again where one dies, and ends them all.

Each has a session of its own, so that Ctrl-C reaches their keeper alone; its standard input is a
pipe from the keeper, whose end tells it that nobody keeps it any more.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TypeAlias

from shuzhi.kernel.errors import BrokenError

Tell = Callable[[str], None]
_LOOK_SECONDS, _IDLE_SECONDS = 0.25, 1.0
_LONGEST_WAIT_S = 30.0
# A process that lived so long and died is no longer one that cannot start.
_SETTLED_S = 60.0
_MOST_STARTS = 3
_END_SECONDS = 30.0


@dataclass(frozen=True)
class Process:
    """A process to be kept: its command, and what shows that it is ready.

    One that `is_once` is ready when it has ended well, and is not started again then.
    """

    name: str
    command: Sequence[str]
    is_ready: Callable[[], bool] = lambda: True
    is_once: bool = False


Stage: TypeAlias = Sequence[Process]


@dataclass(frozen=True)
class Listener:
    """Who hears how it goes.

    `tell` is told of a process that died; `ready` is called once, when all run, and `look` about
    once a second from then on.
    """

    tell: Tell
    ready: Callable[[], None] = lambda: None
    look: Callable[[], None] = lambda: None


def keep(stages: Sequence[Stage], logs: Path, listener: Listener, stop: Event) -> None:
    """Keep processes until told to stop; each stage is started when the one before it is ready.

    What they say goes to files in `logs`. They end in the opposite order, each after what it is
    doing.

    Raises:
        BrokenError: `app.process_not_starting` when one ends again and again before it is ready.
    """
    logs.mkdir(parents=True, exist_ok=True)
    kept: list[_Kept] = []
    try:
        for stage in stages:
            kept.extend(_Kept(each, logs / f"{each.name}.log", listener.tell) for each in stage)
            while not all(each.is_up() for each in kept):
                if stop.wait(_LOOK_SECONDS):
                    return
                _look(kept)
        listener.ready()
        while not stop.wait(_IDLE_SECONDS):
            _look(kept)
            listener.look()
    finally:
        for ending in reversed(kept):
            ending.end()


def listens(host: str, port: int) -> bool:
    """Return whether somebody takes connections there."""
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def free_port(host: str, wanted: int) -> int:
    """Return the port `wanted` where nobody has it, else another one that is free."""
    for port in (wanted, 0):
        with suppress(OSError), socket.socket() as trying:
            # As servers do it: a port whose last connections have just ended is free.
            trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trying.bind((host, port))
            return int(trying.getsockname()[1])
    raise BrokenError(
        "app.no_free_port",
        f"There is no free port on {host}.",
        next_step="Name an address that is this machine's.",
    )


def _look(kept: Sequence[_Kept]) -> None:
    for each in kept:
        each.look()


class _Kept:
    """A process that is kept, over all its lives."""

    def __init__(self, process: Process, log: Path, tell: Tell) -> None:
        self._process, self._log, self._tell = process, log, tell
        self._starts = 0
        self._was_up = self._is_over = False
        self._due = 0.0
        self._running: subprocess.Popen[bytes] | None = None
        self._start()

    def is_up(self) -> bool:
        """Whether it got as far as the next one needs it."""
        if self._process.is_once:
            return self._is_over
        if not self._was_up:
            self._was_up = self._running is not None and self._process.is_ready()
        return self._was_up

    def look(self) -> None:
        """Start it again where it died, later each time."""
        if self._is_over:
            return
        if self._running is None:
            if monotonic() >= self._due:
                self._start()
        elif self._running.poll() is not None:
            self._died(self._running.returncode)

    def end(self) -> None:
        """Let it end; what is still there of it after a time is ended by force."""
        running, self._running = self._running, None
        if running is None:
            return
        running.terminate()
        try:
            running.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._tell(f"{self._process.name} does not end; it is ended by force")
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        if running.stdin is not None:
            running.stdin.close()

    def _start(self) -> None:
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(  # noqa: S603
                self._process.command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._starts += 1
        self._began = monotonic()

    def _died(self, code: int) -> None:
        self.end()
        if self._process.is_once and code == 0:
            self._is_over = True
            return
        if not self.is_up() and self._starts >= _MOST_STARTS:
            raise BrokenError(
                "app.process_not_starting",
                f"{self._process.name} ended with {code} each time before it was ready.",
                next_step=f"See {self._log}.",
            )
        if monotonic() - self._began > _SETTLED_S:
            self._starts = 1
        wait = min(_LONGEST_WAIT_S, 2.0 ** (self._starts - 1))
        self._due = monotonic() + wait
        self._tell(f"{self._process.name} ended with {code}; started again in {wait:.0f} s")
