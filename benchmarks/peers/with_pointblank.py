"""Pointblank over Polars: one validation of 20 steps."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pointblank as pb
import polars as pl
import readings as r


def check(folder: Path) -> set[str]:
    """Return the broken promises."""
    frame = pl.read_parquet(folder / "readings.parquet")
    stations = pl.read_parquet(folder / "stations.parquet")["station_id"].to_list()
    plan = pb.Validate(frame)
    for column in r.NOT_NULL:
        plan = plan.col_vals_not_null(column)
    plan = plan.rows_distinct(columns_subset=[r.UNIQUE])
    for column, (least, most) in r.RANGES.items():
        plan = plan.col_vals_between(column, least, most, na_pass=True)
    for column, pattern in r.PATTERNS.items():
        plan = plan.col_vals_regex(column, pattern, na_pass=True)
    for column, values in r.SETS.items():
        # A set has no na_pass: NULL is let through by naming it.
        plan = plan.col_vals_in_set(column, [*values, None])
    hours = timedelta(hours=r.MOST_HOURS)
    plan = plan.data_freshness(r.FRESH, hours, reference_time=r.NOW, timezone="UTC")
    plan = plan.col_vals_expr(pl.len() >= r.LEAST_ROWS)
    plan = plan.col_vals_in_set(r.REFERENCE, [*stations, None])
    done = plan.interrogate(collect_extracts=False)
    failed = done.n_failed()
    return {name for step, name in enumerate(r.names(), start=1) if failed[step]}


if __name__ == "__main__":
    r.run(check)
