"""A small city of stations, and rules over their readings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from shuzhi.decide.rules import (
    Evaluation,
    Registered,
    Rule,
    RuleSwitchedOff,
    Warning,
    WarningRaised,
    Watch,
    evaluate,
    look,
    parse_rule,
    register_rules,
    registered,
    warnings,
)
from shuzhi.gather.lake import Lake, open_lake
from shuzhi.kernel.control import Control, metadata, open_control
from shuzhi.kernel.events import Event
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.law import Description, Law, LawParameter, LawValue, LegalBasis

NOON = Instant(datetime(2026, 3, 2, 4, tzinfo=UTC))
COMMON = """
id: high_value
title: {zh: 超标, en: Too high}
dataset: readings
event_time: observed_at
severity: orange
merge_by: [station]
merge_within: 2 hours
owner: environment_office
"""
RULES = {
    "high_value": """
values: {most: 100}
sql: SELECT station, value FROM new WHERE value > :most
responsible: {party: environment_office}
""",
    "jump": """
id: jump
look_back: 3 hours
sql: |
  SELECT station, value FROM new
  WHERE value > (SELECT 2 * AVG(past.value) FROM past WHERE past.station = new.station)
""",
    "over_limit": """
id: over_limit
legal_basis: air_limit
sql: SELECT station, value, :limit AS most FROM new WHERE value > :limit
severity: red
case_kind: pollution
""",
    "dead_station": """
id: dead_station
reads: [stations]
silence: {per: [station], expected: "SELECT station, district FROM stations",
  value: value, after: 3 hours, every: 1 hour}
responsible: {column: district}
""",
}


def _with(text: str, **changes: str) -> str:
    """Return YAML with some of its top keys put in the place of the same or added."""
    lines: list[str] = []
    is_replaced = False
    for line in text.strip().splitlines():
        is_key = bool(line.strip()) and not line.startswith(" ")
        is_replaced = line.split(":")[0] in changes if is_key else is_replaced
        lines += [] if is_replaced else [line]
    return "\n".join([*lines, *(f"{key}: {value}" for key, value in changes.items())]) + "\n"


def _keys(text: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    name = ""
    for line in text.strip().splitlines():
        if not line.startswith(" "):
            name, _, rest = line.partition(":")
            keys[name] = rest.strip()
        else:
            keys[name] += "\n" + line
    return keys


@dataclass
class Bench:
    """Everything that a test of rules needs; `now` is what the clock says."""

    lake: Lake
    control: Control
    now: Instant = NOON
    law: Law = field(default_factory=lambda: Law({}))
    heard: list[Event] = field(default_factory=list)
    memory_limit: str = "512MB"
    publish: Callable[[Event], None] | None = None
    noon: ClassVar[Instant] = NOON

    @property
    def watch(self) -> Watch:
        return Watch(
            self.control,
            self.lake,
            self.law,
            "Asia/Shanghai",
            lambda: self.now,
            self.publish or self.heard.append,
            self.memory_limit,
        )

    def rule_text(self, name: str, **changes: str) -> str:
        return _with(COMMON, **{**_keys(RULES[name]), **changes})

    def rule(self, name: str, **changes: str) -> Rule:
        """Return one of RULES with some of its keys changed: `severity="red"`."""
        return parse_rule(self.rule_text(name, **changes).encode(), file=f"{name}.yaml")

    def register(self, *rules: Rule) -> tuple[Registered, ...]:
        return register_rules(self.watch, rules, by="d.chen")

    def readings(self, *rows: tuple[str, float, float | None]) -> pa.Table:
        """Return rows of station, hours after NOON, value."""
        times = [NOON + timedelta(hours=hours) for _, hours, _ in rows]
        return pa.table(
            {
                "station": pa.array([s for s, _, _ in rows], pa.string()),
                "observed_at": pa.array(times, pa.timestamp("us", tz="UTC")),
                "value": pa.array([v for _, _, v in rows], pa.float64()),
            }
        )

    def add(self, *rows: tuple[str, float, float | None]) -> None:
        self.lake.append("readings", self.readings(*rows))

    def stations(self, *names: str) -> None:
        """Expect stations; the even ones are in the district north, the others in south."""
        districts = ["south" if i % 2 else "north" for i in range(len(names))]
        self.lake.overwrite("stations", pa.table({"station": names, "district": districts}))

    def judge(self, *rules: Rule) -> Evaluation:
        return evaluate(self.watch, rules, "readings")

    def look(self, hour: float, *rules: Rule) -> Evaluation:
        self.now = Instant(NOON + timedelta(hours=hour))
        return look(self.watch, rules)

    def warned(self) -> list[tuple[Any, ...]]:
        return self.seen(warnings(self.watch, limit=100_000))

    def seen(self, found: Iterable[Warning]) -> list[tuple[Any, ...]]:
        """Return what of warnings does not depend on when and how they were found."""
        return sorted(map(_seen, found))

    def spans(self) -> list[tuple[str, float, float, int]]:
        """Return matter, first and last hour after NOON and count of every warning."""
        return [(one[1].split('"')[-2], *one[2:5]) for one in self.warned()]

    def off(self) -> dict[str, str]:
        """Return what is said of every rule that is off."""
        known = registered(self.watch)
        return {str(r.id): f"{r.off_code}: {r.off_reason}" for r in known if not r.is_on}

    def hours(self, start: Instant, end: Instant) -> float:
        return (end - start) / timedelta(hours=1)

    def told(self) -> list[int]:
        return [e.warning_id for e in self.heard if isinstance(e, WarningRaised)]

    def told_off(self) -> list[tuple[str, str]]:
        return [(e.rule_id, e.owner) for e in self.heard if isinstance(e, RuleSwitchedOff)]


def _seen(warning: Warning) -> tuple[Any, ...]:
    hours = ((t - NOON) / timedelta(hours=1) for t in (warning.at, warning.last_at))
    facts = str(sorted(warning.facts.items()))
    head = (str(warning.rule_id), warning.merge_key, *hours, warning.count)
    return (*head, warning.severity.value, warning.party or "", facts)


@pytest.fixture
def bench(tmp_path: Path, control: Control) -> Bench:
    return Bench(open_lake(tmp_path / "lake"), control)


@pytest.fixture(scope="session")
def new_bench() -> Callable[[], AbstractContextManager[Bench]]:
    """Make a bench in a folder of its own, for tests that need many."""

    @contextmanager
    def make() -> Iterator[Bench]:
        with TemporaryDirectory() as folder:
            control = open_control(f"sqlite:///{folder}/control.db")
            metadata.create_all(control.engine)
            yield Bench(open_lake(Path(folder) / "lake"), control)
            control.engine.dispose()

    return make


@pytest.fixture(scope="session")
def air_limit() -> Callable[..., Law]:
    """Make the law of one limit, `air_limit`, from its dated values."""

    def make(*values: tuple[date, int]) -> Law:
        parameter = LawParameter(
            id="air_limit",
            legal_basis=LegalBasis(law="a standard", article="4"),
            description=Description(zh="限值", en="a limit"),
            unit="ug/m3",
            values=tuple(
                LawValue.model_validate({"from": since, "value": Decimal(value), "verified": True})
                for since, value in values
            ),
        )
        return Law({parameter.id: parameter})

    return make
