"""A disk for a spool on which a power cut takes every byte after the last completed sync.

Bytes are kept in memory until they are synced, so a process that is killed takes them along, as
the cache of a machine does when its power is cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from shuzhi.gather.sensors.spool import Disk, SegmentFile


@dataclass
class LosingDisk:
    """`fails` has the errors that the next syncs raise; with `is_lying` a sync does nothing."""

    fails: list[OSError] = field(default_factory=list)
    is_lying: bool = False
    disk: Disk = field(default_factory=Disk)
    prepared: int = 0

    def prepare(self, path: Path, size_bytes: int, head: bytes) -> None:
        self.prepared += 1
        self.disk.prepare(path, size_bytes, head)

    def open(self, path: Path) -> SegmentFile:
        return _LosingFile(self, self.disk.open(path))

    def rename(self, old: Path, new: Path) -> None:
        self.disk.rename(old, new)


@dataclass
class _LosingFile:
    disk: LosingDisk
    file: SegmentFile
    held: list[tuple[int, bytes]] = field(default_factory=list)

    def write(self, at: int, raw: bytes) -> None:
        self.held.append((at, raw))

    def sync(self) -> None:
        if self.disk.fails:
            self.held.clear()
            raise self.disk.fails.pop()
        if self.disk.is_lying:
            return
        for at, raw in self.held:
            self.file.write(at, raw)
        self.held.clear()
        self.file.sync()

    def close(self) -> None:
        self.file.close()
