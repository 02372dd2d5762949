"""Forms that were filled in for somebody a moment ago: shown again without reading again.

What is read for a form has its receipt and counts; loading the page anew within a visit is no
other use of the data. What is kept here is of one visit alone, for minutes, in this process.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock

from shuzhi.act.services import Blank
from shuzhi.kernel.instant import Clock, Instant
from shuzhi.share.accounts import Standing

_KEPT_FOR = timedelta(minutes=5)
_MOST_KEPT = 1_000
_Key = tuple[str, int | None, str]


@dataclass
class Blanks:
    """The forms that were filled in lately, by visit and matter."""

    clock: Clock
    _kept: OrderedDict[_Key, tuple[Instant, Blank]] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def of(self, who: Standing, matter: str, fill_in: Callable[[], Blank]) -> Blank:
        """Return the form of a matter as this visit saw it lately, else as `fill_in` makes it."""
        key, now = _key(who, matter), self.clock()
        with self._lock:
            until, known = self._kept.get(key, (now, None))
        if known is not None and now < until:
            return known
        made = fill_in()
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = (Instant(now + _KEPT_FOR), made)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return made

    def forget(self, who: Standing, matter: str | None = None) -> None:
        """Forget what was filled in for a visit, for one matter or for all."""
        with self._lock:
            for key in [k for k in self._kept if k[:2] == _key(who, "")[:2]]:
                if matter in (None, key[2]):
                    del self._kept[key]


def _key(who: Standing, matter: str) -> _Key:
    return who.account, who.session.id if who.session else None, matter
