"""Which segments of a spool may go: those that every reader is done with, by age or for room."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from shuzhi.gather.sensors.spool.segments import SpoolSettings, segments
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class Kept:
    """What a spool holds after a release, and how many segments it deleted."""

    segments: int
    oldest: int
    deleted: int


def release(folder: Path, settings: SpoolSettings, *, read: int, before: Instant) -> Kept:
    """Delete segments whose records all come before `read` and were written before an instant.

    Where the spool is nearly full, those that were read go whatever their age, the oldest first.
    The newest segment always stays.
    """
    there = segments(folder)
    # One more is about to be prepared, and one is in reserve while that happens.
    most = max(1, settings.most_bytes // settings.segment_bytes - 2)
    deleted = 0
    for segment, later in pairwise(there):
        if later.first > read:
            break
        is_old = segment.path.stat().st_mtime < before.timestamp()
        if not is_old and len(there) - deleted <= most:
            break
        segment.path.unlink()
        deleted += 1
    return Kept(len(there) - deleted, there[deleted].first if there else 0, deleted)
