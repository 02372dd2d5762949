"""What makes the log's files last: each is whole before it has its name, and synced in order.

The function that syncs is handed in from above, so that a test can see what a power cut leaves.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from shuzhi.audit.errors import log_busy

Sync = Callable[[Path], None]
UNFINISHED = ".unfinished"
LOCK = ".lock"


class Disk:
    """Writes files of one log's folder."""

    def __init__(self, folder: Path, sync: Sync) -> None:
        self.folder = folder
        self.sync = sync

    def put(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Write whole files under their names; return when files and names are on the disk."""
        folders: set[Path] = set()
        made: list[tuple[Path, Path]] = []
        for number, (name, content) in enumerate(files):
            path = self.folder / name
            made.append((self.folder / UNFINISHED / f"{number}-{path.name}", path))
            made[-1][0].write_bytes(content)
            folders |= self._make(path.parent)
        for unfinished, _ in made:
            self.sync(unfinished)
        for unfinished, path in made:
            unfinished.replace(path)
        for folder in sorted(folders):
            self.sync(folder)

    def overwrite(self, name: str, content: bytes) -> None:
        """Write a file in place; return when it is on the disk. What is cut short may be torn."""
        path = self.folder / name
        path.write_bytes(content)
        self.sync(path)

    def begin(self, intent: str) -> None:
        """Make the folder for what is unfinished, and clear it; the file `intent` stays, synced."""
        unfinished = self.folder / UNFINISHED
        folders = self._make(unfinished)
        for left in unfinished.iterdir():
            if left.name != intent:
                left.unlink()
        (unfinished / intent).touch()
        for path in (unfinished / intent, *sorted(folders)):
            self.sync(path)

    def _make(self, folder: Path) -> set[Path]:
        """Make a folder; return it with those above it whose names are new, or it alone."""
        changed = {folder}
        while not folder.is_dir():
            folder = folder.parent
            changed.add(folder)
        for new in sorted(changed):
            new.mkdir(exist_ok=True)
        return changed


def lock(folder: Path) -> int:
    """Become the log's one writer (flock); return the descriptor that holds the lock.

    The kernel lets go of it when the process dies, however that happens.

    Raises:
        BrokenLogError: `audit.log_busy` when another one is.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise log_busy(folder) from None
    return descriptor
