"""Files that are there in whole or not at all, whoever makes one too or dies over it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp


def make_once(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Give a file its content where there is none yet; of several makers the first one counts.

    It is on the disk when this returns, and nobody sees it half written. Its folder is there.
    """
    if path.exists():
        return
    with _fresh(path, content, mode) as fresh, suppress(FileExistsError):
        os.link(fresh, path)


def put_whole(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Put a file in the place of one that may be there; readers see the one or the other.

    It is on the disk when this returns. Its folder is there.
    """
    with _fresh(path, content, mode) as fresh:
        fresh.replace(path)


def sync_path(path: Path) -> None:
    """Return when the file or folder at `path` is on the disk (fsync)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _fresh(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """Yield a file beside `path` that is on the disk; sync the folder when it took its place."""
    descriptor, name = mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
    sync_path(path.parent)
