"""The table of rows that a data set did not take: each as it came, with every reason."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from shuzhi.gather.lake import Lake
from shuzhi.gather.lake.query import literal
from shuzhi.gather.sources.findings import FINDING_TYPE
from shuzhi.gather.sources.model import Unreadable
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
class KeptOut:
    """Which part of which source rows were kept out of, by which run and when."""

    source: str
    origin: str
    run_id: RunId
    now: Instant


def not_there_yet(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    name: str,
    source: str,
    rows: pa.RecordBatchReader,
) -> pa.RecordBatchReader:
    """Return those of `rows` that do not stand in quarantine `name` already, from the same source.

    A source whose rows replace each other tells some again and again; a bad one is bad once.
    """
    if not lake.exists(name):
        return rows
    files = ", ".join(map(literal, lake.files(name)))
    # The rows come out of a result that the connection itself has open.
    own = connection.cursor()
    own.register("coming", rows)
    own.execute(
        "CREATE OR REPLACE TEMP TABLE fresh AS FROM coming ANTI JOIN "  # noqa: S608
        f'(SELECT "row", findings FROM read_parquet([{files}], union_by_name = true) '
        'WHERE source = ?) AS known USING ("row", findings)',
        [source],
    )
    read = own.sql("FROM fresh ORDER BY row_number").to_arrow_reader()
    batches = (batch.cast(QUARANTINE_SCHEMA) for batch in read)
    return pa.RecordBatchReader.from_batches(QUARANTINE_SCHEMA, batches)


def quarantine_rows(
    kept: KeptOut, bad: pa.RecordBatchReader, unreadable: Sequence[Unreadable]
) -> pa.RecordBatchReader:
    """Return what `kept` says of rows that are bad and of pieces that are no rows."""
    # A line that could not be cut was no row yet when rows were numbered.
    before = [u.row_number - i for i, u in enumerate(unreadable)]

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in bad:
            findings = [f.as_py() for f in batch.column("findings").cast(pa.list_(FINDING_TYPE))]
            counted = batch.column("row_number").to_pylist()
            numbers = [number + bisect_right(before, number) for number in counted]
            yield _batch(kept, numbers, findings, batch.column("row").to_pylist())
        if unreadable:
            numbers = [u.row_number for u in unreadable]
            findings = [[_finding(u)] for u in unreadable]
            texts = [json.dumps({"text": u.text}, ensure_ascii=False) for u in unreadable]
            yield _batch(kept, numbers, findings, texts)

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
    kept: KeptOut,
    numbers: Sequence[int],
    findings: Sequence[Sequence[dict[str, str | None]]],
    rows: Sequence[str],
) -> pa.RecordBatch:
    count = len(numbers)
    moment: datetime = kept.now
    values = [
        [kept.source] * count,
        [kept.origin] * count,
        [str(kept.run_id)] * count,
        numbers,
        rows,
        [moment] * count,
        findings,
    ]
    arrays = [pa.array(v, f.type) for v, f in zip(values, QUARANTINE_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=QUARANTINE_SCHEMA)
