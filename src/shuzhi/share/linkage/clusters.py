"""From pairs to subjects: groups of records that hold together, and ids that stay.

Pure and deterministic. Groups are joined along pairs, the likeliest first, and a join is refused
where it would break what is known: two rows of a clean data set, strong identifiers that differ, a
pair that somebody saw to be different, or a chain in which too few pairs agree.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from shuzhi.share.linkage.model import Pair, Place, Record

Strong = Mapping[Record, tuple[str | None, ...]]
Ends = tuple[Record, Record]


@dataclass(frozen=True)
class Knowledge:
    """What no probability can overrule.

    `clean` are data sets of which a subject has one row at most; `support` is the share of the
    pairs between two groups that must be links before they are joined.
    """

    clean: frozenset[str] = frozenset()
    strong: Strong = field(default_factory=dict)
    same: Set[Ends] = frozenset()
    different: Set[Ends] = frozenset()
    support: float = 0.0


@dataclass(frozen=True)
class Grouped:
    """The groups of at least two records, each sorted, and the pairs that could not join any."""

    groups: tuple[tuple[Record, ...], ...]
    refused: Mapping[Ends, Place]


def grouped(links: Iterable[Pair], known: Knowledge) -> Grouped:
    """Return the groups that these links make; what somebody saw to be the same comes first."""
    ordered = sorted(links, key=lambda p: (-p.weight, p.left, p.right))
    ends = [(p.left, p.right) for p in ordered if (p.left, p.right) not in known.different]
    forest = _Forest(known, {*ends, *known.same})
    for pair in sorted(known.same):
        forest.join(*pair, is_told=True)
    refused: dict[Ends, Place] = {}
    waiting = [pair for pair in ends if pair not in known.same]
    while True:
        held_up: list[Ends] = []
        for pair in waiting:
            if (why := forest.join(*pair)) is not None:
                refused[pair] = why
                held_up.append(pair)
        # A join elsewhere can give a chain the support that it lacked.
        chained = [pair for pair in held_up if refused[pair] is Place.CHAIN]
        if not chained or len(chained) == len(waiting):
            break
        for pair in chained:
            refused.pop(pair)
        waiting = chained
    groups = tuple(sorted(tuple(sorted(g)) for g in forest.groups() if len(g) > 1))
    return Grouped(groups, refused)


class _Forest:
    """Groups that grow: each knows its records, the data sets they are of, and strong values."""

    def __init__(self, known: Knowledge, links: Iterable[Ends]) -> None:
        self._known = known
        self._group: dict[Record, Record] = {}
        self._members: dict[Record, list[Record]] = {}
        self._clean: dict[Record, set[str]] = {}
        self._strong: dict[Record, list[set[str]]] = {}
        self._linked = _neighbours(links)
        self._apart = _neighbours(known.different)

    def groups(self) -> Iterable[list[Record]]:
        return self._members.values()

    def join(self, left: Record, right: Record, *, is_told: bool = False) -> Place | None:
        one, other = self._find(left), self._find(right)
        if one == other:
            return None
        small, large = sorted((one, other), key=lambda g: (len(self._members[g]), g))
        why = None if is_told else self._objection(small, large)
        if why is None:
            self._merge(small, large)
        return why

    def _merge(self, small: Record, large: Record) -> None:
        for record in self._members.pop(small):
            self._group[record] = large
            self._members[large].append(record)
        self._clean[large] |= self._clean.pop(small)
        held = self._strong.pop(small)
        if held and self._strong[large]:
            both = zip(self._strong[large], held, strict=True)
            self._strong[large] = [one | other for one, other in both]
        self._strong[large] = self._strong[large] or held

    def _find(self, record: Record) -> Record:
        if record not in self._group:
            self._group[record] = record
            self._members[record] = [record]
            self._clean[record] = {record.dataset} & self._known.clean
            values = self._known.strong.get(record, ())
            self._strong[record] = [set() if v is None else {v} for v in values]
        return self._group[record]

    def _objection(self, small: Record, large: Record) -> Place | None:
        one, other = self._members[small], self._members[large]
        if self._clean[small] & self._clean[large]:
            return Place.CLEAN
        if any(self._group.get(r) == large for far in one for r in self._apart.get(far, ())):
            return Place.DIFFERENT
        if _contradict(self._strong[small], self._strong[large]):
            return Place.STRONG
        possible = len(one) * len(other)
        if self._known.support and possible > 1:
            links = sum(self._group.get(r) == large for near in one for r in self._linked[near])
            if links < self._known.support * possible:
                return Place.CHAIN
        return None


def _neighbours(pairs: Iterable[Ends]) -> dict[Record, set[Record]]:
    found: dict[Record, set[Record]] = defaultdict(set)
    for left, right in pairs:
        found[left].add(right)
        found[right].add(left)
    return found


def _contradict(one: Sequence[set[str]], other: Sequence[set[str]]) -> bool:
    return any(a and b and a.isdisjoint(b) for a, b in zip(one, other, strict=False))


def subjects(
    linkage: str, groups: Sequence[Sequence[Record]], before: Mapping[Record, str], run: int
) -> dict[Record, str]:
    """Return the subject id of every grouped record.

    A group keeps the id under which most of that subject's records were before; of several that
    could, the one with the most of them has it. All others get a new id, which follows from the
    run and the least record, so that the same work done again gives the same ids.
    """
    sizes = Counter(before.values())
    claims = [
        (-count, subject, i)
        for i, group in enumerate(groups)
        for subject, count in Counter(before[r] for r in group if r in before).items()
        if 2 * count > sizes[subject]
    ]
    kept: dict[int, str] = {}
    for _, subject, i in sorted(claims):
        if i not in kept and subject not in kept.values():
            kept[i] = subject
    return {
        record: kept.get(i) or _new_id(linkage, run, group)
        for i, group in enumerate(groups)
        for record in group
    }


def _new_id(linkage: str, run: int, group: Sequence[Record]) -> str:
    least = min(group)
    told = "\x1f".join((linkage, str(run), least.dataset, least.key))
    return hashlib.sha256(told.encode()).hexdigest()[:20]
