"""The disk under the spool: files that are written in place, and folders whose names last.

It is handed in from above, so that a test can play a disk that loses what was not synced.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Protocol

_CHUNK = bytes(512 * 1024)


class SegmentFile(Protocol):
    """One file that is open for writing in place."""

    def write(self, at: int, raw: bytes) -> None:
        """Write all of `raw` at an offset; return when it is on the disk. Raises OSError."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class Storage(Protocol):
    """What a spool needs of a disk. Everything raises OSError."""

    def prepare(self, path: Path, size_bytes: int, head: bytes) -> None:
        """Make a file of `head` and zeros; return when its bytes (not its name) are on the disk."""
        ...

    def open(self, path: Path) -> SegmentFile:
        """Open a file that is there."""
        ...

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name in its folder; return when that is on the disk."""
        ...


class Disk:
    """The disk of this machine."""

    def prepare(self, path: Path, size_bytes: int, head: bytes) -> None:
        """Write the zeros in small pieces, so that commits beside it need not wait long.

        Written zeros, unlike reserved room, leave nothing about the file to be noted later, so
        that syncing a batch is syncing its bytes alone.
        """
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        try:
            for at in range(0, size_bytes, len(_CHUNK)):
                _write_all(descriptor, at, _CHUNK[: size_bytes - at])
                begun = time.monotonic()
                os.fdatasync(descriptor)
                # Half of the disk's time is left to those who wait for a commit.
                time.sleep(time.monotonic() - begun)
            _write_all(descriptor, 0, head)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def open(self, path: Path) -> SegmentFile:
        """Open a file that is there."""
        # Each write is an fdatasync as well: one wait, and one return from it, in place of two.
        return _DiskFile(os.open(path, os.O_WRONLY | os.O_DSYNC | os.O_CLOEXEC))

    def rename(self, old: Path, new: Path) -> None:
        """Rename, and sync the folder."""
        old.rename(new)
        sync_folder(new.parent)


class _DiskFile:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, at: int, raw: bytes) -> None:
        _write_all(self._descriptor, at, raw)

    def close(self) -> None:
        os.close(self._descriptor)


def sync_folder(folder: Path) -> None:
    """Return when the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, at: int, raw: bytes) -> None:
    rest = memoryview(raw)
    while rest:
        written = os.pwrite(descriptor, rest, at)
        rest, at = rest[written:], at + written
