"""The words of ODRL 2.2 as frozen values: a policy, its rules, and what they depend on.

Names of the ODRL vocabulary stand without their prefix (`read`, `dateTime`), all others as given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
NAMESPACE = "http://www.w3.org/ns/odrl/2/"

# A value as a constraint compares it; an instant is aware.
Value = str | float | bool | datetime


class PolicyKind(StrEnum):
    """The three kinds of policy that ODRL Core names (ODRL Information Model 2.2, section 2.1)."""

    SET = "Set"
    OFFER = "Offer"
    AGREEMENT = "Agreement"


class RuleKind(StrEnum):
    """What a rule does: allow, forbid, or oblige."""

    PERMISSION = "permission"
    PROHIBITION = "prohibition"
    DUTY = "duty"


class Operator(StrEnum):
    """How a constraint compares (ODRL Vocabulary 2.2, section 3.4)."""

    EQ = "eq"
    NEQ = "neq"
    GT = "gt"
    GTEQ = "gteq"
    LT = "lt"
    LTEQ = "lteq"
    IS_A = "isA"
    HAS_PART = "hasPart"
    IS_PART_OF = "isPartOf"
    IS_ALL_OF = "isAllOf"
    IS_ANY_OF = "isAnyOf"
    IS_NONE_OF = "isNoneOf"


class Operand(StrEnum):
    """How a logical constraint joins its parts (section 2.5.2)."""

    AND = "and"
    OR = "or"
    XONE = "xone"
    AND_SEQUENCE = "andSequence"


@dataclass(frozen=True)
class Constraint:
    """One comparison: what `left` names in the state of the world, with each value of `right`."""

    left: str
    operator: Operator
    right: tuple[Value, ...]
    unit: str | None = None
    uid: str | None = None


@dataclass(frozen=True)
class LogicalConstraint:
    """Several constraints that are joined."""

    operand: Operand
    parts: tuple[AnyConstraint, ...]
    uid: str | None = None


AnyConstraint = Constraint | LogicalConstraint


@dataclass(frozen=True)
class Rule:
    """A permission, prohibition or duty; what is None is not restricted.

    `constraints` are joined by and, refinements of the action among them. `duties` are those of a
    permission, the remedies of a prohibition and the consequences of a duty. `unread` says what of
    the rule was not understood: such a rule never permits, and forbids all the same.
    """

    kind: RuleKind
    uid: str | None = None
    action: str | None = None
    target: str | None = None
    assigner: str | None = None
    assignee: str | None = None
    constraints: tuple[AnyConstraint, ...] = ()
    duties: tuple[Rule, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """A policy with its rules; `conflict` is perm, prohibit or invalid (section 2.10).

    `conforms_to` is dct:conformsTo, here the version of the contract that the deal is about.
    """

    uid: str
    kind: PolicyKind
    rules: tuple[Rule, ...] = ()
    conflict: str = "invalid"
    profiles: tuple[str, ...] = ()
    conforms_to: tuple[str, ...] = ()

    def of(self, kind: RuleKind) -> Iterator[Rule]:
        """Yield the policy's own rules of one kind."""
        return (rule for rule in self.rules if rule.kind is kind)


@dataclass(frozen=True)
class Request:
    """What somebody wants to do: ODRL Request with one permission."""

    action: str | None = None
    target: str | None = None
    assignee: str | None = None


@dataclass(frozen=True)
class NotAPolicy:
    """What was read is no policy; `reason` says why."""

    reason: str
