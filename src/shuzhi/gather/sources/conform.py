"""Fits the columns of one part to the fields of a contract, and reads their texts as its types.

What comes is a view `raw` in one DuckDB, with the number of the row in its origin in `#row`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from shuzhi.gather.contracts.model import Field, Table
from shuzhi.gather.contracts.quick_casts import first_looks, typed_sql
from shuzhi.gather.lake.query import literal
from shuzhi.gather.lake.schema import identifier
from shuzhi.gather.sources.model import DuckScan, Part, SourceBase
from shuzhi.kernel.errors import RefusedError

ROW = "#row"


@dataclass(frozen=True)
class Drift:
    """How the columns of a part differ from the contract's: what came, what did not."""

    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.unknown or self.missing)


@dataclass(frozen=True)
class Arrival:
    """A part as it came: in `texts` the SQL over `raw` of the text of each field that came.

    The `fields` are the table's, with the source's texts for "no value" among their own. Where
    rows come in their order, and none of them as several, `first_row` is the number of the first.
    """

    origin: str
    fields: tuple[Field, ...]
    texts: dict[str, str]
    drift: Drift
    first_row: int | None = None


def arrive(
    connection: duckdb.DuckDBPyConnection, part: Part, source: SourceBase, table: Table
) -> Arrival:
    """Make the view `raw` of a part and match its columns with the fields of `table`.

    Raises:
        RefusedError: `gather.column_missing` when a required column did not come,
            `gather.column_unknown` when others came and the source refuses them.
    """
    columns = _scan(connection, part, source)
    texts, drift = _matched(columns, source, table, part.origin)
    fields = tuple(
        replace(
            f,
            missing_values=(*f.missing_values, *source.missing),
            bounds=replace(f.bounds, zone=source.zone or f.bounds.zone),
        )
        for f in table.fields
    )
    is_in_order = isinstance(part.rows, DuckScan) and source.melt is None
    first_row = part.first_row if is_in_order else None
    return Arrival(part.origin, fields, texts, drift, first_row)


def text_name(field: Field) -> str:
    """Return under which name (quoted) the text of a field stands in `typed_rows_sql`."""
    return identifier(f"={field.name}")


def typed_rows_sql(arrival: Arrival, *, numbered: bool = False) -> str:
    """Return SQL for all rows: each field typed, NULL where it cannot be read, and its text.

    Row numbers are costly, for rows must then be read in their order: only when `numbered`.
    """
    row = f'"{ROW}", ' if numbered else ""
    nothing = "CAST(NULL AS VARCHAR)"
    texts = [f"{arrival.texts.get(f.name, nothing)} AS {text_name(f)}" for f in arrival.fields]
    inner = f"SELECT {row}{', '.join(texts)} FROM raw"
    looks = [f"{sql} AS {name}" for f in arrival.fields for name, sql in _looks(f).items()]
    looked = ", ".join(["*", *looks])
    typed = [
        f"{typed_sql(f, text_name(f), list(_looks(f)))} AS {identifier(f.name)}, {text_name(f)}"
        for f in arrival.fields
    ]
    return f"SELECT {row}{', '.join(typed)} FROM (SELECT {looked} FROM ({inner}))"


def _looks(field: Field) -> dict[str, str]:
    looks = first_looks(field, text_name(field))
    return {identifier(f"={number}={field.name}"): sql for number, sql in enumerate(looks)}


def _scan(connection: duckdb.DuckDBPyConnection, part: Part, source: SourceBase) -> dict[str, str]:
    """Make the view `raw` of the part; return its columns with their DuckDB types."""
    connection.execute("DROP VIEW IF EXISTS raw")
    connection.execute("DROP VIEW IF EXISTS came")
    connection.execute("DROP TABLE IF EXISTS streamed")
    number = f'row_number() OVER () + {part.first_row - 1} AS "{ROW}"'
    if isinstance(part.rows, DuckScan):
        body = f"SELECT {number}, * FROM {part.rows.sql}"
    else:
        # A stream is read once, and bad rows are looked at twice.
        connection.register("stream", part.rows)
        connection.execute(f"CREATE TEMP TABLE streamed AS SELECT {number}, * FROM stream")
        connection.unregister("stream")
        body = "FROM streamed"
    connection.execute(f"CREATE TEMP VIEW came AS {body}")
    connection.execute(f"CREATE TEMP VIEW raw AS {_melted_sql(source)}")
    described = connection.execute("DESCRIBE raw").fetchall()
    return {str(row[0]): str(row[1]) for row in described if row[0] != ROW}


def _melted_sql(source: SourceBase) -> str:
    melt = source.melt
    if melt is None:
        return "FROM came"
    kept = ", ".join(map(identifier, (ROW, *melt.keep)))
    nulls = "" if melt.skip_missing else "INCLUDE NULLS"
    return (
        f"FROM (FROM came UNPIVOT {nulls} ({identifier(melt.value)} "
        f"FOR {identifier(melt.name)} IN (COLUMNS(* EXCLUDE ({kept})))))"
    )


def _matched(
    columns: dict[str, str], source: SourceBase, table: Table, origin: str
) -> tuple[dict[str, str], Drift]:
    """Return the SQL of the text of each field that came, and how the columns differ."""
    wanted = {f.name: f for f in table.fields}
    alias = {other: f.name for f in table.fields for other in f.source_columns}
    given = {n: f"CAST({literal(v)} AS VARCHAR)" for n, v in source.constants.items()}
    unknown = []
    for column, kind in columns.items():
        name = source.columns.get(column) or (column if column in wanted else alias.get(column))
        if name in wanted:
            given[str(name)] = _text_of(identifier(column), kind)
        else:
            unknown.append(column)
    missing = tuple(n for n in wanted if n not in given)
    required = [n for n in missing if wanted[n].is_required or n in table.key]
    if required:
        raise _column_missing(origin, table, required, unknown)
    if unknown and source.extra_columns == "refuse":
        raise _column_unknown(origin, table, unknown, missing)
    return given, Drift(tuple(unknown), missing)


def _column_missing(
    origin: str, table: Table, missing: Sequence[str], unknown: Sequence[str]
) -> RefusedError:
    other = f"; it does not know {_listed(unknown)}" if unknown else ""
    example = f" (`{unknown[0]}: {missing[0]}`)" if unknown else ""
    return RefusedError(
        "gather.column_missing",
        f"{origin} has no column {_listed(missing)}, which contract {table.name!r} requires"
        f"{other}.",
        next_step=f"Map the column under `columns` in the source{example}, or ask the provider.",
    )


def _column_unknown(
    origin: str, table: Table, unknown: Sequence[str], missing: Sequence[str]
) -> RefusedError:
    other = f"; {_listed(missing)} did not come" if missing else ""
    return RefusedError(
        "gather.column_unknown",
        f"{origin} has columns that contract {table.name!r} does not know: "
        f"{_listed(unknown)}{other}.",
        next_step="Add them to the contract, or set `extra_columns: ignore` in the source.",
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))


def _text_of(column: str, kind: str) -> str:
    if kind in ("DOUBLE", "FLOAT"):
        # 12.0 in a column of floats is the whole number 12; as a text it would be no integer.
        whole = f"CAST(CAST({column} AS BIGINT) AS VARCHAR)"
        is_whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
        return f"CASE WHEN {is_whole} THEN {whole} ELSE CAST({column} AS VARCHAR) END"
    return column if kind == "VARCHAR" else f"CAST({column} AS VARCHAR)"
