"""Policies as JSON-LD: what is read, how operators decide, and that nothing unclear permits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements.odrl import (
    Constraint,
    DutyState,
    Evaluation,
    NotAPolicy,
    Operator,
    Policy,
    PolicyKind,
    Request,
    Rule,
    RuleKind,
    World,
    evaluate,
    plain_of_turtle,
    read_policy,
    read_request,
    written,
)

NOW = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))
READ = Request("read", "urn:x", "urn:alice")
_words = st.sampled_from(
    ["uid", "@type", "@id", "permission", "prohibition", "obligation", "constraint", "duty",
     "action", "target", "assignee", "leftOperand", "operator", "rightOperand", "and", "or",
     "@list", "@value", "@graph", "refinement", "odrl:action", "conflict", "eq", "isAnyOf",
     "dateTime", "purpose", "read", "use", "Set", "xsd:dateTime", "2026-03-02T08:00:00Z"]
)  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | _words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_words, inner, max_size=6),
    max_leaves=40,
)


def said(content: Any, request: Request = READ, **world: Any) -> Evaluation:
    policy = read_policy({"uid": "urn:p", **content})
    assert isinstance(policy, Policy)
    return evaluate(policy, request, World(NOW, **world))


def of_constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    constraint = {"leftOperand": left, "operator": operator, "rightOperand": right}
    return {"permission": {"action": "use", "constraint": constraint}}


@given(anything)
def test_nothing_that_json_can_hold_makes_reading_or_evaluating_fail(content: Any) -> None:
    policy, request = read_policy(content), read_request(content)
    assert isinstance(policy, Policy | NotAPolicy)
    assert isinstance(request, Request | NotAPolicy)


@given(anything, anything)
def test_what_was_not_read_permits_nothing(permission: Any, constraint: Any) -> None:
    rule = {"permission": [permission, {"action": "use", "constraint": constraint}]}
    found = said(rule)
    active = [r.rule for r in found.reports if r.is_active]
    assert not any(rule.unread for rule in active)
    assert found.is_permitted is bool(active)


@given(st.text())
def test_no_text_makes_reading_turtle_fail(text: str) -> None:
    read_policy(plain_of_turtle(text))


@pytest.mark.parametrize(
    ("operator", "right", "purposes", "is_permitted"),
    [
        ("eq", "tracing", {"tracing"}, True),
        ("eq", "tracing", {"tracing", "trade"}, False),
        ("neq", "trade", {"tracing"}, True),
        ("isAnyOf", ["tracing", "planning"], {"tracing"}, True),
        ("isAnyOf", ["tracing", "planning"], {"trade"}, False),
        ("isNoneOf", ["trade"], {"tracing"}, True),
        ("isNoneOf", ["trade"], {"trade"}, False),
        ("isPartOf", ["tracing", "planning"], {"tracing"}, True),
        ("isPartOf", ["tracing", "planning"], {"tracing", "trade"}, False),
        ("isAllOf", ["tracing", "planning"], {"tracing"}, False),
        ("hasPart", ["tracing"], {"tracing", "trade"}, True),
        ("isA", "tracing", {"tracing"}, False),
        ("gt", "tracing", {"tracing", "trade"}, False),
    ],
)
def test_operators_over_sets(
    operator: str, right: Any, purposes: set[str], *, is_permitted: bool
) -> None:
    found = said(
        of_constraint("purpose", operator, right), operands={"purpose": frozenset(purposes)}
    )
    assert found.is_permitted is is_permitted


def test_an_operand_that_nobody_knows_permits_nothing_and_lifts_no_prohibition() -> None:
    content = of_constraint("purpose", "eq", "tracing")
    assert not said(content).is_permitted
    forbids = {"permission": {"action": "use"}, "prohibition": content["permission"]}
    assert said(forbids).active(RuleKind.PROHIBITION)
    assert not said(forbids).is_permitted


def test_an_instant_without_a_zone_permits_nothing() -> None:
    right = {"@value": "2020-01-01T00:00:00", "@type": "xsd:dateTime"}
    assert not said(of_constraint("dateTime", "gt", right)).is_permitted
    right["@value"] += "+08:00"
    assert said(of_constraint("dateTime", "gt", right)).is_permitted


@pytest.mark.parametrize(
    ("conflict", "is_permitted"), [("perm", True), ("prohibit", False), ("invalid", False)]
)
def test_a_prohibition_counts_over_a_permission_unless_the_policy_says_else(
    conflict: str, *, is_permitted: bool
) -> None:
    both = {"permission": {"action": "use"}, "prohibition": {"action": "read"}}
    assert said({**both, "conflict": conflict}).is_permitted is is_permitted


def test_what_stands_at_the_policy_holds_for_each_of_its_rules() -> None:
    content = {"assignee": "urn:alice", "target": "urn:x", "permission": [{"action": "read"}]}
    assert said(content).is_permitted
    assert not said(content, Request("read", "urn:x", "urn:bob")).is_permitted


def test_an_action_holds_for_those_included_in_it() -> None:
    use = {"permission": {"action": "use"}}
    assert said(use, Request("extract", "urn:x", "urn:alice")).is_permitted
    assert not said(use, Request("sell", "urn:x", "urn:alice")).is_permitted
    assert not said({"permission": {"action": "read"}}, Request("use")).is_permitted


def test_a_duty_that_is_violated_ends_the_permission() -> None:
    content = {"permission": {"action": "use", "duty": {"uid": "urn:d", "action": "delete"}}}
    assert said(content).is_permitted
    assert said(content, duties={"urn:d": DutyState.FULFILLED}).is_permitted
    assert not said(content, duties={"urn:d": DutyState.VIOLATED}).is_permitted


def test_exactly_one_of_several_is_asked_by_xone() -> None:
    parts = [{"leftOperand": "purpose", "operator": "eq", "rightOperand": p} for p in ("a", "b")]
    content = {"permission": {"action": "use", "constraint": {"xone": {"@list": parts}}}}
    assert said(content, operands={"purpose": "a"}).is_permitted
    twice = {"permission": {"action": "use", "constraint": {"xone": [parts[0], parts[0]]}}}
    assert not said(twice, operands={"purpose": "a"}).is_permitted


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([], "no JSON object"),
        ({}, "no uid"),
        ({"uid": "urn:p", "inheritFrom": "urn:q"}, "inheritFrom of the whole policy"),
        ({"uid": "urn:p", "constraint": []}, "constraint of the whole policy"),
        (NotAPolicy("it is no Turtle"), "no JSON object"),
    ],
)
def test_what_is_no_policy_is_said_with_the_reason(content: Any, reason: str) -> None:
    found = read_policy(content)
    assert isinstance(found, NotAPolicy)
    assert reason in found.reason


def test_a_collection_with_a_refinement_is_not_read_as_the_whole_collection() -> None:
    target = {"uid": "urn:all", "refinement": [{"leftOperand": "count"}]}
    found = said({"permission": {"action": "read", "target": target}}, Request("read", "urn:all"))
    assert not found.is_permitted


@pytest.mark.parametrize(
    "prohibition",
    [
        {"action": "use", "constraint": {"or": [
            {"leftOperand": "purpose", "operator": "eq", "rightOperand": "trade"}, "what?"]}},
        {"action": "use", "assignee": ["urn:bob", "urn:alice"]},
        {"action": "use", "target": {"uid": "urn:y", "refinement": {}}},
    ],
)  # fmt: skip
def test_a_prohibition_that_was_not_wholly_read_forbids(prohibition: dict[str, Any]) -> None:
    content = {"permission": {"action": "use"}, "prohibition": prohibition}
    assert not said(content, operands={"purpose": "tracing"}).is_permitted


def test_a_document_that_multiplies_itself_is_no_policy() -> None:
    many = [f"urn:{n}" for n in range(2_000)]
    found = read_policy({"uid": "urn:p", "permission": {"action": many, "target": many}})
    assert found == NotAPolicy("it has too many parts")


def test_values_within_values_do_not_go_down_for_ever() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = {"@value": deep}
    assert not said(of_constraint("purpose", "eq", deep)).is_permitted


def test_an_unread_duty_leaves_its_permission_without_effect() -> None:
    content = {"permission": {"action": "use", "duty": [{"action": "delete", "odd": 1}]}}
    assert not said(content).is_permitted


def test_a_policy_of_every_part_is_written_and_read_back() -> None:
    until = Constraint("dateTime", Operator.LT, (NOW,))
    purposes = Constraint("purpose", Operator.IS_ANY_OF, ("a", "b"), uid="urn:c")
    delete = Rule(RuleKind.DUTY, "urn:d", "delete")
    permission = Rule(
        RuleKind.PERMISSION, "urn:r", "read", "urn:x", "urn:bob", "urn:alice",
        (until, purposes), (delete,),
    )  # fmt: skip
    forbids = Rule(RuleKind.PROHIBITION, None, "distribute", "urn:x")
    policy = Policy(
        "urn:p", PolicyKind.AGREEMENT, (permission, forbids, delete), "prohibit",
        ("urn:profile",), ("urn:contract:air:1.0.0",),
    )  # fmt: skip
    assert read_policy(written(policy)) == policy
