"""What is wrong with a row: each cell that cannot be read, each rule of the contract it breaks.

The rules are the contract's own (Ibis), the same that quality counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import pyarrow as pa
import sqlglot
from sqlglot import exp

from shuzhi.gather.contracts.model import Field, LogicalType, Table
from shuzhi.gather.contracts.rows import RowRule, arrow_schema, row_rules, text_sql
from shuzhi.gather.lake.query import literal
from shuzhi.gather.lake.schema import identifier
from shuzhi.gather.sources.conform import Arrival, text_name
from shuzhi.gather.sources.model import SourceBase

# What no table can hold, whatever a source tolerates: a cell that was not read or must be there.
_STRUCTURAL = frozenset({"type", "required"})
_FINDING = (
    'STRUCT("column" VARCHAR, code VARCHAR, reason_en VARCHAR, reason_zh VARCHAR, value VARCHAR)'
)

FINDING_TYPE = pa.struct(
    [
        ("column", pa.string()),
        ("code", pa.string()),
        ("reason_en", pa.string()),
        ("reason_zh", pa.string()),
        ("value", pa.string()),
    ]
)


@dataclass(frozen=True)
class Fault:
    """One way for a row of `typed_rows_sql` to be bad: `condition` is true (not NULL or false).

    `finding` is the SQL of its finding, a STRUCT of `FINDING_TYPE`, or of NULL where another fault
    of the row says it better.
    """

    condition: str
    finding: str


def faults(arrival: Arrival, source: SourceBase, table: Table) -> tuple[Fault, ...]:
    """Return all that keeps a row out of the table of `source`."""
    unread = {f.name: condition for f in arrival.fields if (condition := _unread_sql(f))}
    found = [_unread(f, unread[f.name]) for f in arrival.fields if f.name in unread]
    stopping = [r for r in row_rules(table) if _stops(r, source)]
    for rule, broken in zip(stopping, _conditions(stopping, table), strict=True):
        finding = _broken(rule)
        if rule.code == "required" and rule.column in unread:
            # A cell that could not be read is empty now: that it must be there was no fault of it.
            finding = f"CASE WHEN NOT {unread[rule.column]} THEN {finding} END"
        found.append(Fault(broken, finding))
    return tuple(found)


def conflict(key: Sequence[str], condition: str) -> Fault:
    """Return the fault of rows that have a key in common and differ."""
    reason_en = "the key stands in other rows with other values"
    reason_zh = "同一主键在其他行中取值不同"
    column = ", ".join(key)
    shown = f"left(concat_ws(', ', {', '.join(map(identifier, key))}), 200)"
    return Fault(condition, _finding(column, "conflicting_key", reason_en, reason_zh, shown))


def findings_sql(found: Sequence[Fault]) -> str:
    """Return SQL of the list of findings of a row."""
    each = ", ".join(f"CASE WHEN {f.condition} THEN {f.finding} END" for f in found)
    return f"list_filter([{each}], lambda f: f IS NOT NULL)"


def row_sql(arrival: Arrival) -> str:
    """Return SQL of a row as it came: JSON text by field, null where there was no value."""
    cells = ", ".join(f"{identifier(f.name)} := {_cell(f)}" for f in arrival.fields)
    return f"CAST(to_json(struct_pack({cells})) AS VARCHAR)"


def _cell(field: Field) -> str:
    text = text_name(field)
    return f"CASE WHEN {text_sql(field, text)} IS NOT NULL THEN {text} END"


def _unread_sql(field: Field) -> str:
    """Return the condition that a text was there and could not be read; "" when any can."""
    if field.logical_type is LogicalType.STRING:
        return ""
    is_text = f"({text_sql(field, text_name(field))}) IS NOT NULL"
    return f"(CASE WHEN {identifier(field.name)} IS NULL THEN {is_text} ELSE false END)"


def _unread(field: Field, condition: str) -> Fault:
    reason_en = f"{field.name} cannot be read as {field.logical_type.value}"
    reason_zh = f"{field.name} 无法读作 {field.logical_type.value}"
    shown = f"left({text_name(field)}, 200)"
    return Fault(condition, _finding(field.name, "type", reason_en, reason_zh, shown))


def _broken(rule: RowRule) -> str:
    return _finding(
        rule.column,
        rule.code,
        f"broken: {rule.title_en}",
        f"不满足：{rule.title_zh}",
        f"left(CAST({identifier(rule.column)} AS VARCHAR), 200)",
    )


def _stops(rule: RowRule, source: SourceBase) -> bool:
    return rule.code in _STRUCTURAL or source.on_broken_rule == "quarantine"


def _finding(column: str, code: str, reason_en: str, reason_zh: str, value: str) -> str:
    pairs = (
        f'"column": {literal(column)}, code: {literal(code)}, '
        f"reason_en: {literal(reason_en)}, reason_zh: {literal(reason_zh)}, "
        f"value: CAST({value} AS VARCHAR)"
    )
    return f"CAST({{{pairs}}} AS {_FINDING})"


def _conditions(rules: Sequence[RowRule], table: Table) -> list[str]:
    """Return the DuckDB SQL of each rule's condition, over columns of the table's names."""
    if not rules:
        return []
    typed = ibis.table(arrow_schema(table), name="typed")
    named = {f"rule{number}": rule.broken(typed) for number, rule in enumerate(rules)}
    tree = sqlglot.parse_one(str(ibis.to_sql(typed.select(**named), dialect="duckdb")), "duckdb")
    conditions = [one.unalias() for one in tree.find(exp.Select).expressions]  # type: ignore[union-attr]
    for column in (c for condition in conditions for c in condition.find_all(exp.Column)):
        column.set("table", None)
    return [f"({condition.sql(dialect='duckdb')})" for condition in conditions]
