"""`/rehearsals`: what other values of a rule, or other staffing, would have made of the past.

To rehearse stores nothing, so that it is a question and no act.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import Field, StrictInt, model_validator

from shuzhi.act.cases import (
    Asked,
    PartyRehearsal,
    Span,
    parse_span,
    rehearse_staffing,
)
from shuzhi.act.cases import Rehearsal as StaffingRehearsal
from shuzhi.decide.rules import Change, Rehearsal, Severity
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, start_of_day
from shuzhi.share.accounts import Right
from shuzhi.web.api.frame.answers import Answer, Day, Given, Line, Name, Title, Words
from shuzhi.web.api.frame.asking import CityHere, asks
from shuzhi.web.problems import WebError
from shuzhi.web.rehearsed import (
    MOST_DAYS_OF_RULES,
    MOST_DAYS_OF_STAFFING,
    MOST_PEOPLE,
    office_hours,
    severities,
    within,
)

TAG = {
    "name": "rehearsals",
    "description": "推演 · Rehearsals: the past under other values, or with other staffing.",
}
router = APIRouter(prefix="/rehearsals", tags=["rehearsals"])
# Whatever a city has was written down within these.
_FIRST, _LAST = date(1900, 1, 1), date(2200, 1, 1)
_MOST_HOURS = 12
_Day = Annotated[Day, Field(ge=_FIRST, le=_LAST)]
_Written = Annotated[Words, Field(min_length=1, max_length=200)]
_People = Annotated[StrictInt, Field(ge=0, le=MOST_PEOPLE)]


class TimeGiven(Given):
    """Which time is rehearsed."""

    start: _Day
    """The first day."""
    end: _Day
    """The day after the last."""

    @model_validator(mode="after")
    def _goes_on(self) -> Self:
        if self.end <= self.start:
            raise ValueError("end lies after start")
        return self

    def within(self, zone: str, most_days: int) -> tuple[Instant, Instant]:
        """Return from when until when; WebError `web.bad_words` where that is too long."""
        if (self.end - self.start).days > most_days:
            raise _bad("end", f"A rehearsal covers 1 to {most_days} days.")
        return start_of_day(self.start, zone), start_of_day(self.end, zone)


class RuleAsked(TimeGiven):
    """With which values a rule is rehearsed."""

    rule: Name
    """Which rule."""
    values: Annotated[dict[Name, _Written], Field(min_length=1, max_length=50)]
    """What its values would be, each written as a text: those that `show_rule` tells, its
    severity, and its spans `after`, `every`, `look_back` and `merge_within`."""


class StaffingAsked(TimeGiven):
    """With which staffing past work is rehearsed; what is not said stays as it was."""

    team: Name | None = None
    """Which team is told of, with those below it; all where none is named."""
    handlers: Annotated[dict[Name, _People], Field(max_length=2_000, default_factory=dict)]
    """How many people each team would have."""
    hours: Annotated[tuple[Line, ...], Field(max_length=_MOST_HOURS)] = ()
    """In which hours of every working day they would work: `09:00-12:00`."""
    limits: Annotated[dict[Name, Line], Field(max_length=50, default_factory=dict)]
    """How long a case of each severity might take from its dispatch: `3 working days`."""

    def asked(self, known: Sequence[str]) -> Asked:
        """Return it as the room of cases takes it; WebError `web.bad_words`."""
        handlers = {PartyId(team): people for team, people in self.handlers.items()}
        limits = {severity: _limit(severity, text) for severity, text in self.limits.items()}
        if unknown := limits.keys() - set(known):
            said = f"There is no severity {min(unknown)!r}: it is one of {', '.join(known)}."
            raise _bad("limits", said)
        hours = office_hours(self.hours)
        if hours is None:
            raise _bad("hours", "Hours are written as 09:00-12:00, and do not overlap.")
        return Asked(handlers, hours, limits)


class DayCounted(Answer):
    """How many warnings of a severity begin on a day."""

    day: date
    """Which day of the city."""
    severity: Severity
    """How grave they are."""
    present: int
    """How many, as the rule is."""
    other: int
    """How many, as it would be."""


class RuleRehearsed(Answer):
    """A rule as it is and as it would be, each replayed over the same time."""

    rule_id: str
    """Which rule."""
    since: datetime
    """From when on."""
    until: datetime
    """Until when."""
    present: int
    """How many warnings it raises, as it is."""
    other: int
    """How many it would raise."""
    only_present: int
    """How many would not be raised any more."""
    only_other: int
    """How many would be new."""
    failure: str
    """Why one of the two did not come to its end; empty where both did."""
    days: tuple[DayCounted, ...]
    """The warnings by day."""

    @classmethod
    def told(cls, found: Rehearsal) -> RuleRehearsed:
        """Return the rehearsal of one rule."""
        (one,) = found.rules
        named = ("present", "other", "only_present", "only_other")
        counts = {name: len(getattr(one, name)) for name in named}
        told = {"rule_id": one.rule_id, "failure": one.failure}
        return cls.about(found, **told, **counts)


class ClockLoadAnswer(Answer):
    """The pieces of work under one clock of a kind of case."""

    kind: str
    """The kind."""
    clock: str
    """Its clock."""
    pieces: int
    """How many pieces."""
    late: int
    """How many of them came to be past it."""


class LoadAnswer(Answer):
    """How a team fares."""

    handlers: int
    """How many people it has."""
    pieces: int
    """How many pieces of work."""
    finished: int
    """How many of them were finished."""
    timed: int
    """How many have a deadline."""
    late: int
    """How many of those came to be past it."""
    open_at_end: int
    """How many were open at the end."""
    most_open: int
    """How many were open at once, at most."""
    mean_hours: float | None
    """How long what was finished took on average, nights included; null where nothing was."""
    p50_hours: float | None
    """Within how many hours half of all was done; null where not so many were."""
    p90_hours: float | None
    """Within how many hours nine tenths of all were done; null where not so many were."""
    clocks: tuple[ClockLoadAnswer, ...]
    """The same by clock."""


class TeamRehearsed(Answer):
    """A team in three ways."""

    party: str
    """Which team."""
    was: LoadAnswer
    """As it was."""
    was_simulated: LoadAnswer
    """As the past staffing comes out in simulation: how far that lies from what was shows how far
    to trust."""
    asked: LoadAnswer
    """As the staffing that was asked for comes out in simulation."""


class StaffingRehearsed(Answer):
    """Past work done again by other people."""

    since: datetime
    """From when on."""
    until: datetime
    """Until when."""
    says: Title
    """That it is a simulation."""
    assumed: int
    """Of how many pieces the effort is assumed: nobody took them, or they were not finished."""
    parties: tuple[TeamRehearsed, ...]
    """The teams that had work, by id."""

    @classmethod
    def told(cls, found: StaffingRehearsal, parties: Sequence[PartyRehearsal]) -> StaffingRehearsed:
        """Return what was found of some parties."""
        return cls.about(found, parties=tuple(map(TeamRehearsed.about, parties)))


@router.post("/rules", **asks(Right.REHEARSE))
def rehearse_rule(city: CityHere, given: RuleAsked) -> RuleRehearsed:
    """Replay a rule with other values over past data, beside the rule as it is."""
    since, until = given.within(city.settings.city.zone, MOST_DAYS_OF_RULES)
    rule = city.rule(given.rule)
    found = city.rehearse(since, until, Change({rule.id: given.values}), [rule.id])
    return RuleRehearsed.told(found)


@router.post("/staffing", **asks(Right.REHEARSE))
def rehearse_past_work(city: CityHere, given: StaffingAsked) -> StaffingRehearsed:
    """Let past work be done again by other people, in other hours, to other limits."""
    since, until = given.within(city.settings.city.zone, MOST_DAYS_OF_STAFFING)
    asked = given.asked(severities(city))
    found = rehearse_staffing(city.office, since=since, until=until, asked=asked)
    return StaffingRehearsed.told(found, within(city, found.parties, given.team))


def _limit(severity: str, text: str) -> Span:
    span = parse_span(text)
    if span is None:
        raise _bad("limits", f"The limit of {severity} is written as 3 working days, or 24 hours.")
    return span


def _bad(field: str, said: str) -> WebError:
    return WebError("web.bad_words", said, next_step=f"Mend {field}.")
