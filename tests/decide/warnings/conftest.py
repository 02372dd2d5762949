"""Series with a daily season, and forecasters over them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from shuzhi.decide.rules import (
    Evaluation,
    Registered,
    RuleSwitchedOff,
    Warning,
    WarningRaised,
    Watch,
    registered,
    warnings,
)
from shuzhi.decide.warnings import (
    Forecaster,
    parse_forecaster,
    register_forecasters,
    run_forecasters,
)
from shuzhi.gather.lake import Lake, open_lake
from shuzhi.kernel.control import Control
from shuzhi.kernel.events import Event
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.law import Law

# Midnight in Shanghai.
MIDNIGHT = Instant(datetime(2026, 3, 1, 16, tzinfo=UTC))
HOUR = timedelta(hours=1)
FORECASTER = """
id: dust_tomorrow
title: {zh: 扬尘预报, en: Dust is expected above the limit}
dataset: air
event_time: observed_at
value: pm10
per: [station]
grain: hour
history: 20 days
horizon: 24 hours
severity: yellow
owner: environment_office
merge_within: 24 hours
responsible: {party: environment_office}
case_kind: dust
"""
CROSSING = "crossing: {limit: 100}"
ANOMALY = "anomaly: {side: both, run: 2, effect: 20}"


def daily(hour: int, seed: object = 0) -> float:
    """Return 60 with a daily wave of 20 and some noise; `hour` counts from MIDNIGHT."""
    noise = random.Random(f"{seed}/{hour}").gauss(0, 3)  # noqa: S311  (noise, no secret)
    return 60 + 20 * math.sin(2 * math.pi * hour / 24) + noise


@dataclass
class Air:
    """A lake with hourly readings, and a clock that is moved in hours from MIDNIGHT."""

    lake: Lake
    control: Control
    hour: float = 0
    law: Law = field(default_factory=lambda: Law({}))
    zone: str = "Asia/Shanghai"
    heard: list[Event] = field(default_factory=list)
    midnight: ClassVar[Instant] = MIDNIGHT
    wave: ClassVar[Callable[[int, object], float]] = staticmethod(daily)

    @property
    def now(self) -> Instant:
        return Instant(MIDNIGHT + HOUR * self.hour)

    @property
    def watch(self) -> Watch:
        return Watch(
            self.control, self.lake, self.law, self.zone, lambda: self.now, self.heard.append
        )

    def forecaster(self, *parts: str, **changes: str) -> Forecaster:
        """Return FORECASTER with `parts` added and some of its keys changed or (None) left out."""
        return parse_forecaster(self.text(*parts, **changes).encode(), file="f.yaml")

    def text(self, *parts: str, **changes: str) -> str:
        lines = [k for k in FORECASTER.strip().splitlines() if k.split(":")[0] not in changes]
        added = (f"{key}: {value}" for key, value in changes.items() if value)
        return "\n".join([*lines, *added, *(parts or (CROSSING,))]) + "\n"

    def add(self, values: Mapping[int, float | None], station: str = "north") -> None:
        self.add_at(
            ((Instant(MIDNIGHT + HOUR * hour), value) for hour, value in values.items()), station
        )

    def add_at(
        self, values: Iterable[tuple[Instant, float | None]], station: str = "north"
    ) -> None:
        rows = list(values)
        table = {
            "station": pa.array([station] * len(rows), pa.string()),
            "observed_at": pa.array([t for t, _ in rows], pa.timestamp("us", tz="UTC")),
            "pm10": pa.array([v for _, v in rows], pa.float64()),
        }
        self.lake.append("air", pa.table(table))

    def past(self, days: int = 20, station: str = "north") -> None:
        """Fill the days before MIDNIGHT, and the hour that begins then."""
        self.add({h: daily(h, station) for h in range(-24 * days, 1)}, station)

    def register(self, *forecasters: Forecaster) -> tuple[Registered, ...]:
        return register_forecasters(self.watch, forecasters, by="d.chen")

    def look(self, hour: float, *forecasters: Forecaster) -> Evaluation:
        self.hour = hour
        return run_forecasters(self.watch, forecasters)

    def warned(self) -> tuple[Warning, ...]:
        return warnings(self.watch, limit=100_000)

    def raised(self) -> list[WarningRaised]:
        return [e for e in self.heard if isinstance(e, WarningRaised)]

    def told_off(self) -> list[tuple[str, str, str]]:
        return [(e.rule_id, e.owner, e.code) for e in self.heard if isinstance(e, RuleSwitchedOff)]

    def off(self) -> dict[str, Any]:
        return {str(r.id): r.off_reason for r in registered(self.watch) if not r.is_on}

    def hours_after(self, moment: Instant) -> float:
        """Return hours from MIDNIGHT to `moment`."""
        return (moment - MIDNIGHT) / HOUR


@pytest.fixture
def air(tmp_path: Path, control: Control) -> Air:
    return Air(open_lake(tmp_path / "lake"), control)


@pytest.fixture
def crossing() -> str:
    return CROSSING


@pytest.fixture
def anomaly() -> str:
    return ANOMALY
