"""HJ 212: raw frames to checked rows in columns, against a straightforward parser; the hot path.

One core: every way runs in a process of its own with one thread. Times are of the processor, for
each batch the best of the rounds; the clock on the wall stands beside them.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks._apart import Run, run, table
from benchmarks.peers.hj212_frames import KINDS, frames
from shuzhi.gather.sensors.hj212 import (
    Dialect,
    Frame,
    Framer,
    Head,
    Opened,
    data_answer,
    head,
    opened,
)
from shuzhi.gather.sensors.hj212.crc import digits, modbus

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / ".bench" / "hj212"
RESULTS = Path(__file__).parent / "results"
FRAMES = 16_000
BATCH = 2_000
ROUNDS = 40
TARGET = 200_000


@dataclass(frozen=True)
class Line:
    """Frames per second of one way on one kind of frame."""

    kind: str
    bytes_each: float
    rows_each: float
    way: str
    frames: int
    per_second: int
    on_the_wall: int


def main(count: int = FRAMES) -> None:
    """Measure, print, and write `results/hj212.json` and `.md`."""
    BENCH.mkdir(parents=True, exist_ok=True)
    lines = [line for kind in KINDS for line in _reading(kind, count)]
    steps = dict(_steps(frames("water_6", 20_000)))
    _report(lines, steps)


def _reading(kind: str, count: int) -> Iterator[Line]:
    raws = frames(kind, count)
    whole, part = BENCH / f"{kind}.txt", BENCH / f"{kind}_part.txt"
    whole.write_bytes(b"\n".join(raws))
    part.write_bytes(b"\n".join(raws[: count // 10]))
    ways: tuple[tuple[str, Path, Callable[[Path], Run]], ...] = (
        ("Shuzhi, at once", whole, lambda p: run("hj212_shuzhi", p, BATCH, ROUNDS)),
        ("Shuzhi, one by one", part, lambda p: run("hj212_shuzhi", p, BATCH, ROUNDS, "one_by_one")),
        ("loop with split", part, lambda p: run("hj212_loop", p, BATCH, ROUNDS)),
    )
    sums = {}
    for way, path, measure in ways:
        of = count if path == whole else count // 10
        done = measure(path).answer
        sums[way] = (done["rows"], done["sum"])
        yield Line(
            kind,
            round(sum(map(len, raws)) / len(raws), 1),
            done["rows"] / of,
            way,
            of,
            round(of / done["cpu"]),
            round(of / done["wall"]),
        )
    assert sums["Shuzhi, one by one"] == sums["loop with split"], sums


def _steps(raws: list[bytes]) -> Iterator[tuple[str, float]]:
    """Microseconds per frame of each step on the way to an acknowledgement."""
    framer, dialect = Framer(), Dialect()
    cut = [found for raw in raws for found in framer.feed(raw + b"\r\n", 0.0)]
    taken = [frame for frame in cut if isinstance(frame, Frame)]
    heads = [found for frame in taken if isinstance(found := head(frame.segment), Head)]
    assert len(heads) == len(raws)
    sent = [raw + b"\r\n" for raw in raws]
    segments = [frame.segment for frame in taken]
    both = list(zip(taken, heads, strict=True))
    assert all(isinstance(opened(*each, dialect), Opened) for each in both)
    yield "cut from the stream", _micros(lambda x: framer.feed(x, 0.0), sent)
    yield "read the head", _micros(head, segments)
    yield "checksum of the standard", _micros(digits, segments)
    yield "checksum by table (MODBUS)", _micros(modbus, segments)
    yield "check the checksum", _micros(lambda x: opened(x[0], x[1], dialect), both)
    yield "write the 9014", _micros(lambda x: data_answer(x, dialect), heads)


def _micros(step: Callable[[Any], object], inputs: Sequence[Any]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = process_time()
        for each in inputs:
            step(each)
        times.append(process_time() - started)
    return round(min(times) / len(inputs) * 1e6, 2)


def _grouped(number: int) -> str:
    return f"{number:,}"


def _report(lines: list[Line], steps: dict[str, float]) -> None:
    machine = (
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} CPUs"
    )
    rows = [
        (x.kind, x.bytes_each, x.rows_each, x.way, *map(_grouped, (x.per_second, x.on_the_wall)))
        for x in lines
    ]
    head_row = ("frames", "bytes", "rows", "way", "frames/s of one core", "on the wall")
    text = f"""# HJ 212: raw frames to checked rows in columns

`python -m benchmarks hj212`: {_grouped(FRAMES)} frames of 2,000 stations (a tenth of them for the
slower ways), {_grouped(BATCH)} at a time, one thread, for each batch the best of {ROUNDS} rounds.
{machine}, {os.getloadavg()[0]:.0f} processes wanting them at the end.
Target: {_grouped(TARGET)} frames/s of one core. Figures are of processor time; the clock on the
wall tells how busy the machine was. `water_4` has 4 factors in a 2011, `gas_10` has 10, `minute_4`
is a 2051 of 4 factors with Min, Avg, Max and Cou; every factor has its mark. The loop takes only
what is written as the standard has it, and neither findings nor units.

{table(head_row, rows)}

The way to an acknowledgement, in microseconds of the processor for each frame of `water_6`:

{table(("step", "us"), list(steps.items()))}
"""
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "hj212.md").write_text(text)
    result = {"machine": machine, "reading": [asdict(line) for line in lines], "steps_us": steps}
    (RESULTS / "hj212.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
