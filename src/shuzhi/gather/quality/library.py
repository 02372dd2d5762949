"""The ODCS 3.1 library metrics: null, missing, invalid and duplicate values, and the row count.

Each compares a count with the limits that the rule states, in rows or in per cent of all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from shuzhi.gather.contracts.model import Dimension, QualityRule, Table
from shuzhi.gather.contracts.rows import cell_rule
from shuzhi.gather.quality.keys import distinct_probe
from shuzhi.gather.quality.model import Check, Kind, unknown_limits
from shuzhi.gather.quality.probe import Probe, row_probe


def library_probe(table: Table, rule: QualityRule) -> Probe:
    """Return the probe of one library rule; one with a `problem` when it cannot be checked."""
    metric = _METRICS.get(rule.metric or "")
    if metric is None:
        known = ", ".join(_METRICS)
        return refused(table, rule, f"{rule.metric!r} is no ODCS 3.1 metric; use one of {known}")
    wrong = limits_problem(rule)
    return refused(table, rule, wrong) if wrong else metric(table, rule)


def limits_problem(rule: QualityRule) -> str:
    """Return what is wrong with the limits and unit of `rule`; empty when they can be used."""
    if not rule.limits:
        return "the rule states no limit; add one such as mustBe: 0"
    unknown = unknown_limits(rule.limits)
    if unknown:
        return f"{', '.join(unknown)} is no ODCS operator with a number (mustBeBetween: two)"
    if rule.unit not in ("rows", "percent"):
        return f"the unit {rule.unit!r} is neither rows nor percent"
    return ""


def refused(table: Table, rule: QualityRule, problem: str) -> Probe:
    """Return a probe that stands for a promise which no machine here can check, and says why."""
    title = rule.description or rule.name or rule.metric or rule.kind
    code = rule.metric or rule.kind
    dimension = rule.dimension or Dimension.CONFORMITY
    check = rule_check(table, rule, code, (title, title), dimension, Kind.UNCHECKED)
    return Probe(check, problem=problem)


def rule_check(
    table: Table,
    rule: QualityRule,
    code: str,
    titles: tuple[str, str],
    dimension: Dimension,
    kind: Kind,
) -> Check:
    """Return the check of a quality rule; what the rule itself states comes before `dimension`."""
    where = f"{table.name}.{rule.column}" if rule.column else table.name
    return Check(
        id=f"{where}.{code}",
        dataset=table.name,
        column=rule.column,
        code=code,
        dimension=rule.dimension or dimension,
        kind=kind,
        title_en=titles[0],
        title_zh=titles[1],
        source=f"ODCS 3.1 quality, {rule.kind}{f' {rule.metric}' if rule.metric else ''}",
        severity=rule.severity or "error",
        limits=rule.limits,
        unit=rule.unit,
    )


def _null_values(table: Table, rule: QualityRule) -> Probe:
    column = rule.column
    if column is None:
        return refused(table, rule, "nullValues needs a column; move the rule under a property")
    titles = (f"{column} is filled in", f"{column} 已填写")
    check = rule_check(table, rule, "null_values", titles, Dimension.COMPLETENESS, Kind.ROW)
    return row_probe(check, column, lambda rows: rows[column].isnull(), _every_row)


def _missing_values(table: Table, rule: QualityRule) -> Probe:
    words, column = _values(rule, "missingValues"), rule.column
    if column is None or not words:
        return refused(table, rule, "missingValues needs a column and arguments.missingValues")
    said = _listed(words)
    titles = (f"{column} is none of {said}", f"{column} 不为 {said}")
    check = rule_check(table, rule, "missing_values", titles, Dimension.COMPLETENESS, Kind.ROW)
    return row_probe(
        check,
        column,
        lambda rows: rows[column].isnull() | among(rows[column], words).fill_null(False),
        _every_row,
    )


def _invalid_values(table: Table, rule: QualityRule) -> Probe:
    stated = {"validValues", "pattern"} & rule.arguments.keys()
    field = next((f for f in table.fields if f.name == rule.column), None)
    if field is None or not stated:
        needed = "a column and arguments.validValues or arguments.pattern"
        return refused(table, rule, f"invalidValues needs {needed}")
    cell = cell_rule(field, rule)
    titles = (cell.title_en, cell.title_zh)
    check = rule_check(table, rule, cell.code, titles, cell.dimension, Kind.ROW)
    strict = rule.tolerates_none
    return row_probe(check, field.name, cell.broken, cell.applies, is_at_door=strict)


def _duplicate_values(table: Table, rule: QualityRule) -> Probe:
    listed = rule.arguments.get("properties")
    columns = (rule.column,) if rule.column else tuple(listed or ())
    if not columns or not all(isinstance(c, str) for c in columns):
        return refused(table, rule, "duplicateValues needs a column or arguments.properties")
    names = ", ".join(columns)
    titles = (f"no two rows have the same {names}", f"{names} 不重复")
    check = rule_check(table, rule, "duplicate_values", titles, Dimension.ACCURACY, Kind.KEY)
    return distinct_probe(check, columns)


def _row_count(table: Table, rule: QualityRule) -> Probe:
    if rule.column is not None or rule.unit != "rows":
        return refused(table, rule, "rowCount counts rows of a table: no column, no per cent")
    titles = (f"the number of rows of {table.name}", f"{table.name} 的行数")
    check = rule_check(table, rule, "row_count", titles, Dimension.COMPLETENESS, Kind.TABLE)
    return Probe(check, value=lambda sight: sight.rows.count())


_METRICS: dict[str, Callable[[Table, QualityRule], Probe]] = {
    "nullValues": _null_values,
    "missingValues": _missing_values,
    "invalidValues": _invalid_values,
    "duplicateValues": _duplicate_values,
    "rowCount": _row_count,
}


def among(cell: ir.Column, words: Sequence[Any]) -> ir.BooleanValue:
    """Return whether `cell` equals one of `words`; NULL where the cell is NULL.

    Words of another type than the column's are compared as text: a contract may list "1" for an
    integer, and a number column can never hold "n/a".
    """
    stated = [w for w in words if w is not None]
    if cell.type().is_numeric() and all(isinstance(w, int | float) for w in stated):
        return cell.isin(stated)
    return cell.cast("string").isin([str(w) for w in stated])


def _values(rule: QualityRule, name: str) -> tuple[Any, ...]:
    listed = rule.arguments.get(name)
    return tuple(listed) if isinstance(listed, list | tuple) else ()


def _listed(words: Sequence[Any]) -> str:
    shown = ", ".join("NULL" if w is None else repr(w) for w in words[:8])
    return f"{shown}, …" if len(words) > 8 else shown


def _every_row(_rows: ir.Table) -> ir.BooleanValue:
    return ibis.literal(True)
