"""The folder of an index: which files are its present generation, and how the next takes over.

`current.json` names them; it is replaced in one step, after all that it names is on the disk. A
build that was cut short leaves the old generation, and files that the next one clears away.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from uuid import uuid4

from shuzhi.gather.lake.durable import held
from shuzhi.kernel.instant import Instant, parse_instant
from shuzhi.share.verification.errors import index_damaged
from shuzhi.share.verification.parts import Chunk

CURRENT = "current.json"
_LOCK = ".lock"
_SUFFIX = ".arrow"
_WAIT_S = 600.0
Sync = Callable[[Path], None]


@dataclass(frozen=True)
class PartFile:
    """A file of an index and its chunks."""

    name: str
    chunks: tuple[Chunk, ...]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(chunk.rows for chunk in self.chunks)

    @property
    def size_bytes(self) -> int:
        """About how large it is."""
        return sum(chunk.size for chunk in self.chunks)


@dataclass(frozen=True)
class Generation:
    """What an index is made of: all subjects as of a version, and those that changed since.

    `subject` and `columns` are those of the data set that it was made for.
    """

    dataset: str
    version: int
    committed_at: Instant
    subject: str
    columns: tuple[str, ...]
    base: PartFile
    changes: PartFile | None = None

    @property
    def files(self) -> tuple[PartFile, ...]:
        """Its files."""
        return (self.base,) if self.changes is None else (self.base, self.changes)


class IndexFolder:
    """The folder of one data set's index; nobody but the city's own user reads it."""

    def __init__(self, folder: Path, sync: Sync) -> None:
        self.folder = folder
        self._current = folder / CURRENT
        self._sync = sync
        self.switches = 0
        """How often another generation took over here, in this process."""

    def make(self) -> None:
        """Make the folder where there is none."""
        self.folder.parent.mkdir(mode=0o700, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def building(self, dataset: str) -> Iterator[None]:
        """Be the one who builds; raises BrokenError `gather.lake_busy` after ten minutes."""
        with held(self.folder / _LOCK, name=dataset, wait_s=_WAIT_S):
            yield

    def stamp(self) -> tuple[int, int] | None:
        """Return what changes with every generation; None where there is no index."""
        try:
            found = self._current.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_ino

    def read(self) -> Generation | None:
        """Return the present generation. Raises `share.verification_index_damaged`."""
        try:
            raw = self._current.read_bytes()
        except FileNotFoundError:
            return None
        crc, _, content = raw.partition(b"\n")
        if crc != _crc(content):
            raise index_damaged(self.folder.name, f"is not what was written ({CURRENT})")
        return _generation(json.loads(content))

    def fresh(self) -> Path:
        """Return a path for a new file, which is made for its owner alone."""
        path = self.folder / f"{uuid4().hex}{_SUFFIX}"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        return path

    def switch(self, generation: Generation) -> None:
        """Let a generation take over, and clear away what it does not name."""
        for part in generation.files:
            self._sync(self.folder / part.name)
        content = json.dumps(_plain(generation), separators=(",", ":")).encode()
        draft = self.folder / f"{CURRENT}.new"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_crc(content) + b"\n" + content)
        self._sync(draft)
        draft.replace(self._current)
        self.switches += 1
        self._sync(self.folder)
        self.clear(generation)

    def clear(self, generation: Generation | None) -> None:
        """Take away files that the generation does not name; who has them open still reads them."""
        named = set() if generation is None else {part.name for part in generation.files}
        for path in self.folder.glob(f"*{_SUFFIX}"):
            if path.name not in named:
                path.unlink()


def _crc(content: bytes) -> bytes:
    return f"{zlib.crc32(content):08x}".encode()


def _plain(generation: Generation) -> dict[str, object]:
    return {**asdict(generation), "committed_at": generation.committed_at.isoformat()}


def _generation(content: dict[str, object]) -> Generation:
    made = Generation(**content)  # type: ignore[arg-type]
    return replace(
        made,
        committed_at=parse_instant(str(content["committed_at"])),
        columns=tuple(made.columns),
        base=_part(content["base"]),
        changes=None if content["changes"] is None else _part(content["changes"]),
    )


def _part(content: object) -> PartFile:
    assert isinstance(content, dict)  # noqa: S101  (tells mypy; the CRC was right)
    return PartFile(content["name"], tuple(Chunk(**chunk) for chunk in content["chunks"]))
