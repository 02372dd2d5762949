"""The growing edge of a log's tree: what of it is not yet in full tiles.

Growing is pure: it gives the new edge and the files that the disk must have before the new tree
may be signed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shuzhi.audit.errors import altered
from shuzhi.audit.merkle import HASH_BYTES, leaf_hash, peaks, perfect_root, root_over
from shuzhi.audit.tiles import (
    BUNDLES,
    TILE_BYTES,
    WIDTH,
    Tile,
    bundle,
    entries_of,
    last_tile,
    leaves_of,
    levels_of,
)

Read = Callable[[Tile], bytes]


@dataclass(frozen=True)
class Edge:
    """A tree of `size`: the hashes of each level's last tile while it is not full."""

    size: int = 0
    rows: tuple[bytes, ...] = ()

    @property
    def root(self) -> bytes:
        """The root hash of the tree (RFC 6962 section 2.1)."""
        return root_over(peak for row in reversed(self.rows) for peak in peaks(row))

    def grown(self, leaves: bytes) -> tuple[Edge, list[tuple[Tile, bytes]]]:
        """Return the edge after a row of leaf hashes, and the hash tiles that changed."""
        rows, tiles = list(self.rows), []
        size, new = self.size + len(leaves) // HASH_BYTES, leaves
        level = 0
        while new:
            rows.extend([b""] * (level + 1 - len(rows)))
            row = rows[level] + new
            first = (self.size >> 8 * level) // WIDTH
            count, new = len(row) // TILE_BYTES, b""
            for index in range(count):
                full = row[index * TILE_BYTES : (index + 1) * TILE_BYTES]
                tiles.append((Tile(level, first + index), full))
                new += perfect_root(full)
            rows[level] = row[count * TILE_BYTES :]
            if rows[level]:
                width = len(rows[level]) // HASH_BYTES
                tiles.append((Tile(level, first + count, width), rows[level]))
            level += 1
        return Edge(size, tuple(rows)), tiles


@dataclass(frozen=True)
class Tree:
    """An edge, and the entries of the last bundle while it is not full."""

    edge: Edge = Edge()
    tail: tuple[bytes, ...] = ()

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self.edge.size

    def grown(self, entries: Sequence[bytes]) -> tuple[Tree, list[tuple[Tile, bytes]]]:
        """Return the tree after `entries`, and every file that it needs and this one has not."""
        edge, files = self.edge.grown(b"".join(map(leaf_hash, entries)))
        kept = (*self.tail, *entries)
        first = self.size // WIDTH
        full = len(kept) // WIDTH
        for index in range(full):
            chunk = kept[index * WIDTH : (index + 1) * WIDTH]
            files.append((Tile(BUNDLES, first + index), bundle(chunk)))
        tail = kept[full * WIDTH :]
        if tail:
            files.append((Tile(BUNDLES, first + full, len(tail)), bundle(tail)))
        return Tree(edge, tail), files


def load_edge(size: int, read: Read) -> Edge:
    """Return the edge of the tree of `size` from its tiles. Raises what `read` does."""
    last = (last_tile(level, size) for level in range(levels_of(size)))
    return Edge(size, tuple(b"" if tile is None else read(tile) for tile in last))


def load_tree(size: int, read: Read) -> Tree:
    """Return the tree of `size` from its tiles and last bundle.

    Raises:
        BrokenLogError: `audit.altered` when the last bundle is not what its tile says; else
            what `read` does.
    """
    edge = load_edge(size, read)
    tile = last_tile(BUNDLES, size)
    if tile is None:
        return Tree(edge)
    raw = read(tile)
    if leaves_of(raw) != edge.rows[0]:
        raise altered(tile.path, "does not fit the hashes of its entries")
    return Tree(edge, tuple(entries_of(raw)))
