"""Runs the probes of a table: everything countable in one statement, queries each in their own.

The statement is an Ibis expression, so that any Ibis backend can run it. When it fails as a whole,
the probes run one by one, so that one bad promise does not hide the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.common.exceptions import IbisError

from shuzhi.gather.quality.model import Measurement
from shuzhi.gather.quality.probe import Probe, Sight, judge, unchecked
from shuzhi.gather.quality.quarantine import NOTHING_OUTSIDE, KeptOut
from shuzhi.kernel.instant import Instant

_FAILURES = (duckdb.Error, IbisError)


def run_probes(
    backend: ibis.BaseBackend,
    probes: Sequence[Probe],
    sight: Sight,
    *,
    now: Instant,
    outside: KeptOut = NOTHING_OUTSIDE,
) -> tuple[int, tuple[Measurement, ...]]:
    """Return the number of rows in sight, and one measurement per probe in their order.

    Rows `outside`, kept out at the door, count in the checks that the door applies.
    """
    ready = {p.check.id: p for p in probes if not obstacle(p, sight)}
    rows, counted = _count(backend, [p for p in ready.values() if p.expressions], sight)
    found = {**counted, **{i: _ask(backend, p) for i, p in ready.items() if p.query}}
    found |= {p.check.id: obstacle(p, sight) for p in probes if p.check.id not in found}
    return rows, tuple(_verdict(p, found[p.check.id], rows, outside, now) for p in probes)


def obstacle(probe: Probe, sight: Sight) -> str:
    """Return why `probe` cannot be tried on what is in sight; empty when it can."""
    if probe.problem:
        return probe.problem
    gone = [c for c in probe.columns if c not in sight.rows.columns]
    if gone:
        return f"the data set has no column {', '.join(gone)}"
    absent = [d for d in probe.datasets if d not in sight.others]
    return f"there is no data set {', '.join(absent)} in the lake yet" if absent else ""


# What the engine answered, or why it did not.
_Numbers = dict[str, Any] | str


def _verdict(
    probe: Probe, numbers: _Numbers, rows: int, outside: KeptOut, now: Instant
) -> Measurement:
    if isinstance(numbers, str):
        return unchecked(probe, numbers)
    if probe.is_at_door:
        numbers = {
            "checked": numbers["checked"] + outside.tried(probe.check),
            "broken": numbers["broken"] + outside.breaking(probe.check),
        }
        rows += outside.rows
    return judge(probe, numbers, rows=rows, now=now)


def _count(
    backend: ibis.BaseBackend, probes: Sequence[Probe], sight: Sight
) -> tuple[int, dict[str, _Numbers]]:
    try:
        return _one_scan(backend, probes, sight)
    except _FAILURES as error:
        if len(probes) == 1:
            return _one_scan(backend, (), sight)[0], {probes[0].check.id: _why(error)}
        if not probes:
            raise
    alone = [_count(backend, (p,), sight) for p in probes]
    return alone[0][0], {i: numbers for _, found in alone for i, numbers in found.items()}


def _one_scan(
    backend: ibis.BaseBackend, probes: Sequence[Probe], sight: Sight
) -> tuple[int, dict[str, _Numbers]]:
    columns: dict[Any, str] = {}
    asked = {
        p.check.id: {name: _column(columns, make(sight)) for name, make in p.expressions.items()}
        for p in probes
    }
    total = _column(columns, sight.rows.count())
    scalars = {alias: operation.to_expr() for operation, alias in columns.items()}
    answer = _first_row(backend, sight.rows.aggregate(**scalars))
    return int(answer[total]), {
        i: {name: answer[alias] for name, alias in named.items()} for i, named in asked.items()
    }


def _column(columns: dict[Any, str], scalar: ir.Scalar) -> str:
    # Checks of one column share counts: each distinct expression is computed once.
    return columns.setdefault(scalar.op(), f"n{len(columns)}")


def _ask(backend: ibis.BaseBackend, probe: Probe) -> _Numbers:
    try:
        asked = backend.sql(probe.query, schema={"value": "float64"}, dialect="duckdb")
        return {"value": _first_row(backend, asked).get("value")}
    except _FAILURES as error:
        return _why(error)


def _first_row(backend: ibis.BaseBackend, table: ir.Table) -> Mapping[str, Any]:
    rows = backend.to_pyarrow(table.limit(1)).to_pylist()
    return rows[0] if rows else {}


def _why(error: Exception) -> str:
    return f"the engine refused it: {str(error).splitlines()[0][:200]}"
