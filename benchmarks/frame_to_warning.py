"""From a frame that a monitor sends to the warning that somebody can see, at 10,000 monitors.

A city with the pack `ecology` runs as it is delivered: `shuzhi gateway`, which lands by itself, and
`shuzhi up`. Every monitor has its connection and sends a value each ten seconds. Now and then one
dates its value an hour ahead, of which a rule of the city warns; a reader asks for the newest
warnings all the time.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles

import uvloop

from shuzhi.app import City, create_city
from shuzhi.gather.sensors.hj212 import framed
from shuzhi.gather.sensors.stations import Station

BENCH = Path(__file__).resolve().parents[1] / ".bench" / "frame_to_warning"
RESULTS = Path(__file__).parent / "results"
MONITORS = 10_000
EVERY_SECONDS = 10.0
SECONDS = 60.0
SETTLE_SECONDS = 15.0
ONE_IN = 100
PATIENCE_SECONDS = 300.0
RULE = """id: ahead
title: {zh: 数据时间在接收之后, en: Data of a time that was still to come}
dataset: observations
event_time: data_time
sql: SELECT mn, received_at FROM new WHERE data_time > received_at + INTERVAL 5 MINUTE
severity: blue
merge_by: [mn]
merge_within: 1 day
owner: ecology_enforcement
"""
AHEAD = timedelta(hours=1)
CHINA = timedelta(hours=8)
TARGET_SECONDS = 2.0


@dataclass
class Watched:
    """When each marked frame was sent and its warning was seen, by MN, in seconds."""

    sent: dict[str, float]
    seen: dict[str, float]


class Monitor(asyncio.Protocol):
    """One monitor's connection; counts what is acknowledged."""

    acknowledged = 0

    def data_received(self, data: bytes) -> None:
        Monitor.acknowledged += data.count(b"\n")


def main() -> None:
    """Measure, print, and write `results/frame_to_warning.json` and `.md`."""
    shutil.rmtree(BENCH, ignore_errors=True)
    BENCH.mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    city = _city(BENCH / "city", port)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with _running("gateway"), _running("up"):
        watched = uvloop.run(_watch(city, port))
    shutil.rmtree(BENCH)
    _report(watched)


def _city(folder: Path, port: int) -> City:
    city = create_city(folder, pack="ecology")
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "ahead.yaml").write_text(RULE)
    with (folder / "city.yaml").open("a") as settings:
        settings.write(
            f'gateway:\n  listen: ["127.0.0.1:{port}"]\n'
            f"  limits: {{connections_per_address: {MONITORS}}}\n"
        )
    for number in range(MONITORS):
        city.add_station(Station(_mn(number), "31"), "123456", by="benchmark")
    return city


def _mn(number: int) -> str:
    return f"{number:024X}"


@contextmanager
def _running(verb: str) -> Iterator[None]:
    command = [str(Path(sys.executable).with_name("shuzhi")), verb, "--city", str(BENCH / "city")]
    with (BENCH / f"{verb}.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_SECONDS)


async def _watch(city: City, port: int) -> Watched:
    """Connect all monitors, let them send, and note when warnings can be seen."""
    watched = Watched({}, {})
    lines = await _connected(port)
    looking = asyncio.create_task(_look(city, watched))
    begun, number = time.monotonic(), 0
    while (now := time.monotonic() - begun) < SETTLE_SECONDS + SECONDS:
        while number < now * MONITORS / EVERY_SECONDS:
            monitor = number % MONITORS
            # One in so many is marked, each time another monitor.
            turn, place = divmod(number, MONITORS)
            is_marked = now > SETTLE_SECONDS and place % ONE_IN == turn % ONE_IN
            if is_marked:
                watched.sent[_mn(monitor)] = time.monotonic()
            lines[monitor].write(_frame(monitor, is_marked=is_marked))
            number += 1
        await asyncio.sleep(0.005)
    await asyncio.sleep(SETTLE_SECONDS)
    looking.cancel()
    assert Monitor.acknowledged == number, (Monitor.acknowledged, number)
    return watched


async def _connected(port: int) -> Sequence[asyncio.WriteTransport]:
    loop = asyncio.get_running_loop()
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    lines = []
    while len(lines) < MONITORS:
        try:
            lines.append((await loop.create_connection(Monitor, "127.0.0.1", port))[0])
        except ConnectionRefusedError:
            assert time.monotonic() < give_up_at, (BENCH / "gateway.log").read_text()
            await asyncio.sleep(0.2)
    return lines


def _frame(monitor: int, *, is_marked: bool) -> bytes:
    now = datetime.now(UTC) + CHINA
    qn = now.strftime("%Y%m%d%H%M%S") + f"{now.microsecond // 1000:03d}"
    at = (now + AHEAD if is_marked else now).strftime("%Y%m%d%H%M%S")
    return framed(
        f"QN={qn};ST=31;CN=2011;PW=123456;MN={_mn(monitor)};Flag=5;CP=&&DataTime={at};"
        f"a21026-Rtd={monitor % 97}.{now.second},a21026-Flag=N&&".encode()
    )


async def _look(city: City, watched: Watched) -> None:
    loop = asyncio.get_running_loop()
    while True:
        found = await loop.run_in_executor(None, lambda: city.warnings(rule_id="ahead", limit=500))
        now = time.monotonic()
        for warning in found:
            watched.seen.setdefault(str(warning.facts["mn"]), now)
        await asyncio.sleep(0.05)


def _report(watched: Watched) -> None:
    took = sorted(watched.seen[mn] - at for mn, at in watched.sent.items() if mn in watched.seen)
    hundredths = quantiles(took, n=100)
    result = {
        "monitors": MONITORS,
        "frames_per_s": MONITORS / EVERY_SECONDS,
        "marked": len(watched.sent),
        "warned": len(took),
        "p50_s": round(hundredths[49], 2),
        "p99_s": round(hundredths[98], 2),
        "most_s": round(took[-1], 2),
        "target_p99_s": TARGET_SECONDS,
        "waiting_processes": round(os.getloadavg()[0], 1),
    }
    rows = "\n".join(f"| {name} | {value} |" for name, value in result.items())
    text = f"""# From a frame to its warning

`python -m benchmarks frame_to_warning`, {time.strftime("%Y-%m-%d")}: {MONITORS:,} monitors with a
connection each, {MONITORS / EVERY_SECONDS:,.0f} frames a second for {SECONDS:.0f} s, `shuzhi
gateway` and `shuzhi up` with the pack `ecology` as they are delivered, stations and reader on the
same two cores. From the sending of a frame to the warning in the answer to `city.warnings`.

| what | measured |
|---|---|
{rows}
"""
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "frame_to_warning.md").write_text(text)
    (RESULTS / "frame_to_warning.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
