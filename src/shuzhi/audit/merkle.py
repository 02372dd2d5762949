"""RFC 6962 section 2.1: the hashes of a log's tree, and what its two kinds of proof prove.

Rows of hashes are kept as one string of bytes, 32 for each hash, as tiles have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

# The hash of the perfect subtree number `index` over 2**height entries.
Subtree = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry as a leaf (RFC 6962 section 2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over two others (RFC 6962 section 2.1)."""
    return sha256(b"\x01" + left + right).digest()


def perfect_root(row: bytes) -> bytes:
    """Return the root over a row of 1, 2, 4, 8 ... hashes."""
    while len(row) > HASH_BYTES:
        pairs = range(0, len(row), 2 * HASH_BYTES)
        row = b"".join([sha256(b"\x01" + row[i : i + 64]).digest() for i in pairs])
    return row


def peaks(row: bytes) -> list[bytes]:
    """Return the roots of the perfect subtrees that a row of any width splits into, widest first.

    The widths are the ones in the row's number in base 2.
    """
    found, at, width = [], 0, len(row) // HASH_BYTES
    for bit in reversed(range(width.bit_length())):
        if width >> bit & 1:
            end = at + (HASH_BYTES << bit)
            found.append(perfect_root(row[at:end]))
            at = end
    return found


def root_over(subtrees: Iterable[bytes]) -> bytes:
    """Return the root over perfect subtrees given from left (widest) to right."""
    *rest, root = [*subtrees] or [EMPTY_ROOT]
    for left in reversed(rest):
        root = node_hash(left, root)
    return root


def inclusion_path(index: int, size: int, subtree: Subtree) -> tuple[bytes, ...]:
    """Return the proof that entry `index` is in the tree of `size` (RFC 6962 section 2.1.1)."""
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _half(high - low)
        if index < middle:
            path.append(range_root(middle, high, subtree))
            high = middle
        else:
            path.append(range_root(low, middle, subtree))
            low = middle
    return tuple(reversed(path))


def consistency_path(old: int, new: int, subtree: Subtree) -> tuple[bytes, ...]:
    """Return the proof that the tree of `old` begins the tree of `new` (RFC 6962 section 2.1.2).

    It is empty where nothing needs a proof: from the empty tree, and between equal sizes.
    """
    path: list[bytes] = []
    low, high, is_known = 0, new, True
    if not 0 < old < new:
        return ()
    while old < high:
        middle = low + _half(high - low)
        if old <= middle:
            path.append(range_root(middle, high, subtree))
            high = middle
        else:
            path.append(range_root(low, middle, subtree))
            low, is_known = middle, False
    if not is_known:
        path.append(range_root(low, high, subtree))
    return tuple(reversed(path))


def range_root(low: int, high: int, subtree: Subtree) -> bytes:
    """Return the root over entries `low` to `high`; `low` is a multiple of the widest subtree."""
    found, at = [], low
    for bit in reversed(range((high - low).bit_length())):
        if (high - low) >> bit & 1:
            found.append(subtree(bit, at >> bit))
            at += 1 << bit
    return root_over(found)


def proves_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """True when `path` proves that `leaf` is number `index` of the tree (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf, *path):
        return False
    here, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node_hash(sibling, found)
            here, last = _climbed(here, last)
        else:
            found = node_hash(found, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and found == root


def proves_consistency(
    old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes
) -> bool:
    """True when `path` proves that the old tree begins the new one (RFC 9162 2.1.4.2).

    Nothing is proved from the empty tree to a larger one: that is for the caller to know.
    """
    if old == new:
        return not path and old_root == new_root and (old > 0 or old_root == EMPTY_ROOT)
    if not 0 < old < new or not path or not _are_hashes(old_root, new_root, *path):
        return False
    # A tree that is a perfect subtree of the new one starts the proof itself.
    first, *rest = path if old & (old - 1) else (old_root, *path)
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    before = after = first
    for sibling in rest:
        if last == 0:
            return False
        if here & 1 or here == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            here, last = _climbed(here, last)
        else:
            after = node_hash(after, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _climbed(here: int, last: int) -> tuple[int, int]:
    while here and not here & 1:
        here, last = here >> 1, last >> 1
    return here, last


def _half(width: int) -> int:
    # The largest power of two below `width`.
    return 1 << (width - 1).bit_length() - 1


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
