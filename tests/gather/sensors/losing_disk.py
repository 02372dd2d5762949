"""A disk for a spool on which a power cut takes every byte that was not synced.

A write that is not synced leaves nothing behind, as when the power of a machine is cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from shuzhi.gather.sensors.spool import Disk, SegmentFile


@dataclass
class LosingDisk:
    """`fails` has the errors that the next writes raise; with `is_lying` none is ever synced."""

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

    def write(self, at: int, raw: bytes) -> None:
        if self.disk.fails:
            raise self.disk.fails.pop()
        if not self.disk.is_lying:
            self.file.write(at, raw)

    def close(self) -> None:
        self.file.close()
