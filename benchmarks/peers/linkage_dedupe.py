"""dedupe, taught as its examples teach it: it asks about pairs, and the truth answers.

Takes a folder with `<table>.parquet` and `truth.parquet` (l, r), columns as JSON `{column: kind}`,
how many questions it may ask, and a seed; writes the pairs it links to `dedupe.parquet`.
"""

from __future__ import annotations

import json
import random
import sys
from itertools import combinations
from pathlib import Path
from time import perf_counter
from typing import Any

import dedupe
import dedupe.variables as variables
import numpy as np
import pandas as pd


def variable(column: str, kind: str, corpus: list[str]) -> list[Any]:
    """Return the variables that dedupe's documentation gives to columns of that kind."""
    if kind == "text":
        text = variables.Text(column, corpus=corpus, has_missing=True)
        return [variables.String(column, has_missing=True, name=f"{column}_string"), text]
    if kind == "number":
        return [variables.Price(column, has_missing=True)]
    if kind in ("code", "phone", "date"):
        return [variables.ShortString(column, has_missing=True)]
    return [variables.String(column, has_missing=True)]


def value(text: Any, kind: str) -> Any:
    """Return a value as dedupe wants it: lower case, None where it is missing."""
    if text is None or not str(text).strip():
        return None
    if kind == "number":
        digits = "".join(c for c in str(text) if c in "0123456789.")
        return float(digits) if digits.strip(".") and float(digits) > 0 else None
    return " ".join(str(text).lower().split())


def read(file: Path, columns: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the records of a table by id."""
    rows = pd.read_parquet(file).to_dict("records")
    return {
        row["id"]: {"id": row["id"], **{c: value(row[c], k) for c, k in columns.items()}}
        for row in rows
    }


def teach(model: Any, truth: set[tuple[str, str]], questions: int) -> None:
    """Answer what it asks, with the truth."""
    for _ in range(questions):
        pair = model.uncertain_pairs()[0]
        a, b = pair[0]["id"], pair[1]["id"]
        kind = "match" if (a, b) in truth or (b, a) in truth else "distinct"
        model.mark_pairs({"match": [], "distinct": [], kind: [pair]})


def main() -> None:
    folder, tables, columns = Path(sys.argv[1]), sys.argv[2].split(","), json.loads(sys.argv[3])
    questions, seed = int(sys.argv[4]), int(sys.argv[5])
    random.seed(seed)
    np.random.seed(seed)
    started = perf_counter()
    data = [read(folder / f"{name}.parquet", columns) for name in tables]
    pairs = pd.read_parquet(folder / "truth.parquet")
    truth = set(zip(pairs["l"], pairs["r"], strict=True))
    fields = [
        v for c, k in columns.items()
        for v in variable(c, k, [r[c] for d in data for r in d.values() if r[c]])
    ]  # fmt: skip
    kind = dedupe.RecordLink if len(data) > 1 else dedupe.Dedupe
    model = kind(fields, num_cores=0, in_memory=True)
    model.prepare_training(*data)
    teach(model, truth, questions)
    model.train(index_predicates=len(data[0]) < 10_000)
    if len(data) > 1:
        found = [(a, b) for (a, b), _ in model.join(*data, threshold=0.5)]
    else:
        groups = (sorted(ids) for ids, _ in model.partition(data[0], threshold=0.5))
        found = [pair for group in groups for pair in combinations(group, 2)]
    frame = pd.DataFrame(found, columns=["l", "r"])
    frame.to_parquet(folder / "dedupe.parquet")
    print("RESULT", json.dumps({"seconds": perf_counter() - started}))


if __name__ == "__main__":
    main()
