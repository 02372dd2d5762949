"""Great Expectations over pandas: one suite of 20 expectations, counts only."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import great_expectations as gx
import pandas as pd
import readings as r
from great_expectations import expectations as gxe


def _expectations(stations: list[str]) -> list[Any]:
    oldest = (r.NOW - timedelta(hours=r.MOST_HOURS)).isoformat()
    return [
        *(gxe.ExpectColumnValuesToNotBeNull(column=c) for c in r.NOT_NULL),
        gxe.ExpectColumnValuesToBeUnique(column=r.UNIQUE),
        *(
            gxe.ExpectColumnValuesToBeBetween(column=c, min_value=a, max_value=b)
            for c, (a, b) in r.RANGES.items()
        ),
        *(gxe.ExpectColumnValuesToMatchRegex(column=c, regex=p) for c, p in r.PATTERNS.items()),
        *(gxe.ExpectColumnValuesToBeInSet(column=c, value_set=list(v)) for c, v in r.SETS.items()),
        gxe.ExpectColumnMaxToBeBetween(column=r.FRESH, min_value=pd.Timestamp(oldest)),
        gxe.ExpectTableRowCountToBeBetween(min_value=r.LEAST_ROWS),
        gxe.ExpectColumnValuesToBeInSet(column=r.REFERENCE, value_set=stations),
    ]


def check(folder: Path) -> set[str]:
    """Return the broken promises."""
    frame = pd.read_parquet(folder / "readings.parquet")
    stations = pd.read_parquet(folder / "stations.parquet")["station_id"].tolist()
    context = gx.get_context(mode="ephemeral")
    source = context.data_sources.add_pandas("bench").add_dataframe_asset("readings")
    batch = source.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite("readings", expectations=_expectations(stations))
    found = batch.validate(suite, result_format="BOOLEAN_ONLY")
    assert len(found.results) == len(r.names())
    kinds = [e.configuration for e in _expectations(stations)]
    names = {_key(k): name for k, name in zip(kinds, r.names(), strict=True)}
    return {names[_key(x.expectation_config)] for x in found.results if not x.success}


def _key(configuration: Any) -> str:
    named = {k: str(v) for k, v in configuration.kwargs.items() if k != "batch_id"}
    return f"{configuration.type} {sorted(named.items())}"


if __name__ == "__main__":
    r.run(check)
