"""One statement of SQL written by hand for DuckDB: the yardstick."""

from __future__ import annotations

from pathlib import Path

import duckdb
import readings as r


def statement(folder: Path, *, within: bool) -> str:
    """Return the statement; `within`: keys and references are counted in the main aggregate."""
    rows, stations = f"'{folder}/readings.parquet'", f"'{folder}/stations.parquet'"
    null = [f"count(*) - count({c})" for c in r.NOT_NULL]
    ranges = [f"count(*) FILTER (NOT {c} BETWEEN {a} AND {b})" for c, (a, b) in r.RANGES.items()]
    pattern = [f"count(*) FILTER (NOT regexp_matches({c}, '{p}'))" for c, p in r.PATTERNS.items()]
    sets = [f"count(*) FILTER ({c} NOT IN {values})" for c, values in r.SETS.items()]
    fresh = f"(max({r.FRESH}) < TIMESTAMPTZ '{r.NOW}' - INTERVAL {r.MOST_HOURS} HOUR)::INT"
    unique = f"count({r.UNIQUE}) - count(DISTINCT {r.UNIQUE})"
    orphan = f"count(*) FILTER ({r.REFERENCE} NOT IN (SELECT station_id FROM {stations}))"
    if not within:
        unique = f"(SELECT {unique} FROM {rows})"
        orphan = f"(SELECT count(*) FROM {rows} ANTI JOIN {stations} USING (station_id))"
    few = f"(count(*) < {r.LEAST_ROWS})::INT"
    counts = [*null, unique, *ranges, *pattern, *sets, fresh, few, orphan]
    return f"SELECT {', '.join(counts)} FROM {rows}"


def check(folder: Path, *, within: bool = True) -> list[str]:
    """Return the broken promises."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    (counts,) = connection.execute(statement(folder, within=within)).fetchall()
    return [name for name, count in zip(r.names(), counts, strict=True) if count]


if __name__ == "__main__":
    r.run(check)
