"""Which columns a table may have, and how incoming rows are brought into them.

One Arrow type for each Delta type; every column is nullable, because whether a value is required
is said by the contract and counted by its checks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import pyarrow as pa

from shuzhi.gather.lake.errors import schema_mismatch
from shuzhi.kernel.errors import RefusedError

# Delta PROTOCOL "Primitive Types" beside DuckDB's names for them.
_PLAIN: dict[pa.DataType, str] = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.date32(): "DATE",
    pa.timestamp("us", "UTC"): "TIMESTAMP WITH TIME ZONE",
}
# Spark and other readers refuse these in the name of a column.
_OWN_NAMES = ("__lake_", "file_row_number")
_BAD_SIGNS = set(" ,;{}()\n\t=.")


def lake_schema(name: str, schema: pa.Schema) -> pa.Schema:
    """Return `schema` as the table stores it: plain types, nullable, no metadata.

    Large, view and dictionary strings become string; timestamps of any unit and zone become
    timestamp[us, UTC]. Lists and structs of these may be held too.

    Raises:
        RefusedError: `gather.bad_columns` with everything that a table cannot hold.
    """
    problems = [*_name_problems(schema), *_type_problems(schema)]
    if problems:
        raise RefusedError(
            "gather.bad_columns",
            f"Data set {name!r} cannot hold these columns: {'; '.join(problems)}.",
            next_step="Rename or cast the columns.",
        )
    return pa.schema([pa.field(f.name, _plain(f.type)) for f in schema])


def identifier(name: str) -> str:
    """Quote a name for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def duckdb_type(dtype: pa.DataType) -> str:
    """Return DuckDB's name of a type that `lake_schema` gave."""
    if pa.types.is_decimal(dtype):
        return f"DECIMAL({dtype.precision}, {dtype.scale})"
    if pa.types.is_list(dtype):
        return f"{duckdb_type(dtype.value_type)}[]"
    if pa.types.is_struct(dtype):
        return (
            "STRUCT("
            + ", ".join(f"{identifier(f.name)} {duckdb_type(f.type)}" for f in dtype)
            + ")"
        )
    return _PLAIN[dtype]


def differences(table: pa.Schema, rows: pa.Schema) -> list[str]:
    """Say, column by column, how `rows` differ from `table`; the order of columns may differ."""
    have, want = ({f.name: f.type for f in s} for s in (rows, table))
    return [
        *(f"column {c!r} is missing" for c in want if c not in have),
        *(f"column {c!r} is not in the table" for c in have if c not in want),
        *(
            f"column {c!r} is {have[c]}, the table has {want[c]}"
            for c in want
            if c in have and have[c] != want[c]
        ),
    ]


def require_same(name: str, table: pa.Schema, rows: pa.Schema) -> None:
    """Refuse rows whose columns are not the table's (`gather.schema_mismatch`)."""
    found = differences(table, rows)
    if found:
        raise schema_mismatch(name, found)


def conform(
    name: str, batches: Iterable[pa.RecordBatch], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield `batches` in the columns of `schema`, refusing values that a cast would change."""
    names = schema.names
    for batch in batches:
        if batch.schema == schema:
            yield batch
        else:
            yield pa.RecordBatch.from_arrays(
                [_cast(name, batch.column(c), schema.field(c)) for c in names], schema=schema
            )


def added_columns(name: str, table: pa.Schema, wide: pa.Schema) -> list[pa.Field]:
    """Return the columns that `wide` has beyond `table`; refuse any other difference.

    A list or struct is refused too: files keep no count by which they show that they lack one.
    """
    kept = pa.schema([f for f in wide if f.name in table.names])
    require_same(name, table, kept)
    fresh = [f for f in wide if f.name not in table.names]
    nested = [f for f in fresh if pa.types.is_nested(f.type)]
    if nested:
        problems = [f"a column of type {f.type} cannot be added later: {f.name!r}" for f in nested]
        raise schema_mismatch(name, problems)
    return fresh


def _cast(name: str, column: pa.Array, field: pa.Field) -> pa.Array:
    try:
        return column.cast(field.type)
    except pa.ArrowInvalid as error:
        raise schema_mismatch(name, [f"column {field.name!r}: {error}"]) from None


def _plain(dtype: pa.DataType) -> pa.DataType | None:
    types = pa.types
    if types.is_dictionary(dtype):
        return _plain(dtype.value_type)
    if types.is_large_string(dtype) or types.is_string_view(dtype):
        return pa.string()
    if types.is_large_binary(dtype) or types.is_binary_view(dtype):
        return pa.binary()
    if types.is_timestamp(dtype) and dtype.tz is not None:
        return pa.timestamp("us", "UTC")
    if types.is_decimal32(dtype) or types.is_decimal64(dtype):
        return pa.decimal128(dtype.precision, dtype.scale)
    if types.is_list(dtype) or types.is_struct(dtype):
        return _nested(dtype)
    return dtype if dtype in _PLAIN or types.is_decimal128(dtype) else None


def _nested(dtype: pa.DataType) -> pa.DataType | None:
    inner = [_plain(dtype.field(i).type) for i in range(dtype.num_fields)]
    if any(kind is None for kind in inner):
        return None
    if pa.types.is_list(dtype):
        return pa.list_(pa.field("element", inner[0]))
    return pa.struct([(dtype.field(i).name, kind) for i, kind in enumerate(inner)])


def _type_problems(schema: pa.Schema) -> Iterator[str]:
    for field in schema:
        if pa.types.is_timestamp(field.type) and field.type.tz is None:
            yield f"{field.name!r} is a timestamp with no zone, make it an instant in UTC"
        elif _plain(field.type) is None:
            yield f"{field.name!r} has type {field.type}"


def _name_problems(schema: pa.Schema) -> Iterator[str]:
    if not schema.names:
        yield "there are none"
    # Delta and DuckDB tell columns apart without regard to case.
    for name, times in Counter(n.lower() for n in schema.names).items():
        if times > 1:
            yield f"{name!r} stands {times} times (case makes no difference)"
    for name in schema.names:
        if not name or _BAD_SIGNS & set(name):
            yield f"{name!r} is no name (spaces and , ; {{ }} ( ) = . are not allowed in one)"
        if name.lower().startswith(_OWN_NAMES):
            yield f"{name!r} is a name that the lake uses itself"
