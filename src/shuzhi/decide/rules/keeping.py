"""Keeps what rules said: warnings, how far each rule has come, and the entries for the audit log.

All is written in one transaction, so that a crash leaves a batch judged once or not at all; what
another process kept meanwhile counts, and ours is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import Connection

from shuzhi.audit import Entry, queue
from shuzhi.decide.rules import store
from shuzhi.decide.rules.judging import Findings
from shuzhi.decide.rules.merging import Merged, merged
from shuzhi.decide.rules.model import Rule, RuleId, Warning
from shuzhi.decide.rules.registering import put_off
from shuzhi.decide.rules.watch import Watch
from shuzhi.decide.sql import Failure
from shuzhi.kernel.instant import Instant

_R = TypeVar("_R", bound=Rule)


class State(StrEnum):
    """What became of one rule in one evaluation.

    WAITING: a data set that it reads is not there yet. UNREADABLE: the lake could not be read; the
    rows are judged when it can. PASSED_OVER: the lake can no longer tell which rows were new;
    replay that time. ELSEWHERE: another process judged the same batch.
    """

    JUDGED = "judged"
    SWITCHED_OFF = "switched_off"
    WAITING = "waiting"
    UNREADABLE = "unreadable"
    PASSED_OVER = "passed_over"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Judged:
    """One rule in one evaluation: what it found, raised and added to, or why it did not."""

    rule_id: RuleId
    state: State
    findings: int = 0
    raised: int = 0
    grown: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Answer:
    """What one rule said, how far it has come with that, and what else to write when it counts."""

    rule: Rule
    standing: store.Standing
    said: Findings | Failure
    state: State = State.JUDGED
    version: int | None = None
    looked_at: Instant | None = None
    also: Callable[[Connection], None] | None = None


def keep(watch: Watch, answers: Sequence[Answer]) -> list[Judged]:
    """Write what rules said, all in one transaction; return what became of each."""
    if not answers:
        return []
    now = watch.clock()
    with watch.control.transaction() as connection:
        ids = [answer.rule.id for answer in answers]
        present = store.standings(connection, ids, lock=True)
        mine = [a for a in answers if present.get(a.rule.id) == a.standing]
        weighed = _weighed(connection, mine, now)
        keep_warnings(connection, [found for _, found in weighed.values()], now)
        _keep_standings(connection, [answer for answer, _ in weighed.values()])
        done = {a.rule.id: Judged(a.rule.id, State.ELSEWHERE) for a in answers}
        for answer in mine:
            done[answer.rule.id] = _judged(connection, answer, weighed, now)
        return list(done.values())


def running(watch: Watch, rules: Sequence[_R]) -> dict[RuleId, tuple[_R, store.Standing]]:
    """Return those of `rules` that are registered as they are and switched on."""
    with watch.control.transaction() as connection:
        known = store.standings(connection, [r.id for r in rules])
    return {
        rule.id: (rule, known[rule.id])
        for rule in rules
        if rule.id in known and known[rule.id].is_on and known[rule.id].digest == rule.digest
    }


def keep_warnings(connection: Connection, found: Sequence[Merged], now: Instant) -> None:
    """Write warnings that were raised, grew or became part of others."""
    raised = [warning for one in found for warning in one.raised]
    ids = store.insert_warnings(connection, raised, now)
    store.update_warnings(connection, [w for one in found for w in one.grown], now)
    store.absorb(connection, [pair for one in found for pair in one.absorbed], now)
    entries = (
        Entry("warning.raised", now, "system", str(warning_id), _facts(warning))
        for warning_id, warning in zip(ids, raised, strict=True)
    )
    queue(connection, *entries)


def _weighed(
    connection: Connection, answers: Sequence[Answer], now: Instant
) -> dict[RuleId, tuple[Answer, Merged]]:
    """Return what comes of each answer that is none too many and no failure."""
    found = [(a, a.said) for a in answers if not isinstance(a.said, Failure)]
    reach = {
        a.rule.id: (
            Instant(min(f.at for f in said) - a.rule.merge_within),
            Instant(max(f.until for f in said) + a.rule.merge_within),
        )
        for a, said in found
        if said
    }
    keys = {f.merge_key for _, said in found for f in said}
    known = store.warnings_within(connection, reach, keys)
    weighed = {
        a.rule.id: (
            a,
            merged(a.rule, a.standing.version, said, known.get(a.rule.id, ()), now),
        )
        for a, said in found
    }
    return {i: (a, m) for i, (a, m) in weighed.items() if len(m.raised) <= a.rule.max_warnings}


def _keep_standings(connection: Connection, answers: Sequence[Answer]) -> None:
    for answer in answers:
        if answer.also is not None:
            answer.also(connection)
    store.save_progress(connection, [(a.rule.id, a.version, a.looked_at) for a in answers])


def _judged(
    connection: Connection,
    answer: Answer,
    weighed: Mapping[RuleId, tuple[Answer, Merged]],
    now: Instant,
) -> Judged:
    rule, said = answer.rule, answer.said
    if isinstance(said, Failure):
        return _keep_failure(connection, answer, answer.state, said, now)
    if rule.id not in weighed:
        reason = f"it raised more than {rule.max_warnings:,} warnings at once"
        failure = Failure("too_many", reason)
        return _keep_failure(connection, answer, State.SWITCHED_OFF, failure, now)
    found = weighed[rule.id][1]
    return Judged(rule.id, State.JUDGED, len(said), len(found.raised), len(found.grown))


def _facts(warning: Warning) -> dict[str, str | int | None]:
    return {
        "rule": warning.rule_id,
        "version": warning.rule_version,
        "severity": warning.severity.value,
        "at": warning.at.isoformat(),
        "party": warning.party,
    }


def _keep_failure(
    connection: Connection, answer: Answer, state: State, failure: Failure, now: Instant
) -> Judged:
    rule = answer.rule
    if state is State.PASSED_OVER:
        store.save_standing(connection, rule.id, {"judged_version": answer.version})
        facts = {"from_version": answer.standing.judged_version, "to_version": answer.version}
        queue(connection, Entry("rule.passed_over", now, "system", rule.id, facts))
    elif state is State.SWITCHED_OFF:
        put_off(connection, answer.standing, failure.code, failure.reason, now)
    return Judged(rule.id, state, reason=failure.reason)
