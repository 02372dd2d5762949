"""`/indicators`: goals with their numbers, how each went, and what stands behind it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from pydantic import StringConstraints

from shuzhi.decide.indicators import Branch, Colour, Drilled, Kind, Leaf, Tree, worst_first
from shuzhi.share.accounts import Right
from shuzhi.web.api.frame.acting import VisitorHere
from shuzhi.web.api.frame.answers import Answer, Line, Title
from shuzhi.web.api.frame.asking import CityHere, reads
from shuzhi.web.api.frame.owning import answers_for
from shuzhi.web.seeing import seen_drilled

TAG = {"name": "indicators", "description": "指标 · Indicators: goals, numbers, what is behind."}
router = APIRouter(prefix="/indicators", tags=["indicators"])
IndicatorName = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.]*$", max_length=200)],
    InPath(description="Its id (`goal.name`), or its name where no other goal has it."),
]
Group = Annotated[
    list[Line],
    Query(max_length=20, description="Of this group alone: a value for each of `group_by`."),
]


class ValueAnswer(Answer):
    """What an indicator was."""

    group: tuple[Any, ...] | None
    """Of which group; null for everything together."""
    value: Decimal | None
    """The value, in the unit of the indicator; null where there is none."""
    numerator: Decimal | None
    """Of a ratio, how many."""
    denominator: Decimal | None
    """Of a ratio, of how many."""
    colour: Colour
    """How it stands."""


class ComputedAnswer(Answer):
    """One computation of an indicator."""

    id: int
    """Its number."""
    computed_at: datetime
    """When it was computed."""
    confirmed_at: datetime
    """Until when it was known to hold still."""
    as_of: datetime | None
    """Up to when its data reach, where they say so."""
    versions: Mapping[str, int]
    """The versions of the data sets that it was computed from."""
    values: tuple[ValueAnswer, ...]
    """The values."""
    problem: str
    """Why there are none."""


class ScoreAnswer(Answer):
    """Points, and how much of their weight could be judged."""

    points: Decimal
    """The points, 0 to 100."""
    rests_on: Decimal
    """The share of the weight that had a value."""


class IndicatorLine(Answer):
    """An indicator as it stands."""

    id: str
    """Its id."""
    title: Title
    """What it is called."""
    kind: Kind
    """Whether it judges work or watches a state."""
    unit: str
    """The unit of its values."""
    owner: str
    """Who answers for it."""
    weight: Decimal | None
    """Its part in the score of its dimension."""
    colour: Colour
    """How it stands."""
    value: Decimal | None
    """Its newest value as a whole; null where there is none."""
    computed_at: datetime | None
    """When that was computed."""
    score: ScoreAnswer | None
    """Its points."""
    problem: str
    """Why there is no value."""
    stale: str
    """Why the value is older than it may be."""

    @classmethod
    def told(cls, leaf: Leaf) -> IndicatorLine:
        """Return an indicator, in short."""
        return cls(**_line(leaf))


class IndicatorAnswer(IndicatorLine):
    """Everything about an indicator."""

    reads: tuple[str, ...]
    """The data sets that its own formula reads."""
    group_by: tuple[str, ...]
    """By what its values are grouped."""
    data_items: tuple[str, ...]
    """The columns that it uses."""
    groups: tuple[ValueAnswer, ...]
    """Its newest values by group, the worst first."""


class DimensionAnswer(Answer):
    """A side of a goal."""

    id: str
    """Its id."""
    title: Title
    """What it is called."""
    weight: Decimal | None
    """Its part in the score of the goal."""
    colour: Colour
    """How it stands."""
    score: ScoreAnswer | None
    """Its points."""
    indicators: tuple[IndicatorLine, ...]
    """Its indicators."""

    @classmethod
    def told(cls, branch: Branch) -> DimensionAnswer:
        """Return a dimension with its indicators."""
        dimension = branch.dimension
        return cls.about(
            branch,
            id=dimension.id,
            title=Title.both(dimension),
            weight=dimension.weight,
            indicators=tuple(map(IndicatorLine.told, branch.leaves)),
        )


class GoalAnswer(Answer):
    """A goal with its indicators."""

    id: str
    """Its id."""
    title: Title
    """What it is called."""
    at: datetime
    """When it was looked at."""
    colour: Colour
    """How it stands."""
    score: ScoreAnswer | None
    """Its points."""
    dimensions: tuple[DimensionAnswer, ...]
    """Its sides."""

    @classmethod
    def told(cls, tree: Tree) -> GoalAnswer:
        """Return a goal with its tree."""
        title, below = Title.both(tree.goal), tuple(map(DimensionAnswer.told, tree.branches))
        return cls.about(tree, id=tree.goal.id, title=title, dimensions=below)


class Goals(Answer):
    """The goals of the city."""

    items: tuple[GoalAnswer, ...]
    """The goals, by id."""


class Computed(Answer):
    """Computations of an indicator, the newest first."""

    items: tuple[ComputedAnswer, ...]
    """The computations."""


class DrilledAnswer(Answer):
    """What stands behind a value."""

    indicator: str
    """Of which indicator."""
    value: ValueAnswer | None
    """The value."""
    versions: Mapping[str, int]
    """The versions of the data sets that it was computed from."""
    cases: tuple[int, ...]
    """The cases behind it."""
    warnings: tuple[int, ...]
    """The warnings behind it."""
    below: tuple[str, ...]
    """The indicators that it is composed of."""
    rows: tuple[Mapping[str, Any], ...] | None
    """Some of the rows behind it; null for who does not answer for all of these data."""
    has_more: bool
    """Whether there are more rows, cases or warnings than were asked for."""

    @classmethod
    def told(cls, drilled: Drilled, *, with_rows: bool) -> DrilledAnswer:
        """Return what stands behind a value, with rows or without."""
        return cls.about(
            drilled,
            indicator=drilled.indicator.id,
            versions=drilled.run.versions,
            rows=drilled.rows if with_rows else None,
        )


@router.get("", **reads(Right.READ))
def list_goals(city: CityHere) -> Goals:
    """List the goals with their dimensions and indicators, as they stand."""
    return Goals(items=tuple(GoalAnswer.told(city.indicator_tree(goal)) for goal in city.goals()))


@router.get("/{indicator}", **reads(Right.READ))
def show_indicator(city: CityHere, indicator: IndicatorName) -> IndicatorAnswer:
    """Show an indicator with its newest values by group."""
    leaf = city.indicator(indicator)
    groups = worst_first(leaf.indicator, leaf.run.groups) if leaf.run else ()
    return IndicatorAnswer(
        **_line(leaf),
        reads=leaf.indicator.reads,
        group_by=leaf.indicator.formula.group_by,
        data_items=leaf.items,
        groups=tuple(ValueAnswer.about(value) for value in groups),
    )


@router.get("/{indicator}/values", **reads(Right.READ))
def list_indicator_values(
    city: CityHere,
    indicator: IndicatorName,
    group: Group = [],  # noqa: B006  (FastAPI copies it)
    limit: Annotated[int, Query(ge=1, le=1_000, description="How many at most.")] = 100,
) -> Computed:
    """Show how an indicator went: its newest computations, the newest first."""
    found = city.indicator_history(indicator, group or None, limit=limit)
    return Computed(items=tuple(ComputedAnswer.about(run) for run in found))


@router.get("/{indicator}/behind", **reads(Right.READ))
def drill_indicator(
    city: CityHere,
    visitor: VisitorHere,
    indicator: IndicatorName,
    group: Group = [],  # noqa: B006  (FastAPI copies it)
    limit: Annotated[int, Query(ge=1, le=500, description="How many of each at most.")] = 50,
) -> DrilledAnswer:
    """Show what stands behind the newest value: cases, warnings, and to their owner rows."""
    found = seen_drilled(visitor, city, city.drill(indicator, group or None, limit=limit))
    return DrilledAnswer.told(found, with_rows=answers_for(visitor, city, found.indicator.reads))


def _line(leaf: Leaf) -> dict[str, Any]:
    indicator, run = leaf.indicator, leaf.run
    same = ("id", "kind", "unit", "owner", "weight")
    return {
        **{name: getattr(indicator, name) for name in same},
        **{name: getattr(leaf, name) for name in ("colour", "score", "problem", "stale")},
        "title": Title.both(indicator),
        "value": run.whole.value if run and run.whole else None,
        "computed_at": run.computed_at if run else None,
    }
