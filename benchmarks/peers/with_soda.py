"""Soda Core: a contract verified over DuckDB views of the files."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import readings as r
from soda_core.contracts.api import verify_contract_locally
from soda_duckdb.common.data_sources.duckdb_data_source import DuckDBDataSourceImpl

_SOURCE = "bench/memory/main"


def contract() -> dict[str, Any]:
    """Return the contract; each check is named like its promise."""
    columns: dict[str, list[dict[str, Any]]] = {}

    def add(column: str, kind: str, name: str, **more: Any) -> None:
        # Soda tells the checks of one kind on one column apart by a qualifier.
        check = {kind: {"name": name, "qualifier": name.replace(".", "_"), **more}}
        columns.setdefault(column, []).append(check)

    for column in r.NOT_NULL:
        add(column, "missing", f"{column}.not_null")
    add(r.UNIQUE, "duplicate", f"{r.UNIQUE}.unique")
    for column, (least, most) in r.RANGES.items():
        add(column, "invalid", f"{column}.range", valid_min=least, valid_max=most)
    for column, pattern in r.PATTERNS.items():
        shape = {"name": "shape", "regex": pattern}
        add(column, "invalid", f"{column}.pattern", valid_format=shape)
    for column, values in r.SETS.items():
        add(column, "invalid", f"{column}.set", valid_values=list(values))
    stations = {"dataset": f"{_SOURCE}/stations", "column": "station_id"}
    add(r.REFERENCE, "invalid", f"{r.REFERENCE}.reference", valid_reference_data=stations)
    age = {"unit": "hour", "must_be_less_than": r.MOST_HOURS}
    fresh = {"name": f"{r.FRESH}.fresh", "column": r.FRESH, "threshold": age}
    rows = {"name": "row_count", "threshold": {"must_be_greater_than_or_equal": r.LEAST_ROWS}}
    return {
        "dataset": f"{_SOURCE}/readings",
        "columns": [{"name": name, "checks": checks} for name, checks in columns.items()],
        "checks": [{"row_count": rows}, {"freshness": fresh}],
    }


def check(folder: Path) -> set[str]:
    """Return the broken promises; the table is older than a day at any time from now on."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name in ("readings", "stations"):
        connection.execute(f"CREATE VIEW {name} AS FROM '{folder / name}.parquet'")
    source = DuckDBDataSourceImpl.from_existing_cursor(connection, "bench")
    with TemporaryDirectory() as place:
        file = Path(place) / "readings.yml"
        file.write_text(json.dumps(contract()))
        session = verify_contract_locally(data_sources=[source], contract_file_path=str(file))
    results = session.contract_verification_results[0].check_results
    assert len(results) == len(r.names()), session.get_errors_str()
    return {c.check.name for c in results if c.outcome.name == "FAILED"}


if __name__ == "__main__":
    r.run(check)
