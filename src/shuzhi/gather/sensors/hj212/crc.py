"""The checksums of HJ 212 frames: the standard's own and the two that some devices use instead.

The standard's CRC (HJ 212-2017, Annex A) throws the low byte of its register away at every step.
What is left is a linear map on eight bits whose eighth power is the identity, so bytes that lie
eight apart can be added (XOR) before anything is computed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shuzhi.gather.sensors.hj212.model import Checksum

_POLYNOMIAL = 0xA001


def _shifted(register: int) -> int:
    for _ in range(8):
        register = (register >> 1) ^ (_POLYNOMIAL if register & 1 else 0)
    return register


TABLE = tuple(_shifted(byte) for byte in range(256))
"""The eight shifts of the register, for each value of its low byte."""


def _powers() -> tuple[tuple[int, ...], ...]:
    """For each lane of a folded segment, what its byte adds to the last step's index."""
    lane = tuple(range(256))
    lanes = [lane]
    for _ in range(7):
        lane = tuple(TABLE[value] >> 8 for value in lane)
        lanes.append(lane)
    return tuple(reversed(lanes))


LANES = _powers()
_A, _B, _C, _D, _E, _F, _G, _H = LANES
_DIGITS = tuple(b"%04X" % value for value in TABLE)
# By the number of halvings; fifteen are enough for a quarter of a megabyte.
_FOLDS = tuple(
    tuple((64 << n, (1 << (64 << n)) - 1) for n in reversed(range(halvings)))
    for halvings in range(16)
)


def _index(segment: bytes) -> int:
    """Return the register's high byte XOR the last byte, from words of 64 bits folded together."""
    length = len(segment)
    value = int.from_bytes(segment, "big") ^ (0xFF << (8 * length - 8))
    for shift, mask in _FOLDS[(length - 1 >> 3).bit_length()]:
        value = (value >> shift) ^ (value & mask)
    a, b, c, d, e, f, g, h = value.to_bytes(8, "big")
    return _A[a] ^ _B[b] ^ _C[c] ^ _D[d] ^ _E[e] ^ _F[f] ^ _G[g] ^ _H[h]


def standard(segment: bytes) -> int:
    """Return the standard's CRC of `segment` (HJ 212-2017, Annex A)."""
    return TABLE[_index(segment)] if segment else 0xFFFF


def modbus(segment: bytes) -> int:
    """Return CRC-16/MODBUS, which some devices send in place of the standard's."""
    register = 0xFFFF
    for byte in segment:
        register = (register >> 8) ^ TABLE[(register ^ byte) & 0xFF]
    return register


def digits(segment: bytes, kind: Checksum = Checksum.STANDARD) -> bytes:
    """Return the four hexadecimal digits that a frame with this segment ends in."""
    if kind is Checksum.STANDARD:
        return _DIGITS[_index(segment)] if segment else b"FFFF"
    value = modbus(segment)
    if kind is Checksum.MODBUS_SWAPPED:
        value = (value >> 8) | ((value & 0xFF) << 8)
    return b"%04X" % value


def is_right(segment: bytes, given: bytes, kind: Checksum = Checksum.STANDARD) -> bool:
    """Return whether `given` are the digits of `segment`; small letters count as capital ones."""
    return digits(segment, kind) == given.upper()


def kinds_of(segment: bytes, given: bytes) -> tuple[Checksum, ...]:
    """Return the kinds of checksum for which `given` would be right."""
    return tuple(kind for kind in Checksum if is_right(segment, given, kind))


_TABLE_ARRAY = np.array(TABLE, np.uint16)
_LANE_ARRAYS = np.array(LANES, np.uint8)
_LANE = np.arange(8)
_FIRST_BYTES = np.array([(1 << (8 * count)) - 1 for count in range(8)], np.uint64)


def standard_of_slices(
    buffer: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.uint16]:
    """Return the standard's CRC of many slices of `buffer`, none of them empty, at once.

    `buffer` must go on for at least eight bytes behind the last slice.
    """
    return _TABLE_ARRAY[indices_of_slices(buffer, starts, ends)]


def indices_of_slices(
    buffer: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Return where in `TABLE` the CRC of each slice stands; the rest as `standard_of_slices`."""
    words = np.frombuffer(buffer, "<u8", len(buffer) // 8)
    before = np.zeros(len(words) + 1, np.uint64)
    np.bitwise_xor.accumulate(words, out=before[1:])
    places = np.concatenate((starts, ends))
    whole = places >> 3
    upto = before[whole] ^ (words[whole] & _FIRST_BYTES[places & 7])
    first = np.uint64(0xFF) << ((starts & 7) << 3).astype(np.uint64)
    fold = upto[: len(starts)] ^ upto[len(starts) :] ^ first
    # Turn the lanes so that the last byte of every slice lies in the last lane.
    turn = ((-ends & 7) << 3).astype(np.uint64)
    fold = (fold << turn) | (fold >> ((np.uint64(64) - turn) & np.uint64(63)))
    octets = fold.astype("<u8").view(np.uint8).reshape(-1, 8)
    return np.asarray(np.bitwise_xor.reduce(_LANE_ARRAYS[_LANE, octets], axis=1), np.uint8)
