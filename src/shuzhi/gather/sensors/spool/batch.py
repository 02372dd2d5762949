"""How a batch of records lies in a segment: a header with a CRC32, then columns, then the bytes.

A batch begins at a multiple of 512 bytes, so that writing one never touches a sector of another.
Its CRC begins with the salt of its segment, so that bytes which somebody sent, or which the segment
held in an earlier life, are never taken for a batch.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

# When it was received (microseconds since 1970), who sent it, what it is, its bytes.
Record = tuple[int, int, int, bytes]

SECTOR = 512
_MAGIC = b"SZB1"
# Magic, CRC32 of all that follows it, bytes of the body, records, number of the first record.
_HEADER = struct.Struct("<4sIIIQ")
_CRC_FROM = 8
_KEEPS_LOCK = 5 * 1024
# Received at, source, length of the bytes, kind.
_PER_RECORD = 8 + 8 + 4 + 1


@dataclass(frozen=True)
class Batch:
    """Records that were written together, in columns; `first` is the number of the first one.

    `received_us`, `sources`, `lengths` and `kinds` hold little-endian int64, uint64, uint32 and
    uint8; `data` all bytes one after the other.
    """

    first: int
    count: int
    received_us: memoryview
    sources: memoryview
    lengths: memoryview
    kinds: memoryview
    data: memoryview

    @property
    def end(self) -> int:
        """The number after the last record."""
        return self.first + self.count

    def records(self) -> Iterator[Record]:
        """Yield the records one by one."""
        lengths = struct.unpack(f"<{self.count}I", self.lengths)
        columns = zip(
            struct.unpack(f"<{self.count}q", self.received_us),
            struct.unpack(f"<{self.count}Q", self.sources),
            self.kinds,
            lengths,
            strict=True,
        )
        at = 0
        for received_us, source, kind, length in columns:
            yield received_us, source, kind, bytes(self.data[at : at + length])
            at += length


@dataclass(frozen=True)
class Packed:
    """Records that have no numbers yet: how many, and what will be the body of their batch."""

    count: int
    body: bytes | bytearray

    @property
    def size_bytes(self) -> int:
        """How many bytes `encode` makes of them."""
        bare = _HEADER.size + len(self.body)
        return bare + -bare % SECTOR

    def halves(self) -> tuple[Packed, Packed]:
        """Return the records in two parts, in their order."""
        records = list(_cut(0, self.count, memoryview(self.body)).records())
        half = len(records) // 2
        return pack(records[:half]), pack(records[half:])


def pack(records: Sequence[Record]) -> Packed:
    """Lay records out in columns."""
    count = len(records)
    received, sources, kinds, bodies = zip(*records, strict=True)
    body = b"".join(
        (
            struct.pack(f"<{count}q", *received),
            struct.pack(f"<{count}Q", *sources),
            struct.pack(f"<{count}I", *map(len, bodies)),
            bytes(kinds),
            *bodies,
        )
    )
    return Packed(count, body)


def joined(parts: Sequence[Packed]) -> Packed:
    """Return the records of all parts, in their order."""
    if len(parts) == 1:
        return parts[0]
    batches = [_cut(0, part.count, memoryview(part.body)) for part in parts]
    columns = ("received_us", "sources", "lengths", "kinds", "data")
    body = b"".join([getattr(batch, column) for column in columns for batch in batches])
    return Packed(sum(part.count for part in parts), body)


def encode(first: int, packed: Packed, salt: int) -> bytes:
    """Return the bytes of a batch, filled up to whole sectors."""
    body = packed.body
    facts = struct.pack("<IIQ", len(body), packed.count, first)
    head = _MAGIC + struct.pack("<I", _sum(body, crc32(facts, salt))) + facts
    return b"".join((head, body, bytes(-(len(head) + len(body)) % SECTOR)))


def decode(raw: memoryview, at: int, salt: int) -> tuple[Batch, int] | None:
    """Return the batch that begins at `at`, and where the next would; None when none is whole."""
    if at + _HEADER.size > len(raw):
        return None
    magic, crc, length, count, first = _HEADER.unpack_from(raw, at)
    start = at + _HEADER.size
    if magic != _MAGIC or start + length > len(raw) or count * _PER_RECORD > length:
        return None
    body = raw[start : start + length]
    if crc32(body, crc32(raw[at + _CRC_FROM : start], salt)) != crc:
        return None
    end = start + length
    return _cut(first, count, body), end + -end % SECTOR


def announced(raw: memoryview, at: int) -> tuple[int, int] | None:
    """Return the first record's number and the whole size that a header at `at` speaks of."""
    if at + _HEADER.size > len(raw) or raw[at : at + 4] != _MAGIC:
        return None
    _, _, length, _, first = _HEADER.unpack_from(raw, at)
    bare = _HEADER.size + length
    return first, bare + -bare % SECTOR


def _sum(body: bytes | bytearray, state: int) -> int:
    """Return the CRC32 without giving up the interpreter's lock, as more at once would.

    To get it back, beside a busy event loop, takes longer than the whole sum.
    """
    view = memoryview(body)
    for at in range(0, len(view), _KEEPS_LOCK):
        state = crc32(view[at : at + _KEEPS_LOCK], state)
    return state


def _cut(first: int, count: int, body: memoryview) -> Batch:
    ends = [count * 8, count * 16, count * 20, count * 21]
    received, sources, lengths, kinds = (body[a:b] for a, b in zip([0, *ends], ends, strict=False))
    return Batch(first, count, received, sources, lengths, kinds, body[ends[-1] :])
