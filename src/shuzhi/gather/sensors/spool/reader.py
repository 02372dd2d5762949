"""The reading end of a spool: batches in order, from any record on, while it is being written."""

from __future__ import annotations

import os
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from shuzhi.gather.sensors.spool.batch import SECTOR, Batch, announced, decode
from shuzhi.gather.sensors.spool.segments import (
    HEAD_BYTES,
    Lost,
    Segment,
    next_batch,
    salt_of,
    segments,
)

_READ_BYTES = 8 * 1024 * 1024


class SpoolReader:
    """Reads the batches that hold record `start` and what comes after it.

    Whole batches only: the first one may begin before `start`. Any number of readers may read
    beside the writer, in any process. `lost` grows by the numbers that were passed over because
    nothing can be read under them.
    """

    def __init__(self, folder: Path, start: int = 0) -> None:
        self.folder = folder
        self.lost: list[Lost] = []
        self._start = start
        self._place: _Place | None = None

    def read(self, most_bytes: int = _READ_BYTES) -> list[Batch]:
        """Return the next batches, about `most_bytes` of them; none when there are none yet.

        Raises:
            BrokenError: `gather.spool_torn`.
        """
        there = segments(self.folder) if self.folder.is_dir() else []
        if not there:
            return []
        place = self._place = self._place or _find(there, self._start)
        for later in [s for s in there if s.first > place.segment.first]:
            # The writer began the later segment when it was done with this one.
            if batches := _read(place, most_bytes, before=later.first):
                return batches
            while place.next < later.first:
                self.lost.append(_step_over(place, later))
                if batches := _read(place, most_bytes, before=later.first):
                    return batches
            place = self._place = _enter(later, beyond=place.next)
        return _read(place, most_bytes)


@dataclass
class _Place:
    """Where a reader stands: in which segment, at which byte, before which record."""

    segment: Segment
    salt: int
    at: int
    next: int


def _find(there: list[Segment], start: int) -> _Place:
    """Return the place of the first batch that ends after `start`."""
    index = bisect_right([s.first for s in there], start) - 1
    return _enter(there[max(index, 0)], beyond=start)


def _enter(segment: Segment, *, beyond: int) -> _Place:
    """Stand before the first batch of a segment that ends after `beyond`.

    What could not be synced in one segment is written again in the next, under the same numbers.
    """
    place = _Place(segment, salt_of(segment), HEAD_BYTES, segment.first)
    if segment.first < beyond:
        raw = memoryview(segment.path.read_bytes())
        while (found := _next(raw, place.at, place)) and found[0].end <= beyond:
            place.next, place.at = found[0].end, found[1]
    return place


def _next(raw: memoryview, at: int, place: _Place) -> tuple[Batch, int] | None:
    found = decode(raw, at, place.salt)
    return found if found is not None and found[0].first == place.next else None


def _read(place: _Place, most_bytes: int, before: int | None = None) -> list[Batch]:
    """Return the batches that follow, those that begin `before` a number."""
    raw = _bytes(place, most_bytes)
    found: list[Batch] = []
    at = 0
    while (before is None or place.next < before) and (cut := _next(raw, at, place)):
        found.append(cut[0])
        place.next, at = cut[0].end, cut[1]
    place.at += at
    return found


def _bytes(place: _Place, most_bytes: int) -> memoryview:
    # Opened anew each time: after a failed sync the writer may put another file in its place.
    descriptor = os.open(place.segment.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        told = announced(memoryview(os.pread(descriptor, SECTOR, place.at)), 0)
        if told is None:
            return memoryview(b"")
        return memoryview(os.pread(descriptor, max(most_bytes, told[1]), place.at))
    finally:
        os.close(descriptor)


def _step_over(place: _Place, later: Segment) -> Lost:
    """Go to the next batch of a finished segment that is whole, or to the end of it."""
    raw = memoryview(place.segment.path.read_bytes())
    beyond = next_batch(raw, place.at, place.salt, above=place.next)
    at, end = (len(raw), later.first) if beyond is None else (beyond[1], beyond[0].first)
    end = min(end, later.first)
    lost = Lost(place.segment.path.name, place.at, place.next, end)
    place.at, place.next = at, end
    return lost
