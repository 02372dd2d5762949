"""Pandera over Polars: a schema validated to the end, all failures collected."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandera.polars as pa
import polars as pl
import readings as r
from pandera.errors import SchemaErrors


def _column(name: str) -> pa.Column:
    checks = []
    if name in r.RANGES:
        checks.append(pa.Check.in_range(*r.RANGES[name], name=f"{name}.range"))
    if name in r.PATTERNS:
        checks.append(pa.Check.str_matches(r.PATTERNS[name], name=f"{name}.pattern"))
    if name in r.SETS:
        checks.append(pa.Check.isin(r.SETS[name], name=f"{name}.set"))
    return pa.Column(checks=checks, nullable=name not in r.NOT_NULL, unique=name == r.UNIQUE)


def check(folder: Path) -> set[str]:
    """Return the broken promises."""
    frame = pl.read_parquet(folder / "readings.parquet")
    stations = pl.read_parquet(folder / "stations.parquet")["station_id"].to_list()
    columns = {name: _column(name) for name in frame.columns}
    known = pa.Check.isin(stations, name=f"{r.REFERENCE}.reference")
    columns[r.REFERENCE].checks.append(known)
    oldest = r.NOW - timedelta(hours=r.MOST_HOURS)
    newest, few = pl.col(r.FRESH).max() >= oldest, pl.len() >= r.LEAST_ROWS
    whole = [
        pa.Check(lambda d: d.lazyframe.select(newest), name=f"{r.FRESH}.fresh"),
        pa.Check(lambda d: d.lazyframe.select(few), name="row_count"),
    ]
    try:
        pa.DataFrameSchema(columns, checks=whole).validate(frame, lazy=True)
    except SchemaErrors as errors:
        return {_name(e) for e in errors.schema_errors}
    return set()


def _name(error: object) -> str:
    check, schema = getattr(error, "check", None), getattr(error, "schema", None)
    column = getattr(schema, "name", None)
    words = {"not_nullable": f"{column}.not_null", "field_uniqueness": f"{column}.unique"}
    return words.get(str(check)) or str(getattr(check, "name", check))


if __name__ == "__main__":
    r.run(check)
