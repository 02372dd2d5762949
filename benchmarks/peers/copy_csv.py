"""DuckDB's plain `COPY … TO parquet` of a CSV file: nothing is checked, nothing is synced."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter

import duckdb


def copy(source: Path) -> int:
    """Copy the file and return how many rows there are in the copy."""
    target = source.with_suffix(".copied.parquet")
    target.unlink(missing_ok=True)
    done = duckdb.execute(f"COPY (FROM read_csv('{source}')) TO '{target}' (FORMAT parquet)")
    rows = int(done.fetchall()[0][0])
    target.unlink()
    return rows


if __name__ == "__main__":
    started = perf_counter()
    rows = copy(Path(sys.argv[1]))
    print("RESULT " + json.dumps({"seconds": perf_counter() - started, "read": rows}))
