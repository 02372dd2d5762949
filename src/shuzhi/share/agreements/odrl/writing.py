"""Writes a policy as JSON-LD in ODRL's own context; what is written reads back as the same."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from shuzhi.share.agreements.odrl.model import (
    CONTEXT,
    AnyConstraint,
    LogicalConstraint,
    Policy,
    Rule,
    RuleKind,
    Value,
)

_DCT = {"dct": "http://purl.org/dc/terms/", "xsd": "http://www.w3.org/2001/XMLSchema#"}
_KEYS = {
    RuleKind.PERMISSION: "permission",
    RuleKind.PROHIBITION: "prohibition",
    RuleKind.DUTY: "obligation",
}
_INNER = {
    RuleKind.PERMISSION: "duty",
    RuleKind.PROHIBITION: "remedy",
    RuleKind.DUTY: "consequence",
}


def written(policy: Policy) -> dict[str, Any]:
    """Return `policy` as a JSON-LD document."""
    document: dict[str, Any] = {
        "@context": [CONTEXT, _DCT],
        "@type": policy.kind.value,
        "uid": policy.uid,
        "conflict": policy.conflict,
    }
    if policy.profiles:
        document["profile"] = list(policy.profiles)
    if policy.conforms_to:
        document["dct:conformsTo"] = list(policy.conforms_to)
    for kind, key in _KEYS.items():
        if rules := [_rule(rule) for rule in policy.of(kind)]:
            document[key] = rules
    return document


def _rule(rule: Rule) -> dict[str, Any]:
    node: dict[str, Any] = {
        "uid": rule.uid,
        "target": rule.target,
        "assigner": rule.assigner,
        "assignee": rule.assignee,
        "action": rule.action,
        "constraint": _constraints(rule.constraints),
        _INNER[rule.kind]: [_rule(duty) for duty in rule.duties],
    }
    return {key: value for key, value in node.items() if value}


def _constraints(constraints: Iterable[AnyConstraint]) -> list[dict[str, Any]]:
    return [_constraint(constraint) for constraint in constraints]


def _constraint(constraint: AnyConstraint) -> dict[str, Any]:
    if isinstance(constraint, LogicalConstraint):
        parts = {constraint.operand.value: {"@list": _constraints(constraint.parts)}}
        return parts | ({"uid": constraint.uid} if constraint.uid else {})
    right = [_value(value) for value in constraint.right]
    node = {
        "uid": constraint.uid,
        "leftOperand": constraint.left,
        "operator": constraint.operator.value,
        "rightOperand": right[0] if len(right) == 1 else right,
        "unit": constraint.unit,
    }
    return {key: value for key, value in node.items() if value is not None}


def _value(value: Value) -> Any:
    if isinstance(value, datetime):
        return {"@value": value.isoformat(), "@type": "xsd:dateTime"}
    return value
