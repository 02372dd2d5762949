"""Who sent the usual frames of a batch; each station's dialect is looked up once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from shuzhi.gather.sensors.hj212 import tables
from shuzhi.gather.sensors.hj212.model import Checksum, Dialect, Edition
from shuzhi.gather.sensors.hj212.reading import interval_seconds
from shuzhi.gather.sensors.hj212.tokens import Heads, Places, Truths

_MICROSECONDS = 1_000_000
_COMMANDS = 10_000
_MINUTE_DATA = 2051


@dataclass(frozen=True)
class Context:
    """All that the meaning of a name depends on, apart from the name."""

    st: str
    edition: Edition
    units: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Senders:
    """For each frame, in `context`, a place in `contexts`; `good` is false for unusual stations.

    `shift` is what is to be taken from each DataTime, in microseconds.
    """

    contexts: tuple[Context, ...]
    context: Places
    good: Truths
    shift: Places


def senders(heads: Heads, dialects: Mapping[str, Dialect]) -> Senders:
    """Return who sent each frame.

    A station is usual when it uses the standard's checksum and no key, and is not held to the
    standard's letter; a frame is when its system and command are in the tables.
    """
    mns = heads.mn.dictionary.to_pylist()
    keys = pa.array((heads.mn.indices.to_numpy().astype(np.int64) << 16) | heads.st)
    keys = keys.dictionary_encode()
    of_frame = keys.indices.to_numpy()
    usual = Dialect()
    contexts: dict[Context, int] = {}
    place, good, minutes = [], [], []
    for key in keys.dictionary.to_pylist():
        dialect = dialects.get(mns[key >> 16], usual)
        st = (key & 0xFFFF).to_bytes(2, "big").decode("ascii")
        context = Context(st, dialect.edition, tuple(sorted(dialect.units.items())))
        place.append(contexts.setdefault(context, len(contexts)))
        good.append(_is_usual(dialect) and st in tables.systems())
        minutes.append(dialect.minute_interval if dialect.stamps_end else 0)
    known, seconds = _commands()
    minute = np.array(minutes, np.int64)[of_frame]
    interval = np.where(heads.cn == _MINUTE_DATA, minute * 60, seconds[heads.cn])
    return Senders(
        contexts=tuple(contexts),
        context=np.array(place, np.int64)[of_frame],
        good=np.array(good, bool)[of_frame] & known[heads.cn],
        shift=np.where(minute > 0, interval * _MICROSECONDS, 0),
    )


def _is_usual(dialect: Dialect) -> bool:
    return dialect.checksum is Checksum.STANDARD and dialect.key is None and not dialect.is_strict


@cache
def _commands() -> tuple[Truths, Places]:
    """Return, by the number of a command, whether it is known and how long its interval is."""
    known = np.zeros(_COMMANDS, bool)
    seconds = np.zeros(_COMMANDS, np.int64)
    for cn in tables.commands():
        known[int(cn)] = True
        seconds[int(cn)] = interval_seconds(cn, Dialect())
    return known, seconds
