"""Reads a policy from JSON-LD in the terms of ODRL's own context; nothing here raises.

A context is never fetched and its own terms are not followed: what is not in ODRL's words is noted
in the rule as unread, and the evaluation then fails closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shuzhi.share.agreements.odrl.model import (
    NAMESPACE,
    AnyConstraint,
    Constraint,
    LogicalConstraint,
    NotAPolicy,
    Operand,
    Operator,
    Policy,
    PolicyKind,
    Request,
    Rule,
    RuleKind,
    Value,
)

_MOST_DEPTH = 16
_MOST_VALUES = 200_000
_KINDS = {kind.value: kind for kind in PolicyKind}
_OPERATORS = {operator.value: operator for operator in Operator}
_OPERANDS = {operand.value: operand for operand in Operand}
_LISTS = {
    "permission": RuleKind.PERMISSION,
    "prohibition": RuleKind.PROHIBITION,
    "obligation": RuleKind.DUTY,
}
# What a rule may say; anything else of ODRL's words is noted as unread.
_SHARED = ("action", "target", "assigner", "assignee")
_KNOWN = {*_SHARED, "uid", "type", "constraint", "duty", "remedy", "consequence"}
_TIMES = ("dateTime", "date")
_XSD = ("xsd:", "http://www.w3.org/2001/XMLSchema#")
_CONFORMS = ("conformsTo", "dct:conformsTo", "http://purl.org/dc/terms/conformsTo")


def read_policy(content: Any) -> Policy | NotAPolicy:
    """Return the policy that `content` (what `json` parsed) is, or why it is none."""
    found = _policy_node(content)
    if not isinstance(found, Mapping):
        return NotAPolicy("it is no JSON object")
    kind = next((_KINDS[t] for t in _names(found.get("type")) if t in _KINDS), PolicyKind.SET)
    uid = _one_name(found.get("uid"))
    if uid is None:
        return NotAPolicy("it has no uid")
    for word in ("inheritFrom", "constraint"):
        if word in found:
            return NotAPolicy(f"it says {word} of the whole policy, which is not read here")
    reader = _Reader()
    rules = tuple(
        rule for key, of in _LISTS.items() for rule in reader.rules(of, found.get(key), found, 0)
    )
    if reader.values > _MOST_VALUES:
        return NotAPolicy("it has too many parts")
    return Policy(
        uid,
        kind,
        rules,
        _one_name(found.get("conflict")) or "invalid",
        tuple(_names(found.get("profile"))),
        tuple(name for key in _CONFORMS for name in _names(found.get(key))),
    )


def read_request(content: Any) -> Request | NotAPolicy:
    """Return what a Request asks for, by its first permission, or why it is none."""
    found = _policy_node(content)
    if not isinstance(found, Mapping):
        return NotAPolicy("it is no JSON object")
    reader = _Reader()
    rule = next(reader.rules(RuleKind.PERMISSION, found.get("permission"), found, 0), None)
    if rule is None or rule.unread:
        return NotAPolicy("it has no permission that is understood")
    return Request(rule.action, rule.target, rule.assignee)


@dataclass
class _Reader:
    """Counts what it reads, so that no document takes for ever."""

    values: int = 0
    unread: list[str] = field(default_factory=list)

    def rules(
        self, kind: RuleKind, content: Any, above: Mapping[str, Any], depth: int
    ) -> Iterator[Rule]:
        """Yield a rule for each action and target that `content` names, `above` being shared."""
        for item in _listed(content):
            node = _keyed(item)
            if not isinstance(node, Mapping):
                yield Rule(kind, unread=("a rule that is no object",))
                continue
            merged = {**{k: above[k] for k in _SHARED if k in above}, **node}
            yield from self._each(kind, merged, _listed(node.get("constraint")), depth)

    def _each(
        self, kind: RuleKind, node: Mapping[str, Any], constraints: list[Any], depth: int
    ) -> Iterator[Rule]:
        for action in _listed(node.get("action")) or [None]:
            for target in _listed(node.get("target")) or [None]:
                if self.values > _MOST_VALUES:
                    return
                yield self._rule(kind, node, (action, target), constraints, depth)

    def _rule(
        self,
        kind: RuleKind,
        node: Mapping[str, Any],
        about: tuple[Any, Any],
        constraints: list[Any],
        depth: int,
    ) -> Rule:
        outer, self.unread = self.unread, []
        self._count(depth)
        action, refinements = self._action(about[0])
        read = [self.constraint(c, depth + 1) for c in (*constraints, *refinements)]
        duties = tuple(
            duty
            for key in ("duty", "remedy", "consequence")
            for duty in self._duties(node.get(key), depth + 1)
        )
        target, assigner, assignee = (
            self._party(about[1]), self._only(node, "assigner"), self._only(node, "assignee")
        )  # fmt: skip
        self.unread += [f"the word {key[:40]!r}" for key in node if _is_strange(key)]
        unread, self.unread = tuple(self.unread), outer
        kept = tuple(c for c in read if c is not None)
        uid = _one_name(node.get("uid"))
        return Rule(kind, uid, action, target, assigner, assignee, kept, duties, unread)

    def _duties(self, content: Any, depth: int) -> Iterator[Rule]:
        if content is not None and depth > _MOST_DEPTH:
            self._lost("duties of duties, too deep")
            return
        yield from self.rules(RuleKind.DUTY, content, {}, depth)

    def constraint(self, content: Any, depth: int) -> AnyConstraint | None:
        """Return a constraint; None for one that is not understood, which is noted."""
        node = _keyed(content)
        if not isinstance(node, Mapping) or not self._count(depth):
            self._lost("a constraint that is no object, or too deep")
            return None
        joins = [name for name in node if name in _OPERANDS]
        if joins:
            return self._logical(node, joins, depth)
        left, operator = _one_name(node.get("leftOperand")), _one_name(node.get("operator"))
        right = [_value(item, node.get("dataType")) for item in _listed(node.get("rightOperand"))]
        if left is None or operator not in _OPERATORS or not right or None in right:
            self._lost("a constraint without left operand, operator or right operand")
            return None
        values = tuple(value for value in right if value is not None)
        unit, uid = _one_name(node.get("unit")), _one_name(node.get("uid"))
        return Constraint(left, _OPERATORS[operator], values, unit, uid)

    def _logical(
        self, node: Mapping[str, Any], joins: list[str], depth: int
    ) -> LogicalConstraint | None:
        listed = node[joins[0]]
        if isinstance(listed, Mapping) and "@list" in listed:
            listed = listed["@list"]
        parts = [self.constraint(part, depth + 1) for part in _listed(listed)]
        if len(joins) > 1 or not parts:
            self._lost("a logical constraint of no parts, or joined in two ways")
            return None
        kept = tuple(part for part in parts if part is not None)
        return LogicalConstraint(_OPERANDS[joins[0]], kept, _one_name(node.get("uid")))

    def _action(self, content: Any) -> tuple[str | None, list[Any]]:
        node = _keyed(content)
        if not isinstance(node, Mapping):
            return self._name(content), []
        named = node.get("value", node.get("rdf:value", node.get("uid")))
        return self._name(named), _listed(node.get("refinement"))

    def _only(self, node: Mapping[str, Any], key: str) -> str | None:
        found = _listed(node.get(key))
        if len(found) > 1:
            self._lost(f"more than one {key}")
        return self._party(found[0]) if found else None

    def _party(self, content: Any) -> str | None:
        node = _keyed(content)
        if isinstance(node, Mapping) and "refinement" in node:
            self._lost("a collection with a refinement")
        return self._name(content)

    def _name(self, content: Any) -> str | None:
        if content is None:
            return None
        name = _one_name(content)
        if name is None:
            self._lost("a name that is no text")
        return name

    def _count(self, depth: int) -> bool:
        self.values += 1
        return depth <= _MOST_DEPTH and self.values <= _MOST_VALUES

    def _lost(self, what: str) -> None:
        self.unread.append(what)


def _policy_node(content: Any) -> Any:
    """Return the policy itself: the document, or the one with rules of its `@graph`."""
    node = _keyed(content)
    if isinstance(node, Mapping) and "@graph" in node:
        parts = [_keyed(part) for part in _listed(node["@graph"])]
        return next((p for p in parts if isinstance(p, Mapping) and _LISTS.keys() & p.keys()), None)
    return node


def _keyed(content: Any) -> Any:
    """Return an object with ODRL's words as keys; anything else as it is."""
    if not isinstance(content, Mapping):
        return content
    words = {"@id": "uid", "@type": "type"}
    return {words.get(k, _word(k)): v for k, v in content.items() if isinstance(k, str)}


def _word(text: str) -> str:
    return text.removeprefix(NAMESPACE).removeprefix("odrl:")


def _listed(content: Any) -> list[Any]:
    if content is None:
        return []
    return list(content) if isinstance(content, (list, tuple)) else [content]


def _names(content: Any) -> Iterator[str]:
    return (name for item in _listed(content) if (name := _one_name(item)) is not None)


def _one_name(content: Any) -> str | None:
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    if isinstance(content, Mapping):
        node = _keyed(content)
        content = node.get("uid", node.get("@value", node.get("source")))
    return _word(content) if isinstance(content, str) and content else None


def _value(content: Any, data_type: Any = None) -> Value | None:
    """Return a right operand as it is compared; None for what cannot be."""
    if isinstance(content, Mapping):
        if "@value" in content and not isinstance(content["@value"], Mapping):
            return _value(content["@value"], content.get("@type", data_type))
        return _one_name(content)
    kind = _one_name(data_type) or ""
    for prefix in _XSD:
        kind = kind.removeprefix(prefix)
    if isinstance(content, str):
        return _instant(content) if kind in _TIMES else _number_or_text(content, kind)
    if isinstance(content, int) and not isinstance(content, bool):
        # A number that no float holds compares with nothing.
        return float(content) if abs(content) < 2**53 else None
    return content if isinstance(content, (bool, float)) else None


def _number_or_text(text: str, kind: str) -> Value | None:
    if kind not in ("integer", "decimal", "double", "float"):
        return _word(text)
    try:
        return float(text)
    except ValueError:
        return None


def _instant(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    # Without a zone it is no instant, and nobody here may guess one.
    return moment if moment.tzinfo is not None else None


def _is_strange(key: str) -> bool:
    return key not in _KNOWN and not key.startswith("@") and ":" not in key
