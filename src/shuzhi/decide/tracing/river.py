"""Upstream search: which outfalls could have caused what a river station measured.

An outfall counts by how long its water was under way, how much of the excess its load could make
up, whether the factor is its own, and what its monitor said when that water left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from math import exp

from shuzhi.decide.tracing.model import Candidate, Place, Reason, Spot, ranked
from shuzhi.decide.tracing.network import Network, Reach, Upstream, hours_along
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, wall_clock

# 1 kg/d in 1 m³/s of water is 1e6 mg in 86,400,000 L.
_MG_L_PER_KG_D_M3_S = 1e6 / 86_400_000
_UNKNOWN, _OTHER_FACTOR, _QUIET, _LOUD = 0.5, 0.2, 0.5, 1.0


@dataclass(frozen=True)
class Outfall:
    """Where a source lets water into a reach, `above_km` above the reach's lower end.

    `loads_kg_d` are what it usually lets out, by factor; `alarms` when its own monitor was above
    its limit, by factor.
    """

    id: str
    title: str
    reach_id: str
    above_km: float = 0.0
    party: PartyId | None = None
    place: Place | None = None
    loads_kg_d: Mapping[str, float] = field(default_factory=dict)
    alarms: Mapping[str, tuple[Instant, ...]] = field(default_factory=dict)
    is_simulated: bool = False


@dataclass(frozen=True)
class Exceedance:
    """What a station on a reach, `above_km` above its lower end, measured above its limit `at`."""

    factor: str
    reach_id: str
    at: Instant
    value_mg_l: float
    limit_mg_l: float
    above_km: float = 0.0

    @property
    def excess_mg_l(self) -> float:
        """How far the value is above the limit; mg/L."""
        return max(0.0, self.value_mg_l - self.limit_mg_l)


@dataclass(frozen=True)
class Assumptions:
    """What a search takes for granted where data are silent; they are shown with its result.

    `decay_per_hour` is the first-order decay of the factor in the river; `window` how far a
    monitor's alarm may lie from the time when the water left; `zone` the IANA zone of the times
    that reasons tell (searches that were kept before it was told them in UTC).
    """

    speed_m_s: float = 0.5
    most_hours: float = 72.0
    decay_per_hour: float = 0.0
    window: timedelta = timedelta(hours=6)
    zone: str = "UTC"


@dataclass(frozen=True)
class RiverTrace:
    """Candidates, the likeliest first; the reaches that were searched, and the station's own."""

    exceedance: Exceedance
    assumptions: Assumptions
    candidates: tuple[Candidate, ...]
    searched: tuple[Upstream, ...]
    station_reach: Reach


@dataclass(frozen=True)
class _Way:
    """How water comes from an outfall to the station."""

    hours: float
    km: float


def trace_river(
    network: Network,
    exceedance: Exceedance,
    outfalls: Iterable[Outfall],
    assumptions: Assumptions = Assumptions(),
) -> RiverTrace:
    """Return the outfalls above a station that could have caused an exceedance, in order.

    Raises:
        RefusedError: `decide.no_such_reach` for the station's reach or an outfall's;
            `decide.no_excess` for a value that is not above its limit.
    """
    if not exceedance.excess_mg_l:
        raise _no_excess()
    searched = network.upstream(
        exceedance.reach_id,
        most_hours=assumptions.most_hours,
        speed_m_s=assumptions.speed_m_s,
    )
    ways = {up.reach.id: up for up in searched}
    found: list[Candidate] = []
    for outfall in outfalls:
        network.reach(outfall.reach_id)
        way = _way(network, exceedance, outfall, ways, assumptions)
        if way is not None and way.hours <= assumptions.most_hours:
            found.append(_candidate(network, exceedance, outfall, way, assumptions))
    own = network.reach(exceedance.reach_id)
    return RiverTrace(exceedance, assumptions, ranked(found), searched, own)


def _way(
    network: Network,
    exceedance: Exceedance,
    outfall: Outfall,
    ways: Mapping[str, Upstream],
    assumptions: Assumptions,
) -> _Way | None:
    own, speed = network.reach(exceedance.reach_id), assumptions.speed_m_s
    if outfall.reach_id == own.id:
        km = outfall.above_km - exceedance.above_km
        return _Way(hours_along(own, km, speed), km) if km >= 0 else None
    up = ways.get(outfall.reach_id)
    if up is None:
        return None
    last = max(0.0, own.length_km - exceedance.above_km)
    hours = up.hours + hours_along(up.reach, outfall.above_km, speed)
    return _Way(hours + hours_along(own, last, speed), up.km + outfall.above_km + last)


def _candidate(
    network: Network,
    exceedance: Exceedance,
    outfall: Outfall,
    way: _Way,
    assumptions: Assumptions,
) -> Candidate:
    flow = network.reach(exceedance.reach_id).flow_m3_s
    left_at = Instant(exceedance.at - timedelta(hours=way.hours))
    share = _share(exceedance, outfall, way, flow, assumptions)
    reasons = (
        _nearness(way, assumptions),
        _load(exceedance, outfall, share),
        _alarm(exceedance, outfall, left_at, assumptions),
    )
    score = 1.0
    for reason in reasons:
        score *= reason.weight
    facts = {"hours": way.hours, "km": way.km}
    if share is not None:
        facts["share_of_excess"] = share
    return Candidate(
        outfall.id,
        outfall.title,
        outfall.party,
        score,
        reasons,
        facts,
        outfall.place,
        Spot(outfall.reach_id, outfall.above_km),
        outfall.is_simulated,
    )


def _share(
    exceedance: Exceedance,
    outfall: Outfall,
    way: _Way,
    flow_m3_s: float | None,
    assumptions: Assumptions,
) -> float | None:
    """Return how much of the excess the usual load could make up; None where data are missing."""
    load = outfall.loads_kg_d.get(exceedance.factor)
    if load is None or not flow_m3_s:
        return None
    left = load * exp(-assumptions.decay_per_hour * way.hours)
    added = left * _MG_L_PER_KG_D_M3_S / flow_m3_s
    return added / exceedance.excess_mg_l


def _nearness(way: _Way, assumptions: Assumptions) -> Reason:
    weight = 1.0 - 0.5 * way.hours / assumptions.most_hours
    return Reason(
        "travel_time",
        weight,
        f"水流约 {way.hours:.1f} 小时（{way.km:.1f} 公里）到达",
        f"its water is under way for about {way.hours:.1f} h ({way.km:.1f} km)",
    )


def _load(exceedance: Exceedance, outfall: Outfall, share: float | None) -> Reason:
    factor = exceedance.factor
    if outfall.loads_kg_d and factor not in outfall.loads_kg_d:
        return Reason(
            "other_factor",
            _OTHER_FACTOR,
            f"许可与监测中没有 {factor}",
            f"nothing says that it lets out {factor}",
        )
    if share is None:
        return Reason(
            "load_unknown", _UNKNOWN, "排放量或流量未知", "its load or the flow is unknown"
        )
    return Reason(
        "load",
        min(1.0, max(share, 0.01)),
        f"通常排放量可解释超标部分的 {share:.0%}",
        f"its usual load could make up {share:.0%} of the excess",
    )


def _alarm(
    exceedance: Exceedance, outfall: Outfall, left_at: Instant, assumptions: Assumptions
) -> Reason:
    near = list(_near(outfall.alarms.get(exceedance.factor, ()), left_at, assumptions.window))
    moment = wall_clock(left_at, assumptions.zone)
    if near:
        return Reason(
            "own_alarm",
            _LOUD,
            f"该水团排出时（{moment}前后）其监测超标 {len(near)} 次",
            f"its own monitor was above its limit {len(near)} times around {moment}, "
            "when that water left",
        )
    return Reason(
        "no_own_alarm",
        _QUIET,
        f"该水团排出时（{moment}前后）其监测未超标或无数据",
        f"its own monitor says nothing of the time when that water left ({moment})",
    )


def _near(alarms: Iterable[Instant], moment: Instant, window: timedelta) -> Iterator[Instant]:
    return (alarm for alarm in alarms if abs(alarm - moment) <= window)


def _no_excess() -> RefusedError:
    return RefusedError(
        "decide.no_excess",
        "The value is not above its limit, so that nothing was exceeded.",
        next_step="Give the value that was measured, and the limit that it exceeded, in mg/L.",
    )
