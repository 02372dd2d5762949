"""Frames whose head is familiar: their checksums are checked and their answers made by the batch.

A device sends the same head for years, with another QN each time. What such a frame leads to is
known from the first one; what is left to compute is vectorised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from shuzhi.gather.sensors.hj212.crc import (
    LANES,
    TABLE,
    indices_of_slices,
    is_right,
    standard,
)

AREA = b"CP=&&"
QN, QN_END = 9, 26
"""Where the digits of the QN stand in a usual frame, behind `##`, the length and `QN=`."""

_AROUND = 12
_MOST = 9_999 + _AROUND
_STARTS = tuple(b"##%04dQN=" % (max(0, n - _AROUND)) for n in range(_MOST + 1))
_DIGITS = tuple(b"%04X" % value for value in TABLE)
_DIGITS_AS_NUMBERS = np.frombuffer(b"".join(_DIGITS), "<u4")
_STATES = {value: index for index, value in enumerate(TABLE)}
_ending = tuple(digits + b"\r\n" for digits in _DIGITS).__getitem__
# So many frames are checked sooner one by one.
_FEW = 16
_HEAD, _TAIL = 6, 4
_WORD = 8
_PADDING = bytes(_WORD)
_IN_QN = np.arange(QN, QN_END)
_QN_BEGINS = -len(_IN_QN) % _WORD
_NINE = 9
_LANE = np.arange(_WORD)
# For a piece that ends k bytes before the end of a segment, which lane each of its bytes is in.
_SHIFTED = np.stack([np.roll(np.array(LANES, np.uint8), k, axis=0) for k in range(_WORD)])


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
    if len(raws) < _FEW or not _are_right(raws):
        return [place for place, raw in enumerate(raws) if not _is_right(raw)]
    return []


def _is_right(raw: bytes) -> bool:
    return raw[QN:QN_END].isdigit() and is_right(raw[_HEAD:-_TAIL], raw[-_TAIL:])


def _are_right(raws: Sequence[bytes]) -> bool:
    """Whether all are right, as far as can be seen at once: with capital digits."""
    buffer = b"".join((*raws, _PADDING))
    ends = np.cumsum(np.fromiter(map(len, raws), np.int64, len(raws)))
    starts = np.concatenate(([0], ends[:-1]))
    octets = np.frombuffer(buffer, np.uint8)
    # Below 0 an octet goes round to the greatest.
    if (octets[starts[:, None] + _IN_QN] - ord("0")).max() > _NINE:
        return False
    ends -= _TAIL
    given = np.ndarray((len(buffer) - _TAIL + 1,), "<u4", buffer, 0, (1,))[ends]
    indices = indices_of_slices(buffer, starts + _HEAD, ends)
    return bool((_DIGITS_AS_NUMBERS[indices] == given).all())


def answers(raws: Sequence[bytes], familiars: Sequence[Familiar]) -> list[bytes]:
    """Return the answers to frames, in their order."""
    if not raws:
        return []
    befores, afters, states, shifts = zip(*familiars, strict=True)
    qns = [raw[QN:QN_END] for raw in raws]
    filled = np.zeros((len(qns), _QN_BEGINS + len(_IN_QN)), np.uint8)
    filled[:, _QN_BEGINS:] = np.frombuffer(b"".join(qns), np.uint8).reshape(len(qns), -1)
    folded = np.bitwise_xor.reduce(filled.view(np.uint64), axis=1).view(np.uint8)
    lanes = np.array(shifts)[:, None], _LANE, folded.reshape(-1, _WORD)
    indices = np.bitwise_xor.reduce(_SHIFTED[lanes], axis=1) ^ np.array(states, np.uint8)
    endings = map(_ending, indices.tolist())
    return list(map(b"".join, zip(befores, qns, afters, endings, strict=True)))
