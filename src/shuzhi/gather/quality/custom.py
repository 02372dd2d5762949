"""Our own custom rules (ODCS `type: custom`, `engine: shuzhi`): what no library metric can say.

`regular_series` finds missing records of a series, `constant_run` a frozen sensor, `in_order` a
record before its predecessor, and `depends` cells that contradict a functional dependency.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import ibis
import ibis.expr.types as ir
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shuzhi.gather.contracts.model import Dimension, QualityRule, Table
from shuzhi.gather.quality.library import among, refused, rule_check
from shuzhi.gather.quality.model import Kind
from shuzhi.gather.quality.probe import Faulty, Probe, Sight, complete, count_where

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SPAN = r"^[1-9][0-9]{0,6}(s|m|h|d)$"


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str


class RegularSeries(_Shape):
    """One record per `by` and per step `every` of `at`, from the first to the last step seen."""

    by: tuple[str, ...] = Field(min_length=1)
    at: str
    every: str = Field(pattern=_SPAN)


class ConstantRun(_Shape):
    """A value may not stay the same for `at_least` or longer; values in `ignore` may."""

    by: tuple[str, ...] = Field(min_length=1)
    at: str
    at_least: str = Field(pattern=_SPAN)
    ignore: tuple[float | str, ...] = ()


class InOrder(_Shape):
    """Within `by`, in the order of `sequence`, the time `at` never goes back."""

    by: tuple[str, ...] = Field(min_length=1)
    sequence: str
    at: str


class Depends(_Shape):
    """Rows with the same `determinant` have the same `dependent`."""

    determinant: tuple[str, ...] = Field(min_length=1)
    dependent: str


def custom_probe(table: Table, rule: QualityRule) -> Probe:
    """Return the probe of a custom rule; one with a `problem` when it is not ours or not right."""
    if rule.arguments.get("engine") != "shuzhi":
        engine = rule.arguments.get("engine")
        return refused(table, rule, f"it is written for the engine {engine!r}, not for shuzhi")
    stated = rule.arguments.get("implementation")
    if not isinstance(stated, Mapping) or stated.get("check") not in _CHECKS:
        known = ", ".join(_CHECKS)
        return refused(table, rule, f"implementation.check must be one of {known}")
    name = str(stated["check"])
    model, build = _CHECKS[name]
    try:
        return build(table, rule, model.model_validate(_plural(stated)))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return refused(table, rule, f"implementation is not a {name}: {wrong}")


def _regular_series(table: Table, rule: QualityRule, said: RegularSeries) -> Probe:
    names = ", ".join(said.by)
    titles = (
        f"{names} has a record every {said.every} ({said.at})",
        f"{names} 每 {said.every} 有一条记录（{said.at}）",
    )
    check = rule_check(table, rule, "regular_series", titles, Dimension.COMPLETENESS, Kind.SERIES)
    return Probe(
        check,
        checked=lambda sight: _expected(sight, said),
        broken=lambda sight: _expected(sight, said) - _slots(sight, said).count().as_scalar(),
        columns=(*said.by, said.at),
        faulty=Faulty(gaps=lambda sight: _gaps(sight, said)),
    )


def _slots(sight: Sight, said: RegularSeries) -> ir.Table:
    rows = sight.rows.filter(complete(sight.rows, (*said.by, said.at)))
    step = (_epoch_seconds(rows[said.at]) // _seconds(said.every)).cast("int64")
    return rows.select(*said.by, step_=step).distinct()


def _expected(sight: Sight, said: RegularSeries) -> ir.IntegerScalar:
    slots = _slots(sight, said)
    steps = slots.aggregate(n=slots.step_.max() - slots.step_.min() + 1).as_scalar()
    return slots.select(*said.by).distinct().count().as_scalar() * steps.fill_null(0)


def _gaps(sight: Sight, said: RegularSeries) -> ir.Table:
    # A step before the first and one after the last of all make the gaps at both ends show.
    slots = _slots(sight, said)
    ends = slots.aggregate(first_=slots.step_.min() - 1, last_=slots.step_.max() + 1)
    groups = slots.select(*said.by).distinct().cross_join(ends)
    fenced = slots.union(
        groups.select(*said.by, step_=groups.first_), groups.select(*said.by, step_=groups.last_)
    )
    order = ibis.window(group_by=list(said.by), order_by="step_")
    missing = fenced.mutate(missing_=fenced.step_.lead().over(order) - fenced.step_ - 1)
    moment = ((missing.step_ + 1) * _seconds(said.every)).as_timestamp("s")
    begins = moment.cast(sight.rows[said.at].type())
    gaps = missing.mutate(**{said.at: begins}).filter(missing.missing_ > 0)
    return gaps.select(*said.by, said.at, "missing_")


def _constant_run(table: Table, rule: QualityRule, said: ConstantRun) -> Probe:
    column = rule.column
    if column is None:
        return refused(table, rule, "constant_run needs a column; move the rule under a property")
    titles = (
        f"{column} does not stand still for {said.at_least}",
        f"{column} 不连续 {said.at_least} 保持不变",
    )
    needed = (*said.by, said.at, column)
    check = rule_check(table, rule, "constant_run", titles, Dimension.ACCURACY, Kind.SERIES)
    return Probe(
        check,
        checked=lambda sight: count_where(sight.rows, complete(sight.rows, needed)),
        broken=lambda sight: _frozen(sight, column, said).count().as_scalar(),
        columns=needed,
        faulty=Faulty(
            columns=(*said.by, said.at),
            keys=lambda sight: _frozen(sight, column, said).select(*said.by, said.at).distinct(),
        ),
    )


def _frozen(sight: Sight, column: str, said: ConstantRun) -> ir.Table:
    runs = _runs(sight, column, said)
    whole = ibis.window(group_by=[*said.by, "run_"])
    moments = _epoch_seconds(runs[said.at])
    lasting = runs.mutate(seconds_=moments.max().over(whole) - moments.min().over(whole))
    long = lasting.filter(lasting.seconds_ >= _seconds(said.at_least))
    return long.filter(~among(long[column], said.ignore)) if said.ignore else long


def _runs(sight: Sight, column: str, said: ConstantRun) -> ir.Table:
    # `run_` counts the changes so far: rows between two changes share it.
    rows = sight.rows.filter(complete(sight.rows, (*said.by, said.at, column)))
    order = ibis.window(group_by=list(said.by), order_by=said.at)
    before = rows[column].lag().over(order)
    is_change = (before.isnull() | (before != rows[column])).cast("int64")
    marked = rows.select(*said.by, said.at, column, change_=is_change)
    so_far = ibis.cumulative_window(group_by=list(said.by), order_by=said.at)
    return marked.mutate(run_=marked.change_.sum().over(so_far))


def _in_order(table: Table, rule: QualityRule, said: InOrder) -> Probe:
    names = ", ".join(said.by)
    titles = (
        f"{said.at} never goes back within {names}",
        f"同一 {names} 内 {said.at} 不倒退",
    )
    check = rule_check(table, rule, "in_order", titles, Dimension.TIMELINESS, Kind.SERIES)
    needed = (*said.by, said.sequence, said.at)
    return Probe(
        check,
        checked=lambda sight: count_where(sight.rows, complete(sight.rows, needed)),
        broken=lambda sight: _late(sight, said).count().as_scalar(),
        columns=needed,
        faulty=Faulty(columns=needed, keys=lambda sight: _late(sight, said).distinct()),
    )


def _late(sight: Sight, said: InOrder) -> ir.Table:
    needed = (*said.by, said.sequence, said.at)
    rows = sight.rows.filter(complete(sight.rows, needed)).select(*needed)
    order = ibis.window(group_by=list(said.by), order_by=said.sequence)
    marked = rows.mutate(before_=rows[said.at].lag().over(order))
    return marked.filter(marked[said.at] < marked.before_).select(*needed)


def _depends(table: Table, rule: QualityRule, said: Depends) -> Probe:
    names = ", ".join(said.determinant)
    titles = (
        f"{said.dependent} is the same wherever {names} is the same",
        f"{names} 相同时 {said.dependent} 相同",
    )
    placed = rule if rule.column else replace(rule, column=said.dependent)
    check = rule_check(table, placed, "depends", titles, Dimension.CONSISTENCY, Kind.ROW)
    columns = (*said.determinant, said.dependent)
    return Probe(
        check,
        checked=lambda sight: count_where(sight.rows, complete(sight.rows, columns)),
        broken=lambda sight: _contradictions(sight, said).n_.sum().fill_null(0).as_scalar(),
        columns=columns,
        faulty=Faulty(
            columns=columns, keys=lambda sight: _contradictions(sight, said).select(*columns)
        ),
    )


def _contradictions(sight: Sight, said: Depends) -> ir.Table:
    # The most frequent value speaks for its group. In a tie nobody does: all of them are in doubt.
    columns = (*said.determinant, said.dependent)
    rows = sight.rows.filter(complete(sight.rows, columns))
    pairs = rows.group_by(*columns).aggregate(n_=ibis._.count())
    group = ibis.window(group_by=list(said.determinant))
    topped = pairs.mutate(most_=pairs.n_.max().over(group))
    is_most = (topped.n_ == topped.most_).cast("int64")
    counted = topped.mutate(ties_=is_most.sum().over(group))
    return counted.filter((counted.n_ < counted.most_) | (counted.ties_ > 1))


_CHECKS: dict[str, tuple[type[Any], Callable[[Table, QualityRule, Any], Probe]]] = {
    "regular_series": (RegularSeries, _regular_series),
    "constant_run": (ConstantRun, _constant_run),
    "in_order": (InOrder, _in_order),
    "depends": (Depends, _depends),
}


def _plural(stated: Mapping[str, Any]) -> dict[str, Any]:
    lists = {"by", "determinant", "ignore"}
    return {k: (v,) if k in lists and not isinstance(v, list) else v for k, v in stated.items()}


def _seconds(span: str) -> int:
    return int(span[:-1]) * _SECONDS[span[-1]]


def _epoch_seconds(moment: ir.Value) -> ir.IntegerValue:
    return moment.cast("timestamp").epoch_seconds()
