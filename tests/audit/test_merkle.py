"""Proofs: every true one is accepted, and none is once anything about it is altered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shuzhi.audit.merkle import (
    EMPTY_ROOT,
    Subtree,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    perfect_root,
    proves_consistency,
    proves_inclusion,
)
from shuzhi.audit.tiles import HEIGHT
from shuzhi.audit.tree import Edge

MOST = 1_500
LEAVES = [leaf_hash(b"entry %d" % n) for n in range(MOST)]


def root_by_the_book(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 writes it."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root_by_the_book(leaves[:half]), root_by_the_book(leaves[half:]))


def subtree(height: int, index: int) -> bytes:
    return perfect_root(b"".join(LEAVES[index << height : (index + 1) << height]))


LOOK_UP: Subtree = subtree


class _Roots(dict[int, bytes]):
    def __missing__(self, size: int) -> bytes:
        return self.setdefault(size, root_by_the_book(LEAVES[:size]))


ROOTS = _Roots()


@dataclass(frozen=True)
class Claim:
    """What somebody says is in a tree."""

    leaf: bytes
    index: int
    size: int
    path: tuple[bytes, ...]
    root: bytes

    @property
    def is_proved(self) -> bool:
        return proves_inclusion(self.leaf, self.index, self.size, self.path, self.root)


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    size = draw(st.integers(1, MOST))
    index = draw(st.integers(0, size - 1))
    path = inclusion_path(index, size, LOOK_UP)
    return Claim(LEAVES[index], index, size, path, ROOTS[size])


@dataclass(frozen=True)
class Growth:
    """What somebody says a tree grew from."""

    old: int
    new: int
    path: tuple[bytes, ...]
    old_root: bytes
    new_root: bytes

    @property
    def is_proved(self) -> bool:
        return proves_consistency(self.old, self.new, self.path, self.old_root, self.new_root)


@st.composite
def growths(draw: st.DrawFn) -> Growth:
    new = draw(st.integers(2, MOST))
    old = draw(st.integers(1, new - 1))
    path = consistency_path(old, new, LOOK_UP)
    return Growth(old, new, path, ROOTS[old], ROOTS[new])


def flipped(raw: bytes, bit: int) -> bytes:
    at = bit % (len(raw) * 8)
    return raw[: at // 8] + bytes([raw[at // 8] ^ 1 << at % 8]) + raw[at // 8 + 1 :]


def altered_paths(path: tuple[bytes, ...], bit: int) -> list[tuple[bytes, ...]]:
    """The path with a bit flipped in each hash, each hash left out, doubled, or moved."""
    at = range(len(path))
    return [
        *((*path[:i], flipped(path[i], bit), *path[i + 1 :]) for i in at),
        *((*path[:i], *path[i + 1 :]) for i in at),
        *((*path[:i], path[i], *path[i:]) for i in at),
        *((*path[:i], path[i + 1], path[i], *path[i + 2 :]) for i in at[:-1]),
        (*path, EMPTY_ROOT),
        (EMPTY_ROOT, *path),
    ]


@given(st.integers(0, MOST), st.lists(st.integers(0, 700), max_size=6))
def test_an_edge_has_the_root_of_the_book_however_it_grew(size: int, cuts: list[int]) -> None:
    stops = sorted({min(cut, size) for cut in cuts} | {0, size})
    edge = Edge()
    for start, end in pairwise(stops):
        edge, _ = edge.grown(b"".join(LEAVES[start:end]))
    assert (edge.size, edge.root) == (size, ROOTS[size])
    assert all(len(row) < 32 << HEIGHT for row in edge.rows)


@given(claims())
def test_every_entry_is_proved(claim: Claim) -> None:
    assert claim.is_proved
    assert len(claim.path) <= (claim.size - 1).bit_length()


@given(claims(), st.integers(0, 255))
def test_an_altered_inclusion_proof_fails(claim: Claim, bit: int) -> None:
    wrong = [replace(claim, path=path) for path in altered_paths(claim.path, bit)]
    wrong += [
        replace(claim, leaf=flipped(claim.leaf, bit)),
        replace(claim, root=flipped(claim.root, bit)),
        replace(claim, index=claim.index ^ 1),
        replace(claim, index=claim.size),
        replace(claim, index=-1),
        replace(claim, leaf=claim.leaf[:-1]),
    ]
    # Another entry's hash cannot stand for this one; all leaves differ.
    wrong += [replace(claim, leaf=LEAVES[claim.index - 1])] * (claim.size > 1)
    assert [c for c in wrong if c.is_proved] == []


@given(growths())
def test_every_growth_is_proved(growth: Growth) -> None:
    assert growth.is_proved


@given(growths(), st.integers(0, 255))
def test_an_altered_consistency_proof_fails(growth: Growth, bit: int) -> None:
    wrong = [replace(growth, path=path) for path in altered_paths(growth.path, bit)]
    wrong += [
        replace(growth, old_root=flipped(growth.old_root, bit)),
        replace(growth, new_root=flipped(growth.new_root, bit)),
        replace(growth, old_root=growth.new_root, new_root=growth.old_root),
        replace(growth, old=0),
        replace(growth, old=growth.new),
        replace(growth, old=growth.new, new=growth.old),
        replace(growth, old=-1),
    ]
    assert [g for g in wrong if g.is_proved] == []


@given(st.integers(1, MOST))
def test_equal_sizes_need_equal_roots_and_no_proof(size: int) -> None:
    root = ROOTS[size]
    assert Growth(size, size, (), root, root).is_proved
    assert not Growth(size, size, (), root, flipped(root, 0)).is_proved
    assert not Growth(size, size, (root,), root, root).is_proved


def test_nothing_is_proved_from_the_empty_tree() -> None:
    assert consistency_path(0, 5, LOOK_UP) == ()
    assert not Growth(0, 5, (), EMPTY_ROOT, ROOTS[5]).is_proved
    assert Growth(0, 0, (), EMPTY_ROOT, EMPTY_ROOT).is_proved


def test_sizes_that_only_differ_in_shape_cannot_be_swapped() -> None:
    claim = Claim(LEAVES[4], 4, 8, inclusion_path(4, 8, LOOK_UP), ROOTS[8])
    assert claim.is_proved
    assert not replace(claim, size=5).is_proved
    assert not replace(claim, size=16).is_proved
