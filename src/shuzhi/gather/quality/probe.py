"""How a check is measured: expressions over a table, and the verdict on the numbers they give.

A probe knows no engine; `scan.py` runs the expressions of all probes of a table together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from shuzhi.gather.quality.model import Check, Measurement, Ratio, is_within
from shuzhi.kernel.ids import DatasetName
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class Sight:
    """What a probe may look at: the table's rows, and other data sets that it refers to."""

    rows: ir.Table
    others: Mapping[str, ir.Table]


Expression = Callable[[Sight], ir.Scalar]
Reading = Callable[[float, Instant], float]
Condition = Callable[[ir.Table], ir.BooleanValue]


def _as_it_is(value: float, _now: Instant) -> float:
    return value


@dataclass(frozen=True)
class Faulty:
    """Points at the rows that break a check.

    Either `condition` tells from the row alone, or the row's `columns` are found among `keys`.
    Where rows are missing, `gaps` gives their key, the first step that lacks one, and as the last
    column how many steps in a row do.
    """

    condition: Condition | None = None
    columns: tuple[str, ...] = ()
    keys: Callable[[Sight], ir.Table] | None = None
    gaps: Callable[[Sight], ir.Table] | None = None


@dataclass(frozen=True)
class Probe:
    """A check with the expressions that measure it.

    Counting checks give `checked` (B) and `broken` (B - A); checks of the whole table give `value`,
    from the scan or from a `query` of their own; `reading` turns it into what the limits are about,
    given the present. `columns` and `datasets` must exist for the probe
    to run. `problem` says why a promise cannot be checked at all. `met_when_empty` is the verdict
    where `value` is NULL; None means that then there is none. `is_at_door` marks checks that the
    loader applies too: rows kept out of the data set count in them.
    """

    check: Check
    checked: Expression | None = None
    broken: Expression | None = None
    value: Expression | None = None
    query: str | None = None
    reading: Reading = _as_it_is
    columns: tuple[str, ...] = ()
    datasets: tuple[DatasetName, ...] = ()
    faulty: Faulty | None = None
    problem: str = ""
    met_when_empty: bool | None = None
    is_at_door: bool = False

    @property
    def expressions(self) -> dict[str, Expression]:
        """The expressions to evaluate, by the name that `judge` expects the number under."""
        named = {"checked": self.checked, "broken": self.broken, "value": self.value}
        return {name: expression for name, expression in named.items() if expression is not None}


def row_probe(
    check: Check, column: str, broken: Condition, applies: Condition, *, is_at_door: bool = False
) -> Probe:
    """Return the probe of a check that each row can break by itself."""
    return Probe(
        check,
        checked=lambda sight: count_where(sight.rows, applies(sight.rows)),
        broken=lambda sight: count_where(sight.rows, broken(sight.rows)),
        columns=(column,),
        faulty=Faulty(condition=broken),
        is_at_door=is_at_door,
    )


def judge(probe: Probe, numbers: Mapping[str, Any], *, rows: int, now: Instant) -> Measurement:
    """Return the verdict on the `numbers` that a probe's expressions gave over `rows` rows."""
    if "value" in numbers:
        value = numbers["value"]
        return _judge_table(probe, None if value is None else probe.reading(float(value), now))
    check, checked, broken = probe.check, int(numbers["checked"] or 0), int(numbers["broken"] or 0)
    value = 100.0 * broken / max(rows, 1) if check.unit == "percent" else float(broken)
    is_met = is_within(value, check.limits) if check.limits else broken == 0
    return Measurement(check, Ratio(checked - broken, checked), is_met, value)


def unchecked(probe: Probe, reason: str) -> Measurement:
    """Return the measurement of a check that could not be tried, for a `reason`."""
    return Measurement(probe.check, None, None, None, reason)


def count_where(rows: ir.Table, condition: ir.BooleanValue) -> ir.IntegerScalar:
    """Count the rows of `rows` for which `condition` holds.

    Null tests and constants become plain counts: engines answer those from column statistics.
    """
    operation = condition.op()
    if isinstance(operation, ops.NotNull):
        return operation.arg.to_expr().count()
    if isinstance(operation, ops.IsNull):
        return rows.count() - operation.arg.to_expr().count()
    if isinstance(operation, ops.Literal):
        return rows.count() if operation.value else ibis.literal(0)
    return rows.count(where=condition)


def all_of(conditions: list[ir.BooleanValue]) -> ir.BooleanValue:
    """Return the conjunction of `conditions`."""
    return ibis.and_(*conditions)


def complete(rows: ir.Table, columns: tuple[str, ...]) -> ir.BooleanValue:
    """Return the condition that no one of `columns` is NULL."""
    return all_of([rows[c].notnull() for c in columns])


def _judge_table(probe: Probe, value: float | None) -> Measurement:
    is_met = probe.met_when_empty if value is None else is_within(value, probe.check.limits)
    if is_met is None:
        return unchecked(probe, "there was no value to compare")
    return Measurement(probe.check, Ratio(int(is_met), 1), is_met, value)
