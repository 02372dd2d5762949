"""What a fuzzer tries on the HJ 212 codec; here the seeds and what it once found are tried again.

`make test-fuzz` lets a fuzzer that sees which branches were taken make inputs of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shuzhi.gather.sensors.hj212 import (
    Batch,
    Checksum,
    Dialect,
    Edition,
    Frame,
    Framer,
    Refusal,
    framed,
    head,
    opened,
    read,
    read_area,
    tables,
)
from shuzhi.gather.sensors.hj212.batch import read_one_by_one

SEEDS = Path(__file__).parent / "hj212"
_DIALECTS = (
    Dialect(),
    Dialect(Edition.HJT212_2005, checksum=Checksum.MODBUS, is_strict=True),
    Dialect(Edition.HJ212_2025, key=b"0" * 16, stamps_end=True),
)
_HEAD = b"QN=20160801085857223;ST=32;CN=2051;PW=1;MN=A;Flag=4;CP=&&"


def one_input(octets: bytes) -> None:
    """The first byte says how the others are taken: as a stream, a segment, or a data area."""
    way, rest = octets[:1], octets[1:]
    if way <= b"s":
        _stream(rest)
    elif way <= b"t":
        _stream(framed(rest[:9999]))
    else:
        _stream(framed(_HEAD + rest[:9000].replace(b"&&", b"") + b"&&"))


def _stream(octets: bytes) -> None:
    found = _taken([octets])
    step = 1 + len(octets) // 8
    assert _taken([octets[n : n + step] for n in range(0, len(octets), step)]) == found
    frames = [frame.raw for frame in found]
    for frame in found:
        _frame(frame)
    dialects = {"A": _DIALECTS[len(octets) % len(_DIALECTS)]}
    if frames:
        at_once = read(frames, dialects)
        assert _said(at_once) == _said(read_one_by_one(frames, range(len(frames)), dialects))


def _taken(pieces: list[bytes]) -> list[Frame]:
    framer = Framer()
    found = [x for piece in pieces for x in framer.feed(piece, 0.0)] + framer.close()
    refused = {x.code for x in found if isinstance(x, Refusal)}
    assert refused <= set(tables.findings())
    return [x for x in found if isinstance(x, Frame)]


def _frame(frame: Frame) -> None:
    found = head(frame.segment)
    if isinstance(found, Refusal):
        return
    for dialect in _DIALECTS:
        result = opened(frame, found, dialect)
        plain = frame.segment if isinstance(result, Refusal) else result.segment
        said = read_area(plain[found.area : -2], found, dialect)
        assert {finding.code for finding in said.findings} <= set(tables.findings())


def _said(batch: Batch) -> list[Any]:
    parts = (batch.frames, batch.observations, batch.items, batch.findings)
    return [sorted(map(repr, part.to_pylist())) for part in parts]


@pytest.mark.parametrize("seed", sorted(SEEDS.glob("*")), ids=lambda path: path.name)
def test_seed(seed: Path) -> None:
    one_input(seed.read_bytes())


def test_there_are_seeds() -> None:
    assert len(list(SEEDS.glob("*"))) > 20
