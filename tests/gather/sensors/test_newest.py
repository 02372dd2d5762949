"""The newest value of each factor of each station."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from shuzhi.gather.lake import Lake, open_lake
from shuzhi.gather.sensors.landing.tables import OBSERVATIONS
from shuzhi.gather.sensors.newest import NewestOfStation, newest_values
from shuzhi.kernel.instant import Instant

NOW = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))


def row(minutes: int, number: float, **more: Any) -> dict[str, Any]:
    then = NOW - timedelta(minutes=minutes)
    made = {
        "mn": "A", "st": "31", "cn": "2011", "data_time": then, "factor": "a21026", "field": "Rtd",
        "revision": 0, "number": number, "unit": "mg/m3", "mark": "N", "qn": f"{minutes}",
        "received_at": then, "record": 1,
    }  # fmt: skip
    return made | more


def newest(lake: Lake) -> tuple[NewestOfStation, ...]:
    return newest_values(lake, now=NOW, within=timedelta(hours=1), memory_limit=None)


def test_before_anything_came_there_is_nothing(tmp_path: Path) -> None:
    assert newest(open_lake(tmp_path / "lake")) == ()


def test_the_newest_value_of_each_factor_counts_and_its_last_revision(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    rows = [
        row(30, 1.0),
        row(10, 2.0),
        row(10, 3.0, revision=1),
        row(5, 9.0, factor="a01001"),
        row(1, 4.0, field="Max"),
        row(90, 7.0, mn="B"),
        row(20, 8.0, mn="C", mark="D"),
    ]
    lake.append("observations", pa.Table.from_pylist(rows, schema=OBSERVATIONS.schema))
    found = newest(lake)
    said = {of.mn: {v.factor: (v.number, v.mark) for v in of.values} for of in found}
    assert said == {"A": {"a01001": (9.0, "N"), "a21026": (3.0, "N")}, "C": {"a21026": (8.0, "D")}}
    assert found[0].received_at == NOW - timedelta(minutes=5)
