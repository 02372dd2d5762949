"""`/duties`: what law lays on who provides, uses and manages data, and who did not keep it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Role
from shuzhi.share import duties as room
from shuzhi.share.accounts import Right
from shuzhi.share.duties import Breach, Duty, Record
from shuzhi.web.api.frame.acting import VisitorHere
from shuzhi.web.api.frame.answers import Answer, Facts, Line, Listed, Name, Title
from shuzhi.web.api.frame.asking import CityHere, reads
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.seeing import sharing_sight

TAG = {"name": "duties", "description": "法定职责 · Duties: what law lays on each party."}
router = APIRouter(prefix="/duties", tags=["duties"])


class DutyAnswer(Answer):
    """One duty."""

    id: str
    """What it is known by."""
    role: Role
    """On whom it lies."""
    article: str
    """Where it stands in the law."""
    title: Title
    """What it asks."""
    looks: tuple[str, ...]
    """By what its breach is seen; empty for one that cannot be seen from here."""
    unseen: Title | None
    """Why its breach cannot be seen from here; null for one that can."""
    opens_case: bool
    """Whether its breach becomes a case."""

    @classmethod
    def told(cls, duty: Duty) -> DutyAnswer:
        """Return a duty."""
        unseen = None if duty.unseen is None else Title.about(duty.unseen)
        return cls.about(duty, title=Title.about(duty.title), unseen=unseen)


class Duties(Answer):
    """The list of duties."""

    source: str
    """By which law."""
    is_verified: bool
    """Whether somebody has held the list against the text."""
    items: tuple[DutyAnswer, ...]
    """The duties, in the order of the list."""


class BreachAnswer(Answer):
    """A duty that was not kept."""

    id: int
    """Its number."""
    duty: str
    """Which duty."""
    party: str
    """Who owes it."""
    subject: str
    """About what, as `dataset:flights` or `agreement:3`."""
    since: datetime
    """Since when."""
    found_at: datetime
    """When it was seen first."""
    ended_at: datetime | None
    """When it was over; null while it goes on."""
    facts: Facts
    """What was seen, by kind of look."""


class Breaches(Listed):
    """A page of broken duties, the newest found first."""

    items: tuple[BreachAnswer, ...]
    """The breaches."""


class StandingAnswer(Answer):
    """How a party stands."""

    party: str
    """Which party."""
    going_on: Mapping[str, int]
    """How many breaches go on, by duty."""
    ever: Mapping[str, int]
    """How many there ever were, by duty."""


class Standings(Answer):
    """How each party stands that ever broke a duty."""

    items: tuple[StandingAnswer, ...]
    """The parties, those first of whom the most goes on."""


@router.get("", **reads(Right.READ))
def list_duties() -> Duties:
    """List the duties, and by what each is looked after."""
    found = room.duty_list()
    return Duties.about(found, items=tuple(map(DutyAnswer.told, found.duties)))


@router.get("/breaches", **reads(Right.READ))
def list_breaches(
    city: CityHere,
    visitor: VisitorHere,
    page: PageAsked,
    party: Annotated[Name | None, Query(description="Of this party.")] = None,
    duty: Annotated[Line | None, Query(min_length=1, description="Of this duty.")] = None,
    going_on: Annotated[
        bool | None, Query(description="Those that go on, or those that are over.")
    ] = None,
) -> Breaches:
    """List the duties that one's party broke, the newest found first."""
    found: tuple[Breach, ...] = room.breaches(
        city.duties_office,
        party=None if party is None else PartyId(party),
        duty=duty,
        is_open=going_on,
        seen_by=sharing_sight(visitor, city).parties,
        before=page.number,
        limit=page.limit + 1,
    )
    shown, following = page.cut(found, lambda one: one.id)
    return Breaches(items=tuple(map(BreachAnswer.about, shown)), next=following)


@router.get("/standing", **reads(Right.READ))
def list_standings(city: CityHere) -> Standings:
    """List how each party stands that ever broke a duty."""
    found: tuple[Record, ...] = room.records(city.duties_office)
    return Standings(items=tuple(map(StandingAnswer.about, found)))
