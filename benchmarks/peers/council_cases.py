"""Opens a case for each request to New York's council, the first `count` of them, on SQLite.

Rows that agree in all but their key are reports of one matter; a key that comes again is taken
once.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import pyarrow.parquet as pq

from shuzhi.act.cases import SYSTEM, Office, Opened, Report, open_all, parse_case_kind
from shuzhi.kernel.control import metadata, open_control
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.party import Level, Party
from shuzhi.kernel.workdays import china_working_days
from shuzhi.share.parties import register_party

BATCH = 5_000
NOW = Instant(datetime(2026, 3, 2, 1, tzinfo=UTC))
KIND = b"""
id: request
title: {zh: X, en: X}
severities: [ordinary]
steps:
  feed_back: {from: NEW, by: desk}
  check: {from: FED_BACK, by: checker}
  close: {from: CHECKED, by: desk}
clocks:
  - {id: answer, title: {zh: X, en: X}, over: NEW, answers: desk, limit: 5 working days}
closing: {evidence: {photo: 1}}
"""


def rows(path: str, count: int) -> Iterator[list[dict[str, str]]]:
    """Yield the first `count` rows, 5,000 at a time."""
    for batch in pq.ParquetFile(path).iter_batches(batch_size=BATCH):
        found: list[dict[str, str]] = batch.slice(0, max(count, 0)).to_pylist()
        yield found
        count -= len(found)


def report(row: dict[str, str]) -> Report:
    """Return the report of a row."""
    fields = "\n".join(f"{k}={v}" for k, v in sorted(row.items()) if k != "unique_key")
    matter = hashlib.sha256(fields.encode()).hexdigest()
    origin, title = f"council:{row['unique_key']}", row["complaint_type"] or ""
    return Report("request", "ordinary", SYSTEM, None, title, merge_key=matter, origin=origin)


def opened(path: str, count: int, folder: Path) -> dict[str, Any]:
    """Open them all, and return counts, seconds and the size of the store."""
    control = open_control(f"sqlite:///{folder / 'control.db'}")
    metadata.create_all(control.engine)
    desk, kind = PartyId("city"), parse_case_kind(KIND, file="request.yaml")
    register_party(control, Party(desk, "市", "City", Level.CITY))
    calendar, zone = china_working_days(), "Asia/Shanghai"
    office = Office(control, {kind.id: kind}, calendar, zone, desk, folder, lambda: NOW)
    found, seconds = {"cases": 0, "joined": 0, "repeats": 0}, 0.0
    for batch in rows(path, count):
        reports = [report(row) for row in batch]
        started = perf_counter()
        done = open_all(office, reports)
        seconds += perf_counter() - started
        for each in done:
            assert isinstance(each, Opened)
            found["cases" if each.is_new else "repeats" if each.is_repeat else "joined"] += 1
    size = (folder / "control.db").stat().st_size
    return {**found, "seconds": seconds, "store_mb": size / 1e6}


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        answer = opened(sys.argv[1], int(sys.argv[2]), Path(scratch))
    print("RESULT " + json.dumps(answer))
