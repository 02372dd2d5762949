"""Many frames at once as one buffer with its separators, and which of them are of the usual shape.

A usual frame has the fields of HJ 212-2017 in their order, one DataTime at the beginning of its
data area, a right checksum of the standard's kind, and nothing but visible ASCII.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shuzhi.gather.sensors.hj212.crc import standard_of_slices
from shuzhi.gather.sensors.hj212.times import stamps

Places = NDArray[np.int64]
Octets = NDArray[np.uint8]
Truths = NDArray[np.bool_]

_PADDING = bytes(64)
_START, _TAIL = 6, 4
_MOST_BYTES = 1024
_MOST_FLAG = 255
_MOST_FLAG_DIGITS = 3
_NINE = 9
_WORD = 8
_SPLIT = 2
_TIME_DIGITS = 14
_FIRST_VISIBLE, _LAST_VISIBLE = 0x21, 0x7E

# A point stands for any byte, a zero for any digit.
_HEAD = b"##0000QN=00000000000000000;ST=..;CN=0000;PW=...."
_LENGTH, _QN, _ST, _CN = slice(2, 6), slice(9, 26), slice(30, 32), slice(36, 40)
# The separators of the head and of DataTime; ranks are those of the separators behind PW, MN, Flag,
# the opening && and the word DataTime.
_KINDS = b"=;=;=;=;=;=;=&&="
_PW, _MN, _FLAG, _AREA, _TIME = 7, 9, 11, 14, 15
_NAMES = ((_PW, b"MN="), (_MN, b"Flag="), (_FLAG, b"CP=&&"), (_AREA, b"DataTime"))
_HEXADECIMAL = np.full(256, 0x10000, np.int64)
for _text in "0123456789ABCDEFabcdef":
    _HEXADECIMAL[ord(_text)] = int(_text, 16)


def _words_of(text: bytes) -> NDArray[np.uint64]:
    return np.frombuffer(text, "<u8")


def _where(kept: str, byte: int) -> NDArray[np.uint64]:
    """Return a mask with `byte` wherever the head has one of the characters `kept`."""
    return _words_of(bytes(byte if chr(octet) in kept else 0 for octet in _HEAD))


_IS_DIGIT = "0"
_IS_FIXED = "".join(sorted(set(_HEAD.decode()) - {"0", "."}))
_FIXED_MASK, _HIGH_HALF, _LOW_HALF = (
    _where(_IS_FIXED, 0xFF),
    _where(_IS_DIGIT, 0xF0),
    _where(_IS_DIGIT, 0x0F),
)
_DIGIT_HIGH, _SIX = _where(_IS_DIGIT, 0x30), _where(_IS_DIGIT, 0x06)


@dataclass(frozen=True)
class Joined:
    """Frames laid end to end: where each begins and ends, and every separator (`;`, `,`, `=`, `&`).

    `first` and `count` say which separators are a frame's.
    """

    buffer: bytes
    octets: Octets
    starts: Places
    ends: Places
    marks: Places
    kinds: Octets
    first: Places
    count: Places

    def words(self, places: Places) -> NDArray[np.uint64]:
        """Return the eight bytes from each place, the first in the lowest bits."""
        return _words_at(self.octets, places)

    def long_words(self, places: Places) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return the first and the second eight bytes from each place."""
        words, whole, turn, back = _aligned(self.octets, places)
        first, second, third = words.take(whole), words.take(whole + 1), words.take(whole + 2)
        return _turned(first, second.copy(), turn, back), _turned(second, third, turn, back)

    def texts(self, starts: Places, ends: Places) -> pa.StringArray:
        """Return the ASCII texts from `starts` to `ends`, which lie behind each other."""
        offsets = np.empty(2 * len(starts) + 1, np.int32)
        offsets[:-1:2] = starts
        offsets[1::2] = ends
        offsets[-1] = offsets[-2] if len(starts) else 0
        pieces = pa.StringArray.from_buffers(
            2 * len(starts), pa.py_buffer(offsets), pa.py_buffer(self.buffer)
        )
        return pieces.take(pa.array(np.arange(0, 2 * len(starts), 2, dtype=np.int32)))


@dataclass(frozen=True)
class Heads:
    """The heads of usual frames; `frames` are their places in the batch.

    `st` has the two characters as one number. `context` is what `senders` says. `items` is the
    index of the separator behind each DataTime's value, `last` that of the last but one `&`.
    """

    frames: Places
    qn: pa.StringArray
    st: Places
    cn: Places
    mn: pa.DictionaryArray
    flag: Places
    data_time: Places
    context: Places
    items: Places
    last: Places

    def kept(self, good: Truths) -> Heads:
        """Return the heads that are `good`."""
        if good.all():
            return self
        texts = pa.array(good)
        return Heads(
            **{
                name: value[good] if isinstance(value, np.ndarray) else value.filter(texts)
                for name, value in vars(self).items()
            }
        )


def join(frames: Sequence[bytes]) -> Joined:
    """Lay frames end to end and find their separators."""
    buffer = b"".join((*frames, _PADDING))
    octets = np.frombuffer(buffer, np.uint8)
    ends = np.cumsum(np.fromiter(map(len, frames), np.int64, len(frames)))
    starts = np.concatenate(([0], ends[:-1])) if len(ends) else ends
    is_mark = octets == ord(";")
    is_kind = np.empty_like(is_mark)
    for kind in b",=&":
        np.equal(octets, kind, out=is_kind)
        is_mark |= is_kind
    # The padding's zeros stand behind the last separators, so that there is always a next one.
    is_mark[-len(_PADDING) :] = True
    marks = np.flatnonzero(is_mark)
    first = np.searchsorted(marks, starts)
    count = np.searchsorted(marks, ends) - first
    return Joined(buffer, octets, starts, ends, marks, octets[marks], first, count)


def _words_at(octets: Octets, places: Places) -> NDArray[np.uint64]:
    """Return the eight bytes from each place, with sixteen more behind the last one."""
    words, whole, turn, back = _aligned(octets, places)
    return _turned(words.take(whole), words.take(whole + 1), turn, back)


def _aligned(
    octets: Octets, places: Places
) -> tuple[NDArray[np.uint64], Places, NDArray[np.uint64], NDArray[np.uint64]]:
    """Return all words, which of them holds each place, and by how many bits it is off.

    Two words that are aligned are read much sooner than one that is not.
    """
    turn = ((places & 7) << 3).view(np.uint64)
    return octets[: len(octets) // _WORD * _WORD].view("<u8"), places >> 3, turn, 63 - turn


def _turned(
    found: NDArray[np.uint64],
    following: NDArray[np.uint64],
    turn: NDArray[np.uint64],
    back: NDArray[np.uint64],
) -> NDArray[np.uint64]:
    """Return the bytes that begin in one word and end in the following; both are used up."""
    found >>= turn
    # In two steps, for a word has no shift by all of its bits.
    following <<= np.uint64(1)
    following <<= back
    found |= following
    return found


def usual_heads(joined: Joined) -> Heads:
    """Return the heads of the frames that are usual as far as can be seen from outside an item."""
    frames = np.flatnonzero((joined.count >= len(_KINDS) + 2) & _is_visible(joined))
    frames = frames[_has_shape(joined, frames)]
    words = joined.words(joined.starts[frames, None] + np.arange(0, len(_HEAD), 8))
    good = (words & _FIXED_MASK == _words_of(_HEAD) & _FIXED_MASK).all(axis=1)
    good &= (words & _HIGH_HALF == _DIGIT_HIGH).all(axis=1)
    good &= (((words & _LOW_HALF) + _SIX) & _HIGH_HALF == 0).all(axis=1)
    good &= _names_are_right(joined, frames)
    head = words.view(np.uint8)
    length = joined.ends[frames] - joined.starts[frames] - _START - _TAIL
    good &= (length == _numbers(head[:, _LENGTH])) & (length <= _MOST_BYTES)
    if not good.all():
        frames, head = frames[good], head[good]
    frames, head = _checked(joined, frames, head)
    return _heads(joined, frames, head)


def _is_visible(joined: Joined) -> Truths:
    """Which frames have visible ASCII only; blanks, line ends and Chinese are not usual."""
    octets = joined.octets[: -len(_PADDING)]
    if octets.size and octets.min() >= _FIRST_VISIBLE and octets.max() <= _LAST_VISIBLE:
        return np.ones(len(joined.starts), bool)
    others = np.flatnonzero((octets < _FIRST_VISIBLE) | (octets > _LAST_VISIBLE))
    visible = np.ones(len(joined.starts), bool)
    visible[np.searchsorted(joined.ends, others, side="right")] = False
    return visible


def _has_shape(joined: Joined, frames: Places) -> Truths:
    """Which frames have the separators of a head and of an end in their order."""
    first, last = joined.first[frames], joined.first[frames] + joined.count[frames] - 1
    good = np.ones(len(frames), bool)
    for place in (0, 8):
        good &= _words_at(joined.kinds, first + place) == _words_of(_KINDS)[place // 8]
    for back in (0, 1):
        good &= joined.kinds[last - back] == ord("&")
        good &= joined.marks[last - back] == joined.ends[frames] - _TAIL - 1 - back
    times = joined.marks[first + _TIME + 1] - joined.marks[first + _TIME] - 1
    result: Truths = good & (times == _TIME_DIGITS)
    return result


def _names_are_right(joined: Joined, frames: Places) -> Truths:
    """Which frames have the names MN, Flag, CP and DataTime where they belong."""
    first = joined.first[frames]
    good = np.ones(len(frames), bool)
    for rank, name in _NAMES:
        mask = np.uint64((1 << (8 * len(name))) - 1)
        words = joined.words(joined.marks[first + rank] + 1)
        good &= (words & mask) == np.uint64(int.from_bytes(name, "little"))
    good &= joined.marks[first + _TIME] - joined.marks[first + _AREA] == len("DataTime") + 1
    result: Truths = good & (joined.marks[first + _MN] > joined.marks[first + _MN - 1] + 1)
    return result


def _checked(joined: Joined, frames: Places, head: Octets) -> tuple[Places, Octets]:
    """Keep the frames whose checksum is right."""
    starts, ends = joined.starts[frames] + _START, joined.ends[frames] - _TAIL
    given = _HEXADECIMAL[joined.octets[ends[:, None] + np.arange(_TAIL)]]
    given = given @ np.array([4096, 256, 16, 1])
    good = given == standard_of_slices(joined.buffer, starts, ends)
    return (frames, head) if good.all() else (frames[good], head[good])


def _heads(joined: Joined, frames: Places, head: Octets) -> Heads:
    first = joined.first[frames]
    begin, end = joined.marks[first + _FLAG - 1] + 1, joined.marks[first + _FLAG]
    flag, is_flag = _flags(joined, begin, end)
    texts = joined.octets[joined.marks[first + _TIME, None] + 1 + np.arange(_TIME_DIGITS)]
    data_time, is_time = stamps(texts)
    good = is_flag & is_time & ((flag & _SPLIT) == 0)
    frames, head, first = frames[good], head[good], first[good]
    qn = joined.starts[frames] + _QN.start
    return Heads(
        frames=frames,
        qn=joined.texts(qn, qn + (_QN.stop - _QN.start)),
        st=head[:, _ST].astype(np.int64) @ np.array([256, 1]),
        cn=_numbers(head[:, _CN]),
        mn=joined.texts(
            joined.marks[first + _MN - 1] + 1, joined.marks[first + _MN]
        ).dictionary_encode(),
        flag=flag[good],
        data_time=data_time[good],
        context=np.zeros(len(frames), np.int64),
        items=first + _TIME + 1,
        last=first + joined.count[frames] - 2,
    )


def _flags(joined: Joined, begin: Places, end: Places) -> tuple[Places, Truths]:
    """Return the numbers of one to three digits from `begin` to `end`, and which are such."""
    width = end - begin
    good = (width >= 1) & (width <= _MOST_FLAG_DIGITS)
    number = np.zeros(len(begin), np.int64)
    for place in range(_MOST_FLAG_DIGITS):
        digit = joined.octets[begin + place].astype(np.int64) - ord("0")
        inside = place < width
        good &= ~inside | ((digit >= 0) & (digit <= _NINE))
        number = np.where(inside, number * 10 + digit, number)
    return number, good & (number <= _MOST_FLAG)


def _numbers(digits: Octets) -> Places:
    powers = 10 ** np.arange(digits.shape[1] - 1, -1, -1)
    result: Places = (digits.astype(np.int64) - ord("0")) @ powers
    return result
