"""What every tracing answers with: candidates in order, each with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shuzhi.kernel.ids import PartyId


@dataclass(frozen=True)
class Place:
    """A point in WGS 84 (EPSG:4326), degrees."""

    longitude: float
    latitude: float


@dataclass(frozen=True)
class Spot:
    """A point on a river: `above_km` above the lower end of a reach."""

    reach_id: str
    above_km: float = 0.0


@dataclass(frozen=True)
class Reason:
    """One thing that speaks for or against a candidate, in both languages; `weight` is 0 to 1."""

    code: str
    weight: float
    zh: str
    en: str


@dataclass(frozen=True)
class Candidate:
    """What may have caused a finding; `score` is the product of its reasons' weights.

    `facts` are the numbers behind the reasons, with their unit in the name. `spot` is where it
    lets water into a river; `is_simulated` marks what no real source is.
    """

    id: str
    title: str
    party: PartyId | None
    score: float
    reasons: tuple[Reason, ...]
    facts: Mapping[str, float] = field(default_factory=dict)
    place: Place | None = None
    spot: Spot | None = None
    is_simulated: bool = False


def ranked(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    """Return candidates with the likeliest first; equals in order of their ids."""
    return tuple(sorted(candidates, key=lambda c: (-c.score, c.id)))
