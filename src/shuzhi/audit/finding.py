"""Finding what was done at a moment: entries stand in the log about in the order of their times."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shuzhi.audit.keys import VerifierKey
from shuzhi.audit.tiles import TileReader
from shuzhi.audit.use_cases import read_head
from shuzhi.kernel.instant import Instant, parse_instant

# Entries of one moment are queued by several processes and moved a little later.
_LEEWAY = timedelta(minutes=1)
_MOST = 2_000
_EARLIEST = Instant(datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True)
class Logged:
    """An entry of the log with its index; `content` is None for one that is no entry of ours."""

    index: int
    raw: bytes
    content: dict[str, Any] | None


def logged(folder: Path, log_keys: Iterable[VerifierKey], start: int, end: int) -> list[Logged]:
    """Return the entries from `start` to before `end`, as far as there are so many.

    Raises:
        AuditError: as `read_head`; BrokenLogError: `audit.altered`.
    """
    size = read_head(folder, log_keys).checkpoint.size
    return _logged(TileReader(folder), max(start, 0), min(end, size))


def find(
    folder: Path, log_keys: Iterable[VerifierKey], *, subject: str, since: Instant, until: Instant
) -> list[Logged]:
    """Return the entries about `subject` between two instants, oldest first.

    It looks at some 2,000 entries at most; what a clock that was set back wrote may be missed.
    Raises as `logged`.
    """
    size = read_head(folder, log_keys).checkpoint.size
    reader = TileReader(folder)
    first = bisect_left(range(size), Instant(since - _LEEWAY), key=lambda i: _at(reader, i))
    last = bisect_left(
        range(size), Instant(until + _LEEWAY), lo=first, key=lambda i: _at(reader, i)
    )
    near = _logged(reader, first, min(last, first + _MOST))
    return [each for each in near if each.content and each.content.get("subject") == subject]


def _at(reader: TileReader, index: int) -> Instant:
    (each,) = _logged(reader, index, index + 1)
    return parse_instant(each.content["at"]) if each.content else _EARLIEST


def _logged(reader: TileReader, start: int, end: int) -> list[Logged]:
    if start >= end:
        return []
    return [
        Logged(i, raw, _content(raw)) for i, raw in enumerate(reader.entries(start, end), start)
    ]


def _content(raw: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(raw)["entry"]
    except (ValueError, KeyError, TypeError):
        return None
    return entry if isinstance(entry, dict) and "at" in entry else None
