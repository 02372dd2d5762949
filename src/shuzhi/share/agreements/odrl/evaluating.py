"""Evaluates a policy for a request in a state of the world, rule by rule, and says why.

What cannot be decided (an operand that is not known, a word that was not read) never permits and
never lifts a prohibition. Reports follow the compliance report model of the ODRL test suite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements.odrl.model import (
    AnyConstraint,
    Constraint,
    LogicalConstraint,
    Operand,
    Operator,
    Policy,
    Request,
    Rule,
    RuleKind,
    Value,
)

_NOW = "dateTime"
# ODRL Vocabulary 2.2, "Included In"; what is not named is a part of `use`. `write` is of ODRL 2.0.
_INCLUDED_IN = {
    "give": "transfer",
    "sell": "transfer",
    "transfer": None,
    "use": None,
    "display": "play",
    "extract": "reproduce",
    "write": "modify",
}


class DutyState(StrEnum):
    """How a duty stands (deontic state)."""

    NON_SET = "NonSet"
    FULFILLED = "Fulfilled"
    VIOLATED = "Violated"


@dataclass(frozen=True)
class World:
    """What is so when a request is made.

    `operands` gives each left operand its value or values, `part_of` each party and asset the
    collections that it belongs to, `duties` the state of duties by uid.
    """

    now: Instant
    operands: Mapping[str, Value | frozenset[Value]] = field(default_factory=dict)
    part_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    duties: Mapping[str, DutyState] = field(default_factory=dict)


@dataclass(frozen=True)
class Premise:
    """One side of a rule; `holds` is None where nobody can say."""

    about: str
    holds: bool | None


@dataclass(frozen=True)
class RuleReport:
    """How a rule stands for a request: active or not, with the premises and duties behind it."""

    rule: Rule
    premises: tuple[Premise, ...]
    duties: tuple[DutyState, ...]
    is_active: bool


class Conflict(StrEnum):
    """What counts where a permission and a prohibition are active at once (section 2.10)."""

    PERMISSION = "perm"
    PROHIBITION = "prohibit"
    INVALID = "invalid"


@dataclass(frozen=True)
class Evaluation:
    """What a policy says to a request."""

    reports: tuple[RuleReport, ...]
    conflict: str = Conflict.INVALID.value

    def active(self, kind: RuleKind) -> bool:
        """Whether any rule of `kind` is active."""
        return any(r.is_active for r in self.reports if r.rule.kind is kind)

    @property
    def is_permitted(self) -> bool:
        """Whether the request may go ahead: permitted, and not forbidden or void by conflict."""
        if not self.active(RuleKind.PERMISSION):
            return False
        return self.conflict == Conflict.PERMISSION or not self.active(RuleKind.PROHIBITION)


def evaluate(policy: Policy, request: Request, world: World) -> Evaluation:
    """Return what `policy` says to `request` in `world`; the policy's own duties ask nothing."""
    asked = (rule for rule in policy.rules if rule.kind is not RuleKind.DUTY)
    return Evaluation(tuple(_report(rule, request, world) for rule in asked), policy.conflict)


def _report(rule: Rule, request: Request, world: World) -> RuleReport:
    premises = tuple(_premises(rule, request, world))
    duties = tuple(world.duties.get(d.uid or "", DutyState.NON_SET) for d in rule.duties)
    known = [premise.holds for premise in premises]
    if rule.kind is RuleKind.PROHIBITION:
        # What was not read may be the very part that would make it hold.
        is_active = bool(rule.unread) or False not in known
    else:
        is_good = all(known) and not rule.unread and not any(d.unread for d in rule.duties)
        is_active = is_good and DutyState.VIOLATED not in duties
    return RuleReport(rule, premises, duties, is_active)


def _premises(rule: Rule, request: Request, world: World) -> Iterable[Premise]:
    if rule.target is not None:
        yield Premise("target", _is_or_in(request.target, rule.target, world))
    if rule.assignee is not None:
        yield Premise("party", _is_or_in(request.assignee, rule.assignee, world))
    if rule.action is not None:
        yield Premise("action", _includes(rule.action, request.action))
    if rule.constraints:
        held = [_holds(constraint, world) for constraint in rule.constraints]
        yield Premise("constraint", _all(held))


def _is_or_in(asked: str | None, named: str, world: World) -> bool:
    return asked is not None and (asked == named or named in world.part_of.get(asked, ()))


def _includes(general: str, action: str | None) -> bool:
    while action is not None and action != general:
        action = _INCLUDED_IN.get(action, "use")
    return action is not None


def _holds(constraint: AnyConstraint, world: World) -> bool | None:
    if isinstance(constraint, LogicalConstraint):
        return _JOINED[constraint.operand]([_holds(part, world) for part in constraint.parts])
    left = world.now if constraint.left == _NOW else world.operands.get(constraint.left)
    if left is None or constraint.unit is not None:
        return None
    return _compared(constraint, left if isinstance(left, frozenset) else frozenset({left}))


def _compared(constraint: Constraint, left: frozenset[Any]) -> bool | None:
    right = frozenset(constraint.right)
    if constraint.operator in _SETS:
        return _SETS[constraint.operator](left, right)
    order = _ORDERS.get(constraint.operator)
    if order is None or len(left) != 1 or len(right) != 1:
        return None
    (mine,), (limit,) = left, right
    if isinstance(mine, datetime) is not isinstance(limit, datetime):
        return None
    try:
        return order(mine, limit)
    except TypeError:
        return None


def _all(held: Iterable[bool | None]) -> bool | None:
    found = list(held)
    return False if False in found else None if None in found else True


def _any(held: Iterable[bool | None]) -> bool | None:
    found = list(held)
    return True if True in found else None if None in found or not found else False


def _one(held: Iterable[bool | None]) -> bool | None:
    found = list(held)
    if found.count(True) > 1:
        return False
    return None if None in found or not found else True in found


_JOINED: Mapping[Operand, Callable[[Iterable[bool | None]], bool | None]] = {
    Operand.AND: _all,
    Operand.AND_SEQUENCE: _all,
    Operand.OR: _any,
    Operand.XONE: _one,
}
_SETS: Mapping[Operator, Callable[[frozenset[Any], frozenset[Any]], bool]] = {
    Operator.EQ: lambda left, right: left == right,
    Operator.NEQ: lambda left, right: left != right,
    Operator.IS_ANY_OF: lambda left, right: bool(left & right),
    Operator.IS_NONE_OF: lambda left, right: not left & right,
    Operator.IS_ALL_OF: lambda left, right: left >= right,
    Operator.HAS_PART: lambda left, right: left >= right,
    Operator.IS_PART_OF: lambda left, right: bool(left) and left <= right,
}
_ORDERS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.GT: lambda left, right: left > right,
    Operator.GTEQ: lambda left, right: left >= right,
    Operator.LT: lambda left, right: left < right,
    Operator.LTEQ: lambda left, right: left <= right,
}
