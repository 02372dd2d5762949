"""Rows as bytes: JSON, CSV, Parquet and Arrow, written batch by batch.

JSON (RFC 8259): an array of objects; instants as RFC 3339 in UTC, decimals as numbers with all
their digits, what JSON has no number for (NaN, infinity) as null. CSV (RFC 4180, but lines end with
LF): UTF-8 with a byte order mark, without which spreadsheets in China read another encoding; texts
are quoted, a missing value is empty without quotes. A text that a spreadsheet would take for a
formula gets an apostrophe before it; the other three forms leave texts as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from shuzhi.share.delivery.model import MediaType

Write = Callable[[pa.Schema, Iterable[pa.RecordBatch], BinaryIO], int]
_BOM = b"\xef\xbb\xbf"
# OWASP, CSV Injection: these begin a formula, in full width too; tab and CR lead on to one.
_FORMULA = "^([=+\\-@\t\r＝＋－＠])"
_PAGE_ROWS = 122_880
# RFC 8259, section 7.
_ESCAPED = '["\\\\\\x00-\\x1f]'


def write_rows(
    media: MediaType, schema: pa.Schema, batches: Iterable[pa.RecordBatch], out: BinaryIO
) -> int:
    """Write rows into `out`, which stays open; return how many. Memory holds one batch."""
    return _WRITERS[media](schema, batches, out)


def _json(schema: pa.Schema, batches: Iterable[pa.RecordBatch], out: BinaryIO) -> int:
    keys = [json.dumps(name, ensure_ascii=False) + ":" for name in schema.names]
    heads = [("," if place else "{") + key for place, key in enumerate(keys)]
    rows = 0
    out.write(b"[")
    for batch in batches:
        if batch.num_rows:
            parts = [
                p for head, c in zip(heads, batch.columns, strict=True) for p in (head, _texts(c))
            ]
            objects = pc.binary_join_element_wise(*parts, "}", "").to_pylist()
            out.write((("," if rows else "") + "\n" + ",\n".join(objects)).encode())
        rows += batch.num_rows
    out.write(b"\n]\n")
    return rows


def _texts(column: pa.Array) -> pa.Array:
    """Return a column's values as JSON texts, all at once where no value needs a closer look."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return pc.fill_null(pc.cast(column, pa.string()), "null")
    if pa.types.is_floating(kind):
        finite = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
        return pc.fill_null(pc.cast(finite, pa.string()), "null")
    if pa.types.is_date(kind):
        return _quoted(pc.cast(column, pa.string()))
    if pa.types.is_string(kind) and not pc.any(pc.match_substring_regex(column, _ESCAPED)).as_py():
        return _quoted(column)
    return pa.array([_encode(_plain(value)) for value in column.to_pylist()], pa.string())


def _quoted(column: pa.Array) -> pa.Array:
    return pc.fill_null(pc.binary_join_element_wise('"', column, '"', ""), "null")


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is float:
        return value if isfinite(value) else None
    if kind in _SPOKEN:
        return _SPOKEN[kind](value)
    if kind is list:
        return [_plain(each) for each in value]
    return {name: _plain(each) for name, each in value.items()} if kind is dict else value


def _encode(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else "null"
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)
_SPOKEN: Mapping[type, Callable[[Any], Any]] = {
    datetime: lambda value: value.isoformat().replace("+00:00", "Z"),
    date: date.isoformat,
    time: time.isoformat,
    bytes: lambda value: value.hex(),
}


def _csv(schema: pa.Schema, batches: Iterable[pa.RecordBatch], out: BinaryIO) -> int:
    rows = 0
    out.write(_BOM)
    safe = pa.schema([pa.field(_safe_name(f.name), f.type) for f in schema])
    with csv.CSVWriter(out, safe) as writer:
        for batch in batches:
            writer.write(pa.record_batch(list(map(_safe, batch.columns)), schema=safe))
            rows += batch.num_rows
    return rows


def _safe_name(name: str) -> str:
    return str(pc.replace_substring_regex(name, _FORMULA, r"'\1"))


def _safe(column: pa.Array) -> pa.Array:
    if not pa.types.is_string(column.type):
        return column
    return pc.replace_substring_regex(column, _FORMULA, r"'\1")


def _parquet(schema: pa.Schema, batches: Iterable[pa.RecordBatch], out: BinaryIO) -> int:
    rows = 0
    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch, row_group_size=_PAGE_ROWS)
            rows += batch.num_rows
    return rows


def _arrow(schema: pa.Schema, batches: Iterable[pa.RecordBatch], out: BinaryIO) -> int:
    rows = 0
    with pa.ipc.new_stream(out, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


_WRITERS: Mapping[MediaType, Write] = {
    MediaType.JSON: _json,
    MediaType.CSV: _csv,
    MediaType.PARQUET: _parquet,
    MediaType.ARROW: _arrow,
}
