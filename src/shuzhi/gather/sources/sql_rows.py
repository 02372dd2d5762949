"""From a database's values to Arrow without loss, by way of a Parquet file on this machine.

PostgreSQL says the type of each column. Other databases type each cell (SQLite) or say it in
their own ways; their values become text, which the contract reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import ColumnElement, Connection, Select, Text, cast, func, select
from sqlalchemy import false as never
from sqlalchemy.dialects.postgresql import JSONB

from shuzhi.gather.sources.content_hash import ContentHash
from shuzhi.gather.sources.model import Unreadable
from shuzhi.gather.sources.sql_query import Relation

_MOST_SHOWN = 2_000
_MOST_DIGITS = 38
_UNFIT = (pa.ArrowException, OverflowError, ValueError, TypeError)

Convert = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True)
class Kind:
    """How a column travels: as which Arrow type, what DuckDB calls it, how cells are turned."""

    arrow: pa.DataType
    duck: str
    convert: Convert | None = None


@dataclass(frozen=True)
class Column:
    """A column to read: its name, what stands for it in the SELECT, and how it travels."""

    name: str
    selected: ColumnElement[Any]
    kind: Kind


@dataclass(frozen=True)
class Spooled:
    """Rows that were read to the end and wait in a file."""

    file: Path
    rows: int
    fingerprint: str
    unreadable: tuple[Unreadable, ...]


def cell_text(value: Any) -> str | None:
    """Return any driver's value as text from which it can be read again; bytes as hexadecimal."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case list() | dict() | tuple():
            return json.dumps(value, ensure_ascii=False, default=cell_text)
        case _:
            return str(value)


def _texts(values: Sequence[Any]) -> Sequence[str | None]:
    """Return the cells of a column as texts; those of the usual types without a look at each."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {str}:
        return values
    if kinds <= {int, float}:
        return [None if value is None else repr(value) for value in values]
    return list(map(cell_text, values))


_TEXT = Kind(pa.string(), "VARCHAR", _texts)
_PLAIN_TEXT = Kind(pa.string(), "VARCHAR")
# Object identifiers of PostgreSQL's built-in types (its catalogue pg_type; they never change).
_POSTGRESQL = {
    16: Kind(pa.bool_(), "BOOLEAN"),
    17: Kind(pa.binary(), "BLOB"),
    20: Kind(pa.int64(), "BIGINT"),
    21: Kind(pa.int64(), "BIGINT"),
    23: Kind(pa.int64(), "BIGINT"),
    25: _PLAIN_TEXT,
    700: Kind(pa.float64(), "DOUBLE"),
    701: Kind(pa.float64(), "DOUBLE"),
    1042: _PLAIN_TEXT,
    1043: _PLAIN_TEXT,
    1082: Kind(pa.date32(), "DATE"),
    1114: Kind(pa.timestamp("us"), "TIMESTAMP"),
    1184: Kind(pa.timestamp("us", "UTC"), "TIMESTAMP WITH TIME ZONE"),
}
_POSTGRESQL_NUMERIC = 1700


def columns(connection: Connection, rows: Relation) -> tuple[Column, ...]:
    """Return how each column of `rows` travels, from what the database says of it."""
    if connection.dialect.name != "postgresql":
        return tuple(Column(name, rows.clause.c[name], _TEXT) for name in rows.columns)
    result = connection.execute(rows.rows().where(never()))
    described = result.cursor.description if result.cursor is not None else ()
    return tuple(_postgresql(rows.clause.c[d[0]], d) for d in described)


def spool(
    connection: Connection,
    asked: Select[Any],
    found: Sequence[Column],
    file: Path,
    *,
    batch_rows: int,
    origin: str,
    first_row: int,
) -> Spooled:
    """Read `asked` to its end into the Parquet `file`, with at most `batch_rows` rows in memory.

    A row with a cell that does not fit its column (NaN in a numeric(10,2)) is set apart whole.
    """
    schema = pa.schema([(c.name, c.kind.arrow) for c in found])
    digest, unreadable, seen = ContentHash(schema), list[Unreadable](), 0
    with pq.ParquetWriter(file, schema) as writer:
        for page in connection.execute(asked).yield_per(batch_rows).partitions():
            batch, misfits = _batch([tuple(row) for row in page], found, schema)
            unreadable += [_unreadable(origin, first_row + seen + i, t, c) for i, t, c in misfits]
            writer.write_batch(batch)
            digest.add(batch)
            seen += len(page)
    digest.add_text(repr(unreadable))
    return Spooled(file, seen, digest.hexdigest(), tuple(unreadable))


def reading(rows: Relation, found: Sequence[Column]) -> Select[Any]:
    """Return the SELECT of all rows, each column as it travels."""
    return select(*(c.selected.label(c.name) for c in found)).select_from(rows.clause)


def _postgresql(column: ColumnElement[Any], described: Any) -> Column:
    name, code = described[0], described[1]
    precision, scale = described[4], described[5]
    if code in _POSTGRESQL:
        return Column(name, column, _POSTGRESQL[code])
    if code == _POSTGRESQL_NUMERIC and precision and 0 <= scale <= precision <= _MOST_DIGITS:
        kind = Kind(pa.decimal128(precision, scale), f"DECIMAL({precision},{scale})")
        return Column(name, column, kind)
    if getattr(described, "type_display", "").endswith("[]"):
        return Column(name, cast(func.to_json(column, type_=JSONB), Text), _PLAIN_TEXT)
    # numeric without bounds, json, uuid, time, interval, …: PostgreSQL's own text loses nothing.
    return Column(name, cast(column, Text), _PLAIN_TEXT)


def _batch(
    page: Sequence[tuple[Any, ...]], found: Sequence[Column], schema: pa.Schema
) -> tuple[pa.RecordBatch, list[tuple[int, str, str]]]:
    """Return the rows that fit, and of each other its place, its text and the misfit column."""
    try:
        return _fitting(page, found, schema), []
    except _UNFIT:
        judged = [(place, row, _misfit(row, found)) for place, row in enumerate(page)]
        misfits = [(place, _row_text(row, found), c) for place, row, c in judged if c is not None]
        fitting = [row for _, row, misfit in judged if misfit is None]
        return _fitting(fitting, found, schema), misfits


def _fitting(
    page: Sequence[tuple[Any, ...]], found: Sequence[Column], schema: pa.Schema
) -> pa.RecordBatch:
    cells = zip(*page, strict=True) if page else iter([()] * len(found))
    arrays = [_array(values, column.kind) for values, column in zip(cells, found, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: Sequence[Any], kind: Kind) -> pa.Array:
    return pa.array(values if kind.convert is None else kind.convert(values), kind.arrow)


def _misfit(row: tuple[Any, ...], found: Sequence[Column]) -> str | None:
    for value, column in zip(row, found, strict=True):
        try:
            _array([value], column.kind)
        except _UNFIT:
            return column.name
    return None


def _row_text(row: tuple[Any, ...], found: Sequence[Column]) -> str:
    named = {c.name: cell_text(value) for c, value in zip(found, row, strict=True)}
    return json.dumps(named, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def _unreadable(origin: str, row_number: int, text: str, column: str) -> Unreadable:
    return Unreadable(
        origin=origin,
        row_number=row_number,
        text=text[:_MOST_SHOWN],
        reason_code="unfit_value",
        reason_en=f"The value of {column} does not fit the column's type, or is no valid text.",
        reason_zh=f"{column} 的值不符合该列的类型，或不是有效文本。",
    )
