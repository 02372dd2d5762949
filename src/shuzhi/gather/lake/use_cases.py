"""The lake: tables of the city's data sets in one folder, written once each and read at any time.

What a verb here reports as done is on the disk; what it does not report is not there at all, or
whole and recognised by its Tx when it is written again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import pyarrow as pa
from deltalake import DeltaTable

from shuzhi.gather.lake import query, upkeep, upsert
from shuzhi.gather.lake.delta_log import LakeFolders
from shuzhi.gather.lake.durable import Sync, sync_each
from shuzhi.gather.lake.errors import room_to_write
from shuzhi.gather.lake.model import (
    Change,
    Cleared,
    Commit,
    Compaction,
    DataFile,
    LakeSettings,
    Repair,
    StagedFiles,
    Tx,
    check_folder,
)
from shuzhi.gather.lake.query import Snapshot
from shuzhi.gather.lake.reading import LakeReader
from shuzhi.gather.lake.schema import added_columns, lake_schema
from shuzhi.gather.lake.snapshots import table_schema
from shuzhi.gather.lake.writing import STAGING, Write
from shuzhi.kernel.files import sync_path
from shuzhi.kernel.instant import Clock, system_clock

Rows: TypeAlias = pa.RecordBatchReader | pa.Table | StagedFiles
_NO_NOTE: Mapping[str, str] = {}


def open_lake(
    folder: Path,
    *,
    settings: LakeSettings | None = None,
    sync: Sync = sync_path,
    clock: Clock = system_clock,
) -> Lake:
    """Open the lake in `folder`, which is made when it is not there.

    Any number of processes and threads may open the same one. `sync` must return only when the
    file or folder that it is given is on the disk.

    Raises:
        RefusedError: `gather.bad_folder`.
    """
    folders = LakeFolders(check_folder(folder))
    fresh = [p for p in (folders.root, *folders.root.parents) if not p.exists()]
    for path in (folders.root, folders.spill, folders.locks):
        path.mkdir(parents=True, exist_ok=True)
    sync_each([path.parent for path in fresh], sync)
    return Lake(folders, settings or LakeSettings(), sync, clock)


class Lake(LakeReader):
    """The tables of one folder, to be read and written.

    Every verb that writes makes one commit or none, makes it once for a `tx`, keeps `note` in
    the history, and may raise RefusedError `gather.bad_columns`, `gather.schema_mismatch` and (of
    staged files) `gather.not_staged`, BrokenError `gather.disk_full`, `gather.lake_busy` and
    `gather.lake_torn`. Staged files are moved; their folder is the caller's to take away. A commit
    is made even when no row changed if there is a `tx` to remember.
    """

    def append(
        self, name: str, rows: Rows, *, tx: Tx | None = None, note: Mapping[str, str] = _NO_NOTE
    ) -> Commit:
        """Add rows; create the table when it is not there. Memory holds one row group."""
        write = self._begin("append", name, rows.schema, tx, note)
        if skipped := write.skipped():
            return skipped
        with write.staged():
            return self._add(write, write.stage(rows))

    def append_files(
        self,
        name: str,
        schema: pa.Schema,
        files: Sequence[Path],
        *,
        tx: Tx | None = None,
        note: Mapping[str, str] = _NO_NOTE,
    ) -> Commit:
        """Adopt Parquet files that were written into a folder from `staging`; they are moved.

        Raises also: RefusedError `gather.not_staged`.
        """
        commit = self.append(name, StagedFiles(schema, tuple(files)), tx=tx, note=note)
        for folder in {path.parent for path in files} - {self._log(name).folder / STAGING}:
            shutil.rmtree(folder, ignore_errors=True)
        return commit

    def staging(self, name: str) -> Path:
        """Make a new folder for files that `append_files` will adopt. A day later it may go."""
        folder = self._log(name).folder / STAGING / uuid4().hex
        folder.mkdir(parents=True)
        return folder

    def overwrite(
        self,
        name: str,
        rows: Rows,
        *,
        may_reshape: bool = False,
        tx: Tx | None = None,
        note: Mapping[str, str] = _NO_NOTE,
    ) -> Commit:
        """Put `rows` in the place of all that the table holds. Older versions stay readable.

        With `may_reshape` the table takes over the columns of the rows where they differ.
        """
        write = self._begin("overwrite", name, rows.schema, tx, note, may_reshape=may_reshape)
        if skipped := write.skipped():
            return skipped
        with write.staged():
            staged = write.stage(rows)
            inserted = sum(f.rows or 0 for f in staged)

            def plan(before: Snapshot | None) -> Change:
                old = before.files if before else ()
                removed = sum(f.rows or 0 for f in old)
                return write.change(staged, old, inserted=inserted, removed=removed)

            return self._commit(write, plan)

    def upsert(
        self,
        name: str,
        rows: Rows,
        *,
        key: Sequence[str],
        gone: pa.Table | None = None,
        tx: Tx | None = None,
        note: Mapping[str, str] = _NO_NOTE,
    ) -> Commit:
        """Insert rows with a new key, update rows whose values differ, leave the others.

        Rows whose key is in `gone` (a table of the key's columns) and not in `rows` are removed.

        The files that hold an updated row are rewritten; the table's other writers wait. Memory
        is bounded by the settings, whatever the size of the table. With no difference and no
        `tx`, nothing is committed.

        Raises also: RefusedError `gather.bad_key`, `gather.missing_key`, `gather.duplicate_key`.
        """
        write = self._begin("upsert", name, rows.schema, tx, note)
        upsert.require_key(write.schema, key, name)
        if skipped := write.skipped():
            return skipped
        limit = self._settings.memory_limit
        with write.staged(), query.workbench(self._folders.spill, limit) as bench:
            staged = write.stage(rows)
            is_single = isinstance(rows, StagedFiles) and rows.unique_on == tuple(key)
            incoming = Snapshot(name, -1, write.schema, staged)
            count = upsert.take_in(bench, incoming, key, is_single=is_single)

            def plan(before: Snapshot | None) -> Change | None:
                if before is None or not before.files:
                    return write.change(staged, inserted=count)
                found = upsert.compare(bench, before, key, count, gone)
                if not found.is_any:
                    return write.change((), unchanged=count) if tx else None
                fresh = staged
                if not found.is_append:
                    fresh = write.stage(upsert.replacement(bench, before, found, key))
                return write.change(fresh, found.outdated, **found.counts)

            return self._commit(write, plan, unchanged=count)

    def widen(self, name: str, schema: pa.Schema, *, note: Mapping[str, str] = _NO_NOTE) -> int:
        """Add the columns that `schema` has beyond the table's; return the version.

        They are NULL in the rows there are. Any other difference is refused
        (`gather.schema_mismatch`); no difference makes no commit.
        """
        log = self._log(name)
        wide = lake_schema(name, schema)

        def plan(table: DeltaTable | None) -> Change | None:
            fields = added_columns(name, table_schema(table or log.open()), wide)
            return Change("widen", wide, new_fields=tuple(fields), note=note) if fields else None

        with room_to_write(log.folder, log.log_folder):
            return log.transact(plan).version

    def compact(self, name: str) -> Compaction:
        """Rewrite small files as few large ones; rows and older versions stay the same.

        Writers are not held up while rows are copied.
        """
        write = self._begin("compact", name, self.schema(name), None, _NO_NOTE)
        with write.staged():
            return upkeep.compact(write, self._snapshot(name, None), self._settings)

    def vacuum(self, name: str, *, keep_hours: int | None = None) -> Cleared:
        """Delete files that no version of the last `keep_hours` needs, and leavings of crashes.

        Without a number the settings of the lake count. Older versions can then no longer be read
        (`gather.version_gone`). A log that was begun under other settings follows these.
        """
        if keep_hours is None:
            keep_hours = 24 * self._settings.keep_versions_days
        return upkeep.vacuum(self._log(name), keep_hours=keep_hours, now=self._clock())

    def repair(self, name: str) -> Repair:
        """Set aside what a power cut tore, and say which data files are missing or cut short."""
        return upkeep.repair(self._log(name))

    def _begin(
        self,
        verb: str,
        name: str,
        schema: pa.Schema,
        tx: Tx | None,
        note: Mapping[str, str],
        *,
        may_reshape: bool = False,
    ) -> Write:
        return Write(
            self._log(name),
            verb,
            lake_schema(name, schema),
            tx=tx,
            note=note,
            settings=self._settings,
            sync=self._sync,
            may_reshape=may_reshape,
        )

    def _add(self, write: Write, files: tuple[DataFile, ...]) -> Commit:
        def plan(before: Snapshot | None) -> Change | None:
            if before is not None and not files and write.tx is None:
                return None
            return write.change(files, inserted=sum(f.rows or 0 for f in files))

        return self._commit(write, plan)

    def _commit(
        self, write: Write, plan: Callable[[Snapshot | None], Change | None], unchanged: int = 0
    ) -> Commit:
        commit = write.commit(plan)
        return commit or Commit(write.log.name, self.version(write.log.name), unchanged=unchanged)
