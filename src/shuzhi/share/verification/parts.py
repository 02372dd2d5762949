"""One file of an index: rows sorted by the keyed hash of their subject, mapped into memory.

The file is Arrow IPC, so that opening it copies nothing. Its chunks are whole batches; no subject
lies in two of them. Each is checked against its CRC once, before it is first believed.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from shuzhi.share.verification.errors import index_damaged

# Columns of ours; the names have a space, which no column of a contract has.
HIGH, LOW, GONE = "hash high", "hash low", "is gone"
CHUNK_ROWS = 131_072
Key = tuple[int, int]


def key_of(secret: str, subject: str) -> Key:
    """Return the keyed hash of a subject: 128 bits of SHA-256, which show nothing without it.

    What is cut off of the hash keeps it from being continued, so that no HMAC is needed.
    """
    digest = sha256((secret + subject).encode()).digest()
    return int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:16], "big")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where a chunk lies in its file, and what it begins with."""

    at: int
    size: int
    rows: int
    first: int
    crc: int


class Row(NamedTuple):
    """A row that was found; its values are read when they are asked for."""

    chunk: _Loaded
    number: int

    def held(self, column: str) -> Any:
        """Return the value of a column."""
        return self.chunk.values[column](self.number)


class _Loaded:
    """A chunk that was checked."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch
        columns = zip(batch.schema.names, batch.columns, strict=True)
        self.values = {name: _values(column) for name, column in columns}
        high, low = (batch.column(name).buffers()[1] for name in (HIGH, LOW))
        self.high = memoryview(high).cast("Q")[: batch.num_rows]
        self.low = memoryview(low).cast("Q")[: batch.num_rows]


def _values(column: pa.Array) -> Callable[[int], Any]:
    """Return what gives the value of a row; of texts, without making an object of Arrow's."""
    if column.type != pa.string() or column.null_count:
        return lambda number: column[number].as_py()
    _, ends, text = column.buffers()
    ends, text = memoryview(ends).cast("i")[column.offset :], memoryview(text or b"")
    return lambda number: str(text[ends[number] : ends[number + 1]], "utf-8")


class Part:
    """An open file of an index."""

    def __init__(self, path: Path, chunks: Iterable[Chunk], dataset: str) -> None:
        self._path = path
        self._dataset = dataset
        self.chunks = tuple(chunks)
        self._firsts = [chunk.first for chunk in self.chunks]
        try:
            self._map = pa.memory_map(str(path))
            self._file = pa.ipc.open_file(self._map)
        except (OSError, pa.ArrowInvalid) as error:
            raise index_damaged(dataset, f"cannot be opened ({path.name})") from error
        if self._file.num_record_batches != len(self.chunks):
            raise index_damaged(dataset, f"has another number of chunks ({path.name})")
        self._loaded: list[_Loaded | None] = [None] * len(self.chunks)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns."""
        return self._file.schema

    def find(self, key: Key) -> list[Row]:
        """Return the rows of a subject, in the order of the file."""
        high, low = key
        number = bisect_right(self._firsts, high) - 1
        if number < 0:
            return []
        chunk = self._loaded[number] or self._load(number)
        at, highs, found = bisect_left(chunk.high, high), chunk.high, []
        while at < len(highs) and highs[at] == high:
            if chunk.low[at] == low:
                found.append(Row(chunk, at))
            at += 1
        return found

    def find_many(
        self, high: np.ndarray[Any, Any], low: np.ndarray[Any, Any]
    ) -> Iterator[tuple[np.ndarray[Any, Any], pa.RecordBatch]]:
        """Yield for each chunk the numbers of the keys that are found there, with their rows."""
        order = np.argsort(high, kind="stable")
        firsts = np.array(self._firsts, dtype=np.uint64)
        cuts = np.searchsorted(high[order], firsts, side="left")
        for number, (start, end) in enumerate(
            zip(cuts, [*cuts[1:], len(order)], strict=True) if len(cuts) else ()
        ):
            asked = order[start:end]
            if len(asked):
                chunk = self._loaded[number] or self._load(number)
                yield _matches(chunk, asked, high, low)

    def table(self) -> pa.Table:
        """Return all rows."""
        return self._file.read_all()

    def check(self) -> None:
        """Read every chunk and check it; raises `share.verification_index_damaged`."""
        for number in range(len(self.chunks)):
            self._load(number)

    def _load(self, number: int) -> _Loaded:
        chunk = self.chunks[number]
        raw = self._map.read_at(chunk.size, chunk.at)
        if zlib.crc32(raw) != chunk.crc:
            raise index_damaged(self._dataset, f"is not what was written ({self._path.name})")
        loaded = _Loaded(self._file.get_batch(number))
        self._loaded[number] = loaded
        return loaded


def _matches(
    chunk: _Loaded,
    asked: np.ndarray[Any, Any],
    high: np.ndarray[Any, Any],
    low: np.ndarray[Any, Any],
) -> tuple[np.ndarray[Any, Any], pa.RecordBatch]:
    highs, lows = np.frombuffer(chunk.high, np.uint64), np.frombuffer(chunk.low, np.uint64)
    starts = np.searchsorted(highs, high[asked], side="left")
    counts = np.searchsorted(highs, high[asked], side="right") - starts
    numbers = np.repeat(asked, counts)
    offsets = np.arange(len(numbers)) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = np.repeat(starts, counts) + offsets
    is_same = lows[rows] == low[numbers]
    return numbers[is_same], chunk.batch.take(pa.array(rows[is_same]))


def write_part(
    path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], *, rows: int = CHUNK_ROWS
) -> list[Chunk]:
    """Write sorted `batches` as a file; return its chunks, of about so many rows each."""
    chunks: list[Chunk] = []
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in _chunked(batches, rows):
            start = sink.tell()
            writer.write_batch(batch)
            first = batch.column(HIGH)[0].as_py()
            chunks.append(Chunk(start, sink.tell() - start, batch.num_rows, first, 0))
    with pa.memory_map(str(path)) as written:
        crcs = [zlib.crc32(written.read_at(c.size, c.at)) for c in chunks]
    return [Chunk(**{**asdict(chunk), "crc": crc}) for chunk, crc in zip(chunks, crcs, strict=True)]


def _chunked(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Cut rows anew so that those of one hash stay together."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        if count < rows:
            continue
        whole = pa.Table.from_batches(held).combine_chunks()
        last = whole.column(HIGH)[count - 1].as_py()
        cut = int(np.searchsorted(whole.column(HIGH).to_numpy(), np.uint64(last), side="left"))
        if cut:
            yield from whole.slice(0, cut).combine_chunks().to_batches()
        held = whole.slice(cut).to_batches()
        count -= cut
    if count:
        yield from pa.Table.from_batches(held).combine_chunks().to_batches()
