"""Questions to the lake: DuckDB over the Parquet files of its tables, locked in.

A connection can read the files of the tables it was opened for and nothing else of the machine.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pyarrow as pa

from shuzhi.gather.lake.errors import files_damaged
from shuzhi.gather.lake.model import DataFile
from shuzhi.gather.lake.schema import duckdb_type, identifier
from shuzhi.kernel.errors import RefusedError

_BATCH_ROWS = 65_536
# They conclude from what files say, or compute something elsewhere than where it stands.
_FORESEEING = ("statistics_propagation", "projection_placement", "scalar_fn_pushdown")
_OWN_TABLES = re.compile(r'\nDid you mean "(pg_|duckdb_|sqlite_|information_schema)[^\n]*')


@dataclass(frozen=True)
class Snapshot:
    """One table at one version: its columns and the files that hold its rows."""

    name: str
    version: int
    schema: pa.Schema
    files: tuple[DataFile, ...]


@dataclass(frozen=True)
class Answer:
    """The first rows that a question found; `is_cut` when there are more."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    is_cut: bool = False


@contextmanager
def workbench(
    spill: Path, memory_limit: str | None, *, foresees: bool = True
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a fresh in-memory DuckDB in UTC that spills into a folder of its own under `spill`.

    Without `foresees`, what files say of their columns (least and greatest values, whether one is
    missing) does not change what is computed, and nothing is computed earlier than it is written.
    """
    own = spill / uuid4().hex
    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET temp_directory = {literal(str(own))}")
        if memory_limit is not None:
            connection.execute(f"SET memory_limit = {literal(memory_limit)}")
        if not foresees:
            connection.execute(f"SET disabled_optimizers = {literal(','.join(_FORESEEING))}")
        yield connection
    finally:
        connection.close()
        shutil.rmtree(own, ignore_errors=True)


def add_views(connection: duckdb.DuckDBPyConnection, snapshots: Iterable[Snapshot]) -> None:
    """Make one view for each table, under its name. Raises BrokenError `gather.files_damaged`."""
    for snapshot in snapshots:
        try:
            connection.execute(f"CREATE VIEW {identifier(snapshot.name)} AS {select(snapshot)}")
        except duckdb.Error as error:
            raise files_damaged(snapshot.name, _first_line(error)) from error


def lock_in(connection: duckdb.DuckDBPyConnection, snapshots: Iterable[Snapshot]) -> None:
    """Shut off every file but those of the snapshots, for good."""
    paths = ", ".join(literal(str(f.path)) for s in snapshots for f in s.files)
    connection.execute(f"SET allowed_paths = [{paths}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def require_question(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Return `sql` when it is one statement that only reads.

    DuckDB lets a COPY write wherever a connection may read, so text that people typed must pass
    through here before it is run.

    Raises:
        RefusedError: `gather.not_a_question`, `gather.bad_sql`.
    """
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise bad_sql(error) from None
    if [s.type for s in statements] != [duckdb.StatementType.SELECT]:
        raise RefusedError(
            "gather.not_a_question",
            "Only one statement that reads can be asked: SELECT, FROM, DESCRIBE or SUMMARIZE.",
            next_step="Ask one question at a time; the lake is written by loads and models.",
        )
    return sql


def answer(connection: duckdb.DuckDBPyConnection, sql: str, *, limit: int) -> Answer:
    """Answer a question that a person typed with its first `limit` rows.

    Raises:
        RefusedError: as `require_question`; `gather.bad_sql` also where a name is unknown.
    """
    question = require_question(connection, sql)
    try:
        cursor = connection.execute(question)
        rows = cursor.fetchmany(limit + 1)
    except duckdb.Error as error:
        raise bad_sql(error) from None
    columns = tuple(str(column[0]) for column in cursor.description or ())
    return Answer(columns, tuple(rows[:limit]), len(rows) > limit)


def bad_sql(error: duckdb.Error) -> RefusedError:
    """Return what DuckDB says of a query, without its advice to read tables of its own."""
    return RefusedError(
        "gather.bad_sql",
        _OWN_TABLES.sub("", str(error)),
        next_step="Correct the query; SHOW TABLES lists the data sets, DESCRIBE NAME the columns.",
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]


def select(snapshot: Snapshot, *, places: bool = False) -> str:
    """Return SQL for the table's rows in its columns' order and types, whatever its files hold.

    With `places`, two more columns say where each row lies: `__lake_file`, `file_row_number`.
    """
    columns = ", ".join(identifier(f.name) for f in snapshot.schema)
    extra = ", __lake_file, file_row_number" if places else ""
    if not snapshot.files:
        return _no_rows(snapshot.schema)
    files = ", ".join(literal(str(f.path)) for f in snapshot.files)
    options = ", filename = '__lake_file', file_row_number = true" if places else ""
    if not any(f.lacks for f in snapshot.files):
        return f"SELECT {columns}{extra} FROM read_parquet([{files}]{options})"  # noqa: S608
    # A column added later may be in no file yet: the empty row set lends it name and type.
    return (
        f"SELECT {columns}{extra} FROM ({_no_rows(snapshot.schema)} UNION ALL BY NAME "  # noqa: S608
        f"FROM read_parquet([{files}], union_by_name = true{options}))"
    )


def read(snapshot: Snapshot, columns: Sequence[str] | None = None) -> pa.RecordBatchReader:
    """Stream the table's rows as Arrow with bounded memory; rows come in no promised order."""
    names = snapshot.schema.names if columns is None else list(columns)
    unknown = [c for c in names if c not in snapshot.schema.names]
    if unknown:
        raise RefusedError(
            "gather.no_such_column",
            f"Data set {snapshot.name!r} has no column {', '.join(map(repr, unknown))}.",
            next_step=f"Its columns are: {', '.join(snapshot.schema.names)}.",
        )
    # Imported here for it brings pandas in, which would double the start of every command.
    import pyarrow.dataset as ds

    files = [str(f.path) for f in snapshot.files]
    return (
        ds.dataset(files, schema=snapshot.schema, format="parquet")
        .scanner(columns=names, batch_size=_BATCH_ROWS, batch_readahead=4, fragment_readahead=2)
        .to_reader()
    )


def literal(text: str) -> str:
    """Quote a text for DuckDB, for the few places that take no bound parameter."""
    return "'" + text.replace("'", "''") + "'"


def _no_rows(schema: pa.Schema) -> str:
    typed = ", ".join(f"NULL::{duckdb_type(f.type)} AS {identifier(f.name)}" for f in schema)
    return f"SELECT {typed} WHERE false"
