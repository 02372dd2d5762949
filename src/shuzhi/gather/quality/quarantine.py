"""Counts the rows that were kept out at the door, so that a score does not praise what is left.

A row that breaks its contract is not in the data set but in its quarantine, as JSON texts: the row
as it came, and its findings with the same columns and codes as our checks of single cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir

from shuzhi.gather.lake import Version
from shuzhi.gather.lake.model import QUARANTINE
from shuzhi.gather.quality.model import Check
from shuzhi.kernel.ids import DatasetName

_CONFLICT = "conflicting_key"


@dataclass(frozen=True)
class KeptOut:
    """What stands in quarantine: `rows`; `unreadable` ones, which could not be cut into cells.

    `broken` is the number of rows by column and code of a finding, `filled` by column the number
    of rows that had something in its cell, and `conflicting` the rows whose key contradicts
    another row's.
    """

    rows: int = 0
    unreadable: int = 0
    conflicting: int = 0
    broken: Mapping[tuple[str, str], int] = field(default_factory=dict)
    filled: Mapping[str, int] = field(default_factory=dict)

    def tried(self, check: Check) -> int:
        """Return on how many of the rows the door tried `check`."""
        column = check.column or ""
        if check.code == "readable":
            return self.rows
        if check.code == "primary_key":
            return self.conflicting
        if check.code == "required":
            return self.rows - self.unreadable
        unread = 0 if check.code == "type" else self.broken.get((column, "type"), 0)
        return self.filled.get(column, 0) - unread

    def breaking(self, check: Check) -> int:
        """Return how many of the rows break `check`."""
        if check.code == "readable":
            return self.unreadable
        if check.code == "primary_key":
            return self.conflicting
        return self.broken.get((check.column or "", check.code), 0)


NOTHING_OUTSIDE = KeptOut()


def quarantine_name(dataset: str) -> DatasetName:
    """Return the name of the data set that holds what was kept out of `dataset`."""
    return DatasetName(f"{dataset}{QUARANTINE}")


def kept_out(
    backend: ibis.BaseBackend,
    quarantine: ir.Table,
    columns: Sequence[str],
    runs: frozenset[str] | None,
) -> KeptOut:
    """Count what stands in `quarantine` of the given runs (None: of all), for the `columns`."""
    rows = quarantine if runs is None else quarantine.filter(quarantine.run_id.isin(sorted(runs)))
    broken = _findings(backend, rows)
    filled = {f"c{i}": _is_filled(rows, name).sum() for i, name in enumerate(columns)}
    counts = backend.to_pyarrow(rows.aggregate(n=rows.count(), **filled)).to_pylist()[0]
    return KeptOut(
        rows=counts["n"],
        unreadable=sum(n for (column, _), n in broken.items() if not column),
        conflicting=sum(n for (_, code), n in broken.items() if code == _CONFLICT),
        broken=broken,
        filled={name: counts[f"c{i}"] or 0 for i, name in enumerate(columns)},
    )


def current_runs(history: Sequence[Version]) -> frozenset[str] | None:
    """Return the runs whose rows are still in the table: those since it was last overwritten.

    None when it never was: then every run counts. `history` is the newest version first.
    """
    runs = set()
    for version in history:
        runs.add(version.note.get("run_id", ""))
        if version.verb == "overwrite":
            return frozenset(runs)
    return None


def _findings(backend: ibis.BaseBackend, rows: ir.Table) -> dict[tuple[str, str], int]:
    each = rows.select(finding=rows.findings.cast("json").array.unnest())
    named = each.select(column=each.finding["column"].str, code=each.finding["code"].str)
    counted = named.group_by("column", "code").aggregate(n=ibis._.count())
    found = backend.to_pyarrow(counted).to_pylist()
    return {(row["column"] or "", row["code"]): row["n"] for row in found}


def _is_filled(rows: ir.Table, column: str) -> ir.IntegerColumn:
    cell = rows["row"].cast("json")[column].cast("string")
    return (cell.notnull() & (cell != "null")).cast("int64")
