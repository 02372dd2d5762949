"""The newest time of each station's data: what lies beyond it cannot have been stored before.

Stations mostly send in order, so that nearly every frame is known to be new without a look into
the lake, and what has to be kept for that does not grow with the data.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.ipc

# A device whose clock runs years ahead must not make all that it sends later look old.
_MOST_AHEAD_US = 24 * 3600 * 1_000_000
NEVER = np.iinfo(np.int64).min
Times = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]


@dataclass
class Watermarks:
    """The newest times by (MN, ST, CN), in microseconds; true for all records before `record`."""

    record: int = 0
    newest: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def contested(self, line: Series, received_us: Times) -> Truths:
        """Return which frames may tell what was told before: in the lake, or in this batch."""
        marks = np.array([self.newest.get(key, NEVER) for key in line.keys], np.int64)
        found = line.earliest > received_us + _MOST_AHEAD_US
        if len(marks):
            found |= line.earliest <= marks[line.place]
        order = np.lexsort((line.latest, line.place))
        place, times = line.place[order], line.latest[order]
        is_same = (place[1:] == place[:-1]) & (times[1:] == times[:-1])
        found[order[1:][is_same]] = True
        found[order[:-1][is_same]] = True
        # A frame with several times may meet any other of its series.
        several = np.unique(line.place[line.earliest < line.latest])
        found |= np.isin(line.place, several)
        return np.asarray(found, np.bool_)

    def advance(self, line: Series, received_us: Times) -> None:
        """Take note of the times of frames that are stored."""
        is_sane = line.latest <= received_us + _MOST_AHEAD_US
        newest = np.full(len(line.keys), NEVER)
        np.maximum.at(newest, line.place[is_sane], line.latest[is_sane])
        for key, time in zip(line.keys, newest.tolist(), strict=True):
            if time > self.newest.get(key, NEVER):
                self.newest[key] = time


@dataclass(frozen=True)
class Series:
    """For each frame its times and, in `place`, which of `keys` (MN, ST, CN) it belongs to.

    A frame has one time, or several from the `earliest` to the `latest`.
    """

    keys: tuple[tuple[str, str, str], ...]
    place: npt.NDArray[np.intp]
    earliest: Times
    latest: Times


def series_of(frames: pa.Table, earliest: Times, latest: Times) -> Series:
    """Return the series of frames with the columns `mn`, `st` and `cn`."""
    coded = [_coded(frames[name]) for name in ("mn", "st", "cn")]
    number = np.zeros(frames.num_rows, np.int64)
    for codes, words in coded:
        number = number * len(words) + codes
    numbers, place = np.unique(number, return_inverse=True)
    sizes = [len(words) for _, words in coded]
    parts = zip(*np.unravel_index(numbers, sizes), strict=True) if frames.num_rows else ()
    mn, st, cn = (words for _, words in coded)
    keys = tuple((mn[a], st[b], cn[c]) for a, b, c in parts)
    return Series(keys, place, earliest, latest)


def _coded(column: pa.ChunkedArray) -> tuple[Times, list[str]]:
    whole = column.combine_chunks()
    coded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
    return coded.indices.to_numpy().astype(np.int64), coded.dictionary.to_pylist()


def read_watermarks(path: Path) -> Watermarks:
    """Read what `write_watermarks` wrote; none where there is no file."""
    if not path.is_file():
        return Watermarks()
    table = pa.ipc.open_file(pa.BufferReader(path.read_bytes())).read_all()
    keys = zip(*(table[name].to_pylist() for name in ("mn", "st", "cn")), strict=True)
    newest = dict(zip(keys, table["newest"].to_pylist(), strict=True))
    return Watermarks(json.loads(table.schema.metadata[b"record"]), newest)


def write_watermarks(path: Path, marks: Watermarks) -> None:
    """Write the watermarks to a file; return when it is on the disk."""
    parts: Mapping[str, list[str]] = {
        name: [key[i] for key in marks.newest] for i, name in enumerate(("mn", "st", "cn"))
    }
    table = pa.table({**parts, "newest": pa.array(marks.newest.values(), pa.int64())})
    table = table.replace_schema_metadata({"record": str(marks.record)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        file.write(sink.getvalue())
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
