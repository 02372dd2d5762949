"""Which indicators and groups a caller means: by whole id, or by a name that is one goal's only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shuzhi.decide.indicators.errors import IndicatorError, unknown_indicator
from shuzhi.decide.indicators.model import Goal, Group, Indicator, Run

Placed = tuple[Goal, Indicator]


def every(goals: Mapping[str, Goal]) -> list[Placed]:
    """Return all indicators, goal by goal."""
    return [(goal, each) for _, goal in sorted(goals.items()) for each in goal.indicators]


def chosen(goals: Mapping[str, Goal], names: Iterable[str]) -> list[Placed]:
    """Return the indicators called `names`, all when there are none.

    Raises:
        IndicatorError: `decide.indicator_unknown`, `decide.indicator_ambiguous`.
    """
    found = [one(goals, name) for name in names]
    return found or every(goals)


def one(goals: Mapping[str, Goal], name: str) -> Placed:
    """Return the indicator with this id, or the only one with this name. Raises as `chosen`."""
    there = every(goals)
    matches = [placed for placed in there if name in (placed[1].id, placed[1].name)]
    if not matches:
        raise unknown_indicator(name, {known for _, i in there for known in (i.id, i.name)})
    if len(matches) > 1:
        ids = ", ".join(indicator.id for _, indicator in matches)
        raise IndicatorError(
            "decide.indicator_ambiguous",
            f"{name!r} is the name of several indicators.",
            next_step=f"Choose one of: {ids}.",
        )
    return matches[0]


def goal_named(goals: Mapping[str, Goal], name: str) -> Goal:
    """Return a goal. Raises IndicatorError: `decide.goal_unknown`."""
    if name in goals:
        return goals[name]
    raise IndicatorError(
        "decide.goal_unknown",
        f"There is no goal {name[:60]!r} in this city.",
        next_step=f"Choose one of: {', '.join(sorted(goals)) or 'none yet'}.",
    )


def group_named(run: Run | None, given: Sequence[object] | None) -> Group | None:
    """Return the group of a run whose values read as those `given`; None for the whole.

    Raises:
        IndicatorError: `decide.indicator_group_unknown`.
    """
    if given is None:
        return None
    asked = [_text(value) for value in given]
    groups = [value.group for value in run.groups if value.group is not None] if run else []
    for group in groups:
        if [_text(value) for value in group] == asked:
            return group
    shown = "; ".join(", ".join(map(_text, group)) for group in groups[:10]) or "none yet"
    raise IndicatorError(
        "decide.indicator_group_unknown",
        f"The indicator has no group {', '.join(asked)[:80]!r}.",
        next_step=f"Its groups are: {shown}{' …' if len(groups) > 10 else ''}.",
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)
