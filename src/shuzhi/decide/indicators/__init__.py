"""Indicators: trees of goal, dimension and indicator, measured over the lake and kept."""

from shuzhi.decide.indicators.choosing import goal_named
from shuzhi.decide.indicators.drilling import Drilled, drill
from shuzhi.decide.indicators.errors import IndicatorError
from shuzhi.decide.indicators.events import IndicatorComputed
from shuzhi.decide.indicators.facts import CASES, LENT, WARNINGS, Facts, Lent
from shuzhi.decide.indicators.indicator_yaml import parse_goal, read_goal
from shuzhi.decide.indicators.measuring import Measuring
from shuzhi.decide.indicators.model import (
    Composed,
    Dimension,
    Goal,
    Indicator,
    IndicatorId,
    Kind,
    Measured,
    Run,
    RunId,
    Value,
)
from shuzhi.decide.indicators.thresholds import Colour, Direction
from shuzhi.decide.indicators.tree import Branch, Leaf, Score, Tree, leaf, tree, worst_first
from shuzhi.decide.indicators.use_cases import (
    Recomputed,
    compute,
    compute_due,
    history,
    newest_run,
    recompute,
)

__all__ = [
    "CASES",
    "LENT",
    "WARNINGS",
    "Branch",
    "Colour",
    "Composed",
    "Dimension",
    "Direction",
    "Drilled",
    "Facts",
    "Goal",
    "Indicator",
    "IndicatorComputed",
    "IndicatorError",
    "IndicatorId",
    "Kind",
    "Leaf",
    "Lent",
    "Measured",
    "Measuring",
    "Recomputed",
    "Run",
    "RunId",
    "Score",
    "Tree",
    "Value",
    "compute",
    "compute_due",
    "drill",
    "goal_named",
    "history",
    "leaf",
    "newest_run",
    "parse_goal",
    "read_goal",
    "recompute",
    "tree",
    "worst_first",
]
