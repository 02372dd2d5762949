"""Loads the parts of a source into the lake: good rows to the data set, bad ones to its quarantine.

Each of the two writes carries the part's number, so that a load that was cut off anywhere is
completed by running it again, and nothing is stored twice.
"""

from __future__ import annotations

import json
import shutil
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from shuzhi.gather.contracts.model import Table
from shuzhi.gather.lake import Commit, Lake, StagedFiles, Tx
from shuzhi.gather.lake.model import QUARANTINE
from shuzhi.gather.sources.conform import Drift, arrive
from shuzhi.gather.sources.findings import FINDING_TYPE, faults
from shuzhi.gather.sources.model import Part, Source, Unreadable, Write
from shuzhi.gather.sources.progress import Tell
from shuzhi.gather.sources.report import Outcome
from shuzhi.gather.sources.sorting import Sorted, Sorter
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
    loading: Loading,
    part: Part,
    number: int,
    connection: duckdb.DuckDBPyConnection,
    tell: Tell = lambda _share: None,
) -> Outcome:
    """Store one part and return what became of its rows; a state stored before is left alone.

    `number` counts the states of this part: the quarantine is written first and the data set last,
    so that a number found in the data set has been stored whole.
    """
    tx = Tx(part_app_id(loading.source.name, part.origin), number)
    if is_stored(loading.lake, loading.table.name, tx):
        return Outcome(parts=1, parts_known=1)
    folder = loading.lake.staging(loading.table.name)
    try:
        return _load(loading, part, tx, connection, folder, tell)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_stored(lake: Lake, name: str, tx: Tx) -> bool:
    """Whether a state of a part is in the data set."""
    stored = lake.committed(name, tx.app_id)
    return stored is not None and stored >= tx.version


def _load(
    loading: Loading,
    part: Part,
    tx: Tx,
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    tell: Tell,
) -> Outcome:
    lake, source, table = loading.lake, loading.source, loading.table
    arrival = arrive(connection, part, source, table)
    sorter = Sorter(
        connection,
        arrival,
        table,
        faults(arrival, source, table),
        folder,
        lake.settings.file_bytes,
    )
    found = sorter.sort(tell)
    unreadable = tuple(part.unreadable())
    if found.kept_out or unreadable:
        bad = sorter.keep_out(found)
        part.require_same()
        rows = _quarantine_rows(loading, part, bad, unreadable)
        lake.append(f"{table.name}{QUARANTINE}", rows, tx=tx)
    part.require_same()
    stored = _store(loading, found.files, tx)
    return _outcome(found, arrival.drift, stored, len(unreadable))


def _store(loading: Loading, rows: StagedFiles, tx: Tx) -> Commit:
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


def _outcome(found: Sorted, drift: Drift, stored: Commit, unreadable: int) -> Outcome:
    return Outcome(
        parts=1,
        read=found.read + unreadable,
        inserted=stored.inserted,
        updated=stored.updated,
        unchanged=stored.unchanged,
        repeated=found.repeated,
        quarantined=found.kept_out + unreadable,
        unknown_columns=drift.unknown,
        missing_columns=drift.missing,
    ).balanced()


def _quarantine_rows(
    loading: Loading, part: Part, bad: pa.RecordBatchReader, unreadable: Sequence[Unreadable]
) -> pa.RecordBatchReader:
    # A line that could not be cut was no row yet when rows were numbered.
    before = [u.row_number - i for i, u in enumerate(unreadable)]

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in bad:
            findings = [f.as_py() for f in batch.column("findings").cast(pa.list_(FINDING_TYPE))]
            counted = batch.column("row_number").to_pylist()
            numbers = [number + bisect_right(before, number) for number in counted]
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
