"""Splink with the comparisons, thresholds and training of its own library and tutorials.

Takes a folder with `<table>.parquet`, and its columns as JSON `{column: kind}`; writes the scored
pairs to `splink.parquet` (left, right, score). Several tables are linked, one is deduplicated.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

warnings.simplefilter("ignore")


def comparison(column: str, kind: str) -> Any:
    """Return what Splink's library has for a column of that kind, as it comes."""
    if kind == "name":
        return cl.NameComparison(column)
    if kind == "date":
        return cl.DateOfBirthComparison(column, input_is_string=True)
    if kind == "email":
        return cl.EmailComparison(column)
    if kind == "word":
        return cl.ExactMatch(column).configure(term_frequency_adjustments=True)
    if kind in ("code", "phone"):
        return cl.LevenshteinAtThresholds(column)
    if kind == "number":
        return cl.ExactMatch(column)
    return cl.JaroWinklerAtThresholds(column)


def main() -> None:
    folder, tables, columns = Path(sys.argv[1]), sys.argv[2].split(","), json.loads(sys.argv[3])
    started = perf_counter()
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    api = DuckDBAPI(connection=connection)
    frames = []
    dates = [c for c, kind in columns.items() if kind == "date"]
    iso = ", ".join(
        f"CASE WHEN length({c}) = 8 THEN {c}[1:4] || '-' || {c}[5:6] || '-' || {c}[7:8] "
        f"ELSE {c} END AS {c}" for c in dates
    )  # fmt: skip
    for name in tables:
        star = f"* REPLACE ({iso})" if dates else "*"
        source = f"read_parquet('{folder / f'{name}.parquet'}')"
        connection.execute(f"CREATE TABLE {name} AS SELECT {star} FROM {source}")
        frames.append(api.register(name, dataset_display_name=name))
    blocks = [block_on(c) for c in columns if columns[c] != "word"]
    blocks += [block_on(f"substr({c}, 1, 8)") for c, kind in columns.items() if kind == "text"]
    settings = SettingsCreator(
        link_type="link_only" if len(tables) > 1 else "dedupe_only",
        comparisons=[comparison(c, kind) for c, kind in columns.items()],
        blocking_rules_to_generate_predictions=blocks,
        unique_id_column_name="id",
    )
    linker = Linker(frames if len(frames) > 1 else frames[0], settings, log_level=None)
    train(linker, list(columns))
    found = linker.inference.predict(threshold_match_probability=0.01)
    connection.execute(
        f"COPY (SELECT id_l AS l, id_r AS r, match_probability AS score FROM {found.physical_name})"
        f" TO '{folder / 'splink.parquet'}'"
    )
    print("RESULT", json.dumps({"seconds": perf_counter() - started}))


def train(linker: Any, columns: list[str]) -> None:
    """Train as the tutorials do: two certain rules, random pairs, EM on each of three columns."""
    try:
        linker.training.estimate_probability_two_random_records_match(
            [block_on(*columns[:2]), block_on(columns[0], columns[-1])], recall=0.7
        )
    except ValueError:
        print("the certain rules find more than all")
    if not 0 < linker._settings_obj._probability_two_random_records_match < 1:
        # Where no pair agrees in whole columns Splink cannot predict at all: its default, then.
        linker._settings_obj._probability_two_random_records_match = 0.0001
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for column in columns[:3]:
        try:
            linker.training.estimate_parameters_using_expectation_maximisation(block_on(column))
        except Exception as error:
            print(f"no training on {column}: {str(error)[:100]}")


if __name__ == "__main__":
    main()
