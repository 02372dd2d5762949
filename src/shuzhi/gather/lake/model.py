"""What the lake says about its tables: frozen values and the decisions that need no disk.

A table of the lake is one Delta table under the data set's name; each commit to it is a version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName, dataset_name
from shuzhi.kernel.instant import Instant

QUARANTINE = "__quarantine"


@dataclass(frozen=True)
class LakeSettings:
    """How the lake writes. Files and row groups are cut at whichever limit comes first.

    `keep_versions_days` is how long versions that newer ones replaced can still be read, and
    `log_kept_days` how long the log tells of each commit.
    """

    checkpoint_every_commits: int = 10
    keep_versions_days: int = 30
    log_kept_days: int = 30
    file_rows: int = 5_000_000
    file_bytes: int = 256 * 1024 * 1024
    group_rows: int = 122_880
    group_bytes: int = 64 * 1024 * 1024
    lock_wait_s: float = 60.0
    commit_attempts: int = 8
    memory_limit: str = "1GB"

    @property
    def retention(self) -> str:
        """How long the log is kept, as Delta writes it."""
        return f"interval {self.log_kept_days} days"

    @classmethod
    def keeping(cls, versions_days: int) -> LakeSettings:
        """Return settings under which versions of so many days can be read.

        A version is found by its commit: the log is kept as long, and no shorter than else.
        """
        return cls(
            keep_versions_days=versions_days, log_kept_days=max(versions_days, cls.log_kept_days)
        )


@dataclass(frozen=True)
class Tx:
    """A writer's own counter (Delta application transaction): it makes a write happen once.

    `version` rises with every write of the same `app_id` to one table; a version that is not above
    the last one stored there has been written already, and is skipped.
    """

    app_id: str
    version: int


@dataclass(frozen=True)
class Commit:
    """What a write did. Everything counted here is on the disk when the caller gets it.

    `version` is the table's version afterwards. `was_skipped`: this Tx had been stored before and
    nothing was written. `removed` counts rows that an overwrite or an upsert took away.
    """

    name: DatasetName
    version: int
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    was_skipped: bool = False


@dataclass(frozen=True)
class Version:
    """One version of a table: when it was committed, by which verb, with the writer's note."""

    version: int
    committed_at: Instant
    verb: str
    note: Mapping[str, str]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Compaction:
    """How many small files became how many large ones; 0 and 0 when there was nothing to do."""

    version: int
    files_before: int
    files_after: int


@dataclass(frozen=True)
class Cleared:
    """The files that a vacuum deleted, and how many bytes that freed."""

    files: tuple[str, ...]
    bytes_freed: int


@dataclass(frozen=True)
class Repair:
    """What a repair found. `set_aside`: torn log files, moved to the lake's `.torn` folder.

    `missing` and `short`: data files of the newest version that are gone or cut, whose rows must
    be loaded again. All empty means that the table is whole.
    """

    set_aside: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    short: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """True when every file of the newest version is there in full."""
        return not (self.missing or self.short)


@dataclass(frozen=True)
class DataFile:
    """A Parquet file as the Delta log names it; `path` is absolute, `stats` Delta's JSON.

    `lacks` names columns of the table that the file does not hold, or may not hold.
    """

    path: Path
    size_bytes: int
    rows: int | None
    stats: str = ""
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class StagedFiles:
    """Rows that stand already in Parquet files in a folder from `Lake.staging`.

    A write moves them into the table. `unique_on` names columns in which whoever wrote them found
    every value there and single; an upsert with that key does not look again.
    """

    schema: pa.Schema
    files: tuple[Path, ...]
    unique_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """One commit about to be made: files in, files out, and what to write beside them.

    `schema` is the whole table's, used when this commit creates it. `new_fields` makes the commit
    a change of the schema and of nothing else; `is_reshape` makes `add` the whole table, with the
    columns of `schema`.
    """

    verb: str
    schema: pa.Schema
    new_fields: tuple[pa.Field, ...] = ()
    is_reshape: bool = False
    add: tuple[DataFile, ...] = ()
    remove: tuple[DataFile, ...] = ()
    is_data_change: bool = True
    tx: Tx | None = None
    note: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


def table_name(text: str) -> DatasetName:
    """Return `text` as the name of a table: a data set's name, or one with `__quarantine`.

    Raises:
        RefusedError: `kernel.bad_name`.
    """
    return DatasetName(dataset_name(text.removesuffix(QUARANTINE)) + _suffix(text))


def check_folder(folder: Path) -> Path:
    """Return the lake's folder as an absolute path, or refuse one that queries cannot name."""
    if any(sign in str(folder.absolute()) for sign in "*?[]"):
        raise RefusedError(
            "gather.bad_folder",
            f"The lake cannot live in {str(folder)!r}: *, ?, [ and ] have a meaning in queries.",
            next_step="Choose a folder without these signs.",
        )
    return folder.absolute()


def _suffix(text: str) -> str:
    return QUARANTINE if text.endswith(QUARANTINE) else ""
