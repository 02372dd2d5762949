"""`/evaluation`: scored periods, the league of each, and every fact behind a number."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from pydantic import StringConstraints

from shuzhi.act.evaluation import Appeal, Behind, League
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Level
from shuzhi.share.accounts import Right
from shuzhi.web.api.frame.acting import VisitorHere
from shuzhi.web.api.frame.answers import Answer, Facts, Name, Title
from shuzhi.web.api.frame.asking import CityHere, reads
from shuzhi.web.seeing import case_sight, require_party

TAG = {"name": "evaluation", "description": "评价 · Evaluation: scores, with the numbers behind."}
router = APIRouter(prefix="/evaluation", tags=["evaluation"])
Scheme = Annotated[Name, InPath(description="The scheme that a period is scored by.")]
Period = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[0-9]{4}[0-9A-Za-z-]{0,10}$")],
    InPath(description="The period: 2026-03, 2026-Q1 or 2026."),
]


class LevelName(StrEnum):
    """A level of government."""

    NATION = "nation"
    CITY = "city"
    DISTRICT = "district"
    TOWN = "town"


class PeriodAnswer(Answer):
    """A period that was scored."""

    scheme: str
    """By which scheme."""
    period: str
    """Which period."""
    versions: int
    """How often it was scored."""
    published_at: datetime | None
    """When its newest version was published; null for a draft."""


class Periods(Answer):
    """The periods that were scored."""

    items: tuple[PeriodAnswer, ...]
    """By scheme, the newest period first."""


class NumberAnswer(Answer):
    """One number of a party's score."""

    measure: str
    """Which number."""
    numerator: Decimal
    """How many, or how much."""
    denominator: Decimal
    """Of how many."""
    value: Decimal | None
    """The value; null where there is none."""
    points: Decimal | None
    """The points that it gives, 0 to 100."""
    lack: str
    """Why it gives none."""


class PlaceAnswer(Answer):
    """A party's place in a league."""

    party: str
    """Whose."""
    rank: int | None
    """The place; null where there is no total."""
    total: Decimal | None
    """The points in all, 0 to 100."""
    weight: Decimal
    """The share of the weight that could be judged."""
    lack: str
    """Why there is no total."""
    numbers: tuple[NumberAnswer, ...]
    """The numbers that it is made of."""
    change: Decimal | None
    """By how much the total changed since the period before."""
    rose: int | None
    """How many places were gained; negative: lost."""
    appeals: int
    """How many appeals wait for a decision."""


class MeasureAnswer(Answer):
    """How a number is made."""

    id: str
    """Its id."""
    title: Title
    """What it is called."""
    formula: Title
    """How it is computed."""
    weight: Decimal
    """Its part in the total."""
    is_scored: bool
    """Whether it gives points; else it stands beside a number against gaming it."""


class LeagueAnswer(Answer):
    """The parties of one level, by rank."""

    scheme: str
    """By which scheme."""
    period: str
    """Of which period."""
    level: LevelName
    """Of which level."""
    version: int
    """Which version of the score."""
    versions: int
    """Of how many."""
    published_at: datetime | None
    """When it was published; null for a draft."""
    measures: tuple[MeasureAnswer, ...]
    """How its numbers are made."""
    rows: tuple[PlaceAnswer, ...]
    """The parties."""

    @classmethod
    def told(cls, league: League) -> LeagueAnswer:
        """Return a league."""
        scheme, same = league.scheme, ("change", "rose", "appeals")
        rows = tuple(
            PlaceAnswer.about(row.score, **{name: getattr(row, name) for name in same})
            for row in league.rows
        )
        measures = tuple(MeasureAnswer.about(m) for m in (*scheme.measures, *scheme.counters))
        level = LevelName(league.level.name.lower())
        return cls.about(league, scheme=scheme.id, level=level, measures=measures, rows=rows)


class CountedAnswer(Answer):
    """A fact behind a number."""

    id: str
    """What it is known by."""
    subject: str
    """What it is about: a case, a delivery, a report on quality, a duty."""
    numerator: Decimal
    """What it gave to the numerator."""
    denominator: Decimal
    """What it gave to the denominator."""


class CorrectionAnswer(Answer):
    """What an appeal changed about a fact."""

    fact: str
    """Which fact."""
    values: Facts
    """What it says since."""


class BehindAnswer(Answer):
    """What stands behind a number."""

    measure: MeasureAnswer
    """How the number is made."""
    party: str
    """Whose it is."""
    version: int
    """In which version of the score."""
    number: NumberAnswer
    """The number."""
    facts: tuple[CountedAnswer, ...]
    """The facts that it is counted from."""
    corrections: tuple[CorrectionAnswer, ...]
    """What appeals changed about them."""
    beside: Mapping[str, NumberAnswer]
    """The numbers beside it, against gaming it."""

    @classmethod
    def told(cls, behind: Behind) -> BehindAnswer:
        """Return what stands behind a number."""
        facts = tuple(
            CountedAnswer.about(each.fact, numerator=each.numerator, denominator=each.denominator)
            for each in behind.facts
        )
        return cls.about(behind, facts=facts)


class DecisionAnswer(Answer):
    """How an appeal was decided."""

    at: datetime
    """When."""
    is_upheld: bool
    """Whether the number was wrong."""
    reason: str
    """Why."""
    version_after: int | None
    """The version of the score that it led to."""


class AppealAnswer(Answer):
    """An appeal of a party against a number of its own."""

    id: int
    """Its number."""
    scheme: str
    """By which scheme the period was scored."""
    period: str
    """Of which period."""
    measure: str
    """Against which number."""
    party: str
    """Whose it is."""
    facts: tuple[str, ...]
    """The facts that are said to be wrong."""
    reason: str
    """Why."""
    raised_at: datetime
    """When it was raised."""
    due_at: datetime | None
    """When it has to be decided; null while that is not known yet."""
    why_undated: str | None
    """Why `due_at` is null, as a code: `kernel.calendar_ends` until the holiday notice is out."""
    raise_until: datetime | None
    """When the term to raise it ended; null while that was not known."""
    is_raised_late: bool
    """Whether it came to be known, once it had been taken, that it was raised after that."""
    decision: DecisionAnswer | None
    """How it was decided; null while it waits."""

    @classmethod
    def told(cls, appeal: Appeal) -> AppealAnswer:
        """Return an appeal."""
        return cls.about(appeal, party=appeal.raised_by.party)


class Appeals(Answer):
    """The appeals there are."""

    items: tuple[AppealAnswer, ...]
    """The appeals."""


@router.get("", **reads(Right.READ))
def list_periods(city: CityHere) -> Periods:
    """List the periods that were scored, by scheme, the newest first."""
    return Periods(items=tuple(PeriodAnswer.about(each) for each in city.scored_periods()))


@router.get("/appeals", **reads(Right.READ))
def list_appeals(city: CityHere, visitor: VisitorHere) -> Appeals:
    """List the appeals of one's own party, and of those below it, against scores."""
    whose = case_sight(visitor, city)
    seen = (each for each in city.appeals() if whose.covers(each.raised_by.party))
    return Appeals(items=tuple(map(AppealAnswer.told, seen)))


@router.get("/{scheme}/{period}/scores", **reads(Right.READ))
def show_league(
    city: CityHere,
    scheme: Scheme,
    period: Period,
    level: Annotated[
        LevelName | None, Query(description="Of this level; the scheme's first otherwise.")
    ] = None,
) -> LeagueAnswer:
    """Show the scores of a period: the parties of one level, by rank."""
    levels = city.evaluating.scheme(scheme).levels
    chosen = levels[0] if level is None else Level[level.name]
    return LeagueAnswer.told(city.league(scheme, period, chosen))


@router.get("/{scheme}/{period}/scores/{party}/{measure}", **reads(Right.READ))
def show_facts(
    city: CityHere,
    visitor: VisitorHere,
    scheme: Scheme,
    period: Period,
    party: Annotated[Name, InPath(description="Whose number.")],
    measure: Annotated[Name, InPath(description="Which number.")],
) -> BehindAnswer:
    """Show every fact behind a number of one's own party, or of one below it."""
    require_party(visitor, city, PartyId(party))
    return BehindAnswer.told(city.behind(scheme, period, PartyId(party), measure))
