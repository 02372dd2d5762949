"""C2SP tlog-tiles on disk: the names of tiles and bundles, and what is in them.

A folder keeps each full tile, and of the last of each level only its present width; a narrower
one that an earlier checkpoint asks for is cut from what is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from shuzhi.audit.errors import AuditError, altered
from shuzhi.audit.merkle import HASH_BYTES, perfect_root

WIDTH = 256
HEIGHT = 8
TILE_BYTES = WIDTH * HASH_BYTES
BUNDLES = -1
_LENGTH_BYTES = 2
_MOST_LOOKS = 10
_PATH = re.compile(
    r"tile/(entries|0|[1-9]\d?)/((?:x\d{3}/){0,6}\d{3})(?:\.p/([1-9]\d{0,2}))?", re.ASCII
)


@dataclass(frozen=True, order=True)
class Tile:
    """Which tile: its level (`BUNDLES` for entries), its index in the level, its width."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Its name below the log's folder, or URL."""
        level = "entries" if self.level == BUNDLES else str(self.level)
        name = f"tile/{level}/{_digits(self.index)}"
        return name if self.width == WIDTH else f"{name}.p/{self.width}"

    @property
    def full(self) -> Tile:
        """The same tile once it is full."""
        return Tile(self.level, self.index)

    @property
    def narrow_folder(self) -> str:
        """The folder that keeps this tile while it is not full."""
        return f"{self.full.path}.p"

    @property
    def start(self) -> int:
        """The first entry below it."""
        return self.index << HEIGHT * (max(self.level, 0) + 1)

    @property
    def end(self) -> int:
        """The entry after the last one below its width."""
        return self.start + (self.width << HEIGHT * max(self.level, 0))


def parse_path(path: str) -> Tile | None:
    """Return the tile that this path names; None where it names none."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    level, digits, width = found.groups()
    index = int(digits.replace("/", "").replace("x", ""))
    tile = Tile(BUNDLES if level == "entries" else int(level), index, int(width or WIDTH))
    # One tile has one name: no leading `x000`, no width of 256 or more.
    return tile if tile.path == path else None


def last_tile(level: int, size: int) -> Tile | None:
    """Return the tile of `level` that is not full in a tree of `size`; None where none is."""
    entries = size >> HEIGHT * max(level, 0)
    return Tile(level, entries // WIDTH, entries % WIDTH) if entries % WIDTH else None


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield every tile and bundle that a tree of `size` has."""
    for level in (BUNDLES, *range(levels_of(size))):
        entries = size >> HEIGHT * max(level, 0)
        yield from (Tile(level, index) for index in range(entries // WIDTH))
        if entries % WIDTH:
            yield Tile(level, entries // WIDTH, entries % WIDTH)


def levels_of(size: int) -> int:
    """Return how many levels of hash tiles a tree of `size` has."""
    return -(-size.bit_length() // HEIGHT)


def bundle(entries: Iterable[bytes]) -> bytes:
    """Return entries as a bundle: each after its length in two bytes."""
    return b"".join([len(e).to_bytes(_LENGTH_BYTES, "big") + e for e in entries])


def entries_of(raw: bytes) -> list[bytes]:
    """Return the entries of a bundle.

    Raises:
        AuditError: `audit.bad_bundle` when the lengths do not end where the bundle does.
    """
    return [raw[start:end] for start, end in _spans(raw)]


def leaves_of(raw: bytes) -> bytes:
    """Return the leaf hashes of a bundle's entries, as a row. Raises as `entries_of`."""
    return b"".join([sha256(b"\x00" + raw[s:e]).digest() for s, e in _spans(raw)])


def cut(tile: Tile, raw: bytes, width: int) -> bytes:
    """Return the first `width` hashes or entries of a tile's bytes. Raises as `entries_of`."""
    if tile.level != BUNDLES:
        return raw[: width * HASH_BYTES]
    spans = _spans(raw)
    return raw[: spans[width - 1][1]] if width < len(spans) else raw


class TileReader:
    """Reads tiles and bundles of a log's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, tile: Tile) -> bytes:
        """Return the bytes of a tile or bundle, of exactly its width.

        Raises:
            BrokenLogError: `audit.altered` when it is missing, or of another size.
        """
        # What is not full may be replaced by a wider one, and that one too, between two looks.
        looks = (self._exact(tile) or self._wider(tile) for _ in range(_MOST_LOOKS))
        raw = next((found for found in looks if found is not None), None)
        if raw is None:
            raise altered(tile.path, "is missing")
        if not _has_width(tile, raw):
            raise altered(tile.path, "has another size")
        return raw

    def subtree(self, size: int) -> Callable[[int, int], bytes]:
        """Return how to look up a perfect subtree's hash in the tree of `size`."""
        held: dict[Tile, bytes] = {}

        def look_up(height: int, index: int) -> bytes:
            level, above = divmod(height, HEIGHT)
            first = index << above
            known = size >> HEIGHT * level
            width = min(WIDTH, known - first // WIDTH * WIDTH)
            tile = Tile(level, first // WIDTH, width)
            if tile not in held:
                held[tile] = self.read(tile)
            start = first % WIDTH * HASH_BYTES
            return perfect_root(held[tile][start : start + (HASH_BYTES << above)])

        return look_up

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Yield entries `start` to `end` of a log that has so many. Raises as `read`."""
        for index in range(start // WIDTH, -(-end // WIDTH)):
            first = index * WIDTH
            tile = Tile(BUNDLES, index, min(WIDTH, end - first))
            yield from entries_of(self.read(tile))[max(start - first, 0) :]

    def _exact(self, tile: Tile) -> bytes | None:
        try:
            return (self._folder / tile.path).read_bytes()
        except FileNotFoundError:
            return None

    def _wider(self, tile: Tile) -> bytes | None:
        found = self._exact(tile.full)
        if found is None:
            widths = _widths(self._folder / tile.narrow_folder)
            wide = min((w for w in widths if w >= tile.width), default=None)
            found = self._exact(Tile(tile.level, tile.index, wide)) if wide else None
        try:
            return None if found is None else cut(tile, found, tile.width)
        except AuditError:
            raise altered(tile.path, "does not hold whole entries") from None


def _widths(folder: Path) -> list[int]:
    try:
        return [int(p.name) for p in folder.iterdir() if p.name.isdecimal()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _has_width(tile: Tile, raw: bytes) -> bool:
    if tile.level != BUNDLES:
        return len(raw) == tile.width * HASH_BYTES
    try:
        return len(_spans(raw)) == tile.width
    except AuditError:
        return False


def _spans(raw: bytes) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at, end = 0, len(raw)
    while at + _LENGTH_BYTES <= end:
        start = at + _LENGTH_BYTES
        at = start + (raw[at] << 8 | raw[at + 1])
        found.append((start, at))
    if at != end:
        raise AuditError(
            "audit.bad_bundle",
            f"This is no bundle of entries: its {len(found)} entries end at byte {at:,} of "
            f"{end:,}.",
            next_step="Fetch the bundle again.",
        )
    return found


def _digits(index: int) -> str:
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        parts.append(f"x{index % 1000:03d}")
    return "/".join(reversed(parts))
