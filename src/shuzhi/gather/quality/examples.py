"""Shows the rows behind the numbers: those that break one check, and those that break the most.

Only as many rows leave the engine as are asked for; memory does not grow with the data set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from shuzhi.gather.quality.model import CellFinding, Check, FaultyRow
from shuzhi.gather.quality.probe import Probe, Sight

_FLAG = "shuzhi_flag_{}"


def worst(
    backend: ibis.BaseBackend, probes: Sequence[Probe], sight: Sight, key: Sequence[str], limit: int
) -> tuple[FaultyRow, ...]:
    """Return at most `limit` rows, those that break the most checks first, then by their values."""
    pointing = [p for p in probes if p.faulty and not p.faulty.gaps]
    if not pointing:
        return ()
    flagged = _flagged(sight, pointing)
    flags = [flagged[_FLAG.format(i)] for i in range(len(pointing))]
    score = sum((flag.cast("int64") for flag in flags[1:]), flags[0].cast("int64"))
    columns = sight.rows.columns
    first = [*key, *(c for c in columns if c not in key)]
    rows = flagged.mutate(shuzhi_score=score).filter(ibis._.shuzhi_score > 0)
    asked = rows.order_by(ibis.desc("shuzhi_score"), *first).limit(limit)
    return tuple(
        FaultyRow(_key(row, key, columns), tuple(_broken(row, pointing)))
        for row in backend.to_pyarrow(asked).to_pylist()
    )


def broken_by(
    backend: ibis.BaseBackend, probe: Probe, sight: Sight, key: Sequence[str], limit: int
) -> tuple[FaultyRow, ...]:
    """Return at most `limit` rows that break the check of `probe`, in the order of their values.

    For a series these are the gaps: the key where the first record is missing, and the number of
    records missing in a row as the value.
    """
    if probe.faulty is None:
        return ()
    if probe.faulty.gaps:
        return _missing(backend, probe, probe.faulty.gaps(sight), limit)
    columns = sight.rows.columns
    flagged = _flagged(sight, [probe])
    first = [*key, *(c for c in columns if c not in key)]
    asked = flagged.filter(flagged[_FLAG.format(0)]).order_by(*first).limit(limit)
    return tuple(
        FaultyRow(_key(row, key, columns), (_finding(probe, row),))
        for row in backend.to_pyarrow(asked).to_pylist()
    )


def _flagged(sight: Sight, probes: Sequence[Probe]) -> ir.Table:
    rows = sight.rows
    for number, probe in enumerate(probes):
        rows = _with_flag(rows, sight, number, probe)
    return rows


def _with_flag(rows: ir.Table, sight: Sight, number: int, probe: Probe) -> ir.Table:
    name, faulty = _FLAG.format(number), probe.faulty
    if faulty and faulty.condition:
        return rows.mutate(**{name: faulty.condition(rows)})
    if not faulty or not faulty.keys:
        return rows.mutate(**{name: ibis.literal(False)})
    renamed = {f"{name}_{i}": column for i, column in enumerate(faulty.columns)}
    keys = faulty.keys(sight).select(*faulty.columns).distinct().rename(renamed)
    on = [rows[column] == keys[new] for new, column in renamed.items()]
    joined = rows.left_join(keys, on)
    return joined.mutate(**{name: joined[f"{name}_0"].notnull()}).drop(*renamed)


def _missing(
    backend: ibis.BaseBackend, probe: Probe, gaps: ir.Table, limit: int
) -> tuple[FaultyRow, ...]:
    *key, missing = gaps.columns
    asked = gaps.order_by(ibis.desc(missing), *key).limit(limit)
    return tuple(
        FaultyRow({c: row[c] for c in key}, (_cell(probe.check, row[missing]),))
        for row in backend.to_pyarrow(asked).to_pylist()
    )


def _broken(row: Mapping[str, Any], probes: Sequence[Probe]) -> Iterator[CellFinding]:
    for number, probe in enumerate(probes):
        if row[_FLAG.format(number)]:
            yield _finding(probe, row)


def _finding(probe: Probe, row: Mapping[str, Any]) -> CellFinding:
    if probe.check.column is not None:
        return _cell(probe.check, row[probe.check.column])
    columns = probe.faulty.columns if probe.faulty else ()
    return _cell(probe.check, {c: row[c] for c in columns})


def _cell(check: Check, value: Any) -> CellFinding:
    return CellFinding(check.id, check.column, value, check.title_en, check.title_zh)


def _key(row: Mapping[str, Any], key: Sequence[str], columns: Sequence[str]) -> dict[str, Any]:
    return {c: row[c] for c in (key or columns)}
