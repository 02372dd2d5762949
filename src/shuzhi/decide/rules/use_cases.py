"""Runs rules: over every new batch of a data set, and by the clock over what should have come.

A batch is judged outside any transaction, and what came of it is then written in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import duckdb

from shuzhi.decide.rules import store
from shuzhi.decide.rules.batch import missing_reads, new_rows, rows_seen, time_sql
from shuzhi.decide.rules.judging import Findings, judge_rows, judge_silence
from shuzhi.decide.rules.keeping import Answer, Judged, State, keep, running
from shuzhi.decide.rules.model import RowRule, Rule, RuleId, SilenceRule, Warning
from shuzhi.decide.rules.silence_sql import Looks, look_at_or_before, looks
from shuzhi.decide.rules.telling import tell
from shuzhi.decide.rules.watch import Watch
from shuzhi.decide.sql import Failure
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName
from shuzhi.kernel.instant import Instant

_GONE = ("gather.no_such_version", "gather.version_gone")


@dataclass(frozen=True)
class Evaluation:
    """What became of every rule that had something to judge."""

    rules: tuple[Judged, ...]

    @property
    def raised(self) -> int:
        """How many warnings were raised."""
        return sum(rule.raised for rule in self.rules)


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
    waiting = dict(running(watch, mine))
    while group := _next_group(waiting, until):
        answers = list(_answers(watch, group, dataset, until))
        done += keep(watch, answers)
        for answer in answers:
            del waiting[answer.rule.id]
    tell(watch)
    return Evaluation(tuple(done))


def look(watch: Watch, rules: Iterable[Rule]) -> Evaluation:
    """Look at the silences that are due to be looked at, up to now, and tell what was found."""
    now = watch.clock()
    mine = [r for r in rules if isinstance(r, SilenceRule)]
    answers = []
    for rule, standing in running(watch, mine).values():
        before = standing.looked_at or look_at_or_before(now, rule.every)
        at = looks(before, now, rule.every)
        if at.count:
            answers.append(_silence(watch, rule, standing, at))
    done = keep(watch, answers)
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
) -> Iterator[Answer]:
    """Yield the answer of each rule of a group; fewer when the engine broke under one of them."""
    ready = []
    for rule, standing in group:
        if missing := missing_reads(watch.lake, rule):
            why = Failure("waiting", f"there is no data set {missing[0]} yet")
            yield Answer(rule, standing, why, State.WAITING)
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
        yield from (Answer(r, s, failure, state, until) for r, s in ready)
        return
    limit = watch.memory_limit
    with new_rows(watch.lake, rules, change, zone=watch.zone, memory_limit=limit) as connection:
        for rule, standing in ready:
            said = judge_rows(connection, rule, watch.law, watch.zone)
            yield Answer(rule, standing, said, _state(said), until)
            if isinstance(said, Failure) and not _is_alive(connection):
                return


def _is_alive(connection: duckdb.DuckDBPyConnection) -> bool:
    try:
        return connection.execute("SELECT 1").fetchall() == [(1,)]
    except duckdb.Error:
        return False


def _state(said: Findings | Failure) -> State:
    return State.SWITCHED_OFF if isinstance(said, Failure) else State.JUDGED


def _silence(watch: Watch, rule: SilenceRule, standing: store.Standing, at: Looks) -> Answer:
    if missing := missing_reads(watch.lake, rule):
        why = Failure("waiting", f"there is no data set {missing[0]} yet")
        return Answer(rule, standing, why, State.WAITING)
    said = silences(watch, rule, at)
    return Answer(rule, standing, said, _state(said), standing.judged_version, at.last)


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
