"""Ten years of requests to New York's council opened as cases: rate, memory, duplicates merged.

Reads the reference data beside the checkout (`SHUZHI_REFERENCE_DATA`, default `../shared`); without
it nothing is measured.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from benchmarks._apart import Run, run, table

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
FILE = "data/04_service_requests/nyc_council_constituent_cases/nycomplaints.parquet"
COUNTS = (20_000, 100_000, 341_299)


def main() -> None:
    """Measure, print, and write `results/council.json` and `.md`."""
    shared = Path(os.environ.get("SHUZHI_REFERENCE_DATA", ROOT.parent / "shared"))
    if not (shared / FILE).exists():
        print("The reference data are not there; nothing was measured.")
        return
    report({count: run("council_cases", shared / FILE, count) for count in COUNTS})


def report(runs: dict[int, Run]) -> None:
    """Print and write what was measured."""
    head = ("rows", "cases", "joined an open case", "key taken before", "rows a second",
            "peak memory, MB", "store, MB")  # fmt: skip
    rows: list[tuple[object, ...]] = [
        (f"{count:,}", f"{of['cases']:,}", f"{of['joined']:,}", f"{of['repeats']:,}",
         f"{count / of['seconds']:,.0f}", f"{run.peak_mb:,.0f}", f"{of['store_mb']:,.0f}")
        for count, run in runs.items()
        for of in (run.answer,)
    ]  # fmt: skip
    page = "\n".join([
        "# New York's council: ten years of requests opened as cases on SQLite (WAL, synchronous="
        "FULL)",
        "",
        "Written by `python -m benchmarks council`. One run each, in a process of its own; state, "
        "history and audit entry written, 500 reports a transaction; 2 cores, shared with other "
        "work.",
        "",
        table(head, rows),
        "",
    ])  # fmt: skip
    (RESULTS / "council.md").write_text(page, encoding="utf-8")
    content = {count: {**run.answer, "peak_mb": run.peak_mb} for count, run in runs.items()}
    (RESULTS / "council.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
