"""The table that every tool checks, and the 20 promises about it; only the standard library."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

NOT_NULL = ("reading_id", "station_id", "observed_at", "temperature", "humidity", "status")
UNIQUE = "reading_id"
RANGES = {"pm10": (0, 500), "temperature": (-40, 60), "humidity": (0, 100), "wind": (0, 60)}
PATTERNS = {"serial": "^SN-[0-9]{8}$", "phone": "^1[0-9]{10}$", "station_id": "^s[0-9]{4}$"}
SETS = {
    "status": ("valid", "doubtful", "maintenance"),
    "grade": ("A", "B", "C"),
    "district_code": tuple(str(500_100 + n) for n in range(38)),
}
FRESH = "observed_at"
MOST_HOURS = 24
LEAST_ROWS = 1000
REFERENCE = "station_id"
NOW = datetime(2026, 3, 3, tzinfo=UTC)

# Which of the 20 promises `benchmarks/quality.py` breaks when it makes the table.
BROKEN = {
    "temperature.not_null",
    "status.not_null",
    "reading_id.unique",
    "pm10.range",
    "phone.pattern",
    "grade.set",
    "observed_at.fresh",
    "station_id.reference",
}


def names() -> list[str]:
    """Return the names of the 20 promises."""
    return [
        *(f"{c}.not_null" for c in NOT_NULL),
        f"{UNIQUE}.unique",
        *(f"{c}.range" for c in RANGES),
        *(f"{c}.pattern" for c in PATTERNS),
        *(f"{c}.set" for c in SETS),
        f"{FRESH}.fresh",
        "row_count",
        f"{REFERENCE}.reference",
    ]


def run(check: Callable[[Path], Iterable[str]]) -> None:
    """Run `check` on the folder named on the command line; print which promises it found broken."""
    folder = Path(sys.argv[1])
    started = perf_counter()
    broken = sorted(check(folder))
    answer = {"seconds": perf_counter() - started, "broken": broken}
    print("RESULT " + json.dumps(answer))
