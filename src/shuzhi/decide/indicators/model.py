"""What an indicator tree is: a goal, its dimensions, their indicators, and what was measured.

A goal is one file of a pack. The data items below an indicator are the columns that its formula
uses; they are read from the SQL, not declared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import NewType

from shuzhi.decide.indicators.thresholds import Bound, Colour, Thresholds
from shuzhi.decide.sql.facts import Fact
from shuzhi.kernel.ids import DatasetName, PartyId
from shuzhi.kernel.instant import Instant

IndicatorId = NewType("IndicatorId", str)
RunId = NewType("RunId", int)
Group = tuple[Fact, ...]


class Kind(StrEnum):
    """What an indicator is for: to judge work (核心绩效) or to watch a state (体征)."""

    CORE_PERFORMANCE = "core_performance"
    VITAL_SIGN = "vital_sign"


@dataclass(frozen=True)
class Measured:
    """A formula in SQL: one SELECT that answers with `numerator` and `denominator`, or `value`.

    `group_by` are its other columns; a group is a row. Where it `adds_up`, the whole is the sum of
    its groups; it `is_dated` when it names a moment such as `:now`. `rows`, `cases` and `warnings`
    are SELECTs of what stands behind the number; they have the columns of `group_by`, and `case_id`
    or `warning_id`.
    """

    sql: str
    reads: tuple[DatasetName, ...]
    rows: str
    is_ratio: bool
    group_by: tuple[str, ...] = ()
    adds_up: bool = False
    has_as_of: bool = False
    is_dated: bool = False
    cases: str | None = None
    warnings: str | None = None
    max_seconds: float = 30.0


@dataclass(frozen=True)
class Composed:
    """A formula over other indicators of the goal: `0.6 * on_time + 0.4 * complete`."""

    expression: str
    of: tuple[str, ...]
    group_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scale:
    """From which value on there are no points, and from which on all hundred."""

    zero: Decimal
    full: Decimal

    def points(self, value: Decimal) -> Decimal:
        """Return the points of a value, 0 to 100."""
        share = (value - self.zero) / (self.full - self.zero)
        return min(max(share, Decimal(0)), Decimal(1)) * 100


@dataclass(frozen=True)
class Indicator:
    """One indicator as its file says it.

    `name` is what its goal calls it, `id` is `goal.name`. `refresh` is how old its value may be;
    `weight` is its part in the score of its dimension, None for none.
    """

    id: IndicatorId
    name: str
    title_zh: str
    title_en: str
    kind: Kind
    unit: str
    owner: PartyId
    refresh: timedelta
    formula: Measured | Composed
    decimals: int = 2
    thresholds: Thresholds | None = None
    scale: Scale | None = None
    weight: Decimal | None = None

    @property
    def reads(self) -> tuple[DatasetName, ...]:
        """The data sets that its own SQL reads."""
        return self.formula.reads if isinstance(self.formula, Measured) else ()

    @property
    def law(self) -> frozenset[str]:
        """The law parameters that its thresholds name."""
        bands = self.thresholds.bands if self.thresholds else ()
        ends = (end for band in bands for end in (band.low, band.high))
        return frozenset(end.law for end in ends if end is not None and end.law is not None)


@dataclass(frozen=True)
class Dimension:
    """One side of a goal (维度), with its part in the goal's score."""

    id: str
    title_zh: str
    title_en: str
    indicators: tuple[Indicator, ...]
    weight: Decimal | None = None


@dataclass(frozen=True)
class Goal:
    """What the indicators are for (目标); `text` is the file."""

    id: str
    title_zh: str
    title_en: str
    dimensions: tuple[Dimension, ...]
    text: str = ""

    @property
    def indicators(self) -> Iterator[Indicator]:
        """Every indicator, in the order of the file."""
        return (each for dimension in self.dimensions for each in dimension.indicators)

    @property
    def places(self) -> Iterator[tuple[tuple[str | int, ...], Indicator]]:
        """Every indicator with its place in the file."""
        for i, dimension in enumerate(self.dimensions):
            for j, indicator in enumerate(dimension.indicators):
                yield ("dimensions", i, "indicators", j), indicator

    @cached_property
    def named(self) -> Mapping[str, Indicator]:
        """The indicators by the names that the goal calls them."""
        return {each.name: each for each in self.indicators}

    def below(self, indicator: Indicator) -> tuple[Indicator, ...]:
        """Return the indicators of which this one is composed, at any depth, before itself."""
        found: dict[str, Indicator] = {}
        if isinstance(indicator.formula, Composed):
            for name in indicator.formula.of:
                found |= {each.name: each for each in self.below(self.named[name])}
        return (*found.values(), indicator)

    def reads(self, indicator: Indicator) -> tuple[DatasetName, ...]:
        """Return the data sets that decide its value, sorted."""
        return tuple(sorted({name for each in self.below(indicator) for name in each.reads}))

    def digest(self, indicator: Indicator) -> str:
        """Return what tells this wording of its formula, and of all below, from every other.

        Titles, owner and weight do not change what a value means.
        """
        meant = [
            (each.name, each.unit, each.formula, each.thresholds) for each in self.below(indicator)
        ]
        return hashlib.sha256(repr(meant).encode()).hexdigest()


@dataclass(frozen=True)
class Value:
    """What an indicator was for one group, or as a whole (`group` None); None for no value.

    `numerator` and `denominator` are kept of a ratio; `value` is in the indicator's unit.
    """

    group: Group | None
    value: Decimal | None
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    colour: Colour = Colour.GREY


@dataclass(frozen=True)
class Run:
    """One computation of an indicator, kept for good.

    `versions` are those of the data sets it was computed from, at whose state `as_of` it is;
    `confirmed_at` is when it was last found that nothing it depends on had changed. `bounds` are
    the thresholds that were in force. `problem` says why there are no values.
    """

    indicator: IndicatorId
    digest: str
    computed_at: Instant
    confirmed_at: Instant
    versions: Mapping[str, int] = field(default_factory=dict)
    as_of: Instant | None = None
    bounds: tuple[Bound, ...] = ()
    values: tuple[Value, ...] = ()
    problem: str = ""
    id: RunId = RunId(0)

    @property
    def whole(self) -> Value | None:
        """The value of everything together, where there is one."""
        return next((value for value in self.values if value.group is None), None)

    @property
    def groups(self) -> tuple[Value, ...]:
        """The values of the groups."""
        return tuple(value for value in self.values if value.group is not None)

    @property
    def colour(self) -> Colour:
        """The colour of the whole; without a whole, that of the worst group."""
        if self.whole is not None:
            return self.whole.colour
        return Colour.worst(value.colour for value in self.values)

    def confirmed(self, now: Instant) -> Run:
        """Return this run as found to hold still at `now`."""
        return replace(self, confirmed_at=now)


def stale_reason(indicator: Indicator, run: Run, now: Instant) -> str:
    """Return why a value is older than it may be, or nothing."""
    if now - run.confirmed_at > indicator.refresh:
        return f"not computed since {run.confirmed_at:%Y-%m-%d %H:%M} UTC"
    has_as_of = isinstance(indicator.formula, Measured) and indicator.formula.has_as_of
    if has_as_of and run.as_of is not None and now - run.as_of > indicator.refresh:
        return f"no newer data than {run.as_of:%Y-%m-%d %H:%M} UTC"
    return ""
