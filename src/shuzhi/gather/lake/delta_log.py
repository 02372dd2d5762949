"""The Delta log of one table: opened, extended by one commit at a time, and checkpointed.

Commit N+1 is only made when commit N is on the disk, so that a power cut can tear no more than
the newest commit, which nobody was told of.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from shuzhi.gather.lake.commits import commits
from shuzhi.gather.lake.durable import Sync, held, sync_each
from shuzhi.gather.lake.errors import (
    lake_busy,
    no_such_dataset,
    no_such_version,
    readable_log,
    room_to_write,
)
from shuzhi.gather.lake.log_files import (
    LAST_CHECKPOINT,
    checkpoint_file,
    commit_file,
    newest_version,
    set_torn_aside,
)
from shuzhi.gather.lake.model import Change, DataFile, LakeSettings, Tx, Version
from shuzhi.kernel.ids import DatasetName
from shuzhi.kernel.instant import Clock, Instant

NO_VERSION = -1
_RETENTION = "delta.logRetentionDuration"
Plan = Callable[[DeltaTable | None], Change | None]
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """The version after a transaction, and the change that was committed (None: nothing was)."""

    version: int
    change: Change | None


@dataclass(frozen=True)
class LakeFolders:
    """Where the lake keeps its things: tables by name, locks, torn logs and spilled queries."""

    root: Path

    def table(self, name: DatasetName) -> Path:
        """The folder of a table."""
        return self.root / name

    def lock(self, name: DatasetName) -> Path:
        """The file that the writers of a table hold."""
        return self.locks / f"{name}.lock"

    @property
    def locks(self) -> Path:
        """Where the locks are."""
        return self.root / ".locks"

    def torn(self, name: DatasetName) -> Path:
        """Where a repair puts torn log files."""
        return self.root / ".torn" / name

    @property
    def spill(self) -> Path:
        """Where queries put what does not fit in memory."""
        return self.root / ".tmp"


class DeltaLog:
    """The log of the table `name`; the folders `.locks` and the lake's root exist already."""

    def __init__(
        self,
        name: DatasetName,
        folders: LakeFolders,
        *,
        settings: LakeSettings,
        sync: Sync,
        clock: Clock,
    ) -> None:
        self.name = name
        self.folder = folders.table(name)
        self.log_folder = self.folder / "_delta_log"
        self._folders = folders
        self._settings = settings
        self._sync = sync
        self._clock = clock
        self._durable: int | None = None
        self._is_healed = False
        self._kept: DeltaTable | None = None

    # Reading

    def exists(self) -> bool:
        """True when a first commit has been made."""
        return newest_version(self.log_folder) is not None

    def open(self, version: int | None = None) -> DeltaTable:
        """Open the table at `version`, the newest by default.

        Raises:
            RefusedError: `gather.no_such_dataset`, `gather.no_such_version`.
            BrokenError: `gather.lake_torn`.
        """
        newest = newest_version(self.log_folder)
        if newest is None:
            raise no_such_dataset(self.name)
        if version is not None and not 0 <= version <= newest:
            raise no_such_version(self.name, version)
        with readable_log(self.name):
            try:
                return DeltaTable(self.folder, version=version)
            except DeltaError:
                if version is None or version == newest:
                    raise
        # Opening the newest tells a torn log from one whose first commits were dropped by age.
        self.open()
        raise no_such_version(self.name, version)

    def version_at(self, moment: datetime) -> int:
        """Return the version that was newest at `moment`, by the commits' own time stamps."""
        upto = [v.version for v in self.history() if v.committed_at <= moment]
        if not upto:
            raise no_such_version(self.name, f"at {moment.isoformat()}")
        return max(upto)

    def history(self, limit: int | None = None, *, after: int = NO_VERSION) -> list[Version]:
        """The newest commits `after` one that the log still holds, the newest first.

        Raises as `open`.
        """
        return self._commits(limit, after=after)

    def committed_at(self, version: int) -> Instant:
        """Return when a version was committed. Raises as `open`."""
        found = self._commits(until=version, after=version - 1)
        if not found:
            raise no_such_version(self.name, version)
        return found[0].committed_at

    def _commits(
        self, limit: int | None = None, *, until: int | None = None, after: int
    ) -> list[Version]:
        if not self.exists():
            raise no_such_dataset(self.name)
        with readable_log(self.name):
            return list(islice(commits(self.log_folder, until=until, after=after), limit))

    def settled(self) -> DeltaTable | None:
        """Open the newest version and make sure that it is on the disk; None without a table.

        Whoever says "this was stored" on the strength of a commit that another process made must
        ask through here: that process may have died between committing and syncing.
        """
        if not self._is_healed:
            self.mend()
        if not self.exists():
            return None
        table = self.open()
        self._settle(int(table.version()))
        return table

    # Writing

    def transact(self, plan: Plan) -> Outcome:
        """Commit what `plan` makes of the newest state.

        `plan` is called under the table's lock, with None while there is no table, and returns
        None to write nothing. It is called again when a writer from outside this lake came first.

        Raises:
            BrokenError: `gather.lake_busy`.
        """
        with self.locked() as found:
            table = found
            for _ in range(self._settings.commit_attempts):
                change = plan(table)
                if change is None:
                    return Outcome(int(table.version()) if table else NO_VERSION, None)
                if (version := self._commit(table, change)) is not None:
                    return Outcome(version, change)
                table = self._newest()
        raise lake_busy(self.name, f"{self._settings.commit_attempts} attempts")

    @contextmanager
    def locked(self) -> Iterator[DeltaTable | None]:
        """Keep other writers of this lake out; yield the newest state, None without a table.

        The table given is good only while the lock is held.
        """
        with self._held():
            if not self._is_healed:
                self._heal()
            yield self._newest()

    def mend(self) -> tuple[str, ...]:
        """Move what a power cut tore out of the log, and say what."""
        with self._held():
            return self._heal()

    def _held(self) -> AbstractContextManager[None]:
        lock = self._folders.lock(self.name)
        return held(lock, name=self.name, wait_s=self._settings.lock_wait_s)

    def _heal(self) -> tuple[str, ...]:
        torn = set_torn_aside(self.log_folder, self._folders.torn(self.name))
        if torn:
            self._sync(self.log_folder)
            _logger.warning("gather.torn_log: %s: set aside %s", self.name, ", ".join(torn))
        self._is_healed = True
        return torn

    def _newest(self) -> DeltaTable | None:
        """Bring the table kept here up to date, which costs half of opening it; settle it."""
        newest = newest_version(self.log_folder)
        if newest is None:
            return None
        if self._kept is not None and self._kept.version() > newest:
            # The table's folder was put back to an older state: nothing is known of it any more.
            self._kept = self._durable = None
        if self._kept is None:
            self._kept = self.open()
        elif self._kept.version() < newest:
            with readable_log(self.name):
                self._kept.update_incremental()
        self._settle(int(self._kept.version()))
        return self._kept

    def _commit(self, table: DeltaTable | None, change: Change) -> int | None:
        """Make one commit and see it onto the disk; None when somebody else came first."""
        if table is None:
            return self._create(change)
        # delta-rs may leave the object at the old version; without retries there is only one next.
        version = int(table.version()) + 1
        now = self._clock().timestamp()
        _touch(change.remove, now)
        try:
            if change.new_fields:
                table.alter.add_columns(_fields(change.new_fields), **_properties(change))
            elif change.is_reshape:
                # Of an overwrite delta-rs itself takes out all files and puts the columns in.
                added: list[AddAction | RemoveAction] = [_add(f, change) for f in change.add]
                schema = Schema.from_arrow(change.schema)
                table.create_write_transaction(added, "overwrite", schema, **_properties(change))
            else:
                actions = _actions(change, int(now * 1000))
                schema = table.schema()
                table.create_write_transaction(actions, "append", schema, **_properties(change))
        except CommitFailedError:
            return None
        self._settle(version)
        self._checkpoint(version)
        return version

    def _create(self, change: Change) -> int | None:
        try:
            create_table_with_add_actions(
                str(self.folder),
                Schema.from_arrow(change.schema),
                [_add(f, change) for f in change.add],
                configuration={
                    "delta.checkpointInterval": str(self._settings.checkpoint_every_commits),
                    _RETENTION: self._settings.retention,
                },
                **_properties(change),
            )
        except DeltaError:
            if self.exists():
                return None
            raise
        sync_each([self.folder, self.folder.parent], self._sync)
        self._settle(0)
        return 0

    def follow(self, table: DeltaTable) -> None:
        """Keep the log as long as the settings say; the lock is held, and `table` the newest.

        A table goes by what was said when it was made, until it is told otherwise by a commit.
        """
        kept = self._settings.retention
        if table.metadata().configuration.get(_RETENTION) == kept:
            return
        try:
            with room_to_write(self.folder, self.log_folder):
                table.alter.set_table_properties({_RETENTION: kept}, **_said({"verb": "keep"}))
        except DeltaError as error:
            # Nothing hangs on it: the next time tries again.
            _logger.warning("gather.log_not_told: %s: %s", self.name, error)
            return
        self._settle(int(table.version()))

    def _settle(self, version: int) -> None:
        """Sync the newest commit; those before it were synced before it could be made."""
        if self._durable is None or version > self._durable:
            commit = self.log_folder / commit_file(version)
            sync_each([commit, self.log_folder], self._sync)
            self._durable = version

    def _checkpoint(self, version: int) -> None:
        """Checkpoint every few commits; then drop commits too old to keep, never before."""
        if version % self._settings.checkpoint_every_commits:
            return
        try:
            table = self._newest() or self.open()
            table.create_checkpoint()
            written = [self.log_folder / checkpoint_file(version)]
            pointer = self.log_folder / LAST_CHECKPOINT
            sync_each([*written, pointer, self.log_folder], self._sync)
            table.cleanup_metadata()
        except (DeltaError, OSError) as error:
            # The commit is stored, and that is all that was promised: the next ones try again.
            _logger.warning(
                "gather.checkpoint_failed: %s version %d: %s", self.name, version, error
            )


def _touch(files: Sequence[DataFile], now: float) -> None:
    """Let files that a commit removes be as old as their removal.

    Delta forgets removals after a week; a vacuum then goes by the age of the file.
    """
    for file in files:
        with suppress(FileNotFoundError):
            os.utime(file.path, (now, now))


def _actions(change: Change, now_ms: int) -> list[AddAction | RemoveAction]:
    removed = [
        RemoveAction(f.path.name, change.is_data_change, now_ms, f.size_bytes, {})
        for f in change.remove
    ]
    return [*removed, *(_add(f, change) for f in change.add)]


def _add(file: DataFile, change: Change) -> AddAction:
    modified_ms = int(file.path.stat().st_mtime * 1000)
    return AddAction(
        file.path.name, file.size_bytes, {}, modified_ms, change.is_data_change, file.stats
    )


def _fields(fields: Sequence[pa.Field]) -> list[Any]:
    return list(Schema.from_arrow(pa.schema(fields)).fields)


def _properties(change: Change) -> dict[str, Any]:
    said = {"verb": change.verb, "note": dict(change.note), "counts": dict(change.counts)}
    return _said(said, change.tx)


def _said(said: Mapping[str, Any], tx: Tx | None = None) -> dict[str, Any]:
    return {
        "commit_properties": CommitProperties(
            custom_metadata=dict(said),
            # A commit that came second is planned anew on what came first, never pushed through.
            max_commit_retries=0,
            app_transactions=[Transaction(tx.app_id, tx.version)] if tx else None,
        ),
        # Syncing has to stand between commit, checkpoint and cleaning.
        "post_commithook_properties": PostCommitHookProperties(
            create_checkpoint=False, cleanup_expired_logs=False
        ),
    }
