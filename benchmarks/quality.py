"""Quality: 20 checks on 5 million rows, against SQL written by hand and against other tools.

Every tool runs in a process of its own on the same Parquet file; all must find the same promises
broken. Peers are installed below `.bench/` by this benchmark alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from signal import SIGKILL
from statistics import median
from threading import Timer
from time import perf_counter

from benchmarks.peers.readings import BROKEN

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(__file__).parent / "peers"
BENCH = ROOT / ".bench"
RESULTS = Path(__file__).parent / "results"
ROWS = 5_000_000
ROUNDS = 5
MOST_SECONDS = 180.0


@dataclass(frozen=True)
class Tool:
    """A script below `peers/`, and what a peer's environment needs to run it."""

    name: str
    script: str
    packages: tuple[str, ...] = ()

    @property
    def python(self) -> Path:
        """The interpreter that runs it: ours, or one in an environment of its own."""
        return self.environment / "bin" / "python" if self.packages else Path(sys.executable)

    @property
    def environment(self) -> Path:
        """The virtual environment of a peer."""
        return BENCH / self.script.removeprefix("with_")


@dataclass(frozen=True)
class Run:
    """One run of a tool: whole process, the check alone, and the peak of its memory."""

    process_seconds: float
    check_seconds: float
    peak_mb: float
    broken: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """What the table says of a tool; ratios are to the hand-written statement."""

    tool: str
    check_seconds: float | None = None
    check_ratio: float | None = None
    process_seconds: float | None = None
    process_ratio: float | None = None
    peak_mb: float | None = None
    peak_ratio: float | None = None
    note: str = ""


HAND = Tool("SQL by hand, one statement", "handwritten")
APART = Tool("SQL by hand, keys in sub-queries", "handwritten_apart")
OURS = Tool("Shuzhi", "shuzhi_check")
OTHERS = (
    Tool(
        "Soda Core 4.28", "with_soda", ("soda-core==4.28.0", "soda-duckdb==4.28.0", "duckdb==2.0.0")
    ),
    Tool("Pandera 0.35, Polars", "with_pandera", ("pandera[polars]==0.35.0", "polars==2.1.0")),
    Tool("Pointblank 1.1, Polars", "with_pointblank", ("pointblank==1.1.1", "polars==2.1.0")),
    Tool(
        "Great Expectations 1.24, pandas",
        "with_great_expectations",
        ("great-expectations==1.24.1", "pyarrow==26.0.1"),
    ),
)


def main(rows: int = ROWS, rounds: int = ROUNDS) -> None:
    """Measure, print, and write `results/quality.json` and `.md`."""
    folder = _prepared(rows)
    own = _interleaved((HAND, APART, OURS), folder, rounds)
    hand = _middle(own[HAND])
    lines = [_line(tool, _middle(runs), hand) for tool, runs in own.items()]
    lines += [_peer(tool, folder, hand) for tool in OTHERS]
    _report(lines, rows, rounds)


def _prepared(rows: int) -> Path:
    # In a process of its own: a child starts with its parent's peak of memory.
    folder = BENCH / f"quality_{rows}"
    make = [sys.executable, str(PEERS / "make_readings.py"), str(folder), str(rows)]
    subprocess.run(make, check=True)
    return folder


def _interleaved(tools: Sequence[Tool], folder: Path, rounds: int) -> dict[Tool, list[Run]]:
    runs: dict[Tool, list[Run]] = {tool: [] for tool in tools}
    for _ in range(rounds):
        for tool in tools:
            found = _run(tool, folder)
            assert not isinstance(found, str), f"{tool.name}: {found}"
            assert set(found.broken) == BROKEN, f"{tool.name} found {found.broken}"
            runs[tool].append(found)
    return runs


def _peer(tool: Tool, folder: Path, hand: Run) -> Line:
    print(f"{tool.name} …", flush=True)
    problem = _install(tool)
    found = problem or _run(tool, folder)
    if isinstance(found, str):
        return Line(tool.name, note=found)
    assert set(found.broken) == BROKEN, f"{tool.name} found {found.broken}"
    return _line(tool, found, hand)


def _install(tool: Tool) -> str:
    if tool.python.exists():
        return ""
    venv = [sys.executable, "-m", "venv", str(tool.environment)]
    pip = [str(tool.python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    try:
        subprocess.run(venv, check=True)
        subprocess.run([*pip, *tool.packages], check=True)
    except subprocess.CalledProcessError as error:
        return f"could not be installed (exit code {error.returncode})"
    return ""


def _run(tool: Tool, folder: Path) -> Run | str:
    """Run a tool in a process of its own; a text says why there is no result."""
    quiet = {"SODA_CORE_TELEMETRY_ENABLED": "false", "GX_ANALYTICS_ENABLED": "false"}
    environment = {**os.environ, **quiet}
    output, started = folder / f"{tool.script}.log", perf_counter()
    with output.open("w") as log:
        process = subprocess.Popen(
            [str(tool.python), str(PEERS / f"{tool.script}.py"), str(folder)],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        status, peak_kb = _awaited(process)
    seconds = perf_counter() - started
    if status == -SIGKILL:
        return f"not done after {MOST_SECONDS:.0f} s"
    said = output.read_text().strip().splitlines()
    answers = [text for text in said if text.startswith("RESULT ")]
    if status or not answers:
        return f"failed: {said[-1][:120] if said else f'exit code {status}'}"
    answer = json.loads(answers[-1].removeprefix("RESULT "))
    return Run(seconds, answer["seconds"], peak_kb / 1024, tuple(answer["broken"]))


def _awaited(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Return the exit code and the peak memory in KiB; one that takes too long is killed."""
    timer = Timer(MOST_SECONDS, process.kill)
    timer.start()
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss


def _middle(runs: Sequence[Run]) -> Run:
    return Run(
        median(r.process_seconds for r in runs),
        median(r.check_seconds for r in runs),
        median(r.peak_mb for r in runs),
        runs[0].broken,
    )


def _line(tool: Tool, run: Run, hand: Run, note: str = "") -> Line:
    return Line(
        tool.name,
        round(run.check_seconds, 2),
        round(run.check_seconds / hand.check_seconds, 2),
        round(run.process_seconds, 2),
        round(run.process_seconds / hand.process_seconds, 2),
        round(run.peak_mb),
        round(run.peak_mb / hand.peak_mb, 2),
        note,
    )


_HEAD = ("tool", "check s", "ratio", "process s", "ratio", "peak MB", "ratio", "note")


def _report(lines: Sequence[Line], rows: int, rounds: int) -> None:
    title = f"20 checks on {rows:,} rows x 12 columns (Parquet), 2 cores"
    print(_table(lines))
    if rows != ROWS:
        return
    RESULTS.mkdir(exist_ok=True)
    content = {"title": title, "rounds": rounds, "lines": [asdict(line) for line in lines]}
    (RESULTS / "quality.json").write_text(json.dumps(content, indent=2) + "\n")
    (RESULTS / "quality.md").write_text(
        f"# {title}\n\n{_table(lines)}\n\n"
        f"Medians of {rounds} interleaved rounds for the first three, one run for each peer. "
        "*check* is the check alone, after imports; *process* is all of it. All tools that ran "
        f"found the same {len(BROKEN)} promises broken. Our check also compiles the contract, "
        "counts the types of all columns, and stores report and lineage.\n"
    )


def _table(lines: Sequence[Line]) -> str:
    rows = [[_shown(value) for value in asdict(line).values()] for line in lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in (_HEAD, ["---"] * len(_HEAD), *rows))


def _shown(value: object) -> str:
    return "" if value is None else str(value)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS, 3)
