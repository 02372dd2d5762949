"""Numbers of many texts at once, for texts that write them as the standard has it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_WRITING = r"^-?[0-9]+(\.[0-9]+)?$"
_POINT, _DASH, _ZERO, _NINE = ord("."), ord("-"), ord("0"), 9


def numbers_of(texts: pa.StringArray) -> tuple[pa.DoubleArray, NDArray[np.bool_]]:
    """Return the numbers that texts of ASCII write, and which are usual; the others are 0."""
    usual = _look_usual(texts)
    if not usual.all():
        texts = pc.if_else(pa.array(usual), texts, "0")
    try:
        return pc.cast(texts, pa.float64()), usual
    except pa.ArrowInvalid:
        # Two points in one text, which the look at neighbours does not see.
        written = pc.match_substring_regex(texts, _WRITING)
        texts = pc.if_else(written, texts, "0")
        return pc.cast(texts, pa.float64()), usual & written.to_numpy(zero_copy_only=False)


def _look_usual(texts: pa.StringArray) -> NDArray[np.bool_]:
    """Which texts are digits, with a dash at most in front and points only between digits."""
    _, offset_buffer, octet_buffer = texts.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32, len(texts) + 1, 4 * texts.offset)
    usual = offsets[1:] > offsets[:-1]
    if octet_buffer is None or offsets[0] == offsets[-1]:
        return usual
    octets = np.frombuffer(octet_buffer, np.uint8)[offsets[0] : offsets[-1]]
    begins, ends = offsets[:-1] - offsets[0], offsets[1:] - offsets[0]
    is_digit = octets - np.uint8(_ZERO) <= _NINE
    is_dash = octets == _DASH
    has_dash = is_dash[np.minimum(begins, len(octets) - 1)]
    usual &= is_digit[np.minimum(begins + has_dash, len(octets) - 1)] & is_digit[ends - 1]
    usual &= ends - begins > has_dash
    wrong = ~(is_digit | is_dash | (octets == _POINT))
    if np.count_nonzero(is_dash) > np.count_nonzero(has_dash):
        is_dash[begins[has_dash]] = False
        wrong |= is_dash
    usual[np.searchsorted(ends, np.flatnonzero(wrong), side="right")] = False
    return usual
