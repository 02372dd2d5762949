"""Models by grain against models built whole, and indicators over a million rows and cases.

Results are printed and kept in `benchmarks/results/decide.json`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import numpy as np
import pyarrow as pa

from shuzhi.decide.indicators import CASES, Facts, Measuring, compute, parse_goal, recompute, tree
from shuzhi.decide.models import Building, State, parse_model, run_models
from shuzhi.gather.lake import Lake, open_lake
from shuzhi.kernel.control import Control, open_control
from shuzhi.kernel.instant import system_clock
from shuzhi.kernel.law import Law
from shuzhi.migrations import migrate

Result = TypeVar("Result")
RESULTS = Path(__file__).parent / "results"
ROWS = 1_000_000
STATIONS = 100
START = np.datetime64("2025-01-01T00:00", "us")
SQL = """
SELECT station, date_trunc('day', observed_at) AS day, AVG(value) AS mean, COUNT(*) AS readings
FROM readings GROUP BY station, date_trunc('day', observed_at)
"""
TITLE = "title: {zh: 日均值, en: Daily means}"
BY_DAY = "incremental: {dataset: readings, by: observed_at, grain: day, key: [station, day]}"
INDICATOR = """\
      - id: share_{n}
        title: {{zh: 达标率, en: Share}}
        kind: vital_sign
        unit: "%"
        owner: city
        refresh: 1 hour
        thresholds: {{direction: higher_is_better, green: 90, yellow: 50}}
        reads: [readings]
        group_by: [station]
        sql: |
          SELECT station, COUNT_IF(value < {limit}) AS numerator, COUNT(*) AS denominator
          FROM readings GROUP BY station
        rows: SELECT * FROM readings WHERE value >= {limit}
"""
CLOSING = """\
      - id: closing_rate
        title: {zh: 结案率, en: Closing rate}
        kind: core_performance
        unit: "%"
        owner: city
        refresh: 1 hour
        reads: [case_facts]
        group_by: [party]
        sql: |
          SELECT party, COUNT(closed_at) AS numerator, COUNT(*) AS denominator
          FROM case_facts WHERE due_at <= :now GROUP BY party
        rows: SELECT * FROM case_facts WHERE closed_at IS NULL
"""
GOAL = """\
id: bench
title: {zh: 测试, en: Bench}
dimensions:
  - id: all
    title: {zh: 全部, en: All}
    indicators:
"""


class _Silent:
    def started(self, label: str, total: int | None) -> None: ...
    def advanced(self, amount: int) -> None: ...
    def finished(self) -> None: ...


def main() -> None:
    """Measure, print and keep."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        control = open_control(f"sqlite:///{root / 'control.db'}")
        migrate(control)
        lake = open_lake(root / "lake")
        lake.append("readings", _readings(np.arange(ROWS), np.arange(ROWS) // 2))
        results = {**_models(lake, control), **_indicators(lake, control)}
    for name, seconds in results.items():
        print(f"{name:<60} {seconds:8.3f} s")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "decide.json").write_text(json.dumps(results, indent=1) + "\n")


def _models(lake: Lake, control: Control) -> dict[str, float]:
    by_day = parse_model(f"/*\n{TITLE}\n{BY_DAY}\n*/{SQL}".encode(), file="by_day.sql")
    whole = parse_model(f"/*\n{TITLE}\n*/{SQL}".encode(), file="whole.sql")
    building = Building(control, lake, system_clock)

    def built(label: str) -> dict[str, float]:
        seconds = {}
        for model in (by_day, whole):
            seconds[f"model {model.name}: {label}"], (run,) = _timed(
                lambda model=model: run_models(building, [model], _Silent())
            )
            assert run.state is State.BUILT, run.reason
        with lake.duck(only=["by_day", "whole"]) as connection:
            (left,) = connection.execute(
                "SELECT count(*) FROM ((FROM by_day EXCEPT FROM whole) UNION ALL "
                "(FROM whole EXCEPT FROM by_day))"
            ).fetchall()[0]
        assert left == 0
        return seconds

    results = built(f"first build of {ROWS:,} rows")
    lake.append("readings", _readings(np.arange(ROWS, ROWS + 1000), np.full(1000, ROWS // 2 + 1)))
    results |= built("1,000 new rows")
    lake.append("readings", _readings(np.arange(ROWS + 1000, ROWS + 1010), np.full(10, 5)))
    results |= built("10 rows that are a year late")
    lake.upsert("readings", _readings(np.arange(10, 13), np.full(3, 9000)), key=["id"])
    return results | built("3 corrected rows in the largest file")


def _indicators(lake: Lake, control: Control) -> dict[str, float]:
    shares = "".join(INDICATOR.format(n=n, limit=n * 5) for n in range(50))
    goal = parse_goal((GOAL + shares + CLOSING).encode(), file="bench.yaml")
    cases = _cases(100_000)
    lent = {CASES: Facts(("case_id",), lambda _: cases)}
    measuring = Measuring(
        control, lake, Law({}), "Asia/Shanghai", system_clock, {"bench": goal}, lent
    )
    results = {}
    results["50 indicators over 1 M rows in 100 groups, 1 over 100,000 cases"], runs = _timed(
        lambda: compute(measuring)
    )
    assert not any(run.problem for run in runs)
    results["the same with nothing changed"], _ = _timed(lambda: compute(measuring))
    changed = cases.set_column(1, "party", pa.array(["other"] * len(cases)))
    newer = replace(measuring, lent={CASES: Facts(("case_id",), lambda _: changed)})
    results["1 over 100,000 cases that all changed"], _ = _timed(
        lambda: compute(newer, ["closing_rate"])
    )
    results["tree of 51 indicators"], _ = _timed(lambda: tree(measuring, "bench"))
    results["one value computed again"], again = _timed(lambda: recompute(measuring, runs[0].id))
    assert again.is_same
    return results


def _readings(ids: np.ndarray, minutes: np.ndarray) -> pa.Table:
    times = pa.array(START + minutes.astype("timedelta64[m]"), pa.timestamp("us"))
    return pa.table(
        {
            "id": ids,
            "station": pa.array([f"station_{i % STATIONS}" for i in ids]),
            "observed_at": times.cast(pa.timestamp("us", tz="UTC")),
            "value": pa.array((ids * 7) % 500),
        }
    )


def _cases(number: int) -> pa.Table:
    due = system_clock() - timedelta(hours=1)
    moment = pa.timestamp("us", tz="UTC")
    closed = [due if case % 10 else None for case in range(number)]
    return pa.table(
        {
            "case_id": pa.array(range(number), pa.int64()),
            "party": [f"party_{case % 30}" for case in range(number)],
            "due_at": pa.array([due] * number, moment),
            "closed_at": pa.array(closed, moment),
        }
    )


def _timed(do: Callable[[], Result]) -> tuple[float, Result]:
    start = perf_counter()
    result = do()
    return round(perf_counter() - start, 3), result
