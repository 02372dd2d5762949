"""What each rule says of the rows that are new to it, and of the looks that are due.

Rules that have the same rows to judge share one connection. One that fails is answered for by
itself: it does not keep the others from theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from shuzhi.decide.rules.batch import missing_reads, new_rows, rows_seen, time_sql
from shuzhi.decide.rules.errors import RuleError
from shuzhi.decide.rules.judging import Findings, judge_rows, judge_silence
from shuzhi.decide.rules.keeping import Answer, State
from shuzhi.decide.rules.model import RowRule, Rule, SilenceRule
from shuzhi.decide.rules.silence_sql import Looks
from shuzhi.decide.rules.store import Standing
from shuzhi.decide.rules.watch import Watch
from shuzhi.decide.sql import UNREADABLE, Asker, Failure, failure_of
from shuzhi.gather.lake import Difference
from shuzhi.kernel.errors import RefusedError

Running = tuple[RowRule, Standing]
_GONE = ("gather.no_such_version", "gather.version_gone", "decide.made_anew")


def answers_of_rows(watch: Watch, group: Sequence[Running], until: int | None) -> list[Answer]:
    """Return what rules say of the rows up to version `until`, None if the data set is gone.

    All are over one data set, with one event time, and have judged up to the same version. There
    are fewer answers than rules when the engine broke under one of them: ask the others again.
    """
    held = [a for rule, standing in group if (a := _held(watch, rule, standing))]
    ids = {answer.rule.id for answer in held}
    ready = [(rule, standing) for rule, standing in group if rule.id not in ids]
    if not ready:
        return held
    if until is None:
        gone = Failure("failed", f"the data set {ready[0][0].dataset} is gone")
        return [*held, *(Answer(r, s, gone, State.SWITCHED_OFF) for r, s in ready)]
    try:
        change = _change(watch, *ready[0], until)
    except RefusedError as error:
        state = State.SWITCHED_OFF
        if error.code in _GONE:
            is_whole = _is_whole(watch, ready[0][0].dataset)
            state = State.PASSED_OVER if is_whole else State.UNREADABLE
        failure = Failure("failed", error.message)
        return [*held, *(Answer(r, s, failure, state, until) for r, s in ready)]
    return [*held, *_together(watch, ready, change, until)]


def answer_of_silence(watch: Watch, rule: SilenceRule, standing: Standing, at: Looks) -> Answer:
    """Return what a rule over silence says of the looks `at`."""
    held = _held(watch, rule, standing)
    if held is not None:
        return held
    said = silences(watch, rule, at)
    return Answer(rule, standing, said, _state(said), standing.judged_version, at.last)


def silences(
    watch: Watch, rule: SilenceRule, at: Looks, max_seconds: float | None = None
) -> Findings | Failure:
    """Return what a rule over silence finds at the looks `at`, within its own limit of time."""
    is_there = watch.lake.exists(rule.dataset)
    seconds = rule.max_seconds if max_seconds is None else max_seconds
    try:
        opened = rows_seen(watch.lake, rule, at, zone=watch.zone, memory_limit=watch.memory_limit)
        with opened as connection:
            return judge_silence(connection, rule, at, seconds, is_there=is_there)
    except RefusedError as error:
        return Failure("failed", error.message)
    except duckdb.Error as error:
        return failure_of(error)


def _held(watch: Watch, rule: Rule, standing: Standing) -> Answer | None:
    """Return the answer of a rule that cannot judge for want of reference data."""
    missing = missing_reads(watch.lake, rule)
    if not missing:
        return None
    if standing.has_judged:
        failure = Failure("failed", f"the data set {missing[0]}, which it reads, is gone")
        return Answer(rule, standing, failure, State.SWITCHED_OFF)
    failure = Failure("waiting", f"there is no data set {missing[0]} yet")
    return Answer(rule, standing, failure, State.WAITING)


def _change(watch: Watch, rule: RowRule, standing: Standing, until: int) -> Difference:
    since = standing.judged_version
    if since is not None and since > until:
        raise RuleError("decide.made_anew", f"the data set {rule.dataset} was made anew")
    change = watch.lake.difference(rule.dataset, since=since, until=until)
    time_sql(change.whole.schema, rule, watch.zone)
    return change


def _is_whole(watch: Watch, dataset: str) -> bool:
    """True when all rows that are there now can be read, and only older ones are gone."""
    return all(Path(file).exists() for file in watch.lake.files(dataset))


def _together(
    watch: Watch, ready: Sequence[Running], change: Difference, until: int
) -> list[Answer]:
    rules = [rule for rule, _ in ready]
    answers: list[Answer] = []
    try:
        memory = watch.memory_limit
        opened = new_rows(watch.lake, rules, change, zone=watch.zone, memory_limit=memory)
        with opened as connection, Asker(connection) as asker:
            for rule, standing in ready:
                said = judge_rows(asker, rule, watch.law, watch.zone)
                answers.append(Answer(rule, standing, said, _state(said), until))
                if isinstance(said, Failure) and not _is_alive(connection):
                    break
    except duckdb.Error as error:
        return _apart(watch, ready, change, until, failure_of(error))
    return answers


def _apart(
    watch: Watch, ready: Sequence[Running], change: Difference, until: int, failure: Failure
) -> list[Answer]:
    """Let each rule have its rows alone, since those of all together could not be laid out."""
    if len(ready) > 1 and failure.code != UNREADABLE:
        return [a for one in ready for a in _together(watch, [one], change, until)]
    return [Answer(r, s, failure, _state(failure), until) for r, s in ready]


def _is_alive(connection: duckdb.DuckDBPyConnection) -> bool:
    try:
        return connection.execute("SELECT 1").fetchall() == [(1,)]
    except duckdb.Error:
        return False


def _state(said: Findings | Failure) -> State:
    if not isinstance(said, Failure):
        return State.JUDGED
    return State.UNREADABLE if said.code == UNREADABLE else State.SWITCHED_OFF
