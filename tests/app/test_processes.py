"""Processes that are kept: stage by stage, again where one dies, and none of them left behind."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from shuzhi.app.running.processes import Listener, Process, free_port, keep, listens
from shuzhi.kernel.errors import BrokenError

_SLEEPS = "import time; time.sleep(600)"
_NOTES = "import os, sys; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n');"
_DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"


def python(name: str, folder: Path, code: str, **how: bool) -> Process:
    """Return a process that notes its number in a file of its name and does something."""
    notes = folder / name
    command = (sys.executable, "-c", _NOTES + code, str(notes))
    return Process(name, command, lambda: bool(numbers(notes)), **how)


def numbers(notes: Path) -> list[int]:
    """Return the process numbers noted so far, without a line that is still being written."""
    text = notes.read_text() if notes.exists() else ""
    return [int(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def soon(what: Callable[[], bool], seconds: float = 60) -> Callable[[], bool]:
    """Return what becomes true when `what` does; an assertion fails when it never does."""
    until = time.monotonic() + seconds

    def holds() -> bool:
        assert time.monotonic() < until
        return what()

    return holds


def test_a_stage_is_started_after_the_one_before_it_and_all_end(tmp_path: Path) -> None:
    stop, seen = Event(), list[list[bool]]()
    names = ("first", "once", "last")
    codes = (_SLEEPS, "import time; time.sleep(0.5)", _SLEEPS)
    kept = [
        python(n, tmp_path, code, is_once=n == "once") for n, code in zip(names, codes, strict=True)
    ]

    def ready() -> None:
        seen.append([is_alive(numbers(tmp_path / name)[-1]) for name in names])
        stop.set()

    keep([kept[:2], kept[2:]], tmp_path / "logs", Listener(seen_nothing, ready), stop)
    assert seen == [[True, False, True]]
    assert not any(is_alive(n) for name in names for n in numbers(tmp_path / name))


def test_one_that_dies_is_started_again_and_said(tmp_path: Path) -> None:
    stop, said = Event(), list[str]()
    notes = tmp_path / "mortal"
    is_back = soon(lambda: len(numbers(notes)) > 1)

    def look() -> None:
        if is_back():
            stop.set()

    def ready() -> None:
        os.kill(numbers(notes)[0], signal.SIGKILL)

    process = python("mortal", tmp_path, _SLEEPS)
    keep([[process]], tmp_path, Listener(said.append, ready, look), stop)
    assert said == ["mortal ended with -9; started again in 1 s"]
    assert not any(map(is_alive, numbers(notes)))


def test_what_a_process_started_itself_does_not_stay_behind(tmp_path: Path) -> None:
    stop = Event()
    inner = f"{_NOTES}{_DEAF}{_SLEEPS}"
    code = f"import subprocess; subprocess.Popen([sys.executable, '-c', {inner!r}, sys.argv[1]]);"
    is_nested = soon(lambda: len(numbers(tmp_path / "outer")) > 1)

    def look() -> None:
        if is_nested():
            stop.set()

    process = python("outer", tmp_path, code + _SLEEPS)
    keep([[process]], tmp_path, Listener(seen_nothing, look=look), stop)
    gone = soon(lambda: not any(map(is_alive, numbers(tmp_path / "outer"))))
    while not gone():
        time.sleep(0.05)


def test_one_that_never_gets_ready_is_a_fault_and_the_others_end(tmp_path: Path) -> None:
    said: list[str] = []
    good = python("good", tmp_path, _SLEEPS)
    bad = Process("bad", (sys.executable, "-c", "print('why'); exit(3)"), lambda: False)
    with pytest.raises(BrokenError, match="bad ended with 3") as refusal:
        keep([[good], [bad]], tmp_path / "logs", Listener(said.append), Event())
    assert refusal.value.code == "app.process_not_starting"
    assert (tmp_path / "logs" / "bad.log").read_text() == "why\n" * 3
    assert len(said) == 2
    assert not any(map(is_alive, numbers(tmp_path / "good")))


def test_a_port_that_is_taken_gives_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert listens("127.0.0.1", port)
        other = free_port("127.0.0.1", port)
    assert other not in (0, port)
    assert not listens("127.0.0.1", other)
    assert free_port("127.0.0.1", other) == other


def seen_nothing(text: str) -> None:
    """Fail: nothing was to be told."""
    raise AssertionError(text)
