"""What people say of pairs: who waits, who disagrees, and how right the links are.

Pure. What two people see in different ways binds nobody until one of them changes their mind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2, sqrt

from shuzhi.share.linkage.model import Decision, Place, Placed, Record, Verdict

Ends = tuple[Record, Record]
_Z = 1.959964  # 95 %, two-sided


@dataclass(frozen=True)
class Waiting:
    """A pair that somebody should look at; `is_disputed` when two people disagree about it."""

    placed: Placed
    decisions: tuple[Decision, ...] = ()
    is_disputed: bool = False

    @property
    def turn(self) -> str:
        """Where it stands in the queue, as texts are ordered; it names no record."""
        pair = self.placed.pair
        behind = f"{not self.is_disputed:d}{bool(self.decisions):d}"
        return f"{behind} {1 - _told(pair.probability):.15f} {pair_digest(pair.left, pair.right)}"

    @property
    def seen(self) -> str:
        """What was said of it until now, as a text that changes with every word."""
        return stand(self.decisions)


@dataclass(frozen=True)
class Precision:
    """Of a random sample of the links: how many are right, and between which shares that lies.

    `low` and `high` bound the share of right links with 95 % confidence (Wilson 1927); all three
    are None while nothing of the sample was decided. `untold` could not be told.
    """

    links: int
    sampled: int
    same: int
    different: int
    untold: int
    share: float | None
    low: float | None
    high: float | None


def by_pair(decisions: Iterable[Decision]) -> dict[Ends, tuple[Decision, ...]]:
    """Return what was said of each pair."""
    found: dict[Ends, tuple[Decision, ...]] = {}
    for decision in decisions:
        pair = (decision.left, decision.right)
        found[pair] = (*found.get(pair, ()), decision)
    return found


def agreed(decisions: Sequence[Decision]) -> Verdict | None:
    """Return what those who could tell agree on; None when nobody could or they disagree."""
    told = {d.verdict for d in decisions} - {Verdict.CANNOT_TELL}
    return next(iter(told)) if len(told) == 1 else None


def stand(decisions: Iterable[Decision]) -> str:
    """Return a text that changes with every word that is said of a pair; it names nobody."""
    said = sorted((each.by, each.verdict.value, f"{each.at}") for each in decisions)
    return digest("\x1f".join(part for each in said for part in each))[:16]


def is_disputed(decisions: Sequence[Decision]) -> bool:
    """Whether two people say the opposite of each other."""
    return {Verdict.SAME, Verdict.DIFFERENT} <= {d.verdict for d in decisions}


def disputed(decisions: Iterable[Decision]) -> tuple[Ends, ...]:
    """Return the pairs of which two people say the opposite of each other."""
    return tuple(ends for ends, said in by_pair(decisions).items() if is_disputed(said))


def constraints(decisions: Iterable[Decision]) -> tuple[frozenset[Ends], frozenset[Ends]]:
    """Return the pairs that are seen to be the same, and those seen to be different."""
    verdicts = {pair: agreed(said) for pair, said in by_pair(decisions).items()}
    same = frozenset(pair for pair, verdict in verdicts.items() if verdict is Verdict.SAME)
    return same, frozenset(p for p, verdict in verdicts.items() if verdict is Verdict.DIFFERENT)


def queue(pairs: Iterable[Placed], decisions: Iterable[Decision]) -> tuple[Waiting, ...]:
    """Return who waits: disputed pairs first, then those of which a word tells the most.

    A pair of which nobody could tell anything waits behind those that nobody has seen.
    """
    said = by_pair(decisions)
    waiting: list[Waiting] = []
    for placed in pairs:
        known = said.get((placed.pair.left, placed.pair.right), ())
        if is_disputed(known) or (placed.place is not Place.LINKED and agreed(known) is None):
            waiting.append(Waiting(placed, known, is_disputed(known)))
    return tuple(sorted(waiting, key=lambda one: one.turn))


def _told(p: float) -> float:
    """Return how many bits it tells to know of a pair with this probability what it is."""
    return 0.0 if p <= 0 or p >= 1 else -p * log2(p) - (1 - p) * log2(1 - p)


def sampled(links: Iterable[Ends], size: int, seed: int) -> tuple[Ends, ...]:
    """Return a random sample of the links; the same links and seed give the same sample."""
    return tuple(sorted(links, key=lambda ends: _drawn(ends, seed))[:size])


def _drawn(ends: Ends, seed: int) -> str:
    left, right = ends
    return digest("\x1f".join((str(seed), *left, *right)))


def digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def pair_digest(left: Record, right: Record) -> str:
    """Return what a pair is known by where its keys, which may name people, are not told."""
    return digest("\x1f".join((*left, *right)))


def precision(
    links: int, sample: Sequence[Ends], decisions: Mapping[Ends, Sequence[Decision]]
) -> Precision:
    """Return how right the links are, as far as the sample was decided."""
    verdicts = [agreed(said) for ends in sample if (said := decisions.get(ends))]
    same = verdicts.count(Verdict.SAME)
    different = verdicts.count(Verdict.DIFFERENT)
    told = same + different
    share = same / told if told else None
    low, high = wilson(same, told) if told else (None, None)
    return Precision(links, len(sample), same, different, verdicts.count(None), share, low, high)


def wilson(found: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927, score interval)."""
    p, z2 = found / of, _Z * _Z
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z * sqrt(p * (1 - p) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return max(0.0, middle - half), min(1.0, middle + half)
