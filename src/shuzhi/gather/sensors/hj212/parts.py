"""Which parts of split packets came (HJ 212-2017, C.49): each is stored by itself, none is awaited.

A part is a whole frame with whole factors, so nothing is put together; what can be missing is told.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import NamedTuple

from shuzhi.gather.sensors.hj212.model import Head

_MOST_PARTS = 9999


class Packet(NamedTuple):
    """What parts belong together by; `data_time` is in microseconds since 1970 UTC."""

    mn: str
    cn: str
    data_time: int | None
    pnum: int


@dataclass(frozen=True)
class Missing:
    """A packet of which not all parts came within the time."""

    packet: Packet
    parts: tuple[int, ...]


@dataclass
class _Seen:
    since: float
    parts: set[int] = field(default_factory=set)


class Parts:
    """The packets of which parts came; keeps at most `most_packets`, the newest.

    A packet that lacks parts is reported once: when it is too old, or is pushed out by others. A
    whole one is kept as long, since its parts may be sent again.
    """

    def __init__(self, *, wait_seconds: float = 300.0, most_packets: int = 10_000) -> None:
        self._wait, self._most = wait_seconds, most_packets
        self._packets: OrderedDict[Packet, _Seen] = OrderedDict()

    def __len__(self) -> int:
        return len(self._packets)

    def add(self, head: Head, data_time: int | None, now: float) -> list[Missing]:
        """Note a part; return the packets that were given up for it. Frames without parts pass."""
        if head.pnum is None or head.pno is None or not 1 <= head.pno <= head.pnum <= _MOST_PARTS:
            return []
        packet = Packet(head.mn, head.cn, data_time, head.pnum)
        seen = self._packets.setdefault(packet, _Seen(now))
        seen.parts.add(head.pno)
        if len(self._packets) <= self._most:
            return []
        return _missing([self._packets.popitem(last=False)])

    def expire(self, now: float) -> list[Missing]:
        """Return the packets whose first part came too long ago, and forget them."""
        late = list(takewhile(lambda p: now - p[1].since >= self._wait, self._packets.items()))
        for packet, _ in late:
            del self._packets[packet]
        return _missing(late)


def _missing(packets: Iterable[tuple[Packet, _Seen]]) -> list[Missing]:
    return [
        Missing(packet, tuple(n for n in range(1, packet.pnum + 1) if n not in seen.parts))
        for packet, seen in packets
        if len(seen.parts) < packet.pnum
    ]
