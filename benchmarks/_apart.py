"""Runs a script in a process of its own, so that its time and its peak of memory are its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Run:
    """What the script answered (a line `RESULT {…}`), and what the whole process took."""

    answer: dict[str, Any]
    process_seconds: float
    peak_mb: float


def run(script: str, *arguments: object) -> Run:
    """Run `peers/<script>.py`; raise when it ends with an error or without an answer."""
    started = perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(PEERS / f"{script}.py"), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    answers = [line for line in said.splitlines() if line.startswith("RESULT ")]
    assert process.returncode == 0, f"{script}: exit code {process.returncode}"
    assert answers, f"{script}: {said[-200:]}"
    answer = json.loads(answers[-1].removeprefix("RESULT "))
    return Run(answer, perf_counter() - started, usage.ru_maxrss / 1024)


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
