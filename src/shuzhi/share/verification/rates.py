"""How fast somebody may ask: token buckets, as values that any process can go on with.

A bucket that nobody took from for long is full, and so need not be remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, ItemsView, Mapping
from typing import Generic, NamedTuple, TypeVar

from shuzhi.share.verification.declared import Limits

Name = TypeVar("Name", bound=Hashable)

LISTS = "\n"
"""The name of the bucket that the rows of lists are taken from; nobody is called so."""

_MOST = 50_000
# Clocks of two machines differ by less; a clock that was set back by more must stop nobody.
_SET_BACK_S = 60.0


class Pace(NamedTuple):
    """How fast may be asked: so many questions a second for long, and so many at once."""

    per_second: float
    at_once: float


class Bucket(NamedTuple):
    """How many questions were left at a moment, in seconds of a clock of the wall."""

    left: float
    at_s: float

    def on(self, now_s: float, pace: Pace) -> Bucket:
        """Return the bucket as it is now; it never holds more than may be asked at once."""
        passed_s = now_s - self.at_s
        left = min(pace.at_once, self.left + max(passed_s, 0.0) * pace.per_second)
        return Bucket(left, now_s if passed_s < -_SET_BACK_S else max(now_s, self.at_s))


def paces_of(limits: Limits, name: str, *, is_slowed: bool) -> dict[str, Pace]:
    """Return how fast may be asked now: by all together under no name, and by one who asks.

    The rows of `LISTS` have a pace of their own, and no other.
    """
    share = (limits.slow_to or 1.0) if is_slowed else 1.0
    rates = {"": limits.agreement, name: limits.asker} if name else {"": limits.agreement}
    rates = {LISTS: limits.lists} if name == LISTS else rates
    return {
        name: Pace(rate.per_second * share, max(rate.at_once * share, 1.0))
        for name, rate in rates.items()
        if rate is not None
    }


class Buckets(Generic[Name]):
    """A bucket for each name, in bounded memory."""

    def __init__(self, held: Mapping[Name, Bucket] | None = None, *, most: int = _MOST) -> None:
        self._most = most
        self._held = OrderedDict(held or {})

    def take(self, paces: Mapping[Name, Pace], now_s: float, count: int = 1) -> float:
        """Take questions from all that are named, or from none.

        Return 0, or the seconds until each of them has one. Many are taken where there is one:
        what lacks then has to come back before the next.
        """
        wait_s = 0.0
        for name, pace in paces.items():
            held = self._held.get(name)
            bucket = Bucket(pace.at_once, now_s) if held is None else held.on(now_s, pace)
            self._keep(name, bucket)
            if bucket.left < 1:
                wait_s = max(wait_s, (1 - bucket.left) / pace.per_second)
        if not wait_s:
            for name in paces:
                left, at_s = self._held[name]
                self._held[name] = Bucket(left - count, at_s)
        return wait_s

    def owe(self, paces: Mapping[Name, Pace], now_s: float, count: int) -> None:
        """Take questions from all that are named, whether there are any or not."""
        for name, pace in paces.items():
            left, at_s = self._held.get(name, Bucket(pace.at_once, now_s)).on(now_s, pace)
            self._keep(name, Bucket(left - count, at_s))

    def lower(self, name: Name, bucket: Bucket) -> None:
        """Heed what others took from a bucket too."""
        held = self._held.get(name)
        if held is None or bucket.left < held.left:
            self._keep(name, bucket)

    def items(self) -> ItemsView[Name, Bucket]:
        """Return the buckets with their names."""
        return self._held.items()

    def _keep(self, name: Name, bucket: Bucket) -> None:
        self._held[name] = bucket
        self._held.move_to_end(name)
        if len(self._held) > self._most:
            # The one that was used least lately is the fullest, or nearly.
            self._held.popitem(last=False)
