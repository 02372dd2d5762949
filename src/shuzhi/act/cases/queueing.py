"""A queue of work before so many handlers in their office hours: deterministic, and a simulation.

Each piece waits for a free handler of its party, the gravest first and then the oldest, and keeps
that handler for its effort of office time without a break.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace

from shuzhi.act.cases.work import OfficeTime
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class Waiting:
    """Work before a party: since when, how grave (a greater number first), how long it takes."""

    arrived_at: Instant
    gravity: int
    effort_seconds: float


def finishes(
    queue: Sequence[Waiting], handlers: int, office: OfficeTime
) -> tuple[Instant | None, ...]:
    """Return when each piece is finished, in the order of `queue`; None where it is not by the end.

    Without handlers nothing is ever finished.
    """
    ended: list[Instant | None] = [None] * len(queue)
    arrivals = sorted((office.until(w.arrived_at), -w.gravity, i) for i, w in enumerate(queue))
    free, ready, at = [0.0] * handlers, list[tuple[int, float, int]](), 0
    heapify(free)
    while handlers and (at < len(arrivals) or ready):
        now = free[0] if ready else max(free[0], arrivals[at][0])
        while at < len(arrivals) and arrivals[at][0] <= now:
            arrived, gravity, place = arrivals[at]
            heappush(ready, (gravity, arrived, place))
            at += 1
        _, arrived, place = heappop(ready)
        end = max(free[0], arrived) + queue[place].effort_seconds
        heapreplace(free, end)
        ended[place] = office.at(end)
    return tuple(ended)
