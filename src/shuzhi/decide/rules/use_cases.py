"""Runs rules: over every new batch of a data set, and by the clock over what should have come.

A batch is judged outside any transaction; then its warnings, how far each rule has come and the
entries for the audit log are written in one, so that a crash leaves a batch judged once or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import duckdb
from sqlalchemy import Connection

from shuzhi.audit import Entry, queue
from shuzhi.decide.rules import store
from shuzhi.decide.rules.batch import missing_reads, new_rows, rows_seen, time_sql
from shuzhi.decide.rules.judging import Findings, judge_rows, judge_silence
from shuzhi.decide.rules.merging import Merged, merged
from shuzhi.decide.rules.model import RowRule, Rule, RuleId, SilenceRule, Warning
from shuzhi.decide.rules.registering import put_off
from shuzhi.decide.rules.silence_sql import Looks, look_at_or_before, looks
from shuzhi.decide.rules.telling import tell
from shuzhi.decide.rules.watch import Watch
from shuzhi.decide.sql import Failure
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName
from shuzhi.kernel.instant import Instant

_R = TypeVar("_R", bound=Rule)
_GONE = ("gather.no_such_version", "gather.version_gone")


class State(StrEnum):
    """What became of one rule in one evaluation.

    WAITING: a reference data set is not there yet. PASSED_OVER: the lake can no longer tell which
    rows were new; replay that time. ELSEWHERE: another process judged the same batch.
    """

    JUDGED = "judged"
    SWITCHED_OFF = "switched_off"
    WAITING = "waiting"
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
class Evaluation:
    """What became of every rule that had something to judge."""

    rules: tuple[Judged, ...]

    @property
    def raised(self) -> int:
        """How many warnings were raised."""
        return sum(rule.raised for rule in self.rules)


@dataclass(frozen=True)
class _Answer:
    """What one rule said, and how far it has come with that."""

    rule: Rule
    standing: store.Standing
    said: Findings | Failure
    state: State = State.JUDGED
    version: int | None = None
    looked_at: Instant | None = None


def evaluate(watch: Watch, rules: Iterable[Rule], dataset: str) -> Evaluation:
    """Judge what came to `dataset` since each rule last judged it, and tell what was found.

    Of `rules` those run that are over rows of it, registered as they are, and switched on. Call it
    when a data set has a new version, and at the start of a process for all.
    """
    if not watch.lake.exists(dataset):
        return Evaluation(())
    until = watch.lake.version(dataset)
    mine = [r for r in rules if isinstance(r, RowRule) and r.dataset == dataset]
    done: list[Judged] = []
    waiting = dict(_running(watch, mine))
    while group := _next_group(waiting, until):
        answers = list(_answers(watch, group, dataset, until))
        done += _kept(watch, answers)
        for answer in answers:
            del waiting[answer.rule.id]
    tell(watch)
    return Evaluation(tuple(done))


def look(watch: Watch, rules: Iterable[Rule]) -> Evaluation:
    """Look at the silences that are due to be looked at, up to now, and tell what was found."""
    now = watch.clock()
    mine = [r for r in rules if isinstance(r, SilenceRule)]
    answers = []
    for rule, standing in _running(watch, mine).values():
        before = standing.looked_at or look_at_or_before(now, rule.every)
        at = looks(before, now, rule.every)
        if at.count:
            answers.append(_silence(watch, rule, standing, at))
    done = _kept(watch, answers)
    tell(watch)
    return Evaluation(tuple(done))


def silences(watch: Watch, rule: SilenceRule, at: Looks) -> Findings | Failure:
    """Return what a rule over silence finds at the looks `at`."""
    is_there = watch.lake.exists(rule.dataset)
    try:
        opened = rows_seen(watch.lake, rule, at, zone=watch.zone, memory_limit=watch.memory_limit)
        with opened as connection:
            return judge_silence(connection, rule, at, is_there=is_there)
    except RefusedError as error:
        return Failure("failed", error.message)
    except duckdb.Error as error:
        return Failure("failed", str(error).partition("\n")[0])


def _running(watch: Watch, rules: Sequence[_R]) -> dict[RuleId, tuple[_R, store.Standing]]:
    with watch.control.transaction() as connection:
        known = store.standings(connection, [r.id for r in rules])
    return {
        rule.id: (rule, known[rule.id])
        for rule in rules
        if rule.id in known and known[rule.id].is_on and known[rule.id].digest == rule.digest
    }


def _next_group(
    waiting: dict[RuleId, tuple[RowRule, store.Standing]], until: int
) -> list[tuple[RowRule, store.Standing]]:
    """Return rules that have the same rows to judge; those that have none are dropped."""
    for rule_id in [r for r, (_, s) in waiting.items() if s.judged_version == until]:
        del waiting[rule_id]
    if not waiting:
        return []
    rule, standing = next(iter(waiting.values()))
    shared = (standing.judged_version, rule.event_time)
    return [(r, s) for r, s in waiting.values() if (s.judged_version, r.event_time) == shared]


def _answers(
    watch: Watch, group: Sequence[tuple[RowRule, store.Standing]], dataset: str, until: int
) -> Iterator[_Answer]:
    """Yield the answer of each rule of a group; fewer when the engine broke under one of them."""
    ready = []
    for rule, standing in group:
        if missing := missing_reads(watch.lake, rule):
            why = Failure("waiting", f"there is no data set {missing[0]} yet")
            yield _Answer(rule, standing, why, State.WAITING)
        else:
            ready.append((rule, standing))
    if not ready:
        return
    rules = [rule for rule, _ in ready]
    since = ready[0][1].judged_version
    try:
        time_sql(watch.lake.schema(dataset), rules[0], watch.zone)
        change = watch.lake.difference(dataset, since=since, until=until)
    except RefusedError as error:
        is_gone = error.code in _GONE
        state = State.PASSED_OVER if is_gone else State.SWITCHED_OFF
        failure = Failure("failed", error.message)
        yield from (_Answer(r, s, failure, state, until) for r, s in ready)
        return
    limit = watch.memory_limit
    with new_rows(watch.lake, rules, change, zone=watch.zone, memory_limit=limit) as connection:
        for rule, standing in ready:
            said = judge_rows(connection, rule, watch.law, watch.zone)
            yield _Answer(rule, standing, said, _state(said), until)
            if isinstance(said, Failure) and not _is_alive(connection):
                return


def _is_alive(connection: duckdb.DuckDBPyConnection) -> bool:
    try:
        return connection.execute("SELECT 1").fetchall() == [(1,)]
    except duckdb.Error:
        return False


def _state(said: Findings | Failure) -> State:
    return State.SWITCHED_OFF if isinstance(said, Failure) else State.JUDGED


def _silence(watch: Watch, rule: SilenceRule, standing: store.Standing, at: Looks) -> _Answer:
    if missing := missing_reads(watch.lake, rule):
        why = Failure("waiting", f"there is no data set {missing[0]} yet")
        return _Answer(rule, standing, why, State.WAITING)
    said = silences(watch, rule, at)
    return _Answer(rule, standing, said, _state(said), standing.judged_version, at.last)


def _kept(watch: Watch, answers: Sequence[_Answer]) -> list[Judged]:
    """Write what the rules said, all in one transaction."""
    now = watch.clock()
    with watch.control.transaction() as connection:
        ids = [answer.rule.id for answer in answers]
        standing_now = store.standings(connection, ids, lock=True)
        return [
            _keep(connection, answer, now)
            if standing_now.get(answer.rule.id) == answer.standing
            else Judged(answer.rule.id, State.ELSEWHERE)
            for answer in answers
        ]


def _keep(connection: Connection, answer: _Answer, now: Instant) -> Judged:
    rule, said = answer.rule, answer.said
    if isinstance(said, Failure):
        return _keep_failure(connection, answer, said, now)
    found = _merge(connection, answer, said, now)
    if len(found.raised) > rule.max_warnings:
        reason = f"it raised more than {rule.max_warnings:,} warnings in one batch"
        return _keep_failure(connection, answer, Failure("too_many", reason), now)
    _keep_warnings(connection, found, now)
    moved = {"judged_version": answer.version, "looked_at": answer.looked_at, "has_judged": True}
    store.save_standing(connection, rule.id, moved)
    return Judged(rule.id, State.JUDGED, len(said), len(found.raised), len(found.grown))


def _merge(connection: Connection, answer: _Answer, said: Findings, now: Instant) -> Merged:
    known: tuple[Warning, ...] = ()
    if said:
        start, end = min(f.at for f in said), max(f.until for f in said)
        within = answer.rule.merge_within
        known = store.warnings_near(connection, answer.rule.id, start, end, within)
    return merged(answer.rule, answer.standing.version, said, known, now)


def _keep_warnings(connection: Connection, found: Merged, now: Instant) -> None:
    ids = store.insert_warnings(connection, found.raised)
    store.update_warnings(connection, found.grown)
    store.absorb(connection, found.absorbed)
    entries = (
        Entry("warning.raised", now, "system", str(warning_id), _facts(warning))
        for warning_id, warning in zip(ids, found.raised, strict=True)
    )
    queue(connection, *entries)


def _facts(warning: Warning) -> dict[str, str | int | None]:
    return {
        "rule": warning.rule_id,
        "version": warning.rule_version,
        "severity": warning.severity.value,
        "at": warning.at.isoformat(),
        "party": warning.party,
    }


def _keep_failure(
    connection: Connection, answer: _Answer, failure: Failure, now: Instant
) -> Judged:
    rule, state = answer.rule, answer.state
    if state is State.PASSED_OVER:
        store.save_standing(connection, rule.id, {"judged_version": answer.version})
        facts = {"from_version": answer.standing.judged_version, "to_version": answer.version}
        queue(connection, Entry("rule.passed_over", now, "system", rule.id, facts))
    elif state is not State.WAITING:
        state = State.SWITCHED_OFF
        put_off(connection, answer.standing, failure.code, failure.reason, now)
    return Judged(rule.id, state, reason=failure.reason)


def registered(watch: Watch) -> tuple[store.Standing, ...]:
    """Return every rule that is registered, as it stands."""
    with watch.control.transaction() as connection:
        return tuple(store.standings(connection).values())


def warnings(
    watch: Watch,
    *,
    rule_id: str | None = None,
    dataset: DatasetName | None = None,
    since: Instant | None = None,
    limit: int = 100,
) -> tuple[Warning, ...]:
    """Return warnings, the newest first."""
    with watch.control.transaction() as connection:
        found = store.find_warnings(connection, rule_id=rule_id, since=since, limit=limit)
    return tuple(w for w in found if dataset in (None, w.dataset))
