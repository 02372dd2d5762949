"""From the answer of a formula to values: numbers as exact decimals, ratios in their unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from shuzhi.decide.indicators.errors import IndicatorError
from shuzhi.decide.indicators.expression import evaluate
from shuzhi.decide.indicators.model import Composed, Group, Indicator, Measured, Value
from shuzhi.decide.sql import fact
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant, end_of_day, to_instant
from shuzhi.kernel.units import unit


@dataclass(frozen=True)
class Answer:
    """The values of an indicator, not yet coloured, and as of when they are."""

    values: tuple[Value, ...]
    as_of: Instant | None = None

    @property
    def by_group(self) -> Mapping[Group | None, Decimal | None]:
        """The numbers alone."""
        return {value.group: value.value for value in self.values}


def measured(rows: pa.Table, indicator: Indicator, formula: Measured, zone: str) -> Answer:
    """Return what the answer of a formula in SQL says.

    A ratio whose denominator is zero or NULL has no value.

    Raises:
        IndicatorError: `decide.indicator_answer` when it is not one number for each group.
    """
    listed = [{name.lower(): value for name, value in row.items()} for row in rows.to_pylist()]
    values = sorted((_value(row, indicator, formula) for row in listed), key=_by_group)
    groups = [value.group for value in values]
    if len(set(groups)) < len(groups):
        twice = next(g for g in groups if groups.count(g) > 1)
        raise _refused(f"it answers twice for {_shown(twice)}")
    if formula.adds_up:
        values.append(_whole(values, indicator, formula))
    if not values and not formula.group_by:
        values = [Value(None, None)]
    return Answer(tuple(values), _as_of((row.get("as_of") for row in listed), zone))


def composed(formula: Composed, answers: Mapping[str, Answer]) -> Answer:
    """Return what an expression over other indicators is; groups are matched by their values."""
    groups: list[Group | None] = [None]
    if formula.group_by:
        known = (v.group for answer in answers.values() for v in answer.values)
        groups = list(dict.fromkeys(group for group in known if group is not None))
        if all(None in answer.by_group for answer in answers.values()):
            groups.append(None)
    values = tuple(
        Value(
            group,
            evaluate(
                formula.expression,
                {name: answer.by_group.get(group) for name, answer in answers.items()},
            ),
        )
        for group in groups
    )
    moments = [answer.as_of for answer in answers.values() if answer.as_of is not None]
    return Answer(values, min(moments, default=None))


def ratio(numerator: Decimal | None, denominator: Decimal | None, code: str) -> Decimal | None:
    """Return a ratio in its unit, `%` of a hundred; None without a denominator."""
    if numerator is None or not denominator:
        return None
    return numerator * _per_one(code) / denominator


def _value(row: Mapping[str, Any], indicator: Indicator, formula: Measured) -> Value:
    group = tuple(fact(row[column]) for column in formula.group_by) or None
    if not formula.is_ratio:
        return Value(group, _number(row["value"]))
    numerator, denominator = _number(row["numerator"]), _number(row["denominator"])
    return Value(group, ratio(numerator, denominator, indicator.unit), numerator, denominator)


def _by_group(value: Value) -> tuple[tuple[bool, Any], ...]:
    # An engine answers in any order; what is kept has one. NULL comes last.
    return tuple((part is None, 0 if part is None else part) for part in value.group or ())


def _whole(values: Sequence[Value], indicator: Indicator, formula: Measured) -> Value:
    if not formula.is_ratio:
        # No group at all is a count of nothing; groups without a value are no count.
        return Value(None, _sum(value.value for value in values) if values else Decimal(0))
    numerator = _sum(value.numerator for value in values)
    denominator = _sum(value.denominator for value in values)
    return Value(None, ratio(numerator, denominator, indicator.unit), numerator, denominator)


def _sum(numbers: Any) -> Decimal | None:
    there = [number for number in numbers if number is not None]
    return sum(there, Decimal(0)) if there else None


def _number(value: Any) -> Decimal | None:
    if value is None or isinstance(value, Decimal):
        return value
    if isinstance(value, float) and math.isfinite(value):
        # As few digits as name it: what people would write.
        return Decimal(repr(value))
    if isinstance(value, int):
        return Decimal(value)
    raise _refused(f"it answers with {str(value)[:40]!r}, which is no number")


def _per_one(code: str) -> Decimal:
    """Return how many of a unit of shares are one; other ratios are in their unit as they are."""
    try:
        known = unit(code)
    except RefusedError:
        return Decimal(1)
    share = 1 / known.factor if known.quantity == "share" else 1
    return Decimal(int(share))


def _as_of(values: Any, zone: str) -> Instant | None:
    moments = [_moment(value, zone) for value in values if value is not None]
    return max(moments, default=None)


def _moment(value: object, zone: str) -> Instant:
    if isinstance(value, datetime):
        return to_instant(value, zone=zone)
    if isinstance(value, date):
        return end_of_day(value, zone)
    raise _refused("its `as_of` is no time and no day")


def _shown(group: Group | None) -> str:
    return "the whole" if group is None else ", ".join(map(str, group))


def _refused(problem: str) -> IndicatorError:
    return IndicatorError(
        "decide.indicator_answer",
        f"The formula cannot be used: {problem}.",
        next_step="Correct its SQL.",
    )
