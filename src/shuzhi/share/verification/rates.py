"""How fast somebody may ask: token buckets in bounded memory.

A bucket that nobody took from for long is full, and so need not be remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

_MOST = 50_000


class Buckets:
    """A bucket for each name; `take` says how long to wait where one is empty."""

    def __init__(self, *, most: int = _MOST) -> None:
        self._most = most
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(
        self, name: Hashable, now_s: float, *, per_second: float, at_once: float, count: int = 1
    ) -> float:
        """Take `count` from a bucket; return 0, or the seconds until it has so many.

        `now_s` is a clock's reading in seconds. A bucket never holds more than `at_once`.
        """
        left, at = self._left.get(name, (at_once, now_s))
        left = min(at_once, left + max(now_s - at, 0.0) * per_second)
        wait = 0.0 if left >= count else (count - left) / per_second
        self._left[name] = (left if wait else left - count, now_s)
        self._left.move_to_end(name)
        if len(self._left) > self._most:
            # The one that was used least lately is the fullest, or nearly.
            self._left.popitem(last=False)
        return wait
