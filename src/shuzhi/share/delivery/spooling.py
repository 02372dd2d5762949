"""Where an answer waits until it may leave: in memory while it is small, else in a file.

Every byte goes into the hash as it is written, so that the receipt is of what leaves and of
nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

_MOST_IN_MEMORY = 8_000_000


class Spool(RawIOBase):
    """A file that only grows, with the hash and the length of what it holds."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        folder.mkdir(parents=True, exist_ok=True)
        # Whoever takes the content closes it.
        self._file = SpooledTemporaryFile(_MOST_IN_MEMORY, dir=str(folder))  # noqa: SIM115
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def writable(self) -> bool:
        """Whether it can be written: until it is read."""
        return True

    def write(self, content: object) -> int:
        """Add bytes."""
        with memoryview(cast("bytes", content)) as view:
            self._hash.update(view)
            self._file.write(view)
            self.size_bytes += view.nbytes
            return view.nbytes

    def tell(self) -> int:
        """Return how many bytes there are."""
        return self.size_bytes

    def told(self, rows: int) -> tuple[int, int, str]:
        """Return what a receipt tells of the `rows` in it: rows, bytes, and their hash in hex."""
        return rows, self.size_bytes, self._hash.hexdigest()

    def discard(self) -> None:
        """Throw everything away."""
        self._file.close()

    def content(self) -> BinaryIO:
        """Return all bytes, to be read from the start."""
        self._file.seek(0)
        return cast("BinaryIO", self._file)


@contextmanager
def spooling(folder: Path) -> Iterator[Spool]:
    """Yield a spool, which is thrown away on any error."""
    spool = Spool(folder)
    try:
        yield spool
    except BaseException:
        spool.discard()
        raise
