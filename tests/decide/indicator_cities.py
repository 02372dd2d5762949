"""A small lake with flights and cases, and the indicators that tests compute over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from shuzhi.decide.indicators import Goal, Measuring, parse_goal
from shuzhi.gather.lake import Lake
from shuzhi.kernel.control import Control
from shuzhi.kernel.events import Event
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.law import Law

NOON = Instant(datetime(2026, 3, 2, 12, tzinfo=UTC))
HEAD = """\
id: punctuality
title: {zh: 准点, en: Punctuality}
dimensions:
  - id: departures
    title: {zh: 起飞, en: Departures}
    weight: 1
    indicators:
"""
ON_TIME = """\
      - id: on_time
        title: {zh: 准点率, en: On-time rate}
        kind: core_performance
        unit: "%"
        owner: aviation
        refresh: 1 hour
        weight: 3
        score: {zero: 50, full: 100}
        thresholds: {direction: higher_is_better, green: 80, yellow: 70, orange: 60}
        reads: [flights]
        group_by: [carrier]
        sql: |
          SELECT carrier, COUNT_IF(delay <= 15) AS numerator, COUNT(delay) AS denominator
          FROM flights GROUP BY carrier
        rows: SELECT carrier, flight, delay FROM flights WHERE delay > 15
"""
FLOWN = """\
      - id: flown
        title: {zh: 执行率, en: Flights flown}
        kind: vital_sign
        unit: "%"
        owner: aviation
        refresh: 1 hour
        weight: 1
        score: {zero: 0, full: 100}
        thresholds: {direction: higher_is_better, green: 95}
        reads: [flights]
        sql: SELECT COUNT(delay) AS numerator, COUNT(*) AS denominator FROM flights
        rows: SELECT * FROM flights WHERE delay IS NULL
"""
BOTH = """\
      - id: both
        title: {zh: 综合, en: Both together}
        kind: core_performance
        unit: "%"
        owner: aviation
        refresh: 1 hour
        thresholds: {direction: higher_is_better, green: 90, yellow: 50}
        expression: (3 * on_time + flown) / 4
"""


@dataclass
class Ticking:
    """A clock that a test moves."""

    now: Instant = NOON

    def __call__(self) -> Instant:
        return self.now

    def forward(self, **span: float) -> None:
        self.now = Instant(self.now + timedelta(**span))


@dataclass
class Heard:
    """Whoever listens to events."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)


def goal(*indicators: str, head: str = HEAD) -> Goal:
    return parse_goal((head + "".join(indicators)).encode(), file="punctuality.yaml")


def measuring(control: Control, lake: Lake, clock: Ticking, *goals: Goal) -> Measuring:
    named = {each.id: each for each in goals}
    return Measuring(control, lake, Law({}), "Asia/Shanghai", clock, named)


def flights(*rows: tuple[str, int, int | None]) -> pa.Table:
    schema = pa.schema([("carrier", pa.string()), ("flight", pa.int64()), ("delay", pa.int64())])
    return pa.Table.from_pylist([dict(zip(schema.names, r, strict=True)) for r in rows], schema)


def cases(number: int, *, closed: int, late_of_closed: int, now: Instant = NOON) -> pa.Table:
    """Cases that are all due by `now`, some closed, some of these too late."""
    due = now - timedelta(hours=1)

    def at(case: int) -> datetime | None:
        if case >= closed:
            return None
        return due + timedelta(minutes=5) if case < late_of_closed else due - timedelta(minutes=5)

    moment = pa.timestamp("us", tz="UTC")
    return pa.table(
        {
            "case_id": pa.array(range(1, number + 1), pa.int64()),
            "party": ["ecology" if case % 2 else "housing" for case in range(number)],
            "due_at": pa.array([due] * number, moment),
            "closed_at": pa.array([at(case) for case in range(number)], moment),
        }
    )
