"""The tiles of the operations centre: the worst indicators with their trends.

Screens ask every second, and numbers change seldom: they are read again when an indicator was
computed, and after half a minute, for a value also grows stale.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from shuzhi.app import City
from shuzhi.decide.indicators import Leaf
from shuzhi.kernel.instant import Instant

_MOST, _TREND = 6, 24
_KEPT_FOR = timedelta(seconds=30)
Tile = tuple[Leaf, list[float | None]]


@dataclass
class Tiles:
    """The tiles of a server, with the computation after which they were read."""

    _newest: int | None = None
    _until: Instant | None = None
    _tiles: list[Tile] = field(default_factory=list)

    def shown(self, city: City) -> list[Tile]:
        """Return each indicator that has a value, the worst first, with its newest values."""
        newest, now = city.newest_indicator_run(), city.clock()
        if self._until is None or now >= self._until or newest != self._newest:
            self._tiles = [_tile(city, leaf) for leaf in _leaves(city)[:_MOST]]
            self._newest, self._until = newest, Instant(now + _KEPT_FOR)
        return self._tiles


def _leaves(city: City) -> list[Leaf]:
    trees = [city.indicator_tree(goal) for goal in city.goals()]
    found = [leaf for tree in trees for leaf in tree.leaves if leaf.run and leaf.run.whole]
    return sorted(found, key=lambda leaf: -leaf.colour.rank)


def _tile(city: City, leaf: Leaf) -> Tile:
    history = city.indicator_history(leaf.indicator.id, limit=_TREND)
    values = [next((v.value for v in run.values), None) for run in reversed(history)]
    return leaf, [None if v is None else float(v) for v in values]
