"""How fast a sender may go: a budget that is spent at once and comes back with time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Budget:
    """What is left to spend; `since` is when it was reckoned last.

    `left` may go below zero, so that one delivery is never cut; what follows it then waits.
    """

    left: float
    since: float

    def wait(self, rate: float, most: float, now: float) -> float:
        """Return how many seconds to wait until something is left, at `rate` a second up to `most`.

        Zero when there is something.
        """
        self.left = min(most, self.left + (now - self.since) * rate)
        self.since = now
        return max(0.0, -self.left / rate)


class Tally:
    """Counts what addresses did in this minute, so that the log and the quarantine stay small."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._minute = 0
        self._counts: dict[tuple[str, str], int] = {}

    def count(self, who: str, what: str, now: float) -> int:
        """Count once more; return how often it was in this minute."""
        minute = int(now // 60)
        if minute != self._minute or len(self._counts) >= self._most:
            self._minute = minute
            self._counts.clear()
        key = (who, what)
        self._counts[key] = self._counts.get(key, 0) + 1
        return self._counts[key]
