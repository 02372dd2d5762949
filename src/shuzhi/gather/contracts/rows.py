"""The rules that one row of a table can break by itself, compiled from its contract.

Sources use them to split good rows from bad, quality to count; both get the same Ibis
expressions, so that a row is judged alike on every engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from shuzhi.gather.contracts.casts import cast_sql, text_sql
from shuzhi.gather.contracts.model import Dimension, Field, LogicalType, QualityRule, Table
from shuzhi.gather.contracts.patterns import re2_pattern
from shuzhi.gather.contracts.values import (
    KIND_EN,
    KIND_ZH,
    integer_range,
    precision_and_scale,
    typed,
)

__all__ = ["RowRule", "arrow_schema", "cast_sql", "cell_rule", "row_rules", "text_sql"]

Condition = Callable[[ir.Table], ir.BooleanValue]
_TINY = 1e-9
_ARROW = {
    LogicalType.INTEGER: pa.int64(),
    LogicalType.NUMBER: pa.float64(),
    LogicalType.BOOLEAN: pa.bool_(),
    LogicalType.DATE: pa.date32(),
    LogicalType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True)
class RowRule:
    """One rule on the cells of one column; both conditions are never NULL.

    `broken` is true where a row breaks it, `applies` where it was checked (the denominator): all
    rows for "required", rows with a value for the others.
    """

    code: str
    column: str
    dimension: Dimension
    title_en: str
    title_zh: str
    broken: Condition
    applies: Condition


def arrow_schema(table: Table) -> pa.Schema:
    """Return the Arrow schema of the table's typed rows, columns in the contract's order.

    integer int64; number float64, or decimal128(p, s) when its physical type is DECIMAL(p, s);
    boolean bool; date date32; timestamp in microseconds UTC; time a string HH:MM:SS; the others
    strings (JSON for object, array, map and vector). Every column may hold null.
    """
    return pa.schema([pa.field(f.name, _arrow_type(f)) for f in table.fields])


def row_rules(table: Table) -> tuple[RowRule, ...]:
    """Return the rules of a table whose columns have the types of `arrow_schema(table)`.

    An `invalidValues` quality rule is one of them ("invalid_values") when it tolerates no row;
    with a tolerance it judges the table, not the row, and only `cell_rule` compiles it.
    """
    rules = [rule for field in table.fields for rule in _field_rules(field)]
    strict = (q for q in table.quality if q.metric == "invalidValues" and q.tolerates_none)
    rules += [cell_rule(table.field(q.column), q) for q in strict if q.column]
    return tuple(rules)


def cell_rule(field: Field, quality: QualityRule) -> RowRule:
    """Return the rule "invalid_values" of an ODCS `invalidValues` entry on a column.

    A value is invalid when it is not among `validValues` or has no match of `pattern`
    (whichever the rule's arguments state); limits and unit are the caller's business.
    """
    tests = []
    wording_en, wording_zh = [], []
    is_text = field.logical_type is LogicalType.STRING
    if quality.arguments.get("pattern") is not None:
        tests.append(_no_match(re2_pattern(quality.arguments["pattern"])))
        wording_en.append(f"matches {quality.arguments['pattern']}")
        wording_zh.append(f"符合格式 {quality.arguments['pattern']}")
    valid = [v for v in quality.arguments.get("validValues", ()) if v is not None]
    if "validValues" in quality.arguments:
        tests.append(_not_among([typed(field, value) for value in valid if value != "" or is_text]))
        wording_en.append(f"is one of {_listed(valid)}")
        wording_zh.append(f"取值为 {_listed(valid)} 之一")
    return _cell(
        field,
        "invalid_values",
        lambda column: _any([test(column) for test in tests]),
        (" and ".join(wording_en), "且".join(wording_zh)),
        quality.dimension or Dimension.CONFORMITY,
    )


def _field_rules(field: Field) -> Iterator[RowRule]:
    if field.is_required or field.key_position is not None:
        yield _required(field)
    yield from _type_rules(field)
    yield from _limit_rules(field)
    yield from _text_rules(field)
    if field.allowed_values:
        allowed = [typed(field, value) for value in field.allowed_values if value is not None]
        listed = _listed(field.allowed_values)
        wording = (f"is one of {listed}", f"取值为 {listed} 之一")
        yield _cell(field, "allowed_values", _not_among(allowed), wording, Dimension.CONFORMITY)


def _required(field: Field) -> RowRule:
    name = field.name
    return RowRule(
        "required",
        name,
        Dimension.COMPLETENESS,
        f"{name} is present",
        f"{_title(field)}不为空",
        lambda t: t[name].isnull(),
        lambda _t: ibis.literal(True),
    )


def _type_rules(field: Field) -> Iterator[RowRule]:
    # What the column's own type lets through although the field's type does not.
    wording = (f"is {KIND_EN[field.logical_type]}", f"为{KIND_ZH[field.logical_type]}")
    whole = integer_range(field.bounds.width)
    if field.logical_type is LogicalType.INTEGER and whole:
        least, most = whole
        ranged = (f"{wording[0]} ({least} to {most})", f"{wording[1]}（{least} 至 {most}）")
        yield _cell(field, "type", lambda c: (c < least) | (c > most), ranged)
    elif field.logical_type is LogicalType.NUMBER and not precision_and_scale(field):
        yield _cell(field, "type", lambda c: c.isnan() | c.isinf(), wording)
    elif field.logical_type is LogicalType.TIME:
        yield _cell(field, "type", _no_match("^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"), wording)


def _limit_rules(field: Field) -> Iterator[RowRule]:
    bounds = field.bounds
    for code, stated, breaks, en, zh in (
        ("minimum", bounds.minimum, lambda c, v: c < v, "is at least", "不小于"),
        ("maximum", bounds.maximum, lambda c, v: c > v, "is at most", "不大于"),
        ("exclusive_minimum", bounds.exclusive_minimum, lambda c, v: c <= v, "is above", "大于"),
        ("exclusive_maximum", bounds.exclusive_maximum, lambda c, v: c >= v, "is below", "小于"),
    ):
        if stated is not None:
            shown = f"{stated} {field.unit}" if field.unit else f"{stated}"
            yield _cell(
                field,
                code,
                _bound(breaks, typed(field, stated)),
                (f"{en} {shown}", f"{zh} {shown}"),
            )
    if bounds.multiple_of is not None:
        step = bounds.multiple_of
        wording = (f"is a multiple of {step}", f"为 {step} 的倍数")
        yield _cell(field, "multiple_of", _no_multiple(step), wording)


def _text_rules(field: Field) -> Iterator[RowRule]:
    shortest, longest = field.bounds.min_length, field.bounds.max_length
    if shortest is not None:
        wording = (f"has at least {shortest} characters", f"不少于 {shortest} 个字符")
        yield _cell(field, "min_length", lambda c: c.length() < shortest, wording)
    if longest is not None:
        wording = (f"has at most {longest} characters", f"不多于 {longest} 个字符")
        yield _cell(field, "max_length", lambda c: c.length() > longest, wording)
    if field.bounds.pattern is not None:
        shown = field.bounds.pattern
        wording = (f"matches {shown}", f"符合格式 {shown}")
        yield _cell(field, "pattern", _no_match(re2_pattern(shown)), wording)


def _cell(
    field: Field,
    code: str,
    breaks: Callable[[Any], Any],
    wording: tuple[str, str],
    dimension: Dimension = Dimension.ACCURACY,
) -> RowRule:
    name = field.name
    return RowRule(
        code,
        name,
        dimension,
        f"{name} {wording[0]}",
        f"{_title(field)}{wording[1]}",
        lambda t: breaks(t[name]).fill_null(False),
        lambda t: t[name].notnull(),
    )


def _bound(breaks: Callable[[Any, Any], Any], limit: Any) -> Callable[[Any], Any]:
    return lambda column: breaks(column, ibis.literal(limit))


def _no_multiple(step: float) -> Callable[[Any], Any]:
    if float(step).is_integer():
        return lambda column: (column % int(step)) != 0
    return lambda c: (c / step - (c / step).round()).abs() > _TINY


def _no_match(pattern: str) -> Callable[[Any], Any]:
    return lambda column: ~column.re_search(pattern)


def _not_among(values: list[Any]) -> Callable[[Any], Any]:
    return lambda column: column.notin(values)


def _any(conditions: list[Any]) -> Any:
    return ibis.or_(*conditions)


def _listed(values: Any) -> str:
    shown = [str(value) for value in values]
    return ", ".join(shown[:8]) + (f", … ({len(shown)})" if len(shown) > 8 else "")


def _title(field: Field) -> str:
    title = field.title_zh or field.title
    return f"{title}（{field.name}）" if title and title != field.name else f"{field.name} "


def _arrow_type(field: Field) -> pa.DataType:
    decimal = precision_and_scale(field)
    return pa.decimal128(*decimal) if decimal else _ARROW.get(field.logical_type, pa.string())
