"""Gateway: frames acknowledged after fdatasync, latency, memory; and from the spool into the lake.

Stations, the gateway and what it is held against share the machine's cores and its loopback. The
least that a server of this kind must do is a bare echo on the same event loop; it runs right
before each measurement, so that ratios hold also where other work makes both slow.

GATEWAY_PARTS=landing measures that part alone and keeps what was measured of the others; the parts
are closed, open, many and landing. GATEWAY_LANDING_SECONDS=600 lands for ten minutes in place of
one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Any

from benchmarks import _servers
from shuzhi.gather.sensors.gateway.limits import Limits
from shuzhi.gather.sensors.gateway.lines import line, read_line, told_station
from shuzhi.gather.sensors.stations import Station, password_hash

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / ".bench" / "gateway"
PEERS = Path(__file__).parent / "peers"
RESULTS = Path(__file__).parent / "results"
KEY = bytes(32)
STATIONS = 10_000
SECONDS = 12.0
WARM_UP_SECONDS = 3.0
LANDING_SECONDS = 60.0
ROUNDS = 3
RECEIVERS = 2
_TICKS = 100.0


@dataclass(frozen=True)
class Line:
    """A row of the table; `ratio` says what to."""

    what: str
    measured: str
    target: str = ""
    ratio: str = ""


@dataclass(frozen=True)
class Part:
    """What was measured at once, how, and how busy the machine was."""

    date: str
    rounds: str
    waiting_processes: float
    lines: list[Line]


@dataclass(frozen=True)
class Served:
    """What the stations saw of a server, and what it cost."""

    frames_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us_per_frame: float
    peak_mib: float


def main() -> None:
    """Measure the parts that are named, or all; write them beside what is kept of the others."""
    wanted = [name for name in os.environ.get("GATEWAY_PARTS", "").split(",") if name]
    if unknown := sorted(set(wanted) - set(PARTS)):
        sys.exit(f"There is no part {', '.join(unknown)}; there are: {', '.join(PARTS)}.")
    shutil.rmtree(BENCH, ignore_errors=True)
    BENCH.mkdir(parents=True)
    subprocess.run(
        ["cc", "-O2", "-o", str(BENCH / "station_load"), str(PEERS / "station_load.c")], check=True
    )
    for name in wanted or PARTS:
        lines = list(PARTS[name]())
        _report(name, lines)
    shutil.rmtree(BENCH)


def _closed_loop() -> Iterator[Line]:
    echo, least, ours, shared = _beside(1_000, 0)
    yield from (
        Line(
            "1,000 connections, one frame outstanding each: acknowledged after fdatasync",
            f"{ours.frames_per_s:,.0f}/s",
            "50,000/s",
            f"{ours.frames_per_s / echo.frames_per_s:.2f} of the echo",
        ),
        Line(
            f"… with {RECEIVERS} receivers",
            f"{shared.frames_per_s:,.0f}/s",
            "50,000/s",
            f"{shared.frames_per_s / echo.frames_per_s:.2f} of the echo, which has one process",
        ),
        Line("… a bare echo that keeps nothing", f"{echo.frames_per_s:,.0f}/s"),
        Line(
            "… the least that keeps the same promise: no stations, limits, half frames, recovery",
            f"{least.frames_per_s:,.0f}/s",
            "",
            f"ours is {ours.frames_per_s / least.frames_per_s:.2f} ×",
        ),
        Line(
            "… processor time of the server for a frame",
            f"{ours.cpu_us_per_frame:.1f} µs",
            "",
            f"echo {echo.cpu_us_per_frame:.1f}, the least {least.cpu_us_per_frame:.1f}, "
            f"with {RECEIVERS} receivers {shared.cpu_us_per_frame:.1f}",
        ),
        Line("… latency p50 / p99", _percentiles(ours), "", _with_receivers(shared)),
    )
    yield from _peers(max(ours.frames_per_s, shared.frames_per_s))


def _peers(ours: float) -> Iterator[Line]:
    if gone := _servers.missing():
        yield Line("… peers", f"not measured: {', '.join(gone)} not installed")
        return
    if _servers.install_node_client(BENCH):
        for mode, what, least in (
            ("rows", "Node.js + PostgreSQL, an INSERT a frame, pool of 10", "5 ×"),
            ("group", "Node.js + PostgreSQL, group commit", "1.2 ×"),
        ):
            with _servers.node(BENCH, mode) as port:
                told = _stations(port, 1_000, 0)
            yield _peer(f"… {what}", told["frames_per_s"], ours, least)
    with _servers.mosquitto(BENCH) as (port, written):
        told = _stations(port, 1_000, 0, "mqtt")
    yield _peer(
        "… Mosquitto QoS 1 + COPY writer (acknowledged before it is durable; "
        f"{written['written'] / told['acknowledged']:.0%} written meanwhile)",
        told["frames_per_s"],
        ours,
        "1 ×",
    )


def _peer(what: str, theirs: float, ours: float, least: str) -> Line:
    return Line(what, f"{theirs:,.0f}/s", least, f"ours is {ours / theirs:.1f} ×")


def _open_loop() -> Iterator[Line]:
    for rate in (10_000, 30_000):
        echo, least, ours, shared = _beside(1_000, rate)
        yield Line(
            f"1,000 connections, {rate:,} frames/s on schedule: p50 / p99",
            _percentiles(ours),
            "10 ms" if rate == 30_000 else "",
            _latency(echo, least, shared),
        )
        yield Line("… kept up with", f"{ours.frames_per_s:,.0f}/s", f"{rate:,}/s")


def _many() -> Iterator[Line]:
    echo, least, ours, shared = _beside(STATIONS, 10_000)
    yield Line(
        f"{STATIONS:,} connections, 10,000 frames/s on schedule: p50 / p99",
        _percentiles(ours),
        "10 ms",
        _latency(echo, least, shared),
    )
    yield Line("… kept up with", f"{ours.frames_per_s:,.0f}/s", "10,000/s")
    yield Line(
        "… peak memory of the gateway's process",
        f"{ours.peak_mib:.0f} MiB",
        "80 MiB",
        f"with {RECEIVERS} receivers {shared.peak_mib:.0f} MiB at the end, in all processes",
    )


def _latency(echo: Served, least: Served, shared: Served) -> str:
    others = f"echo {_percentiles(echo)}, the least {_percentiles(least)}"
    return f"{others}, {_with_receivers(shared)}"


def _with_receivers(shared: Served) -> str:
    return f"with {RECEIVERS} receivers {_percentiles(shared)}"


def _percentiles(served: Served) -> str:
    if not served.frames_per_s:
        return "none in time"
    return f"{served.p50_ms:.1f} / {served.p99_ms:.1f} ms"


def _beside(connections: int, rate: int) -> tuple[Served, Served, Served, Served]:
    """Measure the echo, the least, the gateway and one with receivers; return their best rounds."""

    def goodness(served: Served) -> float:
        if not rate or not served.frames_per_s:
            return served.frames_per_s or -inf
        return -served.p99_ms

    rounds = [
        (
            _of_peer("bare_echo", connections, rate, "0"),
            _of_peer("least_gateway", connections, rate, str(BENCH / "least")),
            _of_gateway(connections, rate, 1),
            _of_gateway(connections, rate, RECEIVERS),
        )
        for _ in range(ROUNDS)
    ]
    echo, least, *ours = (max(found, key=goodness) for found in zip(*rounds, strict=True))
    return echo, least, ours[0], ours[1]


def _of_peer(name: str, connections: int, rate: int, *more: str) -> Served:
    command = [sys.executable, str(PEERS / f"{name}.py"), *more, str(SECONDS + 60)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().removeprefix("READY"))
        try:
            return _load(server.pid, port, connections, rate)
        finally:
            server.kill()


def _of_gateway(connections: int, rate: int, receivers: int) -> Served:
    with running(receivers) as (server, port):
        return _load(server.pid, port, connections, rate)


@contextmanager
def running(receivers: int = 1) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a gateway's process as its keeper does, with many stations; yield it and its port."""
    limits = Limits(
        connections_per_address=STATIONS, frames_per_second=10**6, bytes_per_second=10**9
    )
    hashed = password_hash("123456", KEY)
    known = [told_station(Station(f"{n:024X}", "31", hashed)) for n in range(STATIONS)]
    start = {
        "limits": asdict(limits),
        "listen": [("127.0.0.1", 0)],
        "receivers": receivers,
        "reception": None,
        "spool": str(BENCH / "spool"),
        "spool_bytes": 64 * 1024**3,
        "segment_bytes": 64 * 1024**2,
        "floor": 0,
        "password_key": KEY.hex(),
        "tls": None,
        "http": None,
        "mqtt": None,
    }
    lines = [line("start", start)]
    lines += [
        line("stations", {"stations": known[n : n + 500], "secrets": {}})
        for n in range(0, STATIONS, 500)
    ]
    command = [sys.executable, "-m", "shuzhi.gather.sensors.gateway"]
    log = (BENCH / "log").open("w")
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.writelines([*lines, line("go", None)])
        server.stdin.flush()
        _, addresses = read_line(server.stdout.readline())
        port = addresses[0][1]
        # The first record of all waits until the first segment is filled with zeros.
        _stations(port, 1, 0, seconds=WARM_UP_SECONDS)
        yield server, port
        server.stdin.close()
        server.wait(60)
    shutil.rmtree(BENCH / "spool")


def _load(server: int, port: int, connections: int, rate: int) -> Served:
    processes = [server, *_children(server)]
    before = sum(map(_cpu_seconds, processes))
    told = _stations(port, connections, rate)
    spent = sum(map(_cpu_seconds, processes)) - before
    return Served(
        told["frames_per_s"],
        told["p50_ms"],
        told["p99_ms"],
        spent / (told["acknowledged"] or inf) * 1e6,
        _peak_mib(server) if len(processes) == 1 else sum(map(_shared_out_mib, processes)),
    )


def _stations(
    port: int, connections: int, rate: int, *more: str, seconds: float | None = None
) -> dict[str, Any]:
    facts = (port, connections, seconds or SECONDS, rate)
    command = [str(BENCH / "station_load"), *map(str, facts), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    told: dict[str, Any] = json.loads(done.stdout.removeprefix("RESULT "))
    assert told["broken"] == 0, told
    return told


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _children(process: int) -> list[int]:
    found = (path.read_text() for path in Path(f"/proc/{process}/task").glob("*/children"))
    return [int(number) for text in found for number in text.split()]


def _shared_out_mib(process: int) -> float:
    """Return the memory of a process; what several share counts once for all of them."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    return int(rollup.partition("\nPss:")[2].split()[0]) / 1024


def _peak_mib(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _landing() -> Iterator[Line]:
    seconds = float(os.environ.get("GATEWAY_LANDING_SECONDS", LANDING_SECONDS))
    command = [sys.executable, str(PEERS / "landing_alone.py"), str(BENCH), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1].removeprefix("RESULT "))
    yield Line(
        f"spool → lake while 30,000 frames/s come in, {seconds:.0f} s",
        f"{told['frames_per_s']:,.0f}/s",
        "30,000/s",
    )
    yield Line("… the lake was behind by, p50 / most", told["behind"], "")
    yield Line("… memory of the landing, the most in each quarter", told["memory"], "flat")
    yield Line("… as fast as it can, when it has to catch up", f"{told['most']:,.0f}/s")


PARTS: dict[str, Callable[[], Iterator[Line]]] = {
    "closed": _closed_loop,
    "open": _open_loop,
    "many": _many,
    "landing": _landing,
}


def _report(name: str, lines: list[Line]) -> None:
    busy = round(os.getloadavg()[2], 1)
    rounds = "1" if name == "landing" else f"{ROUNDS} × {SECONDS:.0f} s"
    part = Part(time.strftime("%Y-%m-%d"), rounds, busy, lines)
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / "gateway.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    kept[name] = asdict(part)
    kept = {each: kept[each] for each in PARTS if each in kept}
    file.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    text = _text(kept)
    print(text)
    (RESULTS / "gateway.md").write_text(text, encoding="utf-8")


def _text(kept: dict[str, Any]) -> str:
    rows = [list(line.values()) for part in kept.values() for line in part["lines"]]
    head = ("what", "measured", "target", "beside")
    table = "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))
    parts = [
        f"| {name} | {part['date']} | {part['rounds']} | {part['waiting_processes']:.1f} |"
        for name, part in kept.items()
    ]
    measured = "\n".join(
        ("| part | measured | rounds | busy |", "| --- | --- | --- | --- |", *parts)
    )
    title = "# Gateway, HJ 212 frames of 212 bytes, 2 cores"
    return f"{title}\n\n{table}\n\n{_NOTE}\n\n{measured}\n"


_NOTE = """Stations (C, epoll) and server share two cores, sometimes with other work: busy says how
many processes wanted them at a time in the quarter of an hour before a part was done. Each figure
is the best of the rounds, of which the first fifth is not counted; echo, the least and gateway take
turns. Every frame has a time of its own, its checksum and password are checked, and it is
acknowledged after the fdatasync of its batch. On schedule means that frames are sent whatever comes
back, and that latency counts from when one was due; 2000.0 ms is the most that is told apart."""


if __name__ == "__main__":
    main()
