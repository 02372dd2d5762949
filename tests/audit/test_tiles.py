"""Tiles and bundles: names are read back, and nonsense is refused, not fatal."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.audit import AuditError, BrokenLogError, Log
from shuzhi.audit.merkle import leaf_hash
from shuzhi.audit.tiles import (
    BUNDLES,
    Tile,
    bundle,
    cut,
    entries_of,
    last_tile,
    leaves_of,
    parse_path,
    tiles_of,
)

tiles = st.builds(Tile, st.integers(BUNDLES, 63), st.integers(0, 10**21 - 1), st.integers(1, 256))


@given(tiles)
def test_paths_are_read_back(tile: Tile) -> None:
    assert parse_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/x000/001",
        "tile/0/1",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/00/001",
        "tile/-1/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/٠٠١",
        "tile/0/001 ",
        "/tile/0/001",
        "checkpoint",
    ],
)
def test_another_way_to_write_a_path_names_nothing(path: str) -> None:
    assert parse_path(path) is None


@given(st.text(max_size=40))
def test_paths_of_nonsense_name_nothing(text: str) -> None:
    assert parse_path(text) is None
    assert parse_path(f"tile/0/{text}x") is None


@given(st.integers(0, 70_000))
def test_a_tree_s_tiles_hold_each_of_its_entries_once(size: int) -> None:
    lowest = [t for t in tiles_of(size) if t.level == 0]
    assert sum(t.width for t in lowest) == size
    assert [t.start for t in lowest] == [n * 256 for n in range(len(lowest))]
    narrow = [t for t in tiles_of(size) if t.width < 256]
    assert narrow == [t for level in range(-1, 3) for t in [last_tile(level, size)] if t]


@given(st.lists(st.binary(max_size=400), max_size=30), st.integers(0, 30))
def test_bundles_are_read_back_and_cut(entries: list[bytes], count: int) -> None:
    raw = bundle(entries)
    assert entries_of(raw) == entries
    assert leaves_of(raw) == b"".join(map(leaf_hash, entries))
    width = min(max(count, 1), len(entries))
    assert not width or cut(Tile(BUNDLES, 0), raw, width) == bundle(entries[:width])


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=9), st.data())
def test_a_bundle_that_was_cut_off_is_refused(entries: list[bytes], data: st.DataObject) -> None:
    raw = bundle(entries)
    last = len(raw) - len(entries[-1])
    at = data.draw(st.integers(last - 1, len(raw) - 1))
    with pytest.raises(AuditError, match=r"audit\.bad_bundle: This is no bundle of entries"):
        entries_of(raw[:at])


@given(st.binary(max_size=200))
def test_bundles_of_nonsense_are_refused_or_whole(raw: bytes) -> None:
    # What is read at all is what would be written: there is no second way to write a bundle.
    with suppress(AuditError):
        assert bundle(entries_of(raw)) == raw


def test_a_missing_or_damaged_tile_is_named(log: Log) -> None:
    log.append([b"a", b"b"])
    with pytest.raises(BrokenLogError) as missing:
        log.reader.read(Tile(0, 3))
    assert str(missing.value) == (
        "audit.altered: tile/0/003 is not what the log wrote: it is missing. Run `shuzhi audit "
        "verify`, keep the folder as evidence, and restore a copy."
    )
    (log.folder / "tile/entries/000.p/2").write_bytes(b"\x00\x05a")
    with pytest.raises(BrokenLogError, match=r"tile/entries/000\.p/2 .* it has another size"):
        log.reader.read(Tile(BUNDLES, 0, 2))
