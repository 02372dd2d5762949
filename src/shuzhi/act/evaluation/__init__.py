"""Evaluation: scores by a scheme, league tables with the numbers behind them, and appeals."""

from shuzhi.act.evaluation.appealing import appeal, decide_appeal
from shuzhi.act.evaluation.appeals import Appeal, AppealId, Correction, Decision, Person
from shuzhi.act.evaluation.arithmetic import Body, Lack, Number, Score
from shuzhi.act.evaluation.counts import COUNTS, DueRule, Window
from shuzhi.act.evaluation.errors import EvaluationError
from shuzhi.act.evaluation.evaluating import Evaluating
from shuzhi.act.evaluation.facts import (
    Arrival,
    BurdenFact,
    CaseFact,
    DeliveryFact,
    DutyFact,
    Fact,
    FactKind,
    QualityFact,
)
from shuzhi.act.evaluation.periods import Length, Period, parse_period
from shuzhi.act.evaluation.queries import (
    Behind,
    League,
    ScoredPeriod,
    appeals,
    behind,
    league,
    recompute,
    scored_periods,
)
from shuzhi.act.evaluation.scheme import Measure, Scheme, Shown, Term, Words
from shuzhi.act.evaluation.scheme_yaml import parse_scheme, read_scheme
from shuzhi.act.evaluation.terms import date_appeals
from shuzhi.act.evaluation.use_cases import Scored, publish, score

__all__ = [
    "COUNTS",
    "Appeal",
    "AppealId",
    "Arrival",
    "Behind",
    "Body",
    "BurdenFact",
    "CaseFact",
    "Correction",
    "Decision",
    "DeliveryFact",
    "DueRule",
    "DutyFact",
    "Evaluating",
    "EvaluationError",
    "Fact",
    "FactKind",
    "Lack",
    "League",
    "Length",
    "Measure",
    "Number",
    "Period",
    "Person",
    "QualityFact",
    "Scheme",
    "Score",
    "Scored",
    "ScoredPeriod",
    "Shown",
    "Term",
    "Window",
    "Words",
    "appeal",
    "appeals",
    "behind",
    "date_appeals",
    "decide_appeal",
    "league",
    "parse_period",
    "parse_scheme",
    "publish",
    "read_scheme",
    "recompute",
    "score",
    "scored_periods",
]
