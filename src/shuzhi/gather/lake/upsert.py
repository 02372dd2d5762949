"""Which rows an upsert inserts, changes and leaves, and what takes the place of the files it hits.

DuckDB compares and spills to disk, so memory stays bounded however large the table is; files with
no changed row are left as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from shuzhi.gather.lake.errors import duplicate_key, missing_key
from shuzhi.gather.lake.model import DataFile
from shuzhi.gather.lake.query import Snapshot, select
from shuzhi.gather.lake.schema import identifier
from shuzhi.kernel.errors import RefusedError

_BATCH_ROWS = 65_536


@dataclass(frozen=True)
class Difference:
    """How many keys are new, have other values, are the same, or go; and the files to replace."""

    inserted: int
    updated: int
    unchanged: int
    removed: int
    outdated: tuple[DataFile, ...]

    @property
    def is_any(self) -> bool:
        """True when the table has to change."""
        return bool(self.inserted or self.updated or self.removed)

    @property
    def counts(self) -> dict[str, int]:
        """What the commit says of its rows."""
        numbers = ("inserted", "updated", "unchanged", "removed")
        return {name: getattr(self, name) for name in numbers}

    @property
    def is_append(self) -> bool:
        """True when every row that came is new and every row that was there stays."""
        return not (self.updated or self.unchanged or self.removed)


def require_key(schema: pa.Schema, key: Sequence[str], name: str) -> None:
    """Refuse a key that is empty or not among the columns (`gather.bad_key`)."""
    unknown = [c for c in key if c not in schema.names]
    if unknown or not key:
        raise RefusedError(
            "gather.bad_key",
            f"Data set {name!r} has no key column {', '.join(map(repr, unknown)) or 'at all'}.",
            next_step="Name columns of the data set as its key.",
        )


def take_in(
    connection: duckdb.DuckDBPyConnection,
    incoming: Snapshot,
    key: Sequence[str],
    *,
    is_single: bool = False,
) -> int:
    """Make the view `incoming`; return its number of rows once every key is whole and single.

    `is_single`: whoever wrote the rows made sure of that.

    Raises:
        RefusedError: `gather.missing_key`, `gather.duplicate_key`.
    """
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(f"CREATE VIEW incoming AS {select(incoming)}")
    if is_single:
        return _row(connection, "SELECT count(*) FROM incoming")[0]
    keys = _list(key)
    is_null = " OR ".join(f"{identifier(c)} IS NULL" for c in key)
    counts = f"SELECT count(*), count(*) FILTER (WHERE {is_null}) FROM incoming"  # noqa: S608
    rows, without = _row(connection, counts)
    if without:
        raise missing_key(incoming.name, key, without)
    doubled = f"FROM incoming SELECT {keys} GROUP BY {keys} HAVING count(*) > 1"
    (keys_doubled,) = _row(connection, f"SELECT count(*) FROM ({doubled})")  # noqa: S608
    if keys_doubled:
        raise duplicate_key(incoming.name, key, keys_doubled)
    return rows


def compare(
    connection: duckdb.DuckDBPyConnection,
    table: Snapshot,
    key: Sequence[str],
    rows: int,
    gone: pa.Table | None = None,
) -> Difference:
    """Compare the view `incoming` (of `rows` rows) with the table by `key`.

    Keys in `gone` that do not come in again leave the table.
    A key that the table holds more than once counts as changed, and one row of it will be left.
    Values are the same when IS NOT DISTINCT FROM says so: NULL equals NULL, NaN equals NaN.
    """
    same = " AND ".join(_is_same(c) for c in table.schema.names if c not in key) or "true"
    keys = _list(key)
    connection.execute(f"CREATE OR REPLACE VIEW stored AS {select(table, places=True)}")
    _make(
        connection,
        "hit",
        f"SELECT {_list(key, of='s')}, s.__lake_file, s.file_row_number, {same} AS __lake_same "  # noqa: S608
        f"FROM stored s JOIN incoming i USING ({keys})",
    )
    _make(
        connection,
        "found",
        f"SELECT {keys}, bool_and(__lake_same) AND count(*) = 1 AS __lake_same "  # noqa: S608
        f"FROM hit GROUP BY {keys}",
    )
    _make(
        connection,
        "outdated",
        "SELECT __lake_file, file_row_number "  # noqa: S608
        f"FROM hit SEMI JOIN (FROM found WHERE NOT __lake_same) USING ({keys})",
    )
    removed = _remove(connection, keys, gone)
    found, unchanged = _row(
        connection, "SELECT count(*), count(*) FILTER (WHERE __lake_same) FROM found"
    )
    names = connection.execute("SELECT DISTINCT __lake_file FROM outdated").fetchall()
    changed = {Path(name) for (name,) in names}
    outdated = tuple(f for f in table.files if f.path in changed)
    return Difference(rows - found, found - unchanged, unchanged, removed, outdated)


def _remove(connection: duckdb.DuckDBPyConnection, keys: str, gone: pa.Table | None) -> int:
    """Add the rows of keys that go to those outdated; return how many there are."""
    if gone is None:
        return 0
    connection.register("gone", gone)
    leaving = f"FROM stored SEMI JOIN gone USING ({keys}) ANTI JOIN incoming USING ({keys})"
    _make(connection, "leaving", f"SELECT __lake_file, file_row_number {leaving}")
    connection.execute("INSERT INTO outdated FROM leaving")
    return _row(connection, "SELECT count(*) FROM leaving")[0]


def replacement(
    connection: duckdb.DuckDBPyConnection, table: Snapshot, found: Difference, key: Sequence[str]
) -> pa.RecordBatchReader:
    """Stream what replaces the outdated files: their other rows, and the new and changed ones."""
    columns = _list(table.schema.names)
    same = f"(FROM found WHERE __lake_same) USING ({_list(key)})"
    parts = [f"SELECT {columns} FROM incoming ANTI JOIN {same}"]  # noqa: S608
    if found.outdated:
        old = select(replace(table, files=found.outdated), places=True)
        parts.append(
            f"SELECT {columns} FROM ({old}) "  # noqa: S608
            "ANTI JOIN outdated USING (__lake_file, file_row_number)"
        )
    return connection.sql(" UNION ALL ".join(parts)).to_arrow_reader(_BATCH_ROWS)


def _is_same(column: str) -> str:
    return f"s.{identifier(column)} IS NOT DISTINCT FROM i.{identifier(column)}"


def _list(columns: Sequence[str], *, of: str | None = None) -> str:
    prefix = f"{of}." if of else ""
    return ", ".join(prefix + identifier(c) for c in columns)


def _make(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")


def _row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    (row,) = connection.execute(sql).fetchall()
    return tuple(int(value) for value in row)
