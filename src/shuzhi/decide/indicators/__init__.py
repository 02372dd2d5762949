"""Indicators: trees of goal, dimension and indicator, measured over the lake and kept."""

from shuzhi.decide.indicators.facts import CASES, LENT, WARNINGS, Facts
from shuzhi.decide.indicators.indicator_yaml import parse_goal, read_goal
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

__all__ = [
    "CASES",
    "LENT",
    "WARNINGS",
    "Colour",
    "Composed",
    "Dimension",
    "Direction",
    "Facts",
    "Goal",
    "Indicator",
    "IndicatorId",
    "Kind",
    "Measured",
    "Run",
    "RunId",
    "Value",
    "parse_goal",
    "read_goal",
]
