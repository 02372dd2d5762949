"""The writing end of a spool: batches that are on the disk when a write returns.

One process writes. A batch is begun only when the one before it is on the disk; what a crash tore
was never reported, and is written over.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from secrets import randbits

from shuzhi.gather.sensors.spool.batch import Packed, Record, encode, joined, pack
from shuzhi.gather.sensors.spool.errors import spool_broken, spool_busy, spool_full
from shuzhi.gather.sensors.spool.segments import (
    HEAD_BYTES,
    Lost,
    SpoolSettings,
    head,
    salt_of,
    scan,
    segment_at,
    segments,
)
from shuzhi.gather.sensors.spool.storage import Disk, SegmentFile, Storage, sync_folder

_LOCK = ".lock"
_SPARE = "spare"


def _new_salt() -> int:
    return randbits(32)


class SpoolWriter:
    """The one writer of the spool in a folder, which is made when it is not there.

    Records are numbered from 0. The first one that is written now gets a number of at least
    `floor`: whoever has read further than what is left after a crash passes where it stands.

    Raises:
        BrokenError: `gather.spool_busy`, `gather.spool_torn`, `gather.spool_broken`.
    """

    def __init__(
        self,
        folder: Path,
        settings: SpoolSettings | None = None,
        *,
        floor: int = 0,
        storage: Storage | None = None,
        salt: Callable[[], int] = _new_salt,
    ) -> None:
        self.folder = folder
        self._settings = settings or SpoolSettings()
        self._storage = storage or Disk()
        self._file: SegmentFile | None = None
        self._at = self._salt = 0
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)
        self._lock = _locked(folder)
        self._spare = _Spare(folder, self._settings, self._storage, salt)
        self.lost: tuple[Lost, ...] = ()
        self.next = self._recover(floor)

    def write(self, records: Sequence[Record]) -> int:
        """Write records; return, when they are on the disk, the number after the last one.

        Raises:
            BrokenError: `gather.spool_full`, `gather.spool_broken`; nothing of this may be
                acknowledged then, and the same records may be written again.
        """
        return self.write_packed([pack(records)])

    def write_packed(self, parts: Sequence[Packed]) -> int:
        """Write the records of all parts with one sync; the rest as `write`."""
        packed = joined(parts)
        if packed.size_bytes > self._settings.segment_bytes - HEAD_BYTES and packed.count > 1:
            first, second = packed.halves()
            self.write_packed([first])
            return self.write_packed([second])
        try:
            file = self._file_with_room(packed.size_bytes)
            file.write(self._at, encode(self.next, packed, self._salt))
        except OSError as error:
            # After a failed sync the system may have dropped the bytes and say so only once.
            self._leave()
            raise spool_broken(self.folder, error) from error
        self._at += packed.size_bytes
        self.next += packed.count
        return self.next

    def close(self) -> None:
        """Let go of the spool."""
        self._leave()
        self._spare.close()
        os.close(self._lock)

    def _recover(self, floor: int) -> int:
        there = segments(self.folder)
        if not there:
            return floor
        found = scan(there[-1])
        self.lost = found.lost
        if floor <= found.end:
            self._salt = salt_of(there[-1])
            self._at = found.at
            self._file = self._storage.open(there[-1].path)
        return max(floor, found.end)

    def _file_with_room(self, size: int) -> SegmentFile:
        if self._file is None or self._at + size > self._settings.segment_bytes:
            self._leave()
            path = segment_at(self.folder, self.next).path
            self._salt = self._spare.take(path)
            self._at = HEAD_BYTES
            self._file = self._storage.open(path)
        return self._file

    def _leave(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class _Spare:
    """Keeps one segment ready, which a thread fills with zeros while the last one is written."""

    def __init__(
        self, folder: Path, settings: SpoolSettings, storage: Storage, salt: Callable[[], int]
    ) -> None:
        self._path = folder / _SPARE
        self._settings = settings
        self._storage = storage
        self._salt = salt
        self._thread = ThreadPoolExecutor(1, "spool-spare")
        self._ready: Future[int] = self._thread.submit(self._prepare)

    def take(self, path: Path) -> int:
        """Give the spare the name `path`; return its salt. Raises OSError, `gather.spool_full`."""
        try:
            salt = self._ready.result()
            self._storage.rename(self._path, path)
        finally:
            self._ready = self._thread.submit(self._prepare)
        return salt

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)

    def _prepare(self) -> int:
        held = (len(segments(self._path.parent)) + 1) * self._settings.segment_bytes
        if held > self._settings.most_bytes:
            raise spool_full(self._path.parent, self._settings.most_bytes)
        salt = self._salt()
        self._storage.prepare(self._path, self._settings.segment_bytes, head(salt))
        return salt


def _locked(folder: Path) -> int:
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise spool_busy(folder) from None
    return descriptor
