"""A river network: reaches between nodes, and what lies above any of them.

Water flows along a reach from `from_node` to `to_node`. Where a river divides, the main path
carries on what lies above; a minor path begins anew (NHDPlus: divergence 2).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import dist, inf

from shuzhi.decide.tracing.model import Place
from shuzhi.kernel.errors import RefusedError

_SECONDS_PER_HOUR = 3_600.0
_METRES_PER_KM = 1_000.0


@dataclass(frozen=True)
class Reach:
    """A stretch of river between two nodes.

    `speed_m_s` is the mean speed of its water, `flow_m3_s` its mean flow; None where nobody knows.
    `inflow_km` is the length of river above it that the network leaves out (it was cut there).
    `line` runs with the water.
    """

    id: str
    from_node: str
    to_node: str
    length_km: float
    speed_m_s: float | None = None
    flow_m3_s: float | None = None
    is_minor: bool = False
    inflow_km: float = 0.0
    line: tuple[Place, ...] = ()
    is_simulated: bool = False


@dataclass(frozen=True)
class Upstream:
    """A reach above a point: the way from its lower end down to the point."""

    reach: Reach
    hours: float
    km: float


@dataclass(frozen=True)
class Network:
    """Reaches by id, and those that flow into each node; made by `network`, which checks them."""

    reaches: Mapping[str, Reach]
    into: Mapping[str, Sequence[Reach]]
    order: tuple[str, ...]

    def reach(self, reach_id: str) -> Reach:
        """Return a reach.

        Raises:
            RefusedError: `decide.no_such_reach`.
        """
        found = self.reaches.get(reach_id)
        if found is None:
            raise RefusedError(
                "decide.no_such_reach",
                f"The river network has no reach {reach_id[:60]!r}.",
                next_step="Take the id of a reach from the network's data set.",
            )
        return found

    def above(self, reach: Reach) -> Sequence[Reach]:
        """Return the reaches that flow into `reach`; none for a minor path."""
        return () if reach.is_minor else self.into.get(reach.from_node, ())

    def upstream_km(self) -> dict[str, float]:
        """Return for each reach its own length and that of all above it (the arbolate sum)."""
        sums: dict[str, float] = {}
        for reach_id in self.order:
            reach = self.reaches[reach_id]
            above = sum(sums[r.id] for r in self.above(reach))
            sums[reach_id] = reach.length_km + reach.inflow_km + above
        return sums

    def upstream(
        self, reach_id: str, *, most_hours: float = inf, speed_m_s: float = 0.5
    ) -> tuple[Upstream, ...]:
        """Return the reaches above the upper end of a reach, the nearest in time first.

        The way that water takes quickest counts. `speed_m_s` stands for speeds that nobody knows.
        Minor paths are followed too: water comes down them as well.
        """
        start = self.reach(reach_id)
        best = {start.id: (0.0, 0.0)}
        waiting: list[tuple[float, float, str]] = [(0.0, 0.0, start.id)]
        found: list[Upstream] = []
        while waiting:
            hours, km, here = heapq.heappop(waiting)
            if (hours, km) > best[here]:
                continue
            if here != start.id:
                found.append(Upstream(self.reaches[here], hours, km))
            for reach in self.into.get(self.reaches[here].from_node, ()):
                own = self.reaches[here]
                add = 0.0 if here == start.id else hours_along(own, own.length_km, speed_m_s)
                there = (hours + add, km + (0.0 if here == start.id else own.length_km))
                if there[0] <= most_hours and there < best.get(reach.id, (inf, inf)):
                    best[reach.id] = there
                    heapq.heappush(waiting, (*there, reach.id))
        return tuple(found)


def hours_along(reach: Reach, km: float, speed_m_s: float) -> float:
    """Return how long water takes for `km` of a reach; `speed_m_s` where its own is unknown."""
    speed = reach.speed_m_s if reach.speed_m_s else speed_m_s
    return km * _METRES_PER_KM / speed / _SECONDS_PER_HOUR


def point_along(
    line: Sequence[tuple[float, float]], *, above_km: float, length_km: float
) -> tuple[float, float]:
    """Return the point of a reach's `line`, drawn with the water, `above_km` above its end."""
    pieces = [dist(*piece) for piece in pairwise(line)]
    share = min(max(above_km / length_km, 0.0), 1.0) if length_km else 0.0
    left = sum(pieces) * (1.0 - share)
    for ((x1, y1), (x2, y2)), piece in zip(pairwise(line), pieces, strict=True):
        if piece and left <= piece:
            part = left / piece
            return x1 + part * (x2 - x1), y1 + part * (y2 - y1)
        left -= piece
    return line[-1]


def network(reaches: Iterable[Reach]) -> Network:
    """Return the network that reaches make.

    Raises:
        RefusedError: `decide.bad_network` for a reach that is there twice, has a length or speed
            that cannot be, or lies on a circle.
    """
    by_id: dict[str, Reach] = {}
    into: dict[str, list[Reach]] = {}
    for reach in reaches:
        if reach.id in by_id:
            raise _bad(f"reach {reach.id} is there twice")
        if not 0 <= reach.length_km < inf or (reach.speed_m_s is not None and reach.speed_m_s < 0):
            raise _bad(f"reach {reach.id} has a length or a speed below zero")
        by_id[reach.id] = reach
        into.setdefault(reach.to_node, []).append(reach)
    return Network(by_id, into, _downwards(by_id, into))


def _downwards(by_id: Mapping[str, Reach], into: Mapping[str, Sequence[Reach]]) -> tuple[str, ...]:
    """Return the ids with every reach after all those that flow into it."""
    waits = {r.id: len(into.get(r.from_node, ())) for r in by_id.values()}
    leaving: dict[str, list[str]] = {}
    for reach in by_id.values():
        leaving.setdefault(reach.from_node, []).append(reach.id)
    ready = sorted((i for i, n in waits.items() if n == 0), reverse=True)
    order: list[str] = []
    while ready:
        here = ready.pop()
        order.append(here)
        for below in leaving.get(by_id[here].to_node, ()):
            waits[below] -= 1
            if waits[below] == 0:
                ready.append(below)
    if len(order) < len(by_id):
        stuck = sorted(i for i, n in waits.items() if n)
        raise _bad(f"water runs in a circle through {', '.join(stuck[:5])}")
    return tuple(order)


def _bad(problem: str) -> RefusedError:
    return RefusedError(
        "decide.bad_network",
        f"The river network cannot be used: {problem}.",
        next_step="Correct the data set of reaches; nothing was traced.",
    )
