"""Verifying a log from its files alone: any byte edited, dropped, moved or cut off is found.

The tree is walked from the signed root down to each entry, so that a finding names the file that
is wrong and not the ones beside it. A log may be verified while it is being written.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shuzhi.audit.checkpoint import Checkpoint, open_checkpoint
from shuzhi.audit.disk import LOCK, UNFINISHED
from shuzhi.audit.errors import AuditError, BrokenLogError
from shuzhi.audit.keys import VerifierKey
from shuzhi.audit.log import CHECKPOINT, WITNESSED
from shuzhi.audit.merkle import EMPTY_ROOT, HASH_BYTES, perfect_root
from shuzhi.audit.note import Signed, cosigned
from shuzhi.audit.tiles import (
    BUNDLES,
    TILE_BYTES,
    WIDTH,
    Tile,
    TileReader,
    cut,
    last_tile,
    leaves_of,
    levels_of,
    parse_path,
)
from shuzhi.audit.tree import Edge, load_edge


@dataclass(frozen=True)
class Problem:
    """What is wrong, and in which file of the log's folder."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


@dataclass(frozen=True)
class Report:
    """What was found in a log's folder.

    `entries` were compared with the root that `checkpoint` signs. `unfinished` are files of a
    commit that is under way or was cut short; no checkpoint speaks of them.
    """

    checkpoint: Checkpoint | None
    entries: int
    witnessed: Checkpoint | None
    witnesses: tuple[Signed, ...]
    problems: tuple[Problem, ...]
    unfinished: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """True when every entry that was ever signed for is there, as it was."""
        return not self.problems


def verify_folder(
    folder: Path,
    log_keys: Iterable[VerifierKey],
    *,
    witnesses: Iterable[VerifierKey] = (),
    quorum: int | None = None,
    known: Iterable[bytes] = (),
) -> Report:
    """Verify the log in `folder` against its signed checkpoint.

    A log that was rolled back to an earlier, honestly signed state can only be told by what stands
    outside of it: `known` are checkpoints that somebody kept, and of `witnesses` at least `quorum`
    (all of them if not said) must have signed the checkpoint kept for them.

    Raises:
        AuditError: `audit.not_signed` and others of `open_checkpoint`, for one of `known`.
    """
    keys, witness_keys = tuple(log_keys), tuple(witnesses)
    kept = [open_checkpoint(raw, keys)[0] for raw in known]
    check = _Check(folder, keys)
    head = check.head(CHECKPOINT)
    if head is None:
        return Report(None, 0, None, (), tuple(check.problems), ())
    check.walk(head)
    asked = len(witness_keys) if quorum is None else quorum
    seen, signed = check.witnessed(witness_keys, asked)
    for earlier in (*kept, *([seen] if seen else [])):
        check.continues(head, earlier)
    unfinished = check.strays(head)
    return Report(head, check.entries, seen, signed, tuple(check.problems), unfinished)


@dataclass
class _Check:
    folder: Path
    keys: tuple[VerifierKey, ...]
    problems: list[Problem] = field(default_factory=list)
    entries: int = 0
    rebuilt: dict[Tile, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reader = TileReader(self.folder)

    def head(self, file: str) -> Checkpoint | None:
        """Return the checkpoint in a file; None where it cannot be believed."""
        raw = self._bytes(file)
        if raw is None:
            self._wrong(file, "is missing")
            return None
        try:
            return open_checkpoint(raw, self.keys)[0]
        except AuditError as error:
            self._wrong(file, error.message)
            return None

    def walk(self, head: Checkpoint) -> None:
        """Compare everything that the tree covers with its root."""
        last = [last_tile(level, head.size) for level in range(levels_of(head.size))]
        rows = [b"" if tile is None else self._last(tile) for tile in last]
        if Edge(head.size, tuple(rows)).root != head.root:
            rows = self._mended(head, last, rows)
        for tile, row in zip(last, rows, strict=True):
            if tile is not None and row:
                self._below(tile, row)

    def witnessed(
        self, witnesses: Sequence[VerifierKey], quorum: int
    ) -> tuple[Checkpoint | None, tuple[Signed, ...]]:
        """Return the checkpoint that witnesses signed, and who of them did."""
        raw = self._bytes(WITNESSED)
        if raw is None:
            if quorum:
                self._wrong(WITNESSED, f"is missing; {quorum} witnesses should have signed it")
            return None, ()
        try:
            head, note = open_checkpoint(raw, self.keys)
            signed = cosigned(note, witnesses)
        except AuditError as error:
            self._wrong(WITNESSED, error.message)
            return None, ()
        if len(signed) < quorum:
            self._wrong(WITNESSED, f"{len(signed)} of {quorum} witnesses have signed it")
        return head, signed

    def continues(self, head: Checkpoint, earlier: Checkpoint) -> None:
        """Compare the tree with what it was said to be at another time."""
        if earlier.size > head.size:
            self._wrong(
                CHECKPOINT,
                f"the log was rolled back: it has {head.size:,} entries and once had "
                f"{earlier.size:,}",
            )
            return
        try:
            root = load_edge(earlier.size, self._right).root
        except BrokenLogError as error:
            self._wrong(CHECKPOINT, f"its tree of {earlier.size:,} is lost: {error.message}")
            return
        if root != earlier.root:
            self._wrong(CHECKPOINT, f"its first {earlier.size:,} entries are not those once signed")

    def strays(self, head: Checkpoint) -> tuple[str, ...]:
        """Return the files of unfinished commits; what else does not belong here is a problem."""
        unfinished = []
        for name in self._names():
            tile = parse_path(name)
            if name.startswith(f"{UNFINISHED}/") or (tile and tile.end > head.size):
                unfinished.append(name)
            elif tile is not None and tile.width < WIDTH:
                if tile != last_tile(tile.level, head.size) and self._is_prefix(tile, head):
                    unfinished.append(name)
            elif name == LOCK:
                if self._bytes(name):
                    self._wrong(name, "is not empty")
            elif tile is None and name not in (CHECKPOINT, WITNESSED):
                self._wrong(name, "does not belong to the log")
        return tuple(unfinished)

    def _names(self) -> list[str]:
        # A folder may be gone by the time it is looked into.
        walked = ((Path(folder), names) for folder, _, names in os.walk(self.folder))
        paths = (folder / name for folder, names in walked for name in names)
        return sorted(path.relative_to(self.folder).as_posix() for path in paths)

    def _is_prefix(self, tile: Tile, head: Checkpoint) -> bool:
        """True for a true beginning of what the tile became: a commit had no time to remove it."""
        last = last_tile(tile.level, head.size)
        whole = last if last is not None and last.index == tile.index else tile.full
        found, truth = self._bytes(tile.path), self._bytes(whole.path)
        if found is None or truth is None or found == cut(whole, truth, tile.width):
            return True
        self._wrong(tile.path, "is not how the tile that it grew into begins")
        return False

    def _below(self, tile: Tile, row: bytes) -> None:
        """Check what stands below a tile whose hashes are known to be right."""
        if tile.level == 0:
            self._entries(Tile(BUNDLES, tile.index, tile.width), row)
            return
        for at in range(tile.width):
            expected = row[at * HASH_BYTES : (at + 1) * HASH_BYTES]
            child = Tile(tile.level - 1, tile.index * WIDTH + at)
            found = self._full(child, expected)
            if found:
                self._below(child, found)

    def _full(self, tile: Tile, expected: bytes) -> bytes | None:
        """Return the hashes of a full tile whose root is known; None where they are lost."""
        raw = self._bytes(tile.path)
        if raw is not None and len(raw) == TILE_BYTES and perfect_root(raw) == expected:
            return raw
        what = "is missing" if raw is None else "is not what the log wrote"
        rebuilt = self._rebuilt(tile)
        if len(rebuilt) == TILE_BYTES and perfect_root(rebuilt) == expected:
            self._wrong(tile.path, what)
            self.rebuilt[tile] = rebuilt
            return rebuilt
        files = "and what stands below it cannot be told right from wrong"
        self._wrong(tile.path, f"{what}, {files}")
        return None

    def _rebuilt(self, tile: Tile) -> bytes:
        """Return a tile's hashes as what stands below it gives them."""
        if tile.level == 0:
            return self._leaves(Tile(BUNDLES, tile.index, tile.width)) or b""
        first = tile.index * WIDTH
        below = (Tile(tile.level - 1, index) for index in range(first, first + tile.width))
        return b"".join(perfect_root(self._bytes(t.path) or EMPTY_ROOT) for t in below)

    def _entries(self, tile: Tile, row: bytes) -> None:
        leaves = self._leaves(tile)
        if leaves == row:
            self.entries += tile.width
            return
        if leaves is None:
            what = "is missing, or holds no whole entries"
        elif len(leaves) != len(row):
            what = f"holds {len(leaves) // HASH_BYTES} entries, {tile.width} were logged"
        else:
            starts = range(0, len(row), HASH_BYTES)
            wrong = [s for s in starts if leaves[s : s + HASH_BYTES] != row[s : s + HASH_BYTES]]
            first = tile.start + wrong[0] // HASH_BYTES
            what = f"{len(wrong)} of its entries are not what was logged; the first is {first:,}"
        self._wrong(tile.path, what)

    def _leaves(self, tile: Tile) -> bytes | None:
        raw = self._narrow(tile)
        try:
            return None if raw is None else leaves_of(raw)
        except AuditError:
            return None

    def _mended(
        self, head: Checkpoint, last: Sequence[Tile | None], rows: list[bytes]
    ) -> list[bytes]:
        """Find which of the tiles at the edge is wrong; what cannot be told is not walked."""
        rebuilt = [b"" if tile is None else self._rebuilt(tile) for tile in last]
        if Edge(head.size, tuple(rebuilt)).root != head.root:
            self._wrong(CHECKPOINT, "the root that it signs is not that of the tree in the folder")
            return [b""] * len(rows)
        for tile, row, right in zip(last, rows, rebuilt, strict=True):
            if tile is not None and row != right:
                self.rebuilt[tile] = right
                if row:
                    self._wrong(tile.path, "is not what the log wrote")
        return rebuilt

    def _right(self, tile: Tile) -> bytes:
        """Read a tile as it should be, where the walk found out."""
        for wrong, right in self.rebuilt.items():
            if wrong.full == tile.full and wrong.width >= tile.width:
                return cut(wrong, right, tile.width)
        return self.reader.read(tile)

    def _last(self, tile: Tile) -> bytes:
        raw = self._narrow(tile)
        if raw is None:
            self._wrong(tile.path, "is missing")
        return raw or b""

    def _narrow(self, tile: Tile) -> bytes | None:
        """Read what may be replaced by a wider one while the log is written."""
        try:
            return self._bytes(tile.path) or self.reader.read(tile)
        except BrokenLogError:
            return None

    def _bytes(self, name: str) -> bytes | None:
        try:
            return (self.folder / name).read_bytes()
        except OSError:
            return None

    def _wrong(self, file: str, what: str) -> None:
        self.problems.append(Problem(file, what))
