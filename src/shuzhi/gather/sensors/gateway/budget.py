"""How fast a sender may go: a budget that is spent at once and comes back with time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Budget:
    """`rate` a second in the long run, `rate` times `burst_seconds` at once.

    `left` may go below zero, so that one delivery is never cut; what follows it then waits.
    """

    rate: float
    burst_seconds: float
    since: float
    left: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.rate * self.burst_seconds

    def wait(self, now: float) -> float:
        """Return for how many seconds to wait until there is something left; zero for none."""
        full = self.rate * self.burst_seconds
        self.left = min(full, self.left + (now - self.since) * self.rate)
        self.since = now
        return max(0.0, -self.left / self.rate)


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
