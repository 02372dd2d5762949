"""Lands what another process spools at 30,000 frames a second; landing_alone.py FOLDER SECONDS.

Prints a line RESULT with what was landed, how far the lake was behind and what memory it took.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import sys
import time
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from shuzhi.gather.lake import Lake, open_lake
from shuzhi.gather.sensors.hj212 import framed
from shuzhi.gather.sensors.landing import TABLES, Landing
from shuzhi.gather.sensors.landing.messages import NoDeliveries
from shuzhi.gather.sensors.landing.run import Keeping, LandingPlan
from shuzhi.gather.sensors.spool import SpoolSettings, SpoolWriter
from shuzhi.kernel.events import ignore
from shuzhi.kernel.instant import system_clock

Began = Synchronized  # of the monotonic clock, in seconds
RATE = 30_000
STATIONS = 1_000
BATCH = 250
START = 1_704_067_200
SETTINGS = SpoolSettings(most_bytes=64 * 1024**3)


def spool(folder: Path, seconds: float, begins: Began | None) -> None:
    """Write frames on schedule, or all at once: each station sends one a second, from 2024 on.

    `begins` is told when the schedule begins.
    """
    writer = SpoolWriter(folder, SETTINGS)
    begun, number = time.monotonic(), 0
    if begins is not None:
        begins.value = begun
    while number < seconds * RATE:
        now_us = time.time_ns() // 1000
        writer.write([(now_us, 1, 0, _frame(n)) for n in range(number, number + BATCH)])
        number += BATCH
        ahead = begun + number / RATE - time.monotonic()
        if ahead > 0 and begins is not None:
            time.sleep(ahead)
    writer.close()


def _frame(number: int) -> bytes:
    second, station = divmod(number, STATIONS)
    at = time.strftime("%Y%m%d%H%M%S", time.gmtime(START + second)).encode()
    value = (number * 7919) % 1000
    return framed(
        b"QN=%b%03d;ST=31;CN=2011;PW=123456;MN=%024X;Flag=5;CP=&&DataTime=%b;"
        b"a21026-Rtd=%d.%d,a21026-Flag=N;a21002-Rtd=%d.%d,a21002-Flag=N;"
        b"a34013-Rtd=%d.%d,a34013-Flag=N&&"
        % (
            at,
            number % 1000,
            station,
            at,
            value // 10,
            value % 10,
            value // 5,
            value % 7,
            value // 50,
            value % 9,
        )
    )[:-2]


def follow(folder: Path, lake: Lake, frames: float, begun: float) -> dict[str, object]:
    """Land until so many frames are in the lake, of which the first was due at `begun`."""
    nobody = NoDeliveries()
    plan = LandingPlan(
        lake,
        open_lake(folder.parent / "lake"),
        folder,
        SETTINGS,
        dict,
        ignore,
        system_clock,
        nobody,
        1.0,
        1.0,
    )
    landing, keep = Landing(lake, folder, dict), Keeping(plan)
    behind: list[float] = []
    memory: list[int] = []
    landed = 0
    rounds: list[tuple[float, int]] = []
    while landed < frames:
        round_begun = time.monotonic()
        done = landing.land()
        keep.after_round(landing, is_idle=done is None)
        if done is None:
            time.sleep(0.02)
            continue
        landed += done.frames
        rounds.append((time.monotonic(), landed))
        behind.append(rounds[-1][0] - begun - landed / RATE)
        memory.append(_rss_mib())
        time.sleep(max(0.0, round_begun + 0.5 - time.monotonic()) if done.frames < 20_000 else 0)
    keep.close()
    # Of the last three quarters: what it was behind at the start is not what it can do.
    (began, before), (ended, after) = rounds[len(rounds) // 4], rounds[-1]
    return {
        "frames_per_s": (after - before) / (ended - began),
        "behind": f"{statistics.median(behind):.1f} / {max(behind):.1f} s",
        "memory": " / ".join(map(str, quarters(memory))) + " MiB",
        "rounds": len(memory),
    }


def quarters(values: list[int]) -> list[int]:
    """Return the greatest of each quarter."""
    size = max(1, len(values) // 4)
    return [max(values[n * size : (n + 1) * size]) for n in range(4)]


def _rss_mib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4 // 1024


def main(folder: Path, seconds: float) -> None:
    """Follow a spool that is written, then catch up with one that was written before."""
    lake = open_lake(folder / "lake")
    context = multiprocessing.get_context("spawn")
    begins: Began = context.Value("d", 0.0)
    writer = context.Process(target=spool, args=(folder / "followed", seconds, begins))
    writer.start()
    while not begins.value:
        time.sleep(0.01)
    told = follow(folder / "followed", lake, seconds * RATE, begins.value)
    writer.join()
    spool(folder / "late", 20, None)
    late = Landing(open_lake(folder / "late_lake"), folder / "late", dict)
    begun, landed = time.monotonic(), 0
    while done := late.land():
        landed += done.frames
    told["most"] = landed / (time.monotonic() - begun)
    with lake.duck(only=[TABLES[0]]) as connection:
        (rows,) = connection.sql(f"SELECT count(*) FROM {TABLES[0]}").fetchall()
    assert rows == (int(seconds * RATE) * 3,), rows
    print("RESULT " + json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
