"""Reads the usual frames of a batch at once, column by column, with the result of the slow way.

Names repeat from frame to frame, so each is understood once for a batch; numbers and times are
read in arrays. A frame with anything unusual in it is left, whole, to `reading`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow as pa

from shuzhi.gather.sensors.hj212 import tables
from shuzhi.gather.sensors.hj212.model import Dialect
from shuzhi.gather.sensors.hj212.numbers import numbers_of
from shuzhi.gather.sensors.hj212.pairs import (
    MAKER_MARK,
    MARK,
    SAMPLE_TIME,
    UNUSUAL,
    VALUE,
    Pairs,
    paired,
    understood,
)
from shuzhi.gather.sensors.hj212.reading import MOST_CHARACTERS
from shuzhi.gather.sensors.hj212.rows import (
    FINDINGS,
    FRAMES,
    ITEMS,
    OBSERVATIONS,
    TIME,
    Batch,
    Rows,
)
from shuzhi.gather.sensors.hj212.senders import Context, senders
from shuzhi.gather.sensors.hj212.times import stamps
from shuzhi.gather.sensors.hj212.tokens import (
    Heads,
    Joined,
    Octets,
    Places,
    Truths,
    join,
    usual_heads,
)

_TIME_DIGITS = 14
_NONE = -1
_BIT = 63
_KEPT_BYTES = 31 << 20


def read_usual(
    frames: Sequence[bytes], places: Places, dialects: Mapping[str, Dialect]
) -> tuple[Batch, Places]:
    """Return what the usual among some frames say, and which were not usual.

    The frames go by the numbers `places`, in the batch and in what is returned.
    """
    _keep_pages()
    joined = join(frames)
    heads = usual_heads(joined)
    who = senders(heads, dialects)
    heads = replace(heads, data_time=heads.data_time - who.shift, context=who.context)
    heads, pairs = paired(heads.kept(who.good), joined)
    heads = replace(heads, frames=places[heads.frames])
    if not len(heads.frames):
        return Rows().batch(), places
    batch = _Columns(joined, heads, pairs, who.contexts).batch()
    if batch.frames.num_rows == len(places):
        return batch, places[:0]
    return batch, np.setdiff1d(places, batch.frames["frame"].to_numpy(), assume_unique=True)


class _Columns:
    """The pairs of usual frames on their way into rows; finds out which frames are not usual."""

    def __init__(
        self, joined: Joined, heads: Heads, pairs: Pairs, contexts: tuple[Context, ...]
    ) -> None:
        self._joined, self._heads, self._pairs = joined, heads, pairs
        found = understood(pairs, joined, contexts, heads.context)
        self._meanings, self._meaning, is_understood = found
        self._group = np.cumsum(pairs.opens) - 1
        self._is_good = np.ones(len(heads.frames), bool)
        self._st, self._cn = _coded(heads.st, _st), _coded(heads.cn, _cn)
        self._drop(~is_understood)

    def batch(self) -> Batch:
        role = self._meanings.role.take(self._meaning)
        values = np.flatnonzero(role == VALUE)
        frame, meaning = self._pairs.frame.take(values), self._meaning.take(values)
        self._drop(role == UNUSUAL)
        self._drop_mixed_groups(values)
        self._drop_repeated(frame, meaning)
        marks = self._marks(np.flatnonzero(role == MARK))
        self._drop_bad_marks(marks[marks >= 0])
        rare = self._rare(role)
        begins, ends = self._pairs.begins.take(values), self._pairs.ends.take(values)
        texts = self._joined.texts(begins, ends)
        numbers, usual = numbers_of(texts)
        self._drop(values[~usual | (ends - begins > MOST_CHARACTERS)])
        if not self._is_good.all():
            good = self._is_good.take(frame)
            values, frame, meaning = values[good], frame[good], meaning[good]
            texts, numbers = texts.filter(pa.array(good)), numbers.filter(pa.array(good))
        groups = self._group.take(values)
        columns = self._of_values(frame, meaning) | {
            "number": numbers,
            "text": texts,
            "mark": self._mark_column(marks, groups),
            **{name: column(groups) for name, column in rare.items()},
        }
        observations = _table(OBSERVATIONS, columns, len(values))
        return Batch(self._frames(), observations, ITEMS.empty_table(), self._findings())

    def _rare(self, role: Octets) -> dict[str, Callable[[Places], pa.Array]]:
        """Return what makes the columns that most batches have no values for."""
        found: dict[str, Callable[[Places], pa.Array]] = {}
        if len(pairs := np.flatnonzero(role == MAKER_MARK)):
            makers = self._marks(pairs)
            found["maker_mark"] = lambda groups: self._text_column(makers[groups])
        if len(pairs := np.flatnonzero(role == SAMPLE_TIME)):
            samples = self._marks(pairs)
            times = self._sample_times(samples)
            found["sample_time"] = lambda groups: _times(times[groups], samples[groups] < 0)
        return found

    def _drop(self, pairs: Places | Truths) -> None:
        if pairs.dtype != bool or pairs.any():
            self._is_good[self._pairs.frame[pairs]] = False

    def _drop_mixed_groups(self, values: Places) -> None:
        """A group is about one factor, and has a value."""
        opening = np.flatnonzero(self._pairs.opens)
        factor = self._meanings.factor.take(self._meaning)
        self._drop(factor != factor[opening].take(self._group))
        has_value = np.zeros(len(opening), bool)
        has_value[self._group.take(values)] = True
        self._drop(opening[~has_value])

    def _drop_repeated(self, frame: Places, meaning: Places) -> None:
        """A factor has one value for each field; given are the values' frames and meanings."""
        key = self._meanings.key.take(meaning)
        opening = np.flatnonzero(np.diff(frame, prepend=_NONE))
        bits = np.uint64(1) << (key & _BIT).astype(np.uint64)
        seen = np.bitwise_count(np.bitwise_or.reduceat(bits, opening)) if len(bits) else bits
        # As many bits as values: all differ. Else two may share a bit, so look closer.
        count = np.diff(opening, append=len(frame))
        doubtful = np.repeat(seen != count, count)
        frame, key = frame[doubtful], key[doubtful]
        order = np.lexsort((key, frame))
        frame, key = frame[order], key[order]
        again = (frame[1:] == frame[:-1]) & (key[1:] == key[:-1])
        self._is_good[frame[1:][again]] = False

    def _marks(self, pairs: Places) -> Places:
        """Return for each group its pair among these, -1 where it has none."""
        found = np.full(self._group[-1] + 1 if len(self._group) else 0, _NONE)
        groups = self._group[pairs]
        found[groups] = pairs
        # Of two marks in one group the later stands here; the earlier one knows that.
        self._drop(pairs[found[groups] != pairs])
        return found

    def _drop_bad_marks(self, pairs: Places) -> None:
        begins, ends = self._pairs.begins.take(pairs), self._pairs.ends.take(pairs)
        known = _known_marks().take(self._joined.octets.take(begins)) != _NONE
        self._drop(pairs[(ends - begins != 1) | ~known])

    def _sample_times(self, samples: Places) -> Places:
        """Return the sample time of each group, 0 where it has none."""
        groups = np.flatnonzero(samples >= 0)
        pairs = samples[groups]
        begins, ends = self._pairs.begins[pairs], self._pairs.ends[pairs]
        moments, good = stamps(self._joined.octets[begins[:, None] + np.arange(_TIME_DIGITS)])
        self._drop(pairs[~good | (ends - begins != _TIME_DIGITS)])
        times = np.zeros(len(samples), np.int64)
        times[groups] = moments
        return times

    def _mark_column(self, marks: Places, groups: Places) -> pa.DictionaryArray:
        """Return the mark of each of the groups; `marks` is the pair of every group's."""
        octets = self._joined.octets[self._pairs.begins[marks]]
        known = np.where(marks < 0, _NONE, _known_marks()[octets]).astype(np.int32)
        numbers = known.take(groups)
        places = pa.array(numbers, mask=numbers < 0)
        return pa.DictionaryArray.from_arrays(places, pa.array(sorted(tables.marks())), safe=False)

    def _text_column(self, pairs: Places) -> pa.DictionaryArray:
        """Return the texts of pairs, null where the place is -1."""
        has = pairs >= 0
        given, place = np.unique(pairs[has], return_inverse=True)
        texts = self._joined.texts(self._pairs.begins[given], self._pairs.ends[given])
        numbers = np.zeros(len(pairs), np.int32)
        numbers[has] = place
        return texts.take(pa.array(numbers, mask=~has)).dictionary_encode()

    def _frames(self) -> pa.Table:
        heads, good = self._heads.kept(self._is_good), pa.array(self._is_good)
        count = len(heads.frames)
        columns = {
            "frame": pa.array(heads.frames, pa.int32()),
            "qn": heads.qn,
            "st": self._st.filter(good),
            "cn": self._cn.filter(good),
            "mn": heads.mn,
            "flag": pa.array(heads.flag, pa.int16()),
            "is_resent": pa.array(np.zeros(count, bool)),
            "data_time": _times(heads.data_time),
        }
        return _table(FRAMES, columns, count)

    def _of_values(self, frame: Places, meaning: Places) -> dict[str, pa.Array]:
        """Return the columns that say which station, when and what."""
        rows, heads, said = pa.array(frame), self._heads, self._meanings
        return {
            "frame": pa.array(heads.frames.astype(np.int32).take(frame)),
            "mn": heads.mn.take(rows),
            "st": self._st.take(rows),
            "cn": self._cn.take(rows),
            "data_time": _times(heads.data_time.take(frame)),
            "factor": said.words.column(said.factor.take(meaning)),
            "sent_factor": said.words.column(said.sent.take(meaning)),
            "field": said.words.column(said.field.take(meaning)),
            "unit": said.words.column(said.unit.take(meaning)),
        }

    def _findings(self) -> pa.Table:
        count = self._meanings.oddities
        if not count.any():
            return FINDINGS.empty_table()
        odd = np.flatnonzero(self._is_good[self._pairs.frame] & (count[self._meaning] > 0))
        # A name that stands in several groups of a frame is told of once.
        name = self._pairs.frame[odd] * len(count) + self._meaning[odd]
        odd = odd[np.sort(np.unique(name, return_index=True)[1])]
        pairs = np.repeat(odd, count[self._meaning[odd]])
        codes = [code for found in self._meanings.found for code in found.tolerated]
        meaning = self._meaning[pairs]
        # A pair stands here once for each of its codes, one behind the other.
        first = np.cumsum(count) - count
        place = np.arange(len(pairs)) - np.searchsorted(pairs, pairs)
        frame = self._pairs.frame[pairs]
        columns = {
            "frame": pa.array(self._heads.frames[frame], pa.int32()),
            "mn": self._heads.mn.take(pa.array(frame)),
            "code": pa.array(codes, pa.string()).take(pa.array(first[meaning] + place)),
            "about": pa.array(self._meanings.names, pa.string()).take(pa.array(meaning)),
        }
        return _table(FINDINGS, columns, len(pairs))


@cache
def _keep_pages() -> None:
    """Let the arrays of the next batch find the pages that those of the last one had.

    Glibc gives the end of its heap back after each batch, and every page of the next is a fault. A
    block of at most 32 MB that is freed makes it keep twice as much (malloc(3), M_MMAP_THRESHOLD).
    """
    np.empty(_KEPT_BYTES, np.uint8)


@cache
def _known_marks() -> Places:
    """Return the place of each mark among the sorted ones, by its byte; -1 for no mark."""
    places = np.full(256, _NONE)
    for place, mark in enumerate(sorted(tables.marks())):
        places[ord(mark)] = place
    return places


def _st(number: int) -> str:
    return number.to_bytes(2, "big").decode("ascii")


def _cn(number: int) -> str:
    return f"{number:04d}"


def _coded(numbers: Places, text: Callable[[int], str]) -> pa.DictionaryArray:
    """Return numbers as the codes that they stand for."""
    found = pa.array(numbers).dictionary_encode()
    texts = pa.array([text(number) for number in found.dictionary.to_pylist()], pa.string())
    return pa.DictionaryArray.from_arrays(found.indices, texts)


def _times(microseconds: Places, is_missing: Truths | None = None) -> pa.TimestampArray:
    return pa.array(microseconds, pa.int64(), mask=is_missing).view(TIME)


def _table(schema: pa.Schema, columns: Mapping[str, pa.Array], count: int) -> pa.Table:
    arrays = []
    for wanted in schema:
        column = columns.get(wanted.name)
        if column is None:
            column = pa.nulls(count, wanted.type)
        elif column.type != wanted.type:
            column = column.cast(wanted.type)
        arrays.append(column)
    return pa.Table.from_arrays(arrays, schema=schema)
