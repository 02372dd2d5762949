"""Pages in headless Chromium, and many people who look on: bytes, time until ready, cost of each.

The city is the demonstration's (flights), with cases opened for it; a case a second makes the news.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter, sleep
from typing import Any

from benchmarks._apart import table

RESULTS = Path(__file__).parent / "results"
PEERS = Path(__file__).parent / "peers"
ROUNDS = 5
CLIENTS = 500
SECONDS = 20
CASES = 200
OPERATIONS = "/operations"
PAGES = (
    "/",
    "/catalogue",
    "/datasets/flights",
    "/cases",
    "/cases/1",
    "/indicators",
    "/warnings",
    "/evaluation",
    "/audit",
    "/sources",
)
_TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    with TemporaryDirectory(prefix="shuzhi-pages-") as folder:
        city = Path(folder) / "city"
        opened(city, CASES)
        with server("web", "--city", str(city), "--acting") as (port, _):
            pages = {path: visits(port, path) for path in (OPERATIONS, *PAGES)}
        with server("web", "--city", str(city)) as (port, process):
            ours = looked_on(port, process, "/live/operations/zh", city)
        with server(str(PEERS / "sse_least.py")) as (port, process):
            least = looked_on(port, process, "/news", None)
    report(pages, ours, least)


def opened(city: Path, cases: int) -> None:
    """Build the city of the demonstration, with cases in it."""
    from shuzhi.act.cases import SYSTEM, Report, open_case
    from shuzhi.cli.demo import build

    there = build(city).city
    kind = there.office.clocks("data_defect").kind
    for number in range(cases):
        title = f"{kind.title.zh} {number}"
        report = Report(kind.id, kind.severities[0], SYSTEM, None, title, title, f"bench:{number}")
        open_case(there.office, report)
    there.record()


@contextmanager
def server(*words: str) -> Iterator[tuple[int, int]]:
    """Run a server on a free port of this machine; yield its port and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    listen = f"127.0.0.1:{port}"
    ours = words[0] == "web"
    command = [sys.executable, *(("-m", "shuzhi", *words, "--listen") if ours else words), listen]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            until = monotonic() + 60
            while monotonic() < until:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                sleep(0.1)
            yield port, process.pid
        finally:
            process.terminate()


def visits(port: int, path: str) -> dict[str, float]:
    """Visit a page with an empty cache some times; the first visit only warms the server."""
    found = [visit(port, path) for _ in range(ROUNDS + 1)][1:]
    return {name: median(each[name] for each in found) for name in found[0]}


def visit(port: int, path: str) -> dict[str, float]:
    """Return the bytes that came over the wire for a page, and when it was ready (seconds)."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
        devtools = page.context.new_cdp_session(page)
        devtools.send("Network.enable")
        bytes_of: list[float] = []
        devtools.on("Network.loadingFinished", lambda e: bytes_of.append(e["encodedDataLength"]))
        page.goto(f"http://127.0.0.1:{port}{path}", wait_until="load")
        timing = page.evaluate(
            "() => { const n = performance.getEntriesByType('navigation')[0];"
            " const p = performance.getEntriesByName('first-contentful-paint')[0];"
            " return [n.loadEventEnd, p ? p.startTime : n.loadEventEnd]; }"
        )
        page.wait_for_timeout(100)
        browser.close()
    return {"bytes": sum(bytes_of), "ready": timing[0] / 1_000, "painted": timing[1] / 1_000}


def looked_on(port: int, process: int, path: str, city: Path | None) -> dict[str, float]:
    """Let many look on; return the processor time, memory and news for each of them."""
    return asyncio.run(_looked_on(port, process, path, city))


async def _looked_on(port: int, process: int, path: str, city: Path | None) -> dict[str, float]:
    heard: list[int] = []
    first = asyncio.create_task(_listen(port, path, []))
    await asyncio.sleep(3)
    before = _resident_kb(process)
    listeners = [asyncio.create_task(_listen(port, path, heard)) for _ in range(CLIENTS)]
    await asyncio.sleep(4)
    newsmaker = None if city is None else asyncio.create_task(_make_news(city))
    heard.clear()
    async with asyncio.timeout(60):
        while len(heard) < CLIENTS:
            await asyncio.sleep(0.1)
    heard.clear()
    cpu, started = _cpu_seconds(process), perf_counter()
    await asyncio.sleep(SECONDS)
    took, used = perf_counter() - started, _cpu_seconds(process) - cpu
    after = _resident_kb(process)
    for task in (first, newsmaker, *listeners):
        if task is not None:
            task.cancel()
    return {
        "core_share": used / took,
        "kb_each": (after - before) / CLIENTS,
        "news_each_second": len(heard) / CLIENTS / took,
    }


async def _listen(port: int, path: str, heard: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    try:
        while line := await reader.readline():
            if line.startswith(b"event: news"):
                heard.append(1)
    finally:
        writer.close()


async def _make_news(city: Path) -> None:
    """Open a case a second, in a process of its own."""
    script = PEERS / "case_a_second.py"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), str(city), str(SECONDS + 20)
    )
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()


def _resident_kb(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def report(pages: dict[str, dict[str, float]], ours: Any, least: Any) -> None:
    """Print the tables and write them."""
    (RESULTS / "pages.json").write_text(
        json.dumps({"pages": pages, "ours": ours, "least": least}, indent=2) + "\n"
    )
    head = ("page, cold", "over the wire", "ready", "first paint", "target")
    rows: list[tuple[object, ...]] = [
        (
            path,
            f"{found['bytes'] / 1_000:.1f} KB",
            f"{found['ready']:.2f} s",
            f"{found['painted']:.2f} s",
            "600 KB, 1.5 s" if path == OPERATIONS else "100 KB, 0.5 s",
        )
        for path, found in pages.items()
    ]
    live_head = ("live clients", "news each second", "share of one core", "memory for each")
    live = [
        (
            f"{CLIENTS}, {name}",
            f"{found['news_each_second']:.2f}",
            f"{found['core_share'] * 100:.1f} %",
            f"{found['kb_each'] / 1_000:.3f} MB",
        )
        for name, found in (("the operations centre", ours), ("a bare stream", least))
    ]
    live.append(("target", "1", "5 %", "0.1 MB"))
    load = os.getloadavg()[0]
    text = (
        "# Pages and live clients\n\nWritten by `python -m benchmarks pages`: the city of the "
        f"demonstration with {CASES} cases, Chromium with an empty cache, medians of {ROUNDS} "
        "visits after one that warms the server; browser and server share two cores.\n\n"
        f"{table(head, rows)}\n\n{table(live_head, live)}\n\n"
        "The bare stream tells 100 bytes a second from memory, on the same server software, and "
        f"looks at nothing. Load of the machine at the end: {load:.1f}.\n"
    )
    (RESULTS / "pages.md").write_text(text)
    print(text)
