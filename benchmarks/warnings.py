"""Forecasts: 1,000 hourly series of 60 days, 24 hours ahead, beside plain statsforecast.

Each series is a daily wave that is not the same every day, weather that lasts, and noise; the 24
hours that follow are kept apart as the truth. Ours is the whole look of a forecaster: out of the
lake, forecast, held to a limit, warnings and forecasts written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from statsforecast import StatsForecast
from statsforecast.models import MSTL, AutoETS

from shuzhi.decide.rules import Watch
from shuzhi.decide.warnings import (
    Forecast,
    Forecaster,
    forecasts,
    parse_forecaster,
    register_forecasters,
    run_forecasters,
)
from shuzhi.gather.lake import open_lake
from shuzhi.kernel.control import metadata, open_control
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.law import Law

RESULTS = Path(__file__).parent / "results"
SERIES, DAYS, AHEAD, ROUNDS = 1_000, 60, 24, 3
NOW = Instant(datetime(2026, 3, 2, tzinfo=UTC))
HOUR = timedelta(hours=1)
TEXT = """
id: dust
title: {{zh: X, en: X}}
dataset: air
event_time: at
value: value
per: [station]
grain: hour
combine: mean
model: {model}
horizon: 24 hours
crossing: {{limit: 95}}
severity: blue
merge_within: 1 day
owner: city
limits: {{max_seconds: 3600}}
"""
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """One way to forecast: seconds for all series, mean error, share within the 90 % interval."""

    seconds: float
    error: float
    covered: float


def main() -> None:
    """Measure in rounds, print, and write `results/warnings.json` and `.md`."""
    values = made()
    tools: Mapping[str, Callable[[Numbers], Line]] = {
        "Shuzhi, a whole look, mstl": lambda v: ours(v, "mstl"),
        "Shuzhi, a whole look, seasonal_naive": lambda v: ours(v, "seasonal_naive"),
        "statsforecast, MSTL as it comes, one process": lambda v: plain(v, 1, {}),
        "statsforecast, MSTL as it comes, two processes": lambda v: plain(v, 2, {}),
        "statsforecast, MSTL with our jumps, one process": lambda v: plain(v, 1, JUMPS),
    }
    # The first forecast imports the library, which is no part of what is measured.
    for measure in tools.values():
        measure(values[:4])
    rounds = [{name: measure(values) for name, measure in tools.items()} for _ in range(ROUNDS)]
    report({name: [lines[name] for lines in rounds] for name in tools})


JUMPS = {"trend_jump": 4, "low_pass_jump": 2}


def made() -> Numbers:
    """Return series by hour, the 24 hours of truth last."""
    chance = np.random.default_rng(2026)
    hours = np.arange((DAYS + 1) * 24)
    high = 20 + 5 * chance.normal(0, 1, (SERIES, DAYS + 1)).repeat(24, axis=1)
    wave = high * np.sin(2 * np.pi * (hours + chance.integers(0, 24, (SERIES, 1))) / 24)
    weather = np.zeros((SERIES, len(hours)))
    for hour in range(1, len(hours)):
        weather[:, hour] = 0.97 * weather[:, hour - 1] + chance.normal(0, 2, SERIES)
    found: Numbers = 60 + wave + weather + chance.normal(0, 3, (SERIES, len(hours)))
    return found


def ours(values: Numbers, model: str) -> Line:
    """Let a forecaster look once."""
    with TemporaryDirectory() as folder:
        watch = watched(Path(folder), values)
        forecaster = parse_forecaster(TEXT.format(model=model).encode(), file="dust.yaml")
        register_forecasters(watch(NOW - HOUR), [forecaster], by="bench")
        start = perf_counter()
        run_forecasters(watch(NOW), [forecaster])
        seconds = perf_counter() - start
        return held(seconds, values, *expected(watch(NOW), forecaster))


def watched(folder: Path, values: Numbers) -> Callable[[datetime], Watch]:
    """Return a city's watch at a given instant, with the series in its lake."""
    lake = open_lake(folder / "lake")
    lake.append("air", rows(values))
    control = open_control(f"sqlite:///{folder / 'control.db'}")
    metadata.create_all(control.engine)
    return lambda at: Watch(control, lake, Law({}), "UTC", lambda: Instant(at))


def rows(values: Numbers) -> pa.Table:
    """Return all but the truth as rows."""
    known = values[:, :-AHEAD]
    times = [NOW - HOUR * h for h in range(known.shape[1], 0, -1)]
    stations = np.repeat([f"s{i:04}" for i in range(len(known))], known.shape[1])
    at = pa.array(times * len(known), pa.timestamp("us", tz="UTC"))
    return pa.table({"station": stations, "at": at, "value": known.ravel()})


def expected(watch: Watch, forecaster: Forecaster) -> tuple[Numbers, Numbers, Numbers]:
    """Return mean, low and high as they were kept, in order of the stations."""
    kept = [one.said for one in forecasts(watch, forecaster) if isinstance(one.said, Forecast)]
    mean, low, high = (np.array([getattr(f, n)[:AHEAD] for f in kept]) for n in NAMES)
    return mean, low, high


NAMES = ("mean", "low", "high")


def plain(values: Numbers, processes: int, jumps: Mapping[str, int]) -> Line:
    """Let statsforecast forecast a data frame."""
    frame = rows(values).to_pandas()
    frame.columns = ["unique_id", "ds", "y"]
    frame["ds"] = frame["ds"].dt.tz_localize(None)
    model = MSTL([24], AutoETS(model="ANN"), stl_kwargs=dict(jumps))
    engine = StatsForecast(models=[model], freq="h", n_jobs=processes)
    start = perf_counter()
    found = engine.forecast(df=frame, h=AHEAD, level=[90])
    seconds = perf_counter() - start
    found = found.sort_values(["unique_id", "ds"])
    names = ("MSTL", "MSTL-lo-90", "MSTL-hi-90")
    mean, low, high = (found[n].to_numpy().reshape(len(values), AHEAD) for n in names)
    return held(seconds, values, mean, low, high)


def held(seconds: float, values: Numbers, mean: Numbers, low: Numbers, high: Numbers) -> Line:
    """Return a line of the table: forecasts held to the truth."""
    truth = values[:, -AHEAD:]
    error = float(np.abs(truth - mean).mean())
    return Line(seconds, error, float(((low <= truth) & (truth <= high)).mean()))


def report(lines: Mapping[str, Sequence[Line]]) -> None:
    """Print the table and write it."""
    numbers: dict[str, Any] = {n: [vars(line) for line in found] for n, found in lines.items()}
    (RESULTS / "warnings.json").write_text(json.dumps(numbers, indent=2) + "\n")
    head = (
        f"# Forecasts: {SERIES:,} hourly series of {DAYS} days, {AHEAD} hours ahead\n\n"
        f"Written by `python -m benchmarks warnings`. {ROUNDS} rounds, medians, least to most in "
        "brackets; the machine of 2 cores was shared with other work.\n\n"
        "| what | seconds | mean error | within the 90 % interval |\n|---|---|---|---|\n"
    )
    table = ""
    for name, found in lines.items():
        seconds = sorted(line.seconds for line in found)
        first = found[0]
        span = f"{median(seconds):.1f} ({seconds[0]:.1f} to {seconds[-1]:.1f})"
        table += f"| {name} | {span} | {first.error:.2f} | {first.covered * 100:.1f} % |\n"
    (RESULTS / "warnings.md").write_text(head + table)
    print(head + table)
