"""Frames whose head is familiar: their checksums are checked and their answers made by the batch.

A device sends the same head for years, with another QN each time. What such a frame leads to is
known from the first one; what is left to compute is vectorised.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shuzhi.gather.sensors.hj212.crc import LANES, TABLE, standard

AREA = b"CP=&&"
QN, QN_END = 9, 26
"""Where the digits of the QN stand in a usual frame, behind `##`, the length and `QN=`."""

_AROUND = 12
_MOST = 9_999 + _AROUND
_STARTS = tuple(b"##%04dQN=" % (max(0, n - _AROUND)) for n in range(_MOST + 1))
_DIGITS = tuple(b"%04X" % value for value in TABLE)
_STATES = {value: index for index, value in enumerate(TABLE)}
_ENDINGS = tuple(digits + b"\r\n" for digits in _DIGITS)
_WORD = 8
_PADDING = tuple(bytes(-n % _WORD) for n in range(_WORD))
_LANES = np.array(LANES, np.uint8)
# For a piece that ends k bytes before the end of a segment, which lane each of its bytes is in.
_SHIFTED = np.stack([np.roll(_LANES, k, axis=0) for k in range(_WORD)])
_QN_PADDING = bytes(7)
_LANE = np.arange(_WORD)


class Familiar(NamedTuple):
    """What a head leads to: no answer (`before` is empty), or one that is filled in with the QN.

    `state` is that of the checksum over the answer with nothing for the QN, `shift` how far
    from the end of the answer's segment the QN ends, by eights.
    """

    before: bytes = b""
    after: bytes = b""
    state: int = 0
    shift: int = 0


def is_usual(raw: bytes) -> bool:
    """Whether these bytes are one frame that begins with a QN, but for QN and checksum."""
    length = len(raw)
    return (
        length <= _MOST
        and raw[:QN] == _STARTS[length]
        and raw[-2:] == b"\r\n"
        and raw[-8:-6] == b"&&"
    )


def begins_with_qn(raw: bytes) -> bool:
    """Whether a frame begins as a usual one does."""
    return raw[6:QN] == b"QN="


def familiar(model: bytes, qn: bytes) -> Familiar | None:
    """Return what fills in answers like `model`, which is one to `qn`; None if there is no QN."""
    segment = model[6 : model.rindex(b"&&") + 2]
    before, found, after = segment.partition(qn)
    if not found:
        return None
    state = _STATES[standard(before + bytes(len(qn)) + after)]
    return Familiar(b"##%04d" % len(segment) + before, after, state, len(after) % _WORD)


def wrong(raws: Sequence[bytes]) -> list[int]:
    """Return the places of those frames, CR LF cut off, that are not as they should be.

    The checksum is to be the standard's, and the QN of digits.
    """
    if not b"".join([raw[QN:QN_END] for raw in raws]).isdigit():
        return _wrong(raws)
    indices = _indices([raw[6:-4] for raw in raws]).tolist()
    digits = [_DIGITS[index] for index in indices]
    return [] if digits == [raw[-4:] for raw in raws] else _wrong(raws)


def _wrong(raws: Sequence[bytes]) -> list[int]:
    indices = _indices([raw[6:-4] for raw in raws]).tolist()
    return [
        place
        for place, (index, raw) in enumerate(zip(indices, raws, strict=True))
        if raw[-4:].upper() != _DIGITS[index] or not raw[QN:QN_END].isdigit()
    ]


def answers(raws: Sequence[bytes], familiars: Sequence[Familiar]) -> list[bytes]:
    """Return the answers to frames, in their order."""
    if not raws:
        return []
    qns = [raw[QN:QN_END] for raw in raws]
    words = np.frombuffer(b"".join(chain.from_iterable((_QN_PADDING, qn) for qn in qns)), np.uint64)
    folded = np.bitwise_xor.reduce(words.reshape(len(qns), -1), axis=1)
    shifts = np.fromiter((f.shift for f in familiars), np.intp, len(qns))
    parts = _SHIFTED[shifts[:, None], _LANE, folded.view(np.uint8).reshape(-1, _WORD)]
    given = np.fromiter((f.state for f in familiars), np.uint8, len(qns))
    indices = (np.bitwise_xor.reduce(parts, axis=1) ^ given).tolist()
    return [
        b"".join((f.before, qn, f.after, _ENDINGS[index]))
        for f, qn, index in zip(familiars, qns, indices, strict=True)
    ]


def _indices(segments: Sequence[bytes]) -> npt.NDArray[np.uint8]:
    """Return the index of each segment's checksum: all bytes of a lane added, then the lanes.

    Every segment is filled up to whole words at its front; the register begins as FFFF, which is
    FF added to the first byte.
    """
    pieces = chain.from_iterable((_PADDING[len(s) % _WORD], s) for s in segments)
    words = np.frombuffer(b"".join(pieces), np.uint64)
    lengths = np.fromiter(map(len, segments), np.intp, len(segments))
    sizes = (lengths + _WORD - 1) // _WORD
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    folded = np.bitwise_xor.reduceat(words, starts).view(np.uint8).reshape(-1, _WORD)
    lanes = np.bitwise_xor.reduce(_LANES[_LANE, folded], axis=1)
    return np.asarray(lanes ^ _LANES[-lengths % _WORD, 0xFF], np.uint8)
