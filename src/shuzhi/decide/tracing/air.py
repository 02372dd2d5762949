"""Wind sectors: from which side the bad hours came, and which sources stand there.

The measure is the conditional probability function (CPF; Ashbaugh, Malm and Sadeh 1985): of the
hours with wind from a sector, the share in which the value was above a threshold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import asin, atan2, cos, degrees, radians, sin, sqrt

from shuzhi.decide.tracing.model import Candidate, Place, Reason, ranked
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId

_EARTH_RADIUS_KM = 6_371.0088
_FULL_CIRCLE = 360.0
_POINTS = "N NNE NE ENE E ESE SE SSE S SSW SW WSW W WNW NW NNW"
_COMPASS = {point: 22.5 * place for place, point in enumerate(re.findall(r"[A-Z]+", _POINTS))}
_QUIET, _UNKNOWN = 0.05, 0.5


@dataclass(frozen=True)
class Wind:
    """One hour at a station: the value, and the wind that blew.

    `from_degrees` is where the wind comes from, clockwise from north; None for variable wind.
    """

    value: float
    speed_m_s: float
    from_degrees: float | None
    is_simulated: bool = False


@dataclass(frozen=True)
class Sector:
    """One side of the compass: `count` hours with wind from there, `high` of them bad.

    `middle_degrees` is its middle, clockwise from north.
    """

    middle_degrees: float
    count: int
    high: int

    @property
    def probability(self) -> float | None:
        """The CPF, 0 to 1; None where no wind came from there."""
        return self.high / self.count if self.count else None


@dataclass(frozen=True)
class AirSource:
    """Something that lets out what was measured, with its usual load in kg/h."""

    id: str
    title: str
    place: Place
    party: PartyId | None = None
    load_kg_h: float | None = None
    is_simulated: bool = False


@dataclass(frozen=True)
class AirAssumptions:
    """What counts as calm, how far sources are sought, how many hours a sector needs."""

    calm_m_s: float = 0.5
    most_km: float = 50.0
    least_hours: int = 20


@dataclass(frozen=True)
class AirTrace:
    """Candidates, the likeliest first; the sectors; of how many hours, how many calm or simulated.

    `overall` is the share of bad hours among those with wind from somewhere, 0 to 1.
    """

    place: Place
    threshold: float
    sectors: tuple[Sector, ...]
    hours: int
    calm: int
    overall: float
    candidates: tuple[Candidate, ...]
    assumptions: AirAssumptions = AirAssumptions()
    simulated: int = 0


def compass_degrees(text: str) -> float | None:
    """Return the middle of one of the 16 points of the compass; None for any other word."""
    return _COMPASS.get(text.strip().upper())


def sectors(
    hours: Sequence[Wind], threshold: float, *, count: int = 16, calm_m_s: float = 0.5
) -> tuple[tuple[Sector, ...], int]:
    """Return the `count` sectors, the first around north, and how many hours were calm.

    Calm hours (slower than `calm_m_s`, or without a direction) say nothing of a direction.
    """
    totals, highs, calm = [0] * count, [0] * count, 0
    width = _FULL_CIRCLE / count
    for hour in hours:
        if hour.from_degrees is None or hour.speed_m_s < calm_m_s:
            calm += 1
            continue
        place = int(((hour.from_degrees % _FULL_CIRCLE) + width / 2) // width) % count
        totals[place] += 1
        highs[place] += hour.value > threshold
    made = tuple(Sector(i * width, totals[i], highs[i]) for i in range(count))
    return made, calm


def attribute(
    place: Place,
    hours: Sequence[Wind],
    sources: Iterable[AirSource],
    *,
    threshold: float,
    count: int = 16,
    assumptions: AirAssumptions = AirAssumptions(),
) -> AirTrace:
    """Return the sources that stand where bad air came from, the likeliest first.

    Raises:
        RefusedError: `decide.no_wind` when no hour has a wind that says where from.
    """
    made, calm = sectors(hours, threshold, count=count, calm_m_s=assumptions.calm_m_s)
    if calm == len(hours):
        raise RefusedError(
            "decide.no_wind",
            "No hour has a value together with a wind that blew from somewhere.",
            next_step="Take a longer time, or a station with wind beside it.",
        )
    overall = sum(s.high for s in made) / sum(s.count for s in made)
    found = [
        _candidate(place, source, made, overall, assumptions)
        for source in sources
        if distance_km(place, source.place) <= assumptions.most_km
    ]
    simulated = sum(hour.is_simulated for hour in hours)
    totals = (made, len(hours), calm, overall)
    return AirTrace(place, threshold, *totals, ranked(found), assumptions, simulated)


def bearing_degrees(origin: Place, target: Place) -> float:
    """Return the initial bearing of the great circle from `origin`, clockwise from north."""
    a, b = radians(origin.latitude), radians(target.latitude)
    across = radians(target.longitude - origin.longitude)
    east = sin(across) * cos(b)
    north = cos(a) * sin(b) - sin(a) * cos(b) * cos(across)
    return degrees(atan2(east, north)) % _FULL_CIRCLE


def distance_km(one: Place, other: Place) -> float:
    """Return the great-circle distance (haversine, mean radius of the earth)."""
    a, b = radians(one.latitude), radians(other.latitude)
    half = sin((b - a) / 2) ** 2
    half += cos(a) * cos(b) * sin(radians(other.longitude - one.longitude) / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * asin(sqrt(min(1.0, half)))


def _candidate(
    place: Place,
    source: AirSource,
    made: Sequence[Sector],
    overall: float,
    assumptions: AirAssumptions,
) -> Candidate:
    bearing, km = bearing_degrees(place, source.place), distance_km(place, source.place)
    width = _FULL_CIRCLE / len(made)
    sector = made[int((bearing + width / 2) // width) % len(made)]
    side = _side(sector, overall, assumptions.least_hours)
    reasons = (side, _nearness(km, assumptions.most_km), _load(source, km))
    score = 1.0
    for reason in reasons:
        score *= reason.weight
    facts = {"bearing_degrees": bearing, "km": km, "hours": float(sector.count)}
    return Candidate(
        source.id,
        source.title,
        source.party,
        score,
        reasons,
        facts,
        source.place,
        is_simulated=source.is_simulated,
    )


def _side(sector: Sector, overall: float, least_hours: int) -> Reason:
    share = sector.probability
    if share is None or sector.count < least_hours:
        return Reason(
            "too_little_wind",
            _QUIET,
            f"来自该方向的风只有 {sector.count} 小时，不足以判断",
            f"wind came from there in {sector.count} hours only, too few to say",
        )
    return Reason(
        "sector",
        max(share, _QUIET),
        f"来自该方向的 {sector.count} 小时中超阈值 {share:.0%}（总体 {overall:.0%}）",
        f"{share:.0%} of {sector.count} hours with wind from there were bad "
        f"({overall:.0%} of all hours)",
    )


def _nearness(km: float, most_km: float) -> Reason:
    weight = 1.0 - 0.5 * km / most_km
    return Reason("distance", weight, f"距离 {km:.1f} 公里", f"it is {km:.1f} km away")


def _load(source: AirSource, km: float) -> Reason:
    if source.load_kg_h is None:
        return Reason("load_unknown", _UNKNOWN, "排放量未知", "its load is unknown")
    # Half of the weight at 1 kg/h for each km: small sources count where they are near.
    weight = source.load_kg_h / (source.load_kg_h + max(km, 0.1))
    return Reason(
        "load",
        weight,
        f"通常排放 {source.load_kg_h:g} 千克/小时",
        f"it usually lets out {source.load_kg_h:g} kg/h",
    )
