"""Who sent the usual frames of a batch; each station's dialect is looked up once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from shuzhi.gather.sensors.hj212 import tables
from shuzhi.gather.sensors.hj212.model import Checksum, Dialect, Edition
from shuzhi.gather.sensors.hj212.reading import interval_seconds
from shuzhi.gather.sensors.hj212.tokens import Heads, Places, Truths

_MICROSECONDS = 1_000_000
_COMMANDS = 10_000
_MINUTE_DATA = 2051
_ST_BITS = 16


class Manner(NamedTuple):
    """What of a station's dialect reading in columns depends on."""

    edition: Edition
    units: tuple[tuple[str, str], ...]
    is_strict: bool
    end_minutes: int
    """The minutes of its 2051 if it gives the end of intervals, else 0."""
    is_usual: bool


class Context(NamedTuple):
    """All that the meaning of a name depends on, apart from the name."""

    st: str
    manner: Manner


@dataclass(frozen=True)
class Senders:
    """For each frame, in `context`, a place in `contexts`; `good` is false for unusual stations.

    `shift` is what is to be taken from each DataTime, in microseconds.
    """

    contexts: tuple[Context, ...]
    context: Places
    good: Truths
    shift: Places


def is_usual(dialect: Dialect) -> bool:
    """Whether a station uses the standard's checksum and no key."""
    return dialect.checksum is Checksum.STANDARD and dialect.key is None


def senders(heads: Heads, dialects: Mapping[str, Dialect]) -> Senders:
    """Return who sent each frame; frames of unknown systems or commands are not good."""
    manners = {_manner(Dialect()): 0}
    spoken = map(dialects.get, heads.mn.dictionary.to_pylist())
    found = [0 if dialect is None else _place(manners, dialect) for dialect in spoken]
    places = np.array(found, np.int64)[heads.mn.indices.to_numpy()]
    codes = pa.array((places << _ST_BITS) | heads.st).dictionary_encode()
    contexts = _contexts(codes.dictionary.to_pylist(), list(manners))
    known, seconds = _commands()
    is_good = np.array([c.manner.is_usual and c.st in tables.systems() for c in contexts], bool)
    ends = np.array([c.manner.end_minutes for c in contexts], np.int64)
    context = codes.indices.to_numpy().astype(np.int64)
    minutes = ends[context]
    interval = np.where(heads.cn == _MINUTE_DATA, minutes * 60, seconds[heads.cn])
    return Senders(
        contexts=contexts,
        context=context,
        good=is_good[context] & known[heads.cn],
        shift=np.where(minutes > 0, interval * _MICROSECONDS, 0),
    )


def _place(manners: dict[Manner, int], dialect: Dialect) -> int:
    return manners.setdefault(_manner(dialect), len(manners))


def _manner(dialect: Dialect) -> Manner:
    units = tuple(sorted(dialect.units.items())) if dialect.units else ()
    end_minutes = dialect.minute_interval if dialect.stamps_end else 0
    return Manner(dialect.edition, units, dialect.is_strict, end_minutes, is_usual(dialect))


def _contexts(codes: list[int], manners: list[Manner]) -> tuple[Context, ...]:
    """Return what pairs of a manner and a system mean, each in one number."""
    found = (divmod(code, 1 << _ST_BITS) for code in codes)
    return tuple(
        Context(st.to_bytes(2, "big").decode("ascii"), manners[place]) for place, st in found
    )


@cache
def _commands() -> tuple[Truths, Places]:
    """Return, by the number of a command, whether it is known and how long its interval is."""
    known = np.zeros(_COMMANDS, bool)
    seconds = np.zeros(_COMMANDS, np.int64)
    for cn in tables.commands():
        known[int(cn)] = True
        seconds[int(cn)] = interval_seconds(cn, Dialect())
    return known, seconds
