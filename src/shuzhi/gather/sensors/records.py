"""What a record of the spool is: a frame that was taken, bytes that were refused, a pushed message.

Whoever receives writes it so, and the landing reads it so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """What the bytes of a record are; the numbers stand in spools and never change."""

    FRAME = 0
    REFUSED = 1
    MESSAGE = 2


@dataclass(frozen=True)
class Refused:
    """Bytes that were not taken: why (a stable code), from which address, under which MN."""

    code: str
    raw: bytes
    peer: str = ""
    mn: str = ""
    detail: str = ""

    def body(self) -> bytes:
        """Return it as the bytes of a record."""
        told = {"code": self.code, "peer": self.peer, "mn": self.mn, "detail": self.detail}
        return json.dumps(told, ensure_ascii=False).encode() + b"\n" + self.raw


def read_refused(body: bytes) -> Refused:
    """Read what `Refused.body` wrote."""
    told, _, raw = body.partition(b"\n")
    return Refused(raw=raw, **json.loads(told))


def source_numbers(started_s: int) -> Iterator[int]:
    """Yield numbers for connections that no other life of the gateway gives again."""
    first = started_s << 32
    yield from range(first, first + (1 << 32))
