"""Turns a table of a contract into probes: one for every promise that it makes.

What the columns promise (types, bounds, keys, references), the ODCS quality rules and the service
levels all become checks; a promise that cannot be checked becomes a probe that says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import ibis

from shuzhi.gather.contracts.model import Dimension, Field, LogicalType, QualityRule, Table
from shuzhi.gather.contracts.rows import RowRule, row_rules
from shuzhi.gather.contracts.values import KIND_EN, KIND_ZH
from shuzhi.gather.quality.custom import custom_probe
from shuzhi.gather.quality.keys import key_probes, reference_probes
from shuzhi.gather.quality.library import library_probe, refused
from shuzhi.gather.quality.model import Check, Kind
from shuzhi.gather.quality.probe import Probe, row_probe
from shuzhi.gather.quality.query_rules import query_probe
from shuzhi.gather.quality.service_levels import service_probes


def compile_checks(table: Table) -> tuple[Probe, ...]:
    """Return a probe for every promise that `table` makes; their check ids differ."""
    return tuple(_told_apart(_probes(table)))


def _probes(table: Table) -> Iterator[Probe]:
    # Rules "invalid_values" come from `table.quality`, below, where their limits stand.
    rules = (rule for rule in row_rules(table) if rule.code != "invalid_values")
    yield from (_row_probe(table, rule) for rule in rules)
    yield from _type_probes(table)
    yield _readable(table)
    yield from key_probes(table)
    yield from reference_probes(table)
    yield from (_quality_probe(table, rule) for rule in table.quality)
    yield from service_probes(table)


def _row_probe(table: Table, rule: RowRule) -> Probe:
    check = Check(
        id=f"{table.name}.{rule.column}.{rule.code}",
        dataset=table.name,
        column=rule.column,
        code=rule.code,
        dimension=rule.dimension,
        kind=Kind.ROW,
        title_en=rule.title_en,
        title_zh=rule.title_zh,
        source=f"ODCS 3.1 {_CLAUSES.get(rule.code, rule.code)}; "
        f"GB/T 36344-2018 {rule.dimension.value}",
    )
    return row_probe(check, rule.column, rule.broken, rule.applies, is_at_door=True)


def _type_probes(table: Table) -> Iterator[Probe]:
    # The type of a loaded column admits only what the field's type does: whatever could not be
    # read was kept out, and counts from there.
    judged = {rule.column for rule in row_rules(table) if rule.code == "type"}
    for typed in table.fields:
        if typed.logical_type is not LogicalType.STRING and typed.name not in judged:
            yield _row_probe(table, _typed(typed))


def _typed(typed: Field) -> RowRule:
    name = typed.name
    return RowRule(
        "type",
        name,
        Dimension.ACCURACY,
        f"{name} is {KIND_EN[typed.logical_type]}",
        f"{typed.title_zh or name} 为{KIND_ZH[typed.logical_type]}",
        lambda _rows: ibis.literal(False),
        lambda rows: rows[name].notnull(),
    )


def _readable(table: Table) -> Probe:
    check = Check(
        id=f"{table.name}.readable",
        dataset=table.name,
        column=None,
        code="readable",
        dimension=Dimension.CONFORMITY,
        kind=Kind.ROW,
        title_en="every row of the source can be cut into cells",
        title_zh="来源的每一行均可拆分为单元格",
        source="ODCS 3.1 schema; GB/T 36344-2018 conformity",
    )
    return Probe(
        check,
        checked=lambda sight: sight.rows.count(),
        broken=lambda _sight: ibis.literal(0),
        is_at_door=True,
    )


_CLAUSES = {
    "required": "required",
    "type": "logicalType",
    "minimum": "logicalTypeOptions.minimum",
    "maximum": "logicalTypeOptions.maximum",
    "exclusive_minimum": "logicalTypeOptions.exclusiveMinimum",
    "exclusive_maximum": "logicalTypeOptions.exclusiveMaximum",
    "multiple_of": "logicalTypeOptions.multipleOf",
    "min_length": "logicalTypeOptions.minLength",
    "max_length": "logicalTypeOptions.maxLength",
    "pattern": "logicalTypeOptions.pattern",
}


def _quality_probe(table: Table, rule: QualityRule) -> Probe:
    if rule.kind == "library":
        return library_probe(table, rule)
    if rule.kind == "sql":
        return query_probe(table, rule)
    if rule.kind == "custom":
        return custom_probe(table, rule)
    return refused(table, rule, "it is written for people; no machine can check it")


def _told_apart(probes: Iterable[Probe]) -> Iterator[Probe]:
    seen: Counter[str] = Counter()
    for probe in probes:
        seen[probe.check.id] += 1
        again = seen[probe.check.id]
        new_id = f"{probe.check.id}_{again}"
        yield probe if again == 1 else replace(probe, check=replace(probe.check, id=new_id))
