"""Reads batches of frames into tables: the usual ones all at once, the others one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from shuzhi.gather.sensors.hj212 import tables
from shuzhi.gather.sensors.hj212.cipher import Opened, opened
from shuzhi.gather.sensors.hj212.columns import read_usual
from shuzhi.gather.sensors.hj212.framing import whole
from shuzhi.gather.sensors.hj212.head import head
from shuzhi.gather.sensors.hj212.model import Checksum, Dialect, Head, Refusal
from shuzhi.gather.sensors.hj212.reading import Finding, read_area, refused_by
from shuzhi.gather.sensors.hj212.rows import Batch, Rows, joined
from shuzhi.gather.sensors.hj212.senders import is_usual
from shuzhi.gather.sensors.hj212.writing import framed

_CLOSING = 2
_LINE_END = 2
_USUAL = Dialect()


def read(frames: Sequence[bytes], dialects: Mapping[str, Dialect]) -> Batch:
    """Return what a batch of frames says; never raises on their bytes.

    Each is a whole frame as `Frame.raw` is; its checksum is judged again, and it is deciphered.
    `dialects` is by MN; a station that is not in it speaks as the edition of 2017 has it. A few
    thousand frames at a time are read fastest.
    """
    places = np.arange(len(frames))
    usual, left = read_usual(frames, places, dialects)
    parts = [usual]
    plain, plain_dialects = _made_usual(frames, left.tolist(), dialects)
    if plain:
        places = np.fromiter(plain, np.int64)
        part, odd = read_usual(list(plain.values()), places, plain_dialects)
        left = np.union1d(np.setdiff1d(left, places, assume_unique=True), odd)
        parts.append(part)
    if len(left):
        parts.append(read_one_by_one(frames, left.tolist(), dialects))
    return joined(parts)


def _made_usual(
    frames: Sequence[bytes], places: Iterable[int], dialects: Mapping[str, Dialect]
) -> tuple[dict[int, bytes], dict[str, Dialect]]:
    """Return frames as they would be without cipher and with the standard's checksum, by place.

    Only stations that have either of them, and frames of which nothing is to be noted.
    """
    plain: dict[int, bytes] = {}
    usual: dict[str, Dialect] = {}
    for place in places:
        frame = whole(frames[place])
        found = head(frame.segment)
        if isinstance(found, Refusal) or found.tolerated or frame.tolerated:
            continue
        dialect = dialects.get(found.mn)
        if dialect is None or is_usual(dialect):
            continue
        opening = opened(frame, found, dialect)
        if isinstance(opening, Opened) and not opening.tolerated:
            plain[place] = framed(opening.segment)[:-_LINE_END]
            if found.mn not in usual:
                usual[found.mn] = replace(dialect, key=None, checksum=Checksum.STANDARD)
    return plain, usual


def read_one_by_one(
    frames: Sequence[bytes], places: Iterable[int], dialects: Mapping[str, Dialect]
) -> Batch:
    """Return what the frames at `places` say; the reference for reading them at once."""
    rows = Rows()
    for place in places:
        _read(place, frames[place], dialects, rows)
    return rows.batch()


def _read(place: int, raw: bytes, dialects: Mapping[str, Dialect], rows: Rows) -> None:
    frame = whole(raw)
    found = head(frame.segment)
    if isinstance(found, Refusal):
        rows.refuse(place, None, found.code, found.detail)
        return
    dialect = dialects.get(found.mn, _USUAL)
    plain = opened(frame, found, dialect)
    if isinstance(plain, Refusal):
        rows.refuse(place, found, plain.code, plain.detail)
        return
    reading = read_area(plain.segment[found.area : -_CLOSING], found, dialect)
    codes = (*frame.tolerated, *found.tolerated, *plain.tolerated, *_unknown(found))
    findings = [Finding(code) for code in codes] + reading.findings
    if dialect.is_strict and (refused := refused_by(findings, tables.strict())):
        rows.refuse(place, found, "not_strict", ", ".join(refused))
        rows.note(place, found.mn, findings)
        return
    rows.add(place, found, reading, findings)


def _unknown(found: Head) -> Iterable[str]:
    if found.cn not in tables.commands():
        yield "command_unknown"
    if found.st not in tables.systems():
        yield "system_unknown"
