"""The reading half of the lake: which tables there are, and their rows at any kept version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from shuzhi.gather.lake import query
from shuzhi.gather.lake.delta_log import DeltaLog, LakeFolders
from shuzhi.gather.lake.difference import REWRITES, Difference, difference, unmoved
from shuzhi.gather.lake.durable import Sync
from shuzhi.gather.lake.log_files import newest_mark
from shuzhi.gather.lake.model import LakeSettings, Version, table_name
from shuzhi.gather.lake.parquet import describe
from shuzhi.gather.lake.query import Snapshot
from shuzhi.gather.lake.snapshots import State, require_files
from shuzhi.kernel.ids import DatasetName
from shuzhi.kernel.instant import Clock, Instant

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

At = int | datetime | None


class LakeReader:
    """The tables of one folder, to be read. Names are checked (`kernel.bad_name`).

    `version` is a number, or an aware moment for the version that was newest then; the newest by
    default. Whatever reads raises RefusedError `gather.no_such_dataset`,
    `gather.no_such_version` or `gather.version_gone`, and BrokenError `gather.lake_torn`.
    """

    def __init__(
        self, folders: LakeFolders, settings: LakeSettings, sync: Sync, clock: Clock
    ) -> None:
        self._folders = folders
        self._settings = settings
        self._sync = sync
        self._clock = clock
        self._logs: dict[str, DeltaLog] = {}
        self._newest: dict[str, tuple[object, State]] = {}

    @property
    def settings(self) -> LakeSettings:
        """How the lake writes."""
        return self._settings

    def names(self) -> tuple[DatasetName, ...]:
        """The tables that hold at least one version, sorted."""
        found = (p.name for p in self._folders.root.iterdir() if (p / "_delta_log").is_dir())
        return tuple(table_name(n) for n in sorted(found) if self.exists(n))

    def exists(self, name: str) -> bool:
        """True when the table has been created."""
        return self._log(name).exists()

    def schema(self, name: str, *, version: At = None) -> pa.Schema:
        """The table's columns; all nullable, instants as timestamp[us, UTC]."""
        return self._state(name, version).schema

    def version(self, name: str) -> int:
        """The number of the newest version; the first is 0."""
        return int(self._state(name, None).table.version())

    def committed_at(self, name: str, version: int) -> Instant:
        """When a version was committed, by its own time stamp."""
        return self._log(name).committed_at(version)

    def committed(self, name: str, app_id: str) -> int | None:
        """The version of the last Tx of `app_id` that is on the disk; None before the first."""
        table = self._log(name).settled()
        return table.transaction_version(app_id) if table else None

    def history(self, name: str, *, limit: int | None = None, after: int = -1) -> list[Version]:
        """The versions `after` one that the log still holds, the newest first."""
        return self._log(name).history(limit, after=after)

    def files(self, name: str, *, version: At = None) -> list[str]:
        """Absolute paths of the Parquet files that hold the table's rows."""
        return [str(f.path) for f in self._snapshot(name, version).files]

    def versions_at(self, moment: datetime) -> dict[str, int]:
        """The version of each table that was newest at `moment`, of those that were there."""
        histories = {name: self.history(name) for name in self.names()}
        then = {n: [v.version for v in h if v.committed_at <= moment] for n, h in histories.items()}
        return {name: max(upto) for name, upto in then.items() if upto}

    def file_sizes(self, name: str, *, version: At = None) -> tuple[int, ...]:
        """The bytes of each of those files, from the log alone."""
        return tuple(f.size_bytes for f in self._snapshot(name, version).files)

    def count(self, name: str, *, version: At = None) -> int:
        """The number of rows, from the log alone."""
        files = self._snapshot(name, version).files
        counted = (f.rows if f.rows is not None else describe(f.path).rows for f in files)
        return sum(rows or 0 for rows in counted)

    def reader(
        self, name: str, *, version: At = None, columns: Sequence[str] | None = None
    ) -> pa.RecordBatchReader:
        """Stream the rows with bounded memory, in no promised order.

        Raises also: RefusedError `gather.no_such_column`.
        """
        return query.read(self._snapshot(name, version), columns)

    def difference(self, name: str, *, since: int | None, until: int) -> Difference:
        """The files that tell how the table's rows at `until` differ from those at `since`.

        `since` None is the time before the first version. Commits that only rewrite files are
        left out, so that compacting costs the reader of differences nothing.
        """
        log = self._log(name)
        first = -1 if since is None else since
        moved = [v.version for v in log.history(after=first) if v.verb in REWRITES]
        spans = unmoved(first, until, moved)
        wanted = {v for span in spans for v in span if v >= 0} | {until}
        at = {version: self._snapshot(name, version) for version in wanted}
        return difference(at, spans, until)

    @contextmanager
    def duck(
        self,
        *,
        only: Sequence[str] | None = None,
        also: Sequence[Snapshot] = (),
        version: At | Mapping[str, int] = None,
        memory_limit: str | None = None,
        foresees: bool = True,
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open an in-memory DuckDB with one view for each table, as it stands now.

        `also` has more views, under the names of its snapshots; `version` may name one for each
        table. Time zone UTC. It reads no file of the machine but those of its views, and its
        settings are locked; a COPY could still overwrite a file that may be read, so SQL that a
        person typed has to pass `require_question` first. `only` names the tables wanted (all by
        default); the cost is one look into each table's log. Fetch instants as Arrow. Without
        `foresees`, what files say of their columns does not change what is computed.
        """
        snapshots = [*self._snapshots(only, version), *also]
        bench = query.workbench(self._folders.spill, memory_limit, foresees=foresees)
        with bench as connection:
            query.add_views(connection, snapshots)
            query.lock_in(connection, snapshots)
            yield connection

    @contextmanager
    def ibis(
        self,
        *,
        only: Sequence[str] | None = None,
        version: At | Mapping[str, int] = None,
        memory_limit: str | None = None,
    ) -> Iterator[Backend]:
        """Open what `duck` opens, as an Ibis backend.

        With DuckDB 2 and Ibis 12, `table`, `execute` and `to_pyarrow` work; `list_tables`, `sql`
        and `to_pyarrow_batches` do not, for they call what DuckDB 2 took away.
        """
        # Imported here for it takes half a second, which many a command need not wait.
        import ibis

        snapshots = self._snapshots(only, version)
        with query.workbench(self._folders.spill, memory_limit) as connection:
            query.add_views(connection, snapshots)
            # Ibis sets the time zone when it connects, so it has to come before the lock.
            backend = ibis.duckdb.from_connection(connection)
            query.lock_in(connection, snapshots)
            yield backend

    def _log(self, name: str) -> DeltaLog:
        if name not in self._logs:
            self._logs[name] = DeltaLog(
                table_name(name),
                self._folders,
                settings=self._settings,
                sync=self._sync,
                clock=self._clock,
            )
        return self._logs[name]

    def _state(self, name: str, at: At) -> State:
        log = self._log(name)
        if at is None:
            return self._newest_state(log)
        if isinstance(at, int) and log.exists():
            # Most who name a version name the newest, which is open already.
            newest = self._newest_state(log)
            if newest.table.version() == at:
                return newest
        table = log.open(log.version_at(at) if isinstance(at, datetime) else at)
        return State(log.name, log.folder, table)

    def _newest_state(self, log: DeltaLog) -> State:
        """Return the newest state, opened once after each commit: opening costs milliseconds."""
        # Looked at before opening: a commit that comes in between is seen the next time.
        mark = newest_mark(log.log_folder)
        kept, state = self._newest.get(log.name, (None, None))
        if state is None or kept != mark:
            state = State(log.name, log.folder, log.open())
            self._newest[log.name] = mark, state
        return state

    def _snapshot(self, name: str, at: At) -> Snapshot:
        found = self._state(name, at).snapshot
        return found if at is None else require_files(found)

    def _snapshots(self, only: Sequence[str] | None, at: At | Mapping[str, int]) -> list[Snapshot]:
        names = self.names() if only is None else only
        of_each = at if isinstance(at, Mapping) else dict.fromkeys(names, at)
        return [self._snapshot(name, of_each.get(name)) for name in names]
