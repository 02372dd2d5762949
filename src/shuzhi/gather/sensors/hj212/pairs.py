"""The names and values of the usual frames of a batch, every distinct name understood once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shuzhi.gather.sensors.hj212 import tables
from shuzhi.gather.sensors.hj212.names import Name, meaning
from shuzhi.gather.sensors.hj212.senders import Context, Manner
from shuzhi.gather.sensors.hj212.tokens import Heads, Joined, Places, Truths

UNUSUAL, VALUE, MARK, MAKER_MARK, SAMPLE_TIME = range(5)
_ROLES = {
    "value": VALUE,
    "mark": MARK,
    "maker_mark": MAKER_MARK,
    "sample_time": SAMPLE_TIME,
}
_LONGEST_NAME = 16
_REMEMBERED = 32
_WORD = 8
_WIDTH_BITS = 5
# By the length of a name: which bytes of its first eight count, and of the eight behind them.
_WIDTHS = range(_LONGEST_NAME + 1)
_FIRST_BYTES = np.array([(1 << (8 * min(n, _WORD))) - 1 for n in _WIDTHS], np.uint64)
_LAST_BYTES = np.array([(1 << (8 * max(n - _WORD, 0))) - 1 for n in _WIDTHS], np.uint64)
_MIXERS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))


@dataclass(frozen=True)
class Pairs:
    """Each name with its value: `frame` is a place in the heads.

    `opens` is true for the first pair of each group.
    """

    frame: Places
    name_begins: Places
    name_ends: Places
    begins: Places
    ends: Places
    opens: Truths


class Words:
    """Distinct texts and their numbers."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """Return the number of a text, a new one if need be."""
        return self._numbers.setdefault(text, len(self._numbers))

    def column(self, numbers: NDArray[np.int32]) -> pa.DictionaryArray:
        """Return the texts of many numbers, each of which was given out here."""
        # To look through all of them again would take longer than to make the column.
        return pa.DictionaryArray.from_arrays(pa.array(numbers), self.texts, safe=False)

    @cached_property
    def texts(self) -> pa.StringArray:
        """All texts, by their numbers."""
        return pa.array(list(self._numbers), pa.string())


class Meanings:
    """What the distinct names of a batch mean, as columns."""

    def __init__(self, names: tuple[tuple[str, Context], ...]) -> None:
        self.words = Words()
        self.names = [name for name, _ in names]
        self.found = [meaning(name, of.st, of.manner.edition) for name, of in names]
        both = [(found, of.manner) for found, (_, of) in zip(self.found, names, strict=True)]
        units = [dict(manner.units).get(found.factor, found.unit) for found, manner in both]
        self.role = np.array([_role(found, manner) for found, manner in both], np.uint8)
        self.factor = self._numbers([found.factor for found in self.found])
        self.sent = self._numbers([found.sent for found in self.found])
        self.field = self._numbers([found.field for found in self.found])
        self.unit = self._numbers(units)
        self.oddities = np.array([len(found.tolerated) for found in self.found], np.int64)
        # One number for each factor and field; those of one frame lie close to each other.
        keys: dict[tuple[int, int], int] = {}
        self.key = np.array(
            [
                keys.setdefault(pair, len(keys))
                for pair in zip(self.factor.tolist(), self.field.tolist(), strict=True)
            ],
            np.int64,
        )

    def _numbers(self, texts: list[str]) -> NDArray[np.int32]:
        return np.array([self.words.number(text) for text in texts], np.int32)


meanings = lru_cache(_REMEMBERED)(Meanings)
"""Stations send the same names in every batch."""


def _role(name: Name, manner: Manner) -> int:
    """Left to the slow way: what needs decimals, may be a word, is refused, or is an item."""
    if name.exponent or name.is_text or not name.factor:
        return UNUSUAL
    if manner.is_strict and not tables.strict().issuperset(name.tolerated):
        return UNUSUAL
    return _ROLES.get(name.role, UNUSUAL)


def paired(heads: Heads, joined: Joined) -> tuple[Heads, Pairs]:
    """Return the names and values of the frames that have nothing else, and their heads."""
    heads = heads.kept((heads.last - heads.items) % 2 == 0)
    count = (heads.last - heads.items) // 2
    frame = np.repeat(np.arange(len(count)), count)
    first = np.cumsum(count) - count
    # Where the `=` of each pair stands among the separators.
    ranks = np.repeat(heads.items + 1 - 2 * first, count)
    ranks += np.arange(0, 2 * len(frame), 2)
    before = joined.kinds[ranks - 1]
    opens = before == ord(";")
    opens[first[count > 0]] = True
    equals = joined.marks[ranks]
    pairs = Pairs(
        frame=frame,
        name_begins=joined.marks[ranks - 1] + 1,
        name_ends=equals,
        begins=equals + 1,
        ends=joined.marks[ranks + 1],
        opens=opens,
    )
    width = equals - pairs.name_begins
    good = (joined.kinds[ranks] == ord("=")) & (opens | (before == ord(",")))
    good &= (before != ord("&")) & (width >= 1) & (width <= _LONGEST_NAME)
    if good.all():
        return heads, pairs
    usual = np.ones(len(count), bool)
    usual[frame[~good]] = False
    return paired(heads.kept(usual), joined)


def understood(
    pairs: Pairs, joined: Joined, contexts: tuple[Context, ...], context: Places
) -> tuple[Meanings, Places, Truths]:
    """Return what the names mean, and for each pair the place of its meaning.

    `context` says for each frame which of `contexts` is its. Last is which pairs are understood:
    names are told apart by a number mixed from all that they are, and two may get the same.
    """
    begins, ends = pairs.name_begins, pairs.name_ends
    context = context[pairs.frame] if len(contexts) > 1 else np.zeros(1, np.int64)
    width = ends - begins
    head, tail = joined.long_words(begins)
    if width.min(initial=_LONGEST_NAME) < _WORD:
        head &= _FIRST_BYTES[width]
    tail &= _LAST_BYTES[width]
    rest = (context << _WIDTH_BITS) | width
    mixed = (head * _MIXERS[0]) ^ (tail * _MIXERS[1]) ^ rest.astype(np.uint64)
    name = pa.array(mixed).dictionary_encode().indices.to_numpy().astype(np.int64)
    # The first occurrence of each: what is written last stays.
    first = np.zeros(name.max(initial=-1) + 1, np.int64)
    first[name[::-1]] = np.arange(len(name) - 1, -1, -1)
    same = head == head[first].take(name)
    same &= tail == tail[first].take(name)
    same &= rest == rest[first].take(name)
    names = tuple(
        (joined.buffer[begin:end].decode("ascii"), contexts[of >> _WIDTH_BITS])
        for begin, end, of in zip(
            begins[first].tolist(), ends[first].tolist(), rest[first].tolist(), strict=True
        )
    )
    return meanings(names), name, same
