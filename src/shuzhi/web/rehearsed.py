"""What a rehearsal may be asked, by a page or a program: how long, by how many, and of whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import time
from itertools import pairwise

from shuzhi.act.cases import PartyRehearsal, parse_office_hours
from shuzhi.app import City
from shuzhi.kernel.ids import PartyId

MOST_DAYS_OF_RULES = 366
# To rehearse a month of 10,000 cases takes some nine seconds (benchmarks/results/evaluation.md).
MOST_DAYS_OF_STAFFING = 92
MOST_PEOPLE = 1_000


def office_hours(texts: Iterable[str]) -> tuple[tuple[time, time], ...] | None:
    """Return hours in their order; None when one is no such text, or two overlap."""
    read = [parse_office_hours(text) for text in texts]
    hours = sorted(each for each in read if each is not None)
    overlap = any(a[1] > b[0] for a, b in pairwise(hours))
    return None if overlap or len(hours) < len(read) else tuple(hours)


def severities(city: City) -> tuple[str, ...]:
    """Return the severities that the city's cases have."""
    kinds = sorted(city.office.kinds.values(), key=lambda kind: kind.id)
    return tuple(dict.fromkeys(each for kind in kinds for each in kind.severities))


def within(
    city: City, parties: Sequence[PartyRehearsal], team: str | None
) -> tuple[PartyRehearsal, ...]:
    """Return the parties that were asked for: one and those below it, or all."""
    if not team:
        return tuple(parties)
    those = {team, *city.organisation().below(PartyId(team))}
    return tuple(p for p in parties if p.party in those)
