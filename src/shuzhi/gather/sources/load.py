"""Loads the parts of a source into the lake: good rows to the data set, bad ones to its quarantine.

Each of the two writes carries the part's number, so that a load that was cut off anywhere is
completed by running it again, and nothing is stored twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from shuzhi.gather.contracts.model import Table
from shuzhi.gather.lake import Commit, Lake, Tx
from shuzhi.gather.lake.model import QUARANTINE
from shuzhi.gather.sources.conform import (
    FINDING_TYPE,
    Drift,
    Sorted,
    bad_rows,
    good_rows,
    stage,
)
from shuzhi.gather.sources.model import Part, Source, Unreadable, Write
from shuzhi.gather.sources.report import Outcome
from shuzhi.kernel.ids import RunId
from shuzhi.kernel.instant import Instant

QUARANTINE_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("origin", pa.string()),
        ("run_id", pa.string()),
        ("row_number", pa.int64()),
        ("row", pa.string()),
        ("quarantined_at", pa.timestamp("us", "UTC")),
        ("findings", pa.list_(pa.field("element", FINDING_TYPE))),
    ]
)


@dataclass(frozen=True)
class Loading:
    """What is loaded, where to, and by which run."""

    lake: Lake
    source: Source
    table: Table
    run_id: RunId
    now: Instant


def part_app_id(source: str, origin: str) -> str:
    """Return under which name the lake counts the states of a part."""
    return f"{source}:{origin}"


def load_part(
    loading: Loading, part: Part, number: int, connection: duckdb.DuckDBPyConnection
) -> Outcome:
    """Store one part and return what became of its rows; a state stored before is left alone.

    `number` counts the states of this part: the quarantine is written first and the data set last,
    so that a number found in the data set has been stored whole.
    """
    tx = Tx(part_app_id(loading.source.name, part.origin), number)
    name = loading.table.name
    stored_before = loading.lake.committed(name, tx.app_id)
    if stored_before is not None and stored_before >= number:
        return Outcome(parts=1, parts_known=1)
    counts, drift = stage(connection, part, loading.source, loading.table)
    unreadable = tuple(part.unreadable())
    kept_out = counts.bad + len(unreadable)
    if kept_out:
        rows = _quarantine_rows(loading, part, bad_rows(connection), unreadable)
        loading.lake.append(f"{name}{QUARANTINE}", rows, tx=tx)
    stored = _store(loading, good_rows(connection, loading.table), tx)
    return _outcome(counts, drift, stored, kept_out, len(unreadable))


def _store(loading: Loading, rows: pa.RecordBatchReader, tx: Tx) -> Commit:
    lake, name = loading.lake, loading.table.name
    note = {"source": loading.source.name, "run_id": str(loading.run_id)}
    if lake.exists(name):
        # A newer contract may have more columns; rows stored before have no value in them.
        lake.widen(name, rows.schema, note=note)
    match loading.source.write_mode(loading.table.key):
        case Write.UPSERT:
            return lake.upsert(name, rows, key=loading.table.key, tx=tx, note=note)
        case Write.REPLACE:
            return lake.overwrite(name, rows, tx=tx, note=note)
        case Write.APPEND:
            return lake.append(name, rows, tx=tx, note=note)


def _outcome(counts: Sorted, drift: Drift, stored: Commit, kept_out: int, unread: int) -> Outcome:
    return Outcome(
        parts=1,
        read=counts.read + unread,
        inserted=stored.inserted,
        updated=stored.updated,
        unchanged=stored.unchanged,
        repeated=counts.repeated,
        quarantined=kept_out,
        unknown_columns=drift.unknown,
        missing_columns=drift.missing,
    ).balanced()


def _quarantine_rows(
    loading: Loading, part: Part, bad: pa.RecordBatchReader, unreadable: Sequence[Unreadable]
) -> pa.RecordBatchReader:
    def batches() -> Iterator[pa.RecordBatch]:
        for batch in bad:
            findings = [f.as_py() for f in batch.column("findings").cast(pa.list_(FINDING_TYPE))]
            numbers = batch.column("row_number").to_pylist()
            yield _batch(loading, part.origin, numbers, findings, batch.column("row").to_pylist())
        if unreadable:
            numbers = [u.row_number for u in unreadable]
            findings = [[_finding(u)] for u in unreadable]
            texts = [json.dumps({"text": u.text}, ensure_ascii=False) for u in unreadable]
            yield _batch(loading, part.origin, numbers, findings, texts)

    return pa.RecordBatchReader.from_batches(QUARANTINE_SCHEMA, batches())


def _finding(piece: Unreadable) -> dict[str, str | None]:
    return {
        "column": None,
        "code": piece.reason_code,
        "reason_en": piece.reason_en,
        "reason_zh": piece.reason_zh,
        "value": None,
    }


def _batch(
    loading: Loading,
    origin: str,
    numbers: Sequence[int],
    findings: Sequence[Sequence[dict[str, str | None]]],
    rows: Sequence[str],
) -> pa.RecordBatch:
    count = len(numbers)
    moment: datetime = loading.now
    values = [
        [loading.source.name] * count,
        [origin] * count,
        [str(loading.run_id)] * count,
        numbers,
        rows,
        [moment] * count,
        findings,
    ]
    arrays = [pa.array(v, f.type) for v, f in zip(values, QUARANTINE_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=QUARANTINE_SCHEMA)
