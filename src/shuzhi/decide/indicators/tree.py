"""The tree as people look at it: colours and scores from the indicators up to the goal.

A node is as bad as the worst below it that has thresholds; its score is the weighted mean of the
scores below it, and says on how much of the weight it rests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from shuzhi.decide.indicators import store
from shuzhi.decide.indicators.choosing import goal_named, one
from shuzhi.decide.indicators.columns import Schemas
from shuzhi.decide.indicators.measuring import Measuring
from shuzhi.decide.indicators.model import (
    Dimension,
    Goal,
    Indicator,
    Measured,
    Run,
    Value,
    stale_reason,
)
from shuzhi.decide.indicators.thresholds import Colour, Direction
from shuzhi.kernel.instant import Instant

_NEVER = "not computed yet"
_NO_VALUE = "there is nothing to divide by"


@dataclass(frozen=True)
class Score:
    """Points, 0 to 100, and the share of the weight below that has any, 0 to 1."""

    points: Decimal
    rests_on: Decimal = Decimal(1)


@dataclass(frozen=True)
class Leaf:
    """An indicator with its newest computation.

    `problem` says why there is no value, `stale` why a value is too old; both are empty when all
    is well. `items` are the columns of the lake (数据项) that its formula uses.
    """

    indicator: Indicator
    run: Run | None
    colour: Colour
    score: Score | None
    problem: str
    stale: str
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class Branch:
    """One dimension with its indicators."""

    dimension: Dimension
    colour: Colour
    score: Score | None
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True)
class Tree:
    """A goal with all that is below it, as it was known at `at`."""

    goal: Goal
    at: Instant
    colour: Colour
    score: Score | None
    branches: tuple[Branch, ...]

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """Every indicator, in order."""
        return tuple(leaf for branch in self.branches for leaf in branch.leaves)


def tree(measuring: Measuring, goal: str) -> Tree:
    """Return the tree of a goal with the newest values. Computes nothing.

    Raises:
        IndicatorError: `decide.goal_unknown`.
    """
    found = goal_named(measuring.goals, goal)
    now = measuring.clock()
    with measuring.control.transaction() as connection:
        runs = store.latest_runs(connection, [each.id for each in found.indicators])
    schemas = Schemas(measuring.lake)
    leaves = {i.id: _leaf(schemas, i, runs.get(i.id), now) for i in found.indicators}
    branches = tuple(
        _branch(dimension, tuple(leaves[i.id] for i in dimension.indicators))
        for dimension in found.dimensions
    )
    return Tree(
        found,
        now,
        _worst(leaves.values()),
        mean((branch.dimension.weight, branch.score) for branch in branches),
        branches,
    )


def leaf(measuring: Measuring, name: str) -> Leaf:
    """Return one indicator with its newest value.

    Raises:
        IndicatorError: `decide.indicator_unknown`, `decide.indicator_ambiguous`.
    """
    _, indicator = one(measuring.goals, name)
    with measuring.control.transaction() as connection:
        runs = store.latest_runs(connection, [indicator.id])
    return _leaf(Schemas(measuring.lake), indicator, runs.get(indicator.id), measuring.clock())


def worst_first(indicator: Indicator, values: Iterable[Value]) -> list[Value]:
    """Return values in order, the worst first, those without a number last."""
    is_lower_better = (
        indicator.thresholds is not None and indicator.thresholds.direction is Direction.LOWER
    )

    def badness(value: Value) -> tuple[bool, int, Decimal]:
        number = value.value or Decimal(0)
        return value.value is None, -value.colour.rank, -number if is_lower_better else number

    return sorted(values, key=badness)


def mean(parts: Iterable[tuple[Decimal | None, Score | None]]) -> Score | None:
    """Return the weighted mean of the scores there are; None when there is none.

    A part without a weight does not count; one with a weight and no score is missing, and so the
    mean rests on less than the whole.
    """
    weighed = [(weight, score) for weight, score in parts if weight is not None]
    scored = [(weight, score) for weight, score in weighed if score is not None]
    if not scored:
        return None
    there = _sum(weight for weight, _ in scored)
    points = _sum(weight * score.points for weight, score in scored) / there
    rests_on = _sum(weight * score.rests_on for weight, score in scored)
    return Score(points, rests_on / _sum(weight for weight, _ in weighed))


def _sum(numbers: Iterable[Decimal]) -> Decimal:
    return sum(numbers, Decimal(0))


def _branch(dimension: Dimension, leaves: tuple[Leaf, ...]) -> Branch:
    score = mean((leaf.indicator.weight, leaf.score) for leaf in leaves)
    return Branch(dimension, _worst(leaves), score, leaves)


def _worst(leaves: Iterable[Leaf]) -> Colour:
    judged = (leaf for leaf in leaves if leaf.indicator.thresholds is not None)
    return Colour.worst(leaf.colour for leaf in judged)


def _leaf(schemas: Schemas, indicator: Indicator, run: Run | None, now: Instant) -> Leaf:
    return Leaf(
        indicator,
        run,
        Colour.GREY if run is None else run.colour,
        _score(indicator, run),
        _problem(run),
        "" if run is None else stale_reason(indicator, run, now),
        _items(schemas, indicator),
    )


def _score(indicator: Indicator, run: Run | None) -> Score | None:
    whole = None if run is None else run.whole
    if indicator.scale is None or whole is None or whole.value is None:
        return None
    return Score(indicator.scale.points(whole.value))


def _problem(run: Run | None) -> str:
    if run is None:
        return _NEVER
    has_value = any(value.value is not None for value in run.values)
    return run.problem or ("" if has_value else _NO_VALUE)


def _items(schemas: Schemas, indicator: Indicator) -> tuple[str, ...]:
    """Return the columns that a formula uses; none while they cannot be told."""
    formula = indicator.formula
    if not isinstance(formula, Measured):
        return ()
    refs = (ref for each in schemas.refs(formula).values() for ref in each)
    return tuple(sorted({f"{ref.dataset}.{ref.column}" for ref in refs}))
