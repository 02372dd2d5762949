"""What a Delta table holds at one version: its columns and its files, as the lake sees them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from shuzhi.gather.lake.errors import version_gone
from shuzhi.gather.lake.model import DataFile
from shuzhi.gather.lake.query import Snapshot
from shuzhi.kernel.ids import DatasetName


@dataclass(frozen=True)
class State:
    """A table opened at one version; what it holds is read from the log once, when asked for."""

    name: DatasetName
    folder: Path
    table: DeltaTable

    @cached_property
    def schema(self) -> pa.Schema:
        """The table's columns."""
        return table_schema(self.table)

    @cached_property
    def snapshot(self) -> Snapshot:
        """The table's columns and files."""
        return snapshot(self.name, self.folder, self.table)


def table_schema(table: DeltaTable) -> pa.Schema:
    """Return the table's columns as Arrow."""
    schema = pa.schema(table.schema().to_arrow())
    return pa.schema([pa.field(f.name, f.type) for f in schema])


def snapshot(name: DatasetName, folder: Path, table: DeltaTable) -> Snapshot:
    """Return what `table`, opened at some version, holds."""
    schema = table_schema(table)
    actions = pa.table(table.get_add_actions(flatten=True))
    flat = [f.name for f in schema if not pa.types.is_nested(f.type)]
    counted = [(column, f"null_count.{column}") for column in flat]
    # Newest files come first from the log; turned round, rows mostly read as they were written.
    rows = reversed(actions.to_pylist())
    files = tuple(_file(folder, row, counted) for row in rows)
    return Snapshot(name, int(table.version()), schema, files)


def require_files(found: Snapshot) -> Snapshot:
    """Return the snapshot when all its files are there; else refuse (`gather.version_gone`)."""
    missing = sum(not f.path.exists() for f in found.files)
    if missing:
        raise version_gone(found.name, found.version, missing)
    return found


def _file(folder: Path, row: dict[str, Any], counted: list[tuple[str, str]]) -> DataFile:
    return DataFile(
        path=folder / unquote(row["path"]),
        size_bytes=row["size_bytes"],
        rows=row["num_records"],
        # Every file of ours counts the nulls of each of its flat columns.
        lacks=tuple(c for c, key in counted if row.get(key) is None),
    )
