"""Forecasts of real air, held to what came: stations with gaps, dead sensors, dirty winters."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from shuzhi.decide.rules import Watch
from shuzhi.decide.warnings import Backtest, Why, backtest, parse_forecaster
from shuzhi.gather.lake import open_lake
from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.law import Law

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

FORECASTER = """
id: fine_dust
title: {{zh: 细颗粒物预报, en: Fine dust is expected above the limit}}
dataset: air
event_time: at
value: value
per: [station]
grain: hour
horizon: 24 hours
severity: yellow
owner: city
merge_within: 24 hours
least: 0
crossing: {{limit: {limit}, of: {of}}}
"""
BEIJING_TIME = timedelta(hours=8)


def table(rows: Iterable[tuple[str, datetime, float | None]]) -> pa.Table:
    stations, times, values = zip(*rows, strict=True)
    at = pa.array([t - BEIJING_TIME for t in times], pa.timestamp("us", tz="UTC"))
    return pa.table({"station": stations, "at": at, "value": pa.array(values, pa.float64())})


@pytest.fixture(scope="module")
def beijing(shared: Path) -> pa.Table:
    file = shared / "data" / "01_air" / "beijing_prsa_2013_2017" / "prsa_hourly.parquet"
    columns = ["year", "month", "day", "hour", "PM2.5", "station"]
    found = pq.read_table(file, columns=columns, filters=[("year", ">=", 2016)])
    times = zip(*(found[c].to_pylist() for c in columns[:4]), strict=True)
    hours = [datetime(*time) for time in times]  # noqa: DTZ001  (turned into UTC by `table`)
    values = found["PM2.5"].to_pylist()
    return table(zip(found["station"].to_pylist(), hours, values, strict=True))


@pytest.fixture(scope="module")
def chongqing(shared: Path) -> pa.Table:
    folder = shared / "data" / "01_air" / "cnemc_2019_chongqing_region"
    with (folder / "stations.csv").open(encoding="utf-8") as file:
        mine = [row["ID"] for row in csv.DictReader(file) if row["area"] == "重庆"]
    found = pq.read_table(folder / "sites_wide.parquet")
    found = found.filter(pc.equal(found["type"], "PM2.5"))
    days, hours = found["date"].to_pylist(), found["hour"].to_pylist()
    times = [day_of(d) + timedelta(hours=int(h)) for d, h in zip(days, hours, strict=True)]
    return table(
        (station, time, value)
        for station in mine
        for time, value in zip(times, found[station].to_pylist(), strict=True)
    )


def day_of(day: Any) -> datetime:
    return datetime.strptime(str(day), "%Y%m%d")  # noqa: DTZ007  (turned into UTC by `table`)


def replayed(
    folder: Path, control: Control, rows: pa.Table, first: datetime, days: int, **text: Any
) -> Backtest:
    """Forecast at each midnight of Beijing time of `days` days."""
    lake = open_lake(folder / "lake")
    lake.append("air", rows)
    watch = Watch(control, lake, Law({}), "Asia/Shanghai", lambda: Instant(datetime.now(UTC)))
    forecaster = parse_forecaster(FORECASTER.format(**text).encode(), file="fine_dust.yaml")
    since = Instant((first - BEIJING_TIME).replace(tzinfo=UTC))
    return backtest(watch, forecaster, since, Instant(since + timedelta(days=days)))


def test_a_winter_of_beijing(tmp_path: Path, control: Control, beijing: pa.Table) -> None:
    first = datetime(2016, 11, 1)  # noqa: DTZ001
    found = replayed(tmp_path, control, beijing, first, 60, limit=150, of="bound")
    assert found.errors is not None
    assert found.errors.steps > 15_000
    assert len(found.by_series) == 12
    better = [e for e in found.by_series.values() if e.mae <= e.naive_mae]
    assert len(better) >= 10
    assert found.errors.skill > 0.15
    assert found.errors.covered.value == pytest.approx(0.86, abs=0.06)
    assert found.foretold is not None
    recall, precision = found.foretold.recall.value, found.foretold.precision.value
    assert recall is not None
    assert precision is not None
    assert recall > 0.5
    assert precision > 0.3


def test_a_spring_of_chongqing(tmp_path: Path, control: Control, chongqing: pa.Table) -> None:
    first = datetime(2019, 3, 5)  # noqa: DTZ001
    found = replayed(tmp_path, control, chongqing, first, 60, limit=75, of="forecast")
    assert found.errors is not None
    # Of 17 stations two are dead all year, and two more began late or stopped.
    assert 13 <= len(found.by_series) <= 15
    better = [e for e in found.by_series.values() if e.mae <= e.naive_mae]
    assert len(better) >= 12
    assert found.errors.skill > 0.1
    assert found.errors.covered.value == pytest.approx(0.89, abs=0.05)
    assert found.foretold is not None
    precision = found.foretold.precision.value
    assert precision is not None
    assert precision > 0.6
    # 8 April 2019 is missing as a whole: gaps are counted, and a stale feed has no forecast.
    assert found.without.keys() <= {Why.GAPS, Why.STALE, Why.EMPTY, Why.SHORT}
    assert found.without
