"""The serving index of a data set: who is asked about is found in microseconds, as of a version.

A generation is all subjects as of a version (`base`), under those that changed since (`changes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from shuzhi.kernel.errors import BrokenError
from shuzhi.share.verification.files import Generation, IndexFolder, Sync
from shuzhi.share.verification.model import AsOf
from shuzhi.share.verification.parts import GONE, Key, Part, Row, key_of
from shuzhi.share.verification.spelling import spellings

# To look at a file takes a large part of the time in which a question is answered.
_BELIEVED_S = 0.005


class Sought(NamedTuple):
    """A subject as it is spelt in the data, the hash of that, and its rows."""

    spelling: str
    key: Key
    rows: list[Row]


class Many(NamedTuple):
    """Rows of many subjects: each with the number of its subject, and as what that was found."""

    numbers: np.ndarray[Any, Any]
    rows: pa.RecordBatch
    spelt: list[str]


class Index:
    """One generation that is open."""

    def __init__(self, folder: Path, generation: Generation, secret: str) -> None:
        self.generation = generation
        self.as_of = AsOf(generation.dataset, generation.version, generation.committed_at)
        self._secret = secret
        opened = [Part(folder / p.name, p.chunks, generation.dataset) for p in generation.files]
        self._base, self._changes = opened[0], (opened[1] if len(opened) > 1 else None)

    def find(self, subject: str) -> Sought:
        """Return the rows of a subject, and as what it was found; without rows: as it was given."""
        first: Sought | None = None
        for spelling in spellings(subject):
            key = key_of(self._secret, spelling)
            if self._changes is not None and (changed := self._changes.find(key)):
                rows = [row for row in changed if not row.held(GONE)]
            else:
                rows = self._base.find(key)
            sought = Sought(spelling, key, rows)
            if rows:
                return sought
            first = first or sought
        return first or Sought(subject, key_of(self._secret, subject), [])

    def many(self, subjects: Sequence[str]) -> Iterator[Many]:
        """Yield the rows of many subjects, some at a time."""
        given = [spellings(subject) for subject in subjects]
        waiting = list(range(len(given)))
        for turn in range(max(map(len, given), default=0)):
            waiting = [n for n in waiting if turn < len(given[n])]
            keys = [key_of(self._secret, given[n][turn]) for n in waiting]
            found: set[int] = set()
            for at, rows in self._found(keys):
                numbers = np.array(waiting)[at]
                found.update(numbers.tolist())
                yield Many(numbers, rows, [given[n][turn] for n in numbers.tolist()])
            waiting = [n for n in waiting if n not in found]

    def check(self) -> None:
        """Read all of it once. Raises `share.verification_index_damaged`."""
        for part in (self._base, self._changes):
            if part is not None:
                part.check()

    def _found(
        self, keys: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[np.ndarray[Any, Any], pa.RecordBatch]]:
        both = np.array(keys, dtype=np.uint64).reshape(-1, 2)
        high, low = np.ascontiguousarray(both[:, 0]), np.ascontiguousarray(both[:, 1])
        is_changed = np.zeros(len(keys), dtype=bool)
        if self._changes is not None:
            for at, rows in self._changes.find_many(high, low):
                is_changed[at] = True
                here = np.invert(rows.column(GONE).to_numpy(zero_copy_only=False))
                kept = rows.filter(pa.array(here)).drop_columns([GONE])
                yield at[here], kept
        left = np.flatnonzero(~is_changed)
        for at, rows in self._base.find_many(high[left], low[left]):
            yield left[at], rows


class _Open(NamedTuple):
    """An index that is open: as which generation, and when it was last seen to be the newest."""

    stamp: tuple[int, int]
    opened: Index
    seen_s: float
    switches: int


class Opened:
    """The indexes of a city that are open, each in its present generation."""

    def __init__(self, folder: Path, secret: str, sync: Sync) -> None:
        self._folder = folder
        self._secret = secret
        self._sync = sync
        self._folders: dict[str, IndexFolder] = {}
        self._open: dict[str, _Open] = {}

    @property
    def secret(self) -> str:
        """The key of the hashes."""
        return self._secret

    def folder_of(self, dataset: str) -> IndexFolder:
        """Return the folder of a data set's index."""
        known = self._folders.get(dataset)
        if known is None:
            known = self._folders[dataset] = IndexFolder(self._folder / dataset, self._sync)
        return known

    def index(self, dataset: str) -> Index | None:
        """Return the newest generation of an index, opened once; None where there is none.

        One that another process made may be seen some milliseconds late.

        Raises:
            BrokenError: `share.verification_index_damaged`.
        """
        files, now_s = self.folder_of(dataset), monotonic()
        known, switches = self._open.get(dataset), files.switches
        if known and known.switches == switches and now_s - known.seen_s < _BELIEVED_S:
            return known.opened
        while True:
            stamp = files.stamp()
            if known is not None and known.stamp == stamp:
                self._open[dataset] = known._replace(seen_s=now_s, switches=switches)
                return known.opened
            # A build may end between the two looks; then the next question opens it.
            generation = None if stamp is None else files.read()
            if stamp is None or generation is None:
                return None
            try:
                opened = Index(files.folder, generation, self._secret)
            except BrokenError:
                # A build that ended meanwhile has cleared away what it took the place of.
                if files.stamp() == stamp:
                    raise
            else:
                self._open[dataset] = _Open(stamp, opened, now_s, switches)
                return opened
