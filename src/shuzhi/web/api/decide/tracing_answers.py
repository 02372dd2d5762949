"""What is told of searches for causes, and what one is begun with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Annotated

from pydantic import Field

from shuzhi.app.decide.cause_store import Sought, SoughtLine
from shuzhi.decide.tracing import (
    AirTrace,
    Bad,
    Candidate,
    Exceedance,
    Question,
    Reach,
    RiverTrace,
    Trace,
    Tracing,
)
from shuzhi.web.api.frame.acting import Acting
from shuzhi.web.api.frame.answers import Answer, Given, Line, Moment, Name, Title

Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Code = Annotated[Line, Field(min_length=1, max_length=120)]


class Medium(StrEnum):
    """Where causes are sought."""

    RIVER = "river"
    AIR = "air"


class TracingAnswer(Answer):
    """A tracing that a pack declares."""

    id: str
    """Its id."""
    title: Title
    """What it is called."""
    kind: Medium
    """Where it seeks."""
    reads: tuple[str, ...]
    """The data sets that it reads."""
    begins_with: tuple[str, ...]
    """The rules whose warnings begin it."""

    @classmethod
    def told(cls, tracing: Tracing) -> TracingAnswer:
        """Return a tracing."""
        return cls.about(tracing, title=Title.both(tracing))


class RiverAsked(Answer):
    """What a station on a river measured above its limit."""

    factor: str
    """What was too high, by its code of HJ 212."""
    reach_id: str
    """The reach of the station."""
    above_km: float
    """How far the station lies above the lower end of its reach, in km."""
    at: datetime
    """When."""
    value_mg_l: float
    """What was measured, in mg/L."""
    limit_mg_l: float
    """What it exceeded, in mg/L."""


class AirAsked(Answer):
    """The hours of a station in the air that were looked at."""

    station: str
    """The station."""
    since: datetime
    """From when."""
    until: datetime
    """To before when."""
    threshold: float
    """Above it an hour is bad, in the unit of the data."""
    factor: str | None
    """Of which factor; null for any."""


class WeighedReason(Answer):
    """One thing that speaks for or against a candidate."""

    code: str
    """What kind of reason it is."""
    weight: float
    """How much it counts, 0 to 1."""
    says: Title
    """The reason in words."""


class SpotAnswer(Answer):
    """A point on a river."""

    reach_id: str
    """On which reach."""
    above_km: float
    """How far above its lower end, in km."""


class PointAnswer(Answer):
    """A point in WGS 84."""

    longitude: float
    """Degrees east."""
    latitude: float
    """Degrees north."""


class PossibleCause(Answer):
    """What may have caused it; for somebody to look into, and no verdict."""

    rank: int
    """Which it is in order, from 1: the likeliest first."""
    id: str
    """What the data call it."""
    title: str
    """What people call it."""
    party: str | None
    """Who answers for it."""
    score: float
    """The product of the weights of its reasons; it orders, and is no probability."""
    is_simulated: bool
    """Whether it is simulated."""
    reasons: tuple[WeighedReason, ...]
    """Why it stands where it stands."""
    facts: Mapping[str, float]
    """The numbers behind the reasons, with their unit in the name."""
    place: PointAnswer | None
    """Where it is; null where nobody knows."""
    spot: SpotAnswer | None
    """Where it lets water into the river; null in the air."""

    @classmethod
    def told(cls, rank: int, candidate: Candidate) -> PossibleCause:
        """Return a candidate."""
        reasons = tuple(
            WeighedReason.about(reason, says=Title(zh=reason.zh, en=reason.en))
            for reason in candidate.reasons
        )
        # Searches of old may hold a share of an excess of nothing, which no JSON can say.
        facts = {name: value for name, value in candidate.facts.items() if isfinite(value)}
        return cls.about(candidate, rank=rank, reasons=reasons, facts=facts)


class ReachAnswer(Answer):
    """A reach that was searched."""

    id: str
    """Its id."""
    from_node: str
    """Where its water comes from."""
    to_node: str
    """Where its water goes."""
    length_km: float
    """How long it is."""
    speed_m_s: float | None
    """How fast its water runs; null where that is assumed."""
    flow_m3_s: float | None
    """How much water it has; null where nobody knows."""
    is_simulated: bool
    """Whether it is simulated."""
    hours: float
    """How long its water is under way from its lower end to the station's reach."""
    km: float
    """How far that is."""

    @classmethod
    def told(cls, reach: Reach, hours: float = 0.0, km: float = 0.0) -> ReachAnswer:
        """Return a reach; the station's own is no way from itself."""
        return cls.about(reach, hours=hours, km=km)


class RiverStood(Answer):
    """What a search up a river stood on."""

    speed_m_s: float
    """The speed that was assumed where nobody knows it."""
    most_hours: float
    """How long a way of the water was followed."""
    decay_per_hour: float
    """The first-order decay of the factor that was assumed."""
    window_hours: float
    """How far an outfall's own alarm may lie from when that water left."""
    zone: str
    """The zone of the times that reasons tell (IANA)."""
    reaches: tuple[ReachAnswer, ...]
    """The station's reach, then those above it, the nearest in time first."""

    @classmethod
    def told(cls, trace: RiverTrace) -> RiverStood:
        """Return what a search stood on."""
        above = (ReachAnswer.told(up.reach, up.hours, up.km) for up in trace.searched)
        window = trace.assumptions.window.total_seconds() / 3600
        reaches = (ReachAnswer.told(trace.station_reach), *above)
        return cls.about(trace.assumptions, window_hours=window, reaches=reaches)


class SectorAnswer(Answer):
    """One side of the compass."""

    middle_degrees: float
    """Its middle, clockwise from north."""
    count: int
    """How many hours the wind came from there."""
    high: int
    """How many of them were bad."""
    probability: float | None
    """The share of them that was bad, 0 to 1; null without any."""


class AirStood(Answer):
    """What a search against the wind stood on."""

    place: PointAnswer
    """Where the station is."""
    hours: int
    """How many hours were looked at."""
    calm: int
    """How many of them were calm or had no direction."""
    simulated: int
    """How many of them are simulated."""
    overall: float
    """The share of the hours with wind that was bad, 0 to 1."""
    calm_m_s: float
    """Slower than this was taken as calm."""
    most_km: float
    """How far away sources were looked at."""
    least_hours: int
    """From how many hours of wind on a side says something."""
    sectors: tuple[SectorAnswer, ...]
    """The sides of the compass, the first around north."""

    @classmethod
    def told(cls, trace: AirTrace) -> AirStood:
        """Return what a search stood on."""
        assumed = {name: getattr(trace.assumptions, name) for name in _ASSUMED_IN_AIR}
        return cls.about(trace, **assumed)


class SearchHead(Answer):
    """A search: what was asked, by whom and when."""

    id: int
    """Its number."""
    tracing: str
    """Which tracing sought."""
    sought_at: datetime
    """When."""
    by: str
    """Who began it; empty where a warning did."""
    case_id: int | None
    """The case that it is about; null for one by hand."""
    river: RiverAsked | None
    """What was asked about a river."""
    air: AirAsked | None
    """What was asked about the air."""
    failure: str
    """Why it has no answer; empty where it has one."""


class SearchLine(SearchHead):
    """A search, in short."""

    count: int
    """How many candidates it found."""
    best: PossibleCause | None
    """The likeliest."""

    @classmethod
    def told(cls, line: SoughtLine) -> SearchLine:
        """Return a search in short."""
        best = None if line.best is None else PossibleCause.told(1, line.best)
        return cls.about(line, best=best, **_asked(line.question))


class SearchAnswer(SearchHead):
    """A search with its candidates, and all that it stood on."""

    candidates: tuple[PossibleCause, ...]
    """The candidates, the likeliest first."""
    river_stood_on: RiverStood | None
    """What a search up a river stood on."""
    air_stood_on: AirStood | None
    """What a search against the wind stood on."""

    @classmethod
    def told(cls, sought: Sought) -> SearchAnswer:
        """Return a search."""
        found = tuple(PossibleCause.told(rank, c) for rank, c in enumerate(sought.candidates, 1))
        return cls.about(
            sought, candidates=found, **_asked(sought.question), **_stood(sought.trace)
        )


class RiverGiven(Given):
    """What a station on a river measured above its limit."""

    factor: Code
    """What was too high, by its code of HJ 212."""
    reach_id: Code
    """The reach of the station, by its id in the network."""
    at: Moment
    """When."""
    value_mg_l: Amount
    """What was measured, in mg/L."""
    limit_mg_l: Amount
    """What it exceeded, in mg/L."""
    above_km: Amount = 0.0
    """How far the station lies above the lower end of its reach, in km."""


class AirGiven(Given):
    """The hours of a station in the air to look at."""

    station: Code
    """The station."""
    since: Moment
    """From when."""
    until: Moment
    """To before when."""
    threshold: Amount
    """Above it an hour is bad, in the unit of the data."""
    factor: Code | None = None
    """Of which factor; null for any."""


class NewSearch(Acting):
    """What to seek the causes of: one of `river` and `air`."""

    tracing: Name
    """Which tracing seeks."""
    river: RiverGiven | None = None
    """In a river."""
    air: AirGiven | None = None
    """In the air."""


_ASSUMED_IN_AIR = ("calm_m_s", "most_km", "least_hours")


def _asked(question: Question | None) -> dict[str, RiverAsked | AirAsked | None]:
    return {
        "river": RiverAsked.about(question) if isinstance(question, Exceedance) else None,
        "air": AirAsked.about(question) if isinstance(question, Bad) else None,
    }


def _stood(trace: Trace | None) -> dict[str, RiverStood | AirStood | None]:
    return {
        "river_stood_on": RiverStood.told(trace) if isinstance(trace, RiverTrace) else None,
        "air_stood_on": AirStood.told(trace) if isinstance(trace, AirTrace) else None,
    }
