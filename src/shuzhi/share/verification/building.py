"""Keeping an index current from the lake: made whole once, then by what changed in each version.

What changed is told by the files that a version added and removed: subjects of rows that are not
as often in both. Their rows, or that they are gone, lie over the base until these are many.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum

import duckdb
import numpy as np
import pyarrow as pa

from shuzhi.gather.lake import Difference, LakeReader
from shuzhi.gather.lake.query import Snapshot
from shuzhi.gather.lake.schema import identifier
from shuzhi.kernel.errors import RefusedError
from shuzhi.share.verification.files import Generation, IndexFolder, PartFile
from shuzhi.share.verification.parts import CHUNK_ROWS, GONE, HIGH, LOW, Part, write_part

_ADDED, _REMOVED, _WHOLE = "rows added", "rows removed", "rows now"
_CHANGED = "subjects changed"
# Above this share of the base, changes are merged into a new one.
_MOST_CHANGED = 0.05
_LEAST_MERGED = 20_000


class Done(StrEnum):
    """What a refresh did."""

    NOTHING = "nothing"
    CHANGES = "changes"
    WHOLE = "whole"


@dataclass(frozen=True)
class Wanted:
    """What an index is to hold: the column of subjects, and those that claims or grants name."""

    dataset: str
    subject: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did, and the generation that stands now."""

    done: Done
    generation: Generation
    changed: int = 0


class Builder:
    """Makes the generations of one index."""

    def __init__(
        self,
        lake: LakeReader,
        folder: IndexFolder,
        secret: str,
        *,
        memory_limit: str | None = None,
    ) -> None:
        self._lake = lake
        self._folder = folder
        self._secret = secret
        self._memory_limit = memory_limit

    def refresh(self, wanted: Wanted, *, rebuild: bool = False) -> Refreshed:
        """Bring the index to the table's newest version.

        Raises:
            RefusedError: `gather.no_such_dataset`, `gather.no_such_column`; BrokenError
                `gather.lake_busy` when another process builds for long.
        """
        self._folder.make()
        with self._folder.building(wanted.dataset):
            version = self._lake.version(wanted.dataset)
            present = None if rebuild else self._present(wanted, version)
            if present is not None and present.version == version:
                self._folder.clear(present)
                return Refreshed(Done.NOTHING, present)
            if present is not None:
                # Files of the older version may be gone from the lake: then all is read anew.
                with suppress(RefusedError):
                    refreshed = self._changed(wanted, present, version)
                    if refreshed is not None:
                        return refreshed
            return self._whole(wanted, version)

    def _present(self, wanted: Wanted, version: int) -> Generation | None:
        present = self._folder.read()
        # A data set that was made anew begins again with its first version.
        if present is None or present.version > version:
            return None
        is_same = (present.subject, present.columns) == (wanted.subject, wanted.columns)
        return present if is_same else None

    def _whole(self, wanted: Wanted, version: int) -> Refreshed:
        name = wanted.dataset
        self._require_columns(wanted)
        with self._lake.duck(
            only=(name,), version={name: version}, memory_limit=self._memory_limit
        ) as connection:
            base = self._written(connection, _hashed(identifier(name), wanted))
        at = self._lake.committed_at(name, version)
        generation = Generation(name, version, at, wanted.subject, wanted.columns, base)
        self._folder.switch(generation)
        return Refreshed(Done.WHOLE, generation, base.rows)

    def _changed(self, wanted: Wanted, present: Generation, version: int) -> Refreshed | None:
        """Lay what changed over the base; None where there is too much of it."""
        change = self._lake.difference(wanted.dataset, since=present.version, until=version)
        with self._lake.duck(
            only=(), also=_named(change), memory_limit=self._memory_limit
        ) as connection:
            count = _find_changed(connection, wanted, is_append=change.is_append)
            if self._is_too_much(count, present):
                return None
            found = connection.sql(_changed_rows(wanted), params={"key": self._secret})
            fresh = found.to_arrow_table()
        at = self._lake.committed_at(wanted.dataset, version)
        generation = replace(present, version=version, committed_at=at)
        if count:
            generation = replace(generation, changes=self._laid(present, fresh))
        self._folder.switch(generation)
        return Refreshed(Done.CHANGES, generation, count)

    def _is_too_much(self, count: int, present: Generation) -> bool:
        known = 0 if present.changes is None else present.changes.rows
        return count + known > max(_MOST_CHANGED * present.base.rows, _LEAST_MERGED)

    def _laid(self, present: Generation, fresh: pa.Table) -> PartFile:
        """Write the changes of now over those of before."""
        rows = fresh
        if present.changes is not None:
            path = self._folder.folder / present.changes.name
            before = Part(path, present.changes.chunks, present.dataset)
            before.check()
            rows = pa.concat_tables([_others(before, fresh), fresh])
        rows = rows.sort_by([(HIGH, "ascending"), (LOW, "ascending")])
        path = self._folder.fresh()
        chunks = write_part(path, rows.schema, rows.combine_chunks().to_batches())
        return PartFile(path.name, tuple(chunks))

    def _written(self, connection: duckdb.DuckDBPyConnection, sql: str) -> PartFile:
        path = self._folder.fresh()
        ordered = f'{sql} ORDER BY "{HIGH}", "{LOW}"'
        found = connection.sql(ordered, params={"key": self._secret})
        reader = found.to_arrow_reader(CHUNK_ROWS)
        return PartFile(path.name, tuple(write_part(path, reader.schema, reader)))

    def _require_columns(self, wanted: Wanted) -> None:
        known = self._lake.schema(wanted.dataset).names
        lacking = [c for c in (wanted.subject, *wanted.columns) if c not in known]
        if lacking:
            raise RefusedError(
                "gather.no_such_column",
                f"Data set {wanted.dataset!r} has no column {', '.join(map(repr, lacking))}.",
                next_step=f"Its columns are: {', '.join(known)}.",
            )


def _named(change: Difference) -> tuple[Snapshot, ...]:
    pairs = ((_ADDED, change.added), (_REMOVED, change.removed), (_WHOLE, change.whole))
    return tuple(replace(snapshot, name=name) for name, snapshot in pairs)


def _columns(names: Sequence[str]) -> str:
    return ", ".join(identifier(name) for name in names)


def _hashed(table: str, wanted: Wanted, more: str = "", where: str = "") -> str:
    """Return SQL for the hash of each row's subject, and its columns; `$key` is the key."""
    subject = identifier(wanted.subject)
    digest = f"sha256(CAST($key AS VARCHAR) || CAST({subject} AS VARCHAR))"
    columns = "".join(f", {identifier(name)}" for name in wanted.columns)
    return (
        f"SELECT ('0x' || digest[1:16])::UBIGINT AS \"{HIGH}\", "  # noqa: S608  (names are quoted)
        f"('0x' || digest[17:32])::UBIGINT AS \"{LOW}\"{columns}{more} "
        f"FROM (SELECT *, {digest} AS digest FROM {table} WHERE {subject} IS NOT NULL{where})"
    )


def _find_changed(connection: duckdb.DuckDBPyConnection, wanted: Wanted, *, is_append: bool) -> int:
    """Make the table of subjects whose rows differ; return how many there are."""
    subject = identifier(wanted.subject)
    columns = _columns(tuple(dict.fromkeys((wanted.subject, *wanted.columns))))
    added, removed = (
        f'SELECT {columns}, {count} AS count FROM "{name}"'  # noqa: S608  (names are quoted)
        for name, count in ((_ADDED, 1), (_REMOVED, -1))
    )
    # Counted once over: EXCEPT ALL both ways reads all twice, and takes three times as long.
    differing = (
        added
        if is_append
        else f"SELECT {columns} FROM ({added} UNION ALL {removed}) "  # noqa: S608
        f"GROUP BY {columns} HAVING sum(count) <> 0"
    )
    connection.execute(
        f'CREATE TABLE "{_CHANGED}" AS SELECT DISTINCT {subject} AS subject '  # noqa: S608
        f"FROM ({differing}) WHERE {subject} IS NOT NULL"
    )
    return connection.table(_CHANGED).shape[0]


def _changed_rows(wanted: Wanted) -> str:
    """Return SQL for the present rows of the subjects that changed, and for those that are gone."""
    subject = identifier(wanted.subject)
    among = f' AND {subject} IN (SELECT subject FROM "{_CHANGED}")'  # noqa: S608
    kept = _hashed(f'"{_WHOLE}"', wanted, f', false AS "{GONE}"', among)
    gone = (
        f'SELECT s.subject AS {subject} FROM "{_CHANGED}" s '  # noqa: S608  (names are quoted)
        f'ANTI JOIN "{_WHOLE}" w ON w.{subject} = s.subject'
    )
    left = _hashed(f"({gone})", replace(wanted, columns=()), f', true AS "{GONE}"')
    return f"({kept}) UNION ALL BY NAME ({left})"


def _others(before: Part, fresh: pa.Table) -> pa.Table:
    """Return the changes of before whose subjects did not change again."""
    table = before.table()
    pairs = np.dtype([("high", np.uint64), ("low", np.uint64)])

    def keys(rows: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.void]]:
        made = np.empty(rows.num_rows, dtype=pairs)
        made["high"], made["low"] = rows.column(HIGH).to_numpy(), rows.column(LOW).to_numpy()
        return made

    is_other = ~np.isin(keys(table), keys(fresh))
    return table.filter(pa.array(is_other))
