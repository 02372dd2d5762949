"""Checks that look beyond one row: keys that repeat, and references that lead nowhere.

Distinct keys and unmatched references are counted in sub-queries of the one statement: they read
only the key columns again, which measured faster than counting them within the main aggregate.
"""

from __future__ import annotations

from dataclasses import replace

import ibis
import ibis.expr.types as ir

from shuzhi.gather.contracts.model import Dimension, Reference, Table
from shuzhi.gather.quality.model import Check, Kind
from shuzhi.gather.quality.probe import Faulty, Probe, Sight, complete, count_where


def key_probes(table: Table) -> tuple[Probe, ...]:
    """Return the probes of the primary key, if there is one, and of every unique column."""
    keyed = (_primary_key(table),) if table.key else ()
    alone = [f.name for f in table.fields if f.is_unique and (f.name,) != table.key]
    return (*keyed, *(_unique_column(table, name) for name in alone))


def reference_probes(table: Table) -> tuple[Probe, ...]:
    """Return a probe for each foreign key of `table`; rows with a NULL in it point nowhere."""
    return tuple(_reference(table, reference) for reference in table.references)


def distinct_probe(check: Check, columns: tuple[str, ...]) -> Probe:
    """Return a probe that counts the rows which repeat the `columns` of another row.

    A is the number of distinct keys, B the rows with a complete key (GB/T 36344 uniqueness): a key
    that stands three times has two surplus rows. The faulty rows are all three.
    """
    return Probe(
        check,
        checked=lambda sight: count_where(sight.rows, complete(sight.rows, columns)),
        broken=lambda sight: _surplus(sight.rows, columns),
        columns=columns,
        faulty=Faulty(columns=columns, keys=lambda sight: _repeated(sight.rows, columns)),
    )


def _primary_key(table: Table) -> Probe:
    names = ", ".join(table.key)
    check = Check(
        id=f"{table.name}.primary_key",
        dataset=table.name,
        column=table.key[0] if len(table.key) == 1 else None,
        code="primary_key",
        dimension=Dimension.ACCURACY,
        kind=Kind.KEY,
        title_en=f"no two rows have the same {names}",
        title_zh=f"{names} 不重复",
        source="ODCS 3.1 primaryKey; GB/T 36344-2018 accuracy, uniqueness",
    )
    return replace(distinct_probe(check, table.key), is_at_door=True)


def _unique_column(table: Table, column: str) -> Probe:
    check = Check(
        id=f"{table.name}.{column}.unique",
        dataset=table.name,
        column=column,
        code="unique",
        dimension=Dimension.ACCURACY,
        kind=Kind.KEY,
        title_en=f"no two rows have the same {column}",
        title_zh=f"{column} 不重复",
        source="ODCS 3.1 unique; GB/T 36344-2018 accuracy, uniqueness",
    )
    return distinct_probe(check, (column,))


def _reference(table: Table, reference: Reference) -> Probe:
    names, there = ", ".join(reference.columns), ", ".join(reference.referred)
    alone = reference.columns[0] if len(reference.columns) == 1 else None
    check = Check(
        id=f"{table.name}.{'_'.join(reference.columns)}.reference",
        dataset=table.name,
        column=alone,
        code="reference",
        dimension=Dimension.CONSISTENCY,
        kind=Kind.REFERENCE,
        title_en=f"{names} is found as {there} of {reference.dataset}",
        title_zh=f"{names} 在 {reference.dataset} 的 {there} 中存在",
        source="ODCS 3.1 relationships; GB/T 36344-2018 consistency, linked data",
    )
    return Probe(
        check,
        checked=lambda sight: count_where(sight.rows, complete(sight.rows, reference.columns)),
        broken=lambda sight: _orphans(sight, reference).count().as_scalar(),
        columns=reference.columns,
        datasets=(reference.dataset,),
        faulty=Faulty(
            columns=reference.columns, keys=lambda sight: _orphans(sight, reference).distinct()
        ),
    )


def _surplus(rows: ir.Table, columns: tuple[str, ...]) -> ir.IntegerScalar:
    keys = rows.filter(complete(rows, columns)).select(*columns)
    if len(columns) == 1:
        key = keys[columns[0]]
        return keys.aggregate(n=key.count() - key.nunique()).as_scalar()
    return keys.count().as_scalar() - keys.distinct().count().as_scalar()


def _repeated(rows: ir.Table, columns: tuple[str, ...]) -> ir.Table:
    keys = rows.filter(complete(rows, columns)).group_by(*columns)
    return keys.having(ibis._.count() > 1).aggregate().select(*columns)


def _orphans(sight: Sight, reference: Reference) -> ir.Table:
    rows, other = sight.rows, sight.others[reference.dataset]
    here = rows.filter(complete(rows, reference.columns)).select(*reference.columns)
    there = other.filter(complete(other, reference.referred)).select(*reference.referred)
    pairs = zip(reference.columns, reference.referred, strict=True)
    return here.anti_join(there, [here[a] == there[b] for a, b in pairs])
