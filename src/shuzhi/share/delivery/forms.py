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

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from shuzhi.share.delivery.model import MediaType

Write = Callable[[pa.Schema, Iterable[pa.RecordBatch], BinaryIO], int]
_BOM = b"\xef\xbb\xbf"
# OWASP, CSV Injection: these begin a formula, in full width too; tab and line ends lead on to one.
_FORMULA = "^([=+\\-@\t\r\n＝＋－＠])"
# The first bytes in UTF-8 that a formula may begin with.
_FORMULA_BYTES = np.frombuffer(b"=+-@\t\r\n\xef", np.uint8)
_PAGE_ROWS = 122_880
# RFC 8259, section 7: these have to be escaped, and all below a space.
_QUOTE, _BACKSLASH, _SPACE = b'"\\ '


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
            out.write(b",\n" if rows else b"\n")
            out.write(_objects(heads, batch))
        rows += batch.num_rows
    out.write(b"\n]\n")
    return rows


def _objects(heads: list[str], batch: pa.RecordBatch) -> pa.Buffer:
    """Return the rows as JSON objects with commas between them."""
    parts: list[Any] = [""]
    for head, column in zip(heads, batch.columns, strict=True):
        for part in (head, *_texts(column), ""):
            # Constants that stand side by side are one, for each is copied into every row.
            if isinstance(part, str) and isinstance(parts[-1], str):
                parts[-1] += part
            else:
                parts.append(part)
    objects = pc.binary_join_element_wise(*parts, "}", "")
    all_of_them = pa.ListArray.from_arrays(pa.array([0, len(objects)], pa.int32()), objects)
    return pc.binary_join(all_of_them, ",\n")[0].as_buffer()


def _texts(column: pa.Array) -> tuple[str | pa.Array, ...]:
    """Return what to put together for a column's values as JSON texts.

    All values at once, where none needs a closer look.
    """
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return (pc.fill_null(pc.cast(column, pa.string()), "null"),)
    if pa.types.is_floating(kind):
        finite = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
        return (pc.fill_null(pc.cast(finite, pa.string()), "null"),)
    if pa.types.is_date(kind):
        return _quoted(pc.cast(column, pa.string()))
    if pa.types.is_string(kind) and not _needs_escapes(column):
        return _quoted(column)
    return (pa.array([_encode(_plain(value)) for value in column.to_pylist()], pa.string()),)


def _needs_escapes(column: pa.StringArray) -> bool:
    """Whether any byte of the texts has to be escaped; all others of UTF-8 are above them."""
    at, content = _bytes_of(column)
    held = content[at[0] : at[-1]]
    return bool(((held < _SPACE) | (held == _QUOTE) | (held == _BACKSLASH)).any())


def _bytes_of(column: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each text begins, with the end of the last one, and the bytes of all."""
    _, places, content = column.buffers()
    if content is None or places is None:
        return np.zeros(1, np.int32), np.zeros(0, np.uint8)
    at = np.frombuffer(places, np.int32)[column.offset : column.offset + len(column) + 1]
    return at, np.frombuffer(content, np.uint8)


def _quoted(column: pa.StringArray) -> tuple[str | pa.Array, ...]:
    if column.null_count == 0:
        return '"', column, '"'
    return (pc.fill_null(pc.binary_join_element_wise('"', column, '"', ""), "null"),)


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
    safe = pa.schema([pa.field(safe_text(f.name), f.type) for f in schema])
    with csv.CSVWriter(out, safe) as writer:
        for batch in batches:
            writer.write(pa.record_batch(list(map(_safe, batch.columns)), schema=safe))
            rows += batch.num_rows
    return rows


def safe_text(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula."""
    return str(pc.replace_substring_regex(text, _FORMULA, r"'\1"))


def _safe(column: pa.Array) -> pa.Array:
    if not pa.types.is_string(column.type) or not _may_be_formulas(column):
        return column
    return pc.replace_substring_regex(column, _FORMULA, r"'\1")


def _may_be_formulas(column: pa.StringArray) -> bool:
    at, content = _bytes_of(column)
    first = content[at[:-1][at[1:] > at[:-1]]]
    return bool(np.isin(first, _FORMULA_BYTES).any())


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
