"""A whole gateway, with its landing, in a process that may be killed at any moment.

Its disk loses what was not synced, so that killing it is cutting the power. The variants are wrong
on purpose: the test that they go through must find them out.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import uvloop
from losing_disk import LosingDisk
from running import KEY, registry, stations

from shuzhi.gather.lake import open_lake
from shuzhi.gather.sensors.gateway.limits import Limits
from shuzhi.gather.sensors.gateway.lines import told_station
from shuzhi.gather.sensors.gateway.reception import Reception
from shuzhi.gather.sensors.gateway.server import Gateway
from shuzhi.gather.sensors.landing import Landing, landed_until
from shuzhi.gather.sensors.spool import Record, SpoolSettings, SpoolWriter
from shuzhi.kernel.errors import ShuzhiError

PROPER, ACKNOWLEDGES_FIRST, NEVER_SYNCS = "proper", "acknowledges first", "never syncs"
WITH_RECEIVERS = "with receivers"
SMALL = SpoolSettings(segment_bytes=256 * 1024, most_bytes=64 * 1024 * 1024)
LIMITS = Limits(frames_per_second=100_000, bytes_per_second=100_000_000)


def live(folder: Path, variant: str, mns: Sequence[str], told: Pipe) -> None:
    """Run until killed; tell the port."""
    lake = open_lake(folder / "lake")
    disk = LosingDisk(is_lying=variant == NEVER_SYNCS)
    writer = SpoolWriter(folder / "spool", SMALL, floor=landed_until(lake), storage=disk)
    threading.Thread(target=_land, args=(folder,), daemon=True).start()
    write = Hasty(writer).write if variant == ACKNOWLEDGES_FIRST else writer.write

    async def serve() -> None:
        if variant == WITH_RECEIVERS:
            ((_, port),) = await _reception(writer, mns).open()
        else:
            gateway = Gateway(write, registry(stations(*mns)), LIMITS)
            _, port = await gateway.listen("127.0.0.1", 0)
        told.send(port)
        await asyncio.sleep(3600)

    uvloop.run(serve())


def _reception(writer: SpoolWriter, mns: Sequence[str]) -> Reception:
    start = {
        "limits": asdict(LIMITS),
        "listen": [("127.0.0.1", 0)],
        "receivers": 2,
        "password_key": KEY.hex(),
        "tls": None,
        "http": None,
        "mqtt": None,
    }
    reception = Reception(start, print, writer)
    known = [told_station(station) for station in stations(*mns)]
    reception.learn({"stations": known, "secrets": {}})
    return reception


class Hasty:
    """Says that records are written, and then writes them."""

    def __init__(self, writer: SpoolWriter) -> None:
        self._writer = writer
        self._waiting: list[Record] = []
        threading.Thread(target=self._work, daemon=True).start()

    def write(self, records: Sequence[Record]) -> int:
        self._waiting += records
        return 0

    def _work(self) -> None:
        while True:
            time.sleep(0.02)
            records, self._waiting = self._waiting, []
            if records:
                self._writer.write(records)


def _land(folder: Path) -> None:
    landing = Landing(open_lake(folder / "lake"), folder / "spool", dict)
    while True:
        try:
            landing.land(64 * 1024)
            landing.keep_marks()
        except ShuzhiError:
            time.sleep(0.1)
        time.sleep(0.02)
