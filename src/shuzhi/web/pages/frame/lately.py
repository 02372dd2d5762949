"""What was shown to somebody a moment ago: shown again without being asked for again.

It is kept for one visit alone, for minutes, in the memory of this process.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import Generic, TypeVar

from shuzhi.kernel.instant import Clock, Instant
from shuzhi.share.accounts import Standing

What = TypeVar("What")

_KEPT_FOR = timedelta(minutes=5)
_MOST_KEPT = 1_000
_Key = tuple[str, int | None, str]


@dataclass
class Lately(Generic[What]):
    """What was shown lately, by visit and name."""

    clock: Clock
    _kept: OrderedDict[_Key, tuple[Instant, What]] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def of(self, who: Standing, name: str, make: Callable[[], What]) -> What:
        """Return what this visit saw under a name lately, else what `make` makes, and keep it."""
        known = self.held(who, name)
        return self.keep(who, name, make()) if known is None else known

    def held(self, who: Standing, name: str) -> What | None:
        """Return what this visit saw under a name lately, if anything."""
        now = self.clock()
        with self._lock:
            until, known = self._kept.get(_key(who, name), (now, None))
        return known if now < until else None

    def keep(self, who: Standing, name: str, what: What) -> What:
        """Keep, and return, what a visit sees under a name now."""
        key, now = _key(who, name), self.clock()
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = (Instant(now + _KEPT_FOR), what)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return what

    def forget(self, who: Standing, name: str | None = None) -> None:
        """Forget what a visit saw, under one name or under all."""
        with self._lock:
            for key in [k for k in self._kept if k[:2] == _key(who, "")[:2]]:
                if name in (None, key[2]):
                    del self._kept[key]


def _key(who: Standing, name: str) -> _Key:
    return who.account, who.session.id if who.session else None, name
