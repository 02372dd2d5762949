"""What must agree between rules, cases, law, parties and messages of a pack."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shuzhi.decide.rules import RowRule, Rule, SilenceRule
from shuzhi.decide.tracing import NEEDED
from shuzhi.decide.warnings import Forecaster, forecaster_facts
from shuzhi.kernel.documents import Finding, Where
from shuzhi.packs.messages import LANGUAGES, Message
from shuzhi.packs.names import Names, answered, meant

# Of the texts that name a legal basis, these are ids of parameters; others speak to people.
_ID = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")


def rule_findings(names: Names) -> Iterator[Finding]:
    """Yield where a rule names a data set, a party, a law or a kind of case that is not there.

    Forecasters are rules too, and bear no id of another rule.
    """
    declared = names.pack.declared
    for kind, rules in (("rules", declared.rules), ("forecasters", declared.forecasters)):
        for rule in rules.values():
            for where, problem in _of_rule(names, rule):
                if problem:
                    yield names.of(kind, rule.id, where, problem)
    for rule_id in sorted(set(declared.rules) & set(declared.forecasters)):
        problem = f"is {rule_id!r}, which a rule is called already; warnings are told apart by it"
        yield names.of("forecasters", rule_id, ("id",), problem)


def _of_rule(names: Names, rule: Rule) -> Iterator[tuple[Where, str | None]]:
    yield ("dataset",), names.unknown_dataset(rule.dataset)
    for i, dataset in enumerate(rule.reads):
        yield ("reads", i), names.unknown_dataset(dataset)
    yield ("owner",), names.unknown_party(rule.owner)
    if isinstance(rule.party, str):
        yield ("responsible", "party"), names.unknown_party(rule.party)
    if rule.case_kind is not None:
        yield ("case_kind",), names.unknown("case_kinds", rule.case_kind, "kind of case")
    if rule.legal_basis is not None:
        yield ("legal_basis",), names.unknown_law(rule.legal_basis)
    columns = names.columns_of(rule.dataset)
    for where, column in _columns_named(rule):
        if columns and column.lower() not in columns:
            yield where, f"{rule.dataset} has no column {column!r}. {meant(column, columns)}"


def _columns_named(rule: Rule) -> Iterator[tuple[Where, str]]:
    yield ("event_time",), rule.event_time
    if isinstance(rule, SilenceRule):
        for i, column in enumerate(rule.per):
            yield ("silence", "per", i), column
        if rule.value is not None:
            yield ("silence", "value"), rule.value
    if isinstance(rule, Forecaster):
        yield ("value",), rule.value
        for i, column in enumerate(rule.per):
            yield ("per", i), column


def tracing_findings(names: Names) -> Iterator[Finding]:
    """Yield tracings that begin with a rule that is not there, or that tells too little."""
    declared = names.pack.declared
    for tracing in declared.tracings.values():
        for i, name in enumerate(tracing.begins_with):
            problem = names.unknown_rule(name)
            rule = declared.rules.get(name)
            if rule is not None and (lacking := NEEDED[tracing.kind] - facts_of(rule)):
                problem = f"{name} does not tell {', '.join(sorted(lacking))}"
            if problem:
                yield names.of("tracings", tracing.id, ("begins", "rules", i), problem)


def case_findings(names: Names) -> Iterator[Finding]:
    """Yield clocks of cases whose legal basis names a parameter that is not there."""
    for kind in names.pack.declared.case_kinds.values():
        for i, clock in enumerate(kind.clocks):
            basis = clock.legal_basis
            if basis and _ID.fullmatch(basis) and (problem := names.unknown_law(basis)):
                yield names.of("case_kinds", kind.id, ("clocks", i, "legal_basis"), problem)


def message_findings(names: Names) -> Iterator[Finding]:
    """Yield messages about nothing, and places in them that no fact or function fills."""
    for key, message in names.pack.declared.messages.items():
        room, _, name = key.partition(".")
        if room == "rules":
            problems = [names.unknown_rule(name)]
        else:
            problems = [names.unknown("case_kinds", name, "kind of case")]
        declared = names.pack.declared
        rule = declared.rules.get(name) or declared.forecasters.get(name)
        if room == "rules" and rule is not None:
            problems += _places(names, rule, message)
        for problem in problems:
            if problem:
                file = names.pack.declared.folder / "messages" / f"{LANGUAGES[0]}.yaml"
                yield names.finding(file, (room, name), problem)


def _places(names: Names, rule: Rule, message: Message) -> list[str]:
    facts, functions = facts_of(rule), names.pack.declared.functions
    problems = []
    for fact, function in sorted(message.places, key=str):
        if fact not in facts:
            problems.append(f"{{{fact}}} is no fact of {rule.id}. {meant(fact, facts)}")
        if function is not None and function not in functions:
            problems.append(f"functions.py has no {function!r}. {meant(function, functions)}")
    return problems


def facts_of(rule: Rule) -> frozenset[str]:
    """Return the names of the facts that a warning of the rule tells."""
    if isinstance(rule, Forecaster):
        return forecaster_facts(rule)
    if isinstance(rule, RowRule):
        return answered(rule.sql, {*rule.values, "limit"})
    if isinstance(rule, SilenceRule) and rule.expected is not None:
        return answered(rule.expected, ()) | {"last_seen"}
    return frozenset({"feed", "last_seen"})
