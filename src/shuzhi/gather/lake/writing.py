"""One write to one table, from its first staged row to its commit.

Data files are on the disk, under their final names, before the commit that names them exists.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from shuzhi.gather.lake.delta_log import DeltaLog
from shuzhi.gather.lake.durable import Sync, sync_each
from shuzhi.gather.lake.errors import not_staged, room_to_write
from shuzhi.gather.lake.model import (
    Change,
    Commit,
    DataFile,
    LakeSettings,
    StagedFiles,
    Tx,
)
from shuzhi.gather.lake.parquet import describe, moved, write_files
from shuzhi.gather.lake.query import Snapshot
from shuzhi.gather.lake.schema import conform, differences, lake_schema, require_same
from shuzhi.gather.lake.snapshots import snapshot, table_schema
from shuzhi.kernel.errors import ShuzhiError

STAGING = "_staging"


class Write:
    """A write of rows with `schema`, once for its `tx`; made by `begin`.

    `may_reshape`: it replaces the whole table, which takes over the columns of the rows.
    """

    def __init__(
        self,
        log: DeltaLog,
        verb: str,
        schema: pa.Schema,
        *,
        tx: Tx | None,
        note: Mapping[str, str],
        settings: LakeSettings,
        sync: Sync,
        may_reshape: bool = False,
    ) -> None:
        self.log = log
        self.schema = schema
        self.tx = tx
        self._verb = verb
        self._note = note
        self._settings = settings
        self._sync = sync
        self._may_reshape = may_reshape
        self._reshapes = False
        self._folder = log.folder / STAGING / uuid4().hex
        self._placed: dict[Path, DataFile] = {}
        self._kept: set[Path] = set()

    def skipped(self) -> Commit | None:
        """Return what to answer when this Tx is stored already; None when it is not.

        Refuses rows whose columns are not the table's, before any of them is read.
        """
        with self.log.locked() as table:
            if table is None:
                return None
            if self._is_stored(table):
                return Commit(self.log.name, int(table.version()), was_skipped=True)
            self._adapt(table)
            return None

    @contextmanager
    def staged(self) -> Iterator[None]:
        """Work with a staging folder that is gone afterwards, with every file not committed."""
        try:
            with room_to_write(self.log.folder, self._folder):
                self._folder.mkdir(parents=True)
                yield
        except BaseException:
            self._kept = self._in_table()
            raise
        finally:
            for file in self._placed.values():
                if file.path not in self._kept:
                    file.path.unlink(missing_ok=True)
            shutil.rmtree(self._folder, ignore_errors=True)

    def stage(self, rows: pa.RecordBatchReader | pa.Table | StagedFiles) -> tuple[DataFile, ...]:
        """Write the rows into the staging folder, or find them there, and sync them."""
        if isinstance(rows, StagedFiles):
            return self._adopt(rows.files)
        batches = rows.to_batches() if isinstance(rows, pa.Table) else rows
        fitting = conform(self.log.name, batches, self.schema)
        paths = write_files(self._folder, fitting, self.schema, self._settings)
        sync_each(paths, self._sync)
        return tuple(map(describe, paths))

    def place(self, files: Sequence[DataFile]) -> tuple[DataFile, ...]:
        """Move staged files to their final names, once, and sync those."""
        for file in files:
            if file.path not in self._placed:
                target = self.log.folder / f"part-{uuid4().hex}.parquet"
                self._placed[file.path] = moved(file, target)
        if files:
            self._sync(self.log.folder)
        return tuple(self._placed[f.path] for f in files)

    def commit(self, plan: Callable[[Snapshot | None], Change | None]) -> Commit | None:
        """Commit what `plan` makes of the newest state; None when it makes nothing of it.

        `plan` sees None while there is no table, and is not asked when the Tx is stored already.
        """
        found: list[Commit] = []

        def checked(table: DeltaTable | None) -> Change | None:
            if table is None:
                return plan(None)
            if self._is_stored(table):
                found.append(Commit(self.log.name, int(table.version()), was_skipped=True))
                return None
            self._adapt(table)
            return plan(snapshot(self.log.name, self.log.folder, table))

        outcome = self.log.transact(checked)
        if outcome.change is None:
            return found[0] if found else None
        self._kept = {f.path for f in outcome.change.add}
        counts = outcome.change.counts
        return Commit(
            self.log.name,
            outcome.version,
            inserted=counts.get("inserted", 0),
            updated=counts.get("updated", 0),
            unchanged=counts.get("unchanged", 0),
            removed=counts.get("removed", 0),
        )

    def change(
        self, add: Sequence[DataFile], remove: Sequence[DataFile] = (), **counts: int
    ) -> Change:
        """Return the commit that brings staged files in and takes others out."""
        return Change(
            self._verb,
            self.schema,
            is_reshape=self._reshapes,
            add=self.place(add),
            remove=tuple(remove),
            tx=self.tx,
            note=self._note,
            counts=counts,
        )

    def _is_stored(self, table: DeltaTable) -> bool:
        if self.tx is None:
            return False
        last = table.transaction_version(self.tx.app_id)
        return last is not None and self.tx.version <= last

    def _adapt(self, table: DeltaTable) -> None:
        """Refuse other columns than the table's, and take over their order."""
        schema = table_schema(table)
        self._reshapes = self._may_reshape and bool(differences(schema, self.schema))
        if self._reshapes:
            return
        require_same(self.log.name, schema, self.schema)
        self.schema = schema

    def _adopt(self, paths: Sequence[Path]) -> tuple[DataFile, ...]:
        """Check and sync Parquet files from the table's staging folders; leave out empty ones."""
        files = tuple(self._adopted(path) for path in paths)
        kept = tuple(f for f in files if f.rows)
        sync_each([f.path for f in kept], self._sync)
        return kept

    def _adopted(self, path: Path) -> DataFile:
        if self.log.folder / STAGING not in path.absolute().parents:
            raise not_staged(self.log.name, path)
        try:
            file, schema = describe(path), pq.read_schema(path)
        except (pa.ArrowInvalid, OSError):
            raise not_staged(self.log.name, path) from None
        require_same(self.log.name, self.schema, lake_schema(self.log.name, schema))
        return file

    def _in_table(self) -> set[Path]:
        """The files of the table after a write that failed: it may have failed after its commit."""
        try:
            files = snapshot(self.log.name, self.log.folder, self.log.open()).files
        except ShuzhiError:
            files = ()
        return {f.path for f in files}
