"""Parquet files of the lake: written with bounded memory, described from their footers.

Every file of a table, ours or adopted, is described the same way for the Delta log.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from shuzhi.gather.lake.model import DataFile, LakeSettings

_FRUGAL_ROWS = 65_536
_LONGEST_STAT = 32
_LAST_SIGN = "\U0010ffff"


def write_files(
    folder: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema, settings: LakeSettings
) -> list[Path]:
    """Write `batches`, all of `schema`, as new files into `folder`; no file when no row comes.

    At most one row group is held in memory.
    """
    files: list[Path] = []
    groups = _groups(batches, schema, settings)
    group = next(groups, None)
    while group is not None:
        path = folder / f"part-{uuid4().hex}.parquet"
        group = _write_file(path, group, groups, settings)
        files.append(path)
    return files


def describe(path: Path) -> DataFile:
    """Read the footer of the Parquet file at `path`: size, rows and Delta's statistics.

    Delta PROTOCOL, "Per-file Statistics": row count, null counts, and for integers, dates,
    instants and texts the least and greatest value. Raises pyarrow.ArrowInvalid when it is no
    Parquet file.
    """
    with pq.ParquetFile(path) as file:
        stats = _stats(file.metadata, file.schema_arrow)
    size = path.stat().st_size
    return DataFile(path, size, stats["numRecords"], json.dumps(stats, ensure_ascii=False))


def read_frugally(files: Sequence[Path], schema: pa.Schema) -> pa.RecordBatchReader:
    """Stream the rows of files, one part of one row group after the other, on one thread.

    It takes a quarter of the memory that reading ahead takes, for work that has time. A column
    that a file lacks is NULL.
    """

    def batches() -> Iterator[pa.RecordBatch]:
        for path in files:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(_FRUGAL_ROWS, use_threads=False):
                    yield _filled(batch, schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def moved(file: DataFile, path: Path) -> DataFile:
    """Rename the file to `path` and return it as it is known there.

    It becomes read-only: nothing ever changes a file that the log names.
    """
    file.path.chmod(0o444)
    file.path.rename(path)
    return replace(file, path=path)


def _filled(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        batch.column(field.name).cast(field.type)
        if field.name in batch.schema.names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _write_file(
    path: Path, first: pa.Table, more: Iterator[pa.Table], settings: LakeSettings
) -> pa.Table | None:
    """Write from `first` on until the file is large enough; return the group that comes next."""
    group: pa.Table | None = first
    with (
        pa.OSFile(str(path), "wb") as sink,
        pq.ParquetWriter(sink, first.schema, compression="zstd", store_schema=False) as writer,
    ):
        rows = 0
        while group is not None and rows < settings.file_rows and sink.tell() < settings.file_bytes:
            writer.write_table(group, row_group_size=max(group.num_rows, 1))
            rows += group.num_rows
            group = next(more, None)
    return group


def _groups(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, settings: LakeSettings
) -> Iterator[pa.Table]:
    """Gather small batches into row groups; cut large ones."""
    waiting: list[pa.RecordBatch] = []
    rows = size_bytes = 0
    for piece in _pieces(batches, settings.group_rows):
        waiting.append(piece)
        rows += piece.num_rows
        size_bytes += piece.get_total_buffer_size() if piece.num_rows < 64 else piece.nbytes
        if rows >= settings.group_rows or size_bytes >= settings.group_bytes:
            yield pa.Table.from_batches(waiting, schema)
            waiting, rows, size_bytes = [], 0, 0
    if waiting:
        yield pa.Table.from_batches(waiting, schema)


def _pieces(batches: Iterable[pa.RecordBatch], most_rows: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for start in range(0, batch.num_rows, most_rows):
            yield batch.slice(start, most_rows)


def _stats(metadata: pq.FileMetaData, schema: pa.Schema) -> dict[str, Any]:
    stats: dict[str, Any] = {"numRecords": metadata.num_rows}
    nulls: dict[str, int] = {}
    least: dict[str, Any] = {}
    greatest: dict[str, Any] = {}
    leaves = {metadata.schema.column(i).path: i for i in range(metadata.num_columns)}
    # A nested column's path goes on to its leaves, whose statistics are not its own.
    for field in (f for f in schema if f.name in leaves):
        index = leaves[field.name]
        chunks = [
            metadata.row_group(g).column(index).statistics for g in range(metadata.num_row_groups)
        ]
        if all(c is not None and c.has_null_count for c in chunks):
            nulls[field.name] = sum(c.null_count for c in chunks)
        bounds = _bounds(chunks, nulls.get(field.name), metadata.num_rows)
        if bounds is not None and _has_bounds(field.type):
            least[field.name], greatest[field.name] = _least(bounds[0]), _greatest(bounds[1])
    return stats | {"minValues": least, "maxValues": greatest, "nullCount": nulls}


def _bounds(chunks: list[Any], nulls: int | None, rows: int) -> tuple[Any, Any] | None:
    """Return the least and greatest value over all row groups; None where a group keeps none."""
    if nulls is None or nulls == rows:
        return None
    kept = [c for c in chunks if c.null_count < c.num_values + c.null_count]
    if not kept or not all(c.has_min_max for c in kept):
        return None
    return min(c.min for c in kept), max(c.max for c in kept)


def _has_bounds(dtype: pa.DataType) -> bool:
    types = pa.types
    return any(
        test(dtype)
        for test in (types.is_integer, types.is_date, types.is_timestamp, types.is_string)
    )


def _least(value: Any) -> Any:
    return value[:_LONGEST_STAT] if isinstance(value, str) else _plain(value)


def _greatest(value: Any) -> Any:
    # A text cut short sorts before itself: the highest sign after it keeps the bound true.
    if isinstance(value, str) and len(value) > _LONGEST_STAT:
        return value[:_LONGEST_STAT] + _LAST_SIGN
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value.isoformat() if isinstance(value, date) else value
