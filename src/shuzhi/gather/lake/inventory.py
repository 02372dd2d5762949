"""What a lake holds, table by table, and how it is kept in order."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.gather.lake.model import Cleared, Compaction
from shuzhi.gather.lake.reading import LakeReader
from shuzhi.gather.lake.use_cases import Lake
from shuzhi.kernel.ids import DatasetName
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class Held:
    """One table as it stands: its newest version, its rows, and the files that hold them."""

    name: DatasetName
    rows: int
    files: int
    size_bytes: int
    version: int
    committed_at: Instant


@dataclass(frozen=True)
class Tidied:
    """What was done to keep one table in order."""

    name: str
    compaction: Compaction
    cleared: Cleared


def inventory(lake: LakeReader) -> tuple[Held, ...]:
    """Return what every table holds, by name; the cost is one look into each table's log."""
    return tuple(_held(lake, name) for name in lake.names())


def tidy(lake: Lake, name: str, *, keep_hours: int | None = None) -> Tidied:
    """Make few large files of many small ones, and delete what only older versions need.

    As `Lake.vacuum`.
    """
    compaction = lake.compact(name)
    return Tidied(name, compaction, lake.vacuum(name, keep_hours=keep_hours))


def _held(lake: LakeReader, name: DatasetName) -> Held:
    version = lake.version(name)
    sizes = lake.file_sizes(name, version=version)
    at = lake.committed_at(name, version)
    return Held(name, lake.count(name, version=version), len(sizes), sum(sizes), version, at)
