"""Expectation maximisation over counted patterns, for the pairs that blocks let through.

Splink's own learns how often things agree by chance from random pairs. Where blocks share rare
words that is wrong by orders of magnitude, and its estimate from compared pairs underflows
(`u_probability value 0.0`); this one keeps a little weight on every level.
Source: Fellegi and Sunter 1969; Winkler 1988.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

Pattern = tuple[int, ...]
_ROUNDS, _NEARLY, _KEPT = 200, 1e-6, 0.5


@dataclass(frozen=True)
class Parameters:
    """The share of matches, and for each comparison the share of each level among both sorts."""

    share: float
    m: tuple[tuple[float, ...], ...]
    u: tuple[tuple[float, ...], ...]

    def likely(self, pattern: Pattern) -> float:
        """Return how likely a pair with these levels is a match; -1 tells nothing."""
        seen = [(i, level) for i, level in enumerate(pattern) if level >= 0]
        match = self.share * prod(self.m[i][level] for i, level in seen)
        other = (1 - self.share) * prod(self.u[i][level] for i, level in seen)
        return match / (match + other)


def fitted(patterns: Mapping[Pattern, int], sizes: Sequence[int], share: float) -> Parameters:
    """Return the parameters that explain how often each pattern was found.

    `sizes` is the number of levels of each comparison, the highest the most alike; `share` is
    where the search for the share of matches starts. Matches are what agrees more.
    """
    everything = {pattern: float(count) for pattern, count in patterns.items()}
    now = Parameters(share, _start(sizes), _counted(everything, sizes))
    for _ in range(_ROUNDS):
        matches = {p: n * now.likely(p) for p, n in everything.items()}
        others = {p: n - matches[p] for p, n in everything.items()}
        found = sum(matches.values()) / sum(everything.values())
        after = Parameters(found, _counted(matches, sizes), _counted(others, sizes))
        moved = max(
            abs(a - b)
            for one, other in ((after.m, now.m), (after.u, now.u))
            for before, later in zip(one, other, strict=True)
            for a, b in zip(before, later, strict=True)
        )
        now = after
        if moved < _NEARLY:
            break
    return now


def _start(sizes: Sequence[int]) -> tuple[tuple[float, ...], ...]:
    """Return shares of levels among matches before anything is known: each twice the one below."""
    return tuple(tuple(2.0**i / (2.0**size - 1) for i in range(size)) for size in sizes)


def _counted(
    patterns: Mapping[Pattern, float], sizes: Sequence[int]
) -> tuple[tuple[float, ...], ...]:
    counts = [[_KEPT] * size for size in sizes]
    for pattern, count in patterns.items():
        for i, level in enumerate(pattern):
            if level >= 0:
                counts[i][level] += count
    return tuple(tuple(n / sum(levels) for n in levels) for levels in counts)
