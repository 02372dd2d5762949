"""The files of a spool: named by the number of their first record, each with a salt of its own."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from shuzhi.gather.sensors.spool.batch import SECTOR, Batch, announced, decode
from shuzhi.gather.sensors.spool.errors import not_a_spool

HEAD_BYTES = SECTOR
_SUFFIX = ".spool"
_HEAD = struct.Struct("<4sI")
_MAGIC = b"SZS1"


@dataclass(frozen=True)
class SpoolSettings:
    """How large a segment is, and how much all of them may hold."""

    segment_bytes: int = 64 * 1024 * 1024
    most_bytes: int = 20 * 1024 * 1024 * 1024


@dataclass(frozen=True)
class Segment:
    """A file of a spool; `first` is the number of the first record that was meant for it."""

    first: int
    path: Path


@dataclass(frozen=True)
class Lost:
    """Records that were written and can no longer be read: from `first` to before `end`."""

    segment: str
    at: int
    first: int
    end: int


@dataclass(frozen=True)
class Scan:
    """Where the whole batches of a segment end, the number after their last record, and holes."""

    at: int
    end: int
    lost: tuple[Lost, ...] = ()


def segment_at(folder: Path, first: int) -> Segment:
    """Return the segment that begins with record `first`, whether it is there or not."""
    return Segment(first, folder / f"{first:020d}{_SUFFIX}")


def segments(folder: Path) -> list[Segment]:
    """Return the segments that are there, oldest first."""
    found = (p for p in folder.iterdir() if p.suffix == _SUFFIX and p.stem.isdigit())
    return sorted((Segment(int(p.stem), p) for p in found), key=lambda s: s.first)


def head(salt: int) -> bytes:
    """Return what a segment begins with."""
    return _HEAD.pack(_MAGIC, salt).ljust(HEAD_BYTES, b"\0")


def salt_of(segment: Segment) -> int:
    """Return the salt of a segment. Raises BrokenError `gather.spool_torn`."""
    with segment.path.open("rb") as file:
        raw = file.read(_HEAD.size)
    if len(raw) < _HEAD.size or raw[:4] != _MAGIC:
        raise not_a_spool(segment.path)
    return int(_HEAD.unpack(raw)[1])


def scan(segment: Segment) -> Scan:
    """Read a whole segment and say where it ends, stepping over what can no longer be read."""
    salt = salt_of(segment)
    raw = memoryview(segment.path.read_bytes())
    at, end, lost = HEAD_BYTES, segment.first, list[Lost]()
    while True:
        found = decode(raw, at, salt)
        if found is not None and found[0].first == end:
            end, at = found[0].end, found[1]
            continue
        beyond = next_batch(raw, at + SECTOR, salt, above=end)
        if beyond is None:
            return Scan(at, end, tuple(lost))
        lost.append(Lost(segment.path.name, at, end, beyond[0].first))
        at, end = beyond[1], beyond[0].first


def next_batch(raw: memoryview, at: int, salt: int, *, above: int) -> tuple[Batch, int] | None:
    """Return the next whole batch from `at` on whose first record is above a number, and its place.

    A batch is begun only when the one before it is on the disk, so what stands before a whole
    batch was whole once.
    """
    for place in range(at, len(raw), SECTOR):
        told = announced(raw, place)
        if told is None or told[0] <= above:
            continue
        found = decode(raw, place, salt)
        if found is not None:
            return found[0], place
    return None
