"""ODRL 2.2 policies: read from JSON-LD or Turtle, written as JSON-LD, and evaluated."""

from shuzhi.share.agreements.odrl.evaluating import (
    Conflict,
    DutyState,
    Evaluation,
    Premise,
    RuleReport,
    World,
    evaluate,
)
from shuzhi.share.agreements.odrl.model import (
    CONTEXT,
    Constraint,
    LogicalConstraint,
    NotAPolicy,
    Operator,
    Policy,
    PolicyKind,
    Request,
    Rule,
    RuleKind,
)
from shuzhi.share.agreements.odrl.reading import read_policy, read_request
from shuzhi.share.agreements.odrl.turtle import plain_of_turtle
from shuzhi.share.agreements.odrl.writing import written

__all__ = [
    "CONTEXT",
    "Conflict",
    "Constraint",
    "DutyState",
    "Evaluation",
    "LogicalConstraint",
    "NotAPolicy",
    "Operator",
    "Policy",
    "PolicyKind",
    "Premise",
    "Request",
    "Rule",
    "RuleKind",
    "RuleReport",
    "World",
    "evaluate",
    "plain_of_turtle",
    "read_policy",
    "read_request",
    "written",
]
