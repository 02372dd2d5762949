"""Every case of the ODRL test suite: each rule is as active as it says, for the same reasons."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rdflib import Graph, Namespace, Node
from rdflib.namespace import DCTERMS, RDF

from shuzhi.kernel.instant import parse_instant
from shuzhi.share.agreements.odrl import (
    DutyState,
    Evaluation,
    Policy,
    Request,
    RuleKind,
    World,
    evaluate,
    plain_of_turtle,
    read_policy,
    read_request,
    written,
)

EX = Namespace("http://example.org/")
REPORT = Namespace("https://w3id.org/force/compliance-report#")
ODRL = Namespace("http://www.w3.org/ns/odrl/2/")
CLOCK = Namespace("http://example.com/request/").currentTime
KINDS = {
    REPORT.PermissionReport: RuleKind.PERMISSION,
    REPORT.ProhibitionReport: RuleKind.PROHIBITION,
}
PREMISES = {
    REPORT.TargetReport: "target",
    REPORT.PartyReport: "party",
    REPORT.ActionReport: "action",
    REPORT.ConstraintReport: "constraint",
}
SATISFIED = {REPORT.Satisfied: True, REPORT.Unsatisfied: False}


@cache
def parsed(folder: Path) -> dict[Node, tuple[str, Graph]]:
    """Return each file of a folder under what it describes."""
    found: dict[Node, tuple[str, Graph]] = {}
    for file in sorted(folder.glob("*.ttl")):
        text = with_prefixes(file.read_text(encoding="utf-8"))
        graph = Graph().parse(data=text, format="turtle")
        kinds = (ODRL.Set, ODRL.Request, EX.Sotw, EX.TestCase)
        (subject,) = (s for kind in kinds for s in graph.subjects(RDF.type, kind))
        found[subject] = (text, graph)
    return found


def with_prefixes(text: str) -> str:
    """One policy of the suite uses a prefix that it does not declare."""
    return f"@prefix dcterms: <http://purl.org/dc/terms/>.\n{text}"


def world_of(graph: Graph) -> World:
    now = next(graph.objects(CLOCK, DCTERMS.issued))
    members = {
        str(member): frozenset({str(collection)})
        for member, collection in graph.subject_objects(ODRL.partOf)
    }
    duties = {
        str(graph.value(report, REPORT.rule)): DutyState(str(state).partition("#")[2])
        for report, state in graph.subject_objects(REPORT.deonticState)
    }
    return World(parse_instant(str(now)), {}, members, duties)


def premise(graph: Graph, node: Node) -> tuple[str, bool | None]:
    """Return what a premise is about and whether it holds, as far as the suite says it."""
    kind = PREMISES.get(graph.value(node, RDF.type), "not said")  # type: ignore[call-overload]
    return kind, SATISFIED.get(graph.value(node, REPORT.satisfactionState))  # type: ignore[call-overload]


def expected(graph: Graph) -> list[tuple[Any, ...]]:
    found = []
    for report in graph.objects(None, REPORT.ruleReport):
        premises = Counter(premise(graph, p) for p in graph.objects(report, REPORT.premiseReport))
        is_active = graph.value(report, REPORT.activationState) == REPORT.Active
        duties = len(list(graph.objects(report, REPORT.conditionReport)))
        kind = KINDS[graph.value(report, RDF.type)]  # type: ignore[index]
        found.append((kind, str(graph.value(report, REPORT.rule)), is_active, duties, premises))
    return found


def reported(evaluation: Evaluation) -> list[tuple[Any, ...]]:
    return [
        (
            r.rule.kind,
            r.rule.uid,
            r.is_active,
            len(r.duties),
            Counter((p.about, p.holds) for p in r.premises),
        )
        for r in evaluation.reports
    ]


def policy_of(text: str) -> Policy:
    policy = read_policy(plain_of_turtle(text))
    assert isinstance(policy, Policy)
    return policy


def outcomes(suite: Path) -> dict[str, tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]]:
    """Return by title what the suite expects of each case, and what we say."""
    policies, requests, worlds = (parsed(suite / name) for name in ("policies", "requests", "sotw"))
    found = {}
    for case, (_, graph) in parsed(suite / "test_cases").items():
        policy, request, world = (graph.value(case, EX[n]) for n in ("policy", "request", "sotw"))
        asked = read_request(plain_of_turtle(requests[request][0], kinds=("Request",)))  # type: ignore[index]
        assert isinstance(asked, Request)
        said = evaluate(
            policy_of(policies[policy][0]),  # type: ignore[index]
            asked,
            world_of(worlds[world][1]),  # type: ignore[index]
        )
        found[str(case)] = (expected(graph), reported(said))
    return found


@pytest.fixture(scope="module")
def suite(shared: Path) -> Path:
    return shared / "conformance" / "odrl"


def test_each_case_of_the_suite_comes_out_as_it_says(suite: Path) -> None:
    found = outcomes(suite)
    assert len(found) == 68
    wrong = {case for case, (theirs, ours) in found.items() if theirs != ours}
    # One case of the suite does not say what its premises are; its activation can be compared.
    untyped = {case for case, (theirs, _) in found.items() if ("not said", None) in theirs[0][4]}
    assert len(untyped) == 1
    assert wrong == untyped
    ((theirs,), (ours,)) = found[untyped.pop()]
    assert theirs[:4] == ours[:4]


def test_every_policy_of_the_suite_is_written_as_json_ld_and_read_back(suite: Path) -> None:
    read = [policy_of(text) for text, _ in parsed(suite / "policies").values()]
    assert len(read) == 21
    assert [read_policy(written(policy)) for policy in read] == read
    assert not any(rule.unread for policy in read for rule in policy.rules)
