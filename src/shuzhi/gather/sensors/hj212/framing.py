"""Cuts a byte stream into HJ 212 frames, whatever else is in the stream.

A frame ends where its length says; line ends are not looked for, since an encrypted data area may
hold any byte. What is decided depends on the bytes alone, not on how they were cut on the way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shuzhi.gather.sensors.hj212.crc import kinds_of
from shuzhi.gather.sensors.hj212.model import EVIDENCE, Frame, Refusal

_START = b"##"
_HEAD = 6
_DIGITS = 4
_STANDARD_MOST = 1024
_FILLER = b"\r\n \t\x00"
_HEXADECIMAL = b"0123456789ABCDEFabcdef"
_BROKEN_FRAME = re.compile(rb"##[0-9]{4}")
_CLOSING = re.compile(rb"&&(?=([0-9A-Fa-f]{4})\r\n)")


@dataclass(frozen=True)
class Limits:
    """What a framer puts up with.

    `most_bytes`: the longest data segment (four digits can say 9999; the standard says 1024).
    `slack`: by how many bytes a length may be wrong, if the checksum is right for the true one.
    `half_frame_seconds`: how long the rest of a frame may keep others waiting.
    """

    most_bytes: int = 9999
    slack: int = 16
    half_frame_seconds: float = 30.0


STANDARD_LIMITS = Limits()


class Framer:
    """The framer of one connection; holds at most one unfinished frame."""

    __slots__ = ("_buffer", "_limits", "_since")

    def __init__(self, limits: Limits = STANDARD_LIMITS) -> None:
        self._limits = limits
        self._buffer = b""
        self._since = 0.0

    @property
    def pending(self) -> int:
        """How many bytes wait for the rest of their frame."""
        return len(self._buffer)

    def feed(self, chunk: bytes, now: float) -> list[Frame | Refusal]:
        """Return what `chunk` completes, in the order of the stream; never raises.

        `now` is in seconds on a clock that does not go backwards.
        """
        late = self.expire(now)
        if not self._buffer:
            self._since = now
        else:
            chunk = self._buffer + chunk
        found, rest = self._cut(chunk)
        if len(rest) != len(chunk):
            self._since = now
        self._buffer = rest
        return late + found if late else found

    def expire(self, now: float) -> list[Frame | Refusal]:
        """Give up a half frame that is too old; return it as refused, and what lay behind it."""
        if not self._buffer or now - self._since < self._limits.half_frame_seconds:
            return []
        return self.close()

    def close(self) -> list[Frame | Refusal]:
        """The stream has ended: return what is left in it."""
        found: list[Frame | Refusal] = []
        while self._buffer:
            again = self._buffer.find(_START, 1)
            again = len(self._buffer) if again < 0 else again
            found.append(Refusal("half_frame", self._buffer[: min(again, EVIDENCE)]))
            more, self._buffer = self._cut(self._buffer[again:])
            found += more
        return found

    def _cut(self, stream: bytes) -> tuple[list[Frame | Refusal], bytes]:
        """Return what is complete, and the rest that waits."""
        found: list[Frame | Refusal] = []
        place = garbage = 0
        while True:
            start = stream.find(_START, place)
            if start < 0:
                # The last byte may be the first half of a start.
                start = len(stream) - stream.endswith(b"#")
                _add_garbage(found, stream[garbage:start])
                return found, stream[start:]
            declared = stream[start + 2 : start + _HEAD]
            if len(declared) < _DIGITS:
                if declared.isdigit() or not declared:
                    _add_garbage(found, stream[garbage:start])
                    return found, stream[start:]
                place = start + 1
                continue
            end = self._end(stream, start, declared)
            if end is None:
                _add_garbage(found, stream[garbage:start])
                return found, stream[start:]
            if end < 0:
                place = start + 1
                continue
            _add_garbage(found, stream[garbage:start])
            found.append(_frame(stream, start, end, int(declared)))
            place = garbage = end + _DIGITS

    def _end(self, stream: bytes, start: int, declared: bytes) -> int | None:
        """Return where the segment ends, -1 if there is no frame, None if more must come."""
        if not declared.isdigit() or int(declared) > self._limits.most_bytes:
            return -1
        end = start + _HEAD + int(declared)
        near = stream.find(b"&&", max(start + _HEAD, end - self._limits.slack - 2), end - 1)
        if near >= 0 and (early := self._by_checksum(stream, start, near, end - 1)) > 0:
            return early
        if len(stream) < end + _DIGITS:
            return None
        if _closes(stream, end):
            return end
        last = end + self._limits.slack
        late = self._by_checksum(stream, start, end - 2, last)
        return None if late < 0 and len(stream) < last + _DIGITS + 2 else late

    def _by_checksum(self, stream: bytes, start: int, place: int, last: int) -> int:
        """Return the first end from `place` to `last` for which the checksum is right, or -1."""
        for closing in _CLOSING.finditer(stream, place, last + _DIGITS + 2):
            end = closing.end()
            if end <= last and kinds_of(stream[start + _HEAD : end], closing[1]):
                return end
        return -1


def whole(raw: bytes) -> Frame:
    """Return the frame of which `raw` is all, as `Frame.raw` was; a line end behind it is cut."""
    raw = raw.rstrip(b"\r\n")
    digits = raw[2:_HEAD]
    declared = int(digits) if digits.isdigit() else -1
    return _frame(raw, 0, max(len(raw) - _DIGITS, _HEAD), declared)


def _closes(stream: bytes, end: int) -> bool:
    digits = stream[end : end + _DIGITS]
    return stream[end - 2 : end] == b"&&" and not digits.translate(None, _HEXADECIMAL)


def _frame(stream: bytes, start: int, end: int, declared: int) -> Frame:
    length = end - start - _HEAD
    tolerated: tuple[str, ...] = () if length == declared else ("length_off",)
    if length > _STANDARD_MOST:
        tolerated = (*tolerated, "over_1024")
    return Frame(
        stream[start : end + _DIGITS],
        stream[start + _HEAD : end],
        stream[end : end + _DIGITS],
        tolerated,
    )


def _add_garbage(found: list[Frame | Refusal], piece: bytes) -> None:
    """Note what lay between frames; line ends and blanks are no news."""
    piece = piece.strip(_FILLER)
    if piece:
        code = "frame_not_closed" if _BROKEN_FRAME.match(piece) else "not_a_frame"
        found.append(Refusal(code, piece[:EVIDENCE], f"{len(piece)} bytes"))
