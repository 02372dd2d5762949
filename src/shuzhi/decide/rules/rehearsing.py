"""Rehearsal: the same history under other values, compared with how it is judged now.

What is compared are two replays, so that both know what is known today. Nothing is stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from shuzhi.decide.rules.cap import Severity, severity_of
from shuzhi.decide.rules.errors import RuleError
from shuzhi.decide.rules.model import Rule, RuleId, Value, Warning
from shuzhi.decide.rules.replaying import Replayed, replay
from shuzhi.decide.rules.watch import Watch
from shuzhi.decide.sql import parse_span
from shuzhi.kernel.instant import Instant, day_of
from shuzhi.kernel.law import Law

# What a rehearsal may set of a rule beside its values: its spans and its severity.
_SPANS = ("after", "every", "look_back", "merge_within")


@dataclass(frozen=True)
class Change:
    """What a rehearsal supposes, all as texts.

    `values` are, by rule, the values of the rule or its `after`, `every`, `look_back`,
    `merge_within` or `severity`; `limits` are what law parameters would be at any date.
    """

    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Compared:
    """One rule as it is and as it would be; `only_*` are warnings that meet none of the other."""

    rule_id: RuleId
    present: tuple[Warning, ...]
    other: tuple[Warning, ...]
    only_present: tuple[Warning, ...]
    only_other: tuple[Warning, ...]
    failure: str = ""


@dataclass(frozen=True)
class DayCount:
    """How many warnings of a severity begin on a day of the city, as it is and as it would be."""

    day: date
    severity: Severity
    present: int
    other: int


@dataclass(frozen=True)
class Rehearsal:
    """What a change would have made of the time from `since` on and before `until`."""

    since: Instant
    until: Instant
    rules: tuple[Compared, ...]
    days: tuple[DayCount, ...]


def rehearse(
    watch: Watch, rules: Iterable[Rule], since: Instant, until: Instant, change: Change
) -> Rehearsal:
    """Replay what `change` touches of `rules`, as it is and as it would be, and compare.

    Raises:
        RuleError: `decide.nothing_to_rehearse`, `decide.no_such_value`, `decide.bad_value`.
        RefusedError: `kernel.law_unknown`; as `parse_span`.
    """
    given = tuple(rules)
    law = _law(watch.law, change.limits)
    others = _changed(given, change)
    if not others:
        raise RuleError(
            "decide.nothing_to_rehearse",
            "The change touches no rule.",
            next_step="Set a value of a rule, or the limit of a law parameter that a rule is "
            "based on.",
        )
    present = replay(watch, [r for r in given if r.id in others], since, until)
    other = replay(replace(watch, law=law), others.values(), since, until)
    compared = tuple(_compared(a, b) for a, b in zip(present, other, strict=True))
    return Rehearsal(since, until, compared, _days(compared, watch.zone))


def _changed(rules: Sequence[Rule], change: Change) -> dict[RuleId, Rule]:
    """Return the rules that the change touches as they would be, in the order of `rules`."""
    unknown = set(change.values) - {rule.id for rule in rules}
    if unknown:
        raise RuleError(
            "decide.nothing_to_rehearse",
            f"There is no rule {min(unknown)[:60]!r} to rehearse.",
            next_step=f"Choose one of: {', '.join(sorted(rule.id for rule in rules)) or 'none'}.",
        )
    return {
        rule.id: _with(rule, change.values.get(rule.id, {}))
        for rule in rules
        if rule.id in change.values or rule.legal_basis in change.limits
    }


def _with(rule: Rule, given: Mapping[str, str]) -> Rule:
    values = dict(rule.values)
    own: dict[str, Any] = {}
    names = {f.name for f in fields(rule)}
    for name, text in given.items():
        if name in values:
            values[name] = _value(name, values[name], text)
        elif name in _SPANS and name in names:
            own[name] = parse_span(text)
        elif name == "severity":
            own[name] = _severity(text)
        else:
            settable = sorted({*values, *(names & {*_SPANS}), "severity"})
            raise RuleError(
                "decide.no_such_value",
                f"The rule {rule.id} has no value {name[:60]!r}.",
                next_step=f"Choose one of: {', '.join(settable)}.",
            )
    return replace(rule, values=values, **own)


def _value(name: str, present: Value, text: str) -> Value:
    if isinstance(present, str):
        return text
    if isinstance(present, bool):
        known = {"true": True, "false": False}
        if text.strip().lower() in known:
            return known[text.strip().lower()]
        raise _bad_value(name, text, "true or false")
    return _number(name, text)


def _number(name: str, text: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise _bad_value(name, text, "a number") from None
    if not number.is_finite():
        raise _bad_value(name, text, "a number")
    return number


def _severity(text: str) -> Severity:
    severity = severity_of(text)
    if severity is None:
        raise _bad_value("severity", text, ", ".join(Severity))
    return severity


def _bad_value(name: str, text: str, wanted: str) -> RuleError:
    return RuleError(
        "decide.bad_value", f"{text[:40]!r} cannot be {name}.", next_step=f"Give {wanted}."
    )


def _law(law: Law, limits: Mapping[str, str]) -> Law:
    parameters = dict(law.parameters)
    for name, text in limits.items():
        parameter = law.parameter(name)
        number = _number(name, text)
        values = tuple(v.model_copy(update={"value": number}) for v in parameter.values)
        parameters[name] = parameter.model_copy(update={"values": values})
    return Law(parameters)


def _compared(present: Replayed, other: Replayed) -> Compared:
    rule = present.rule
    within = max(rule.merge_within, other.rule.merge_within)
    return Compared(
        rule.id,
        present.warnings,
        other.warnings,
        _alone(present.warnings, other.warnings, within),
        _alone(other.warnings, present.warnings, within),
        present.failure or other.failure,
    )


def _alone(
    warnings: Iterable[Warning], others: Iterable[Warning], within: timedelta
) -> tuple[Warning, ...]:
    by_key: dict[str, list[Warning]] = {}
    for other in others:
        by_key.setdefault(other.merge_key, []).append(other)

    def is_met(warning: Warning) -> bool:
        there = by_key.get(warning.merge_key, ())
        return any(
            o.at - within <= warning.last_at and warning.at <= o.last_at + within for o in there
        )

    return tuple(warning for warning in warnings if not is_met(warning))


def _days(compared: Iterable[Compared], zone: str) -> tuple[DayCount, ...]:
    present: Counter[tuple[date, Severity]] = Counter()
    other: Counter[tuple[date, Severity]] = Counter()
    for one in compared:
        present.update((day_of(w.at, zone), w.severity) for w in one.present)
        other.update((day_of(w.at, zone), w.severity) for w in one.other)
    keys = sorted({*present, *other}, key=lambda key: (key[0], key[1].rank))
    return tuple(DayCount(*key, present[key], other[key]) for key in keys)
