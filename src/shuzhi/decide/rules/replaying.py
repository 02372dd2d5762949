"""The same rules over history: what they would have warned of, from the rows that are there now.

The warnings are those of live judging, whatever batches the rows came in, where rows came in order
of time and were not corrected since. Nothing is stored unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby

import duckdb
from sqlalchemy import Connection

from shuzhi.decide.rules import store
from shuzhi.decide.rules.answering import silences
from shuzhi.decide.rules.batch import History, history, missing_reads
from shuzhi.decide.rules.errors import unknown_rule
from shuzhi.decide.rules.judging import MOST_FINDINGS, Findings, judge_rows
from shuzhi.decide.rules.keeping import keep_warnings
from shuzhi.decide.rules.merging import Chains, Merged
from shuzhi.decide.rules.model import RowRule, Rule, RuleId, SilenceRule, Warning
from shuzhi.decide.rules.silence_sql import looks
from shuzhi.decide.rules.telling import tell
from shuzhi.decide.rules.watch import Watch
from shuzhi.decide.sql import Asker, Failure, failure_of
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

# A window of history is larger than a batch, and nobody waits for the other rules.
_MOST_SECONDS = 300.0
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Replayed:
    """What one rule would have warned of, in order of time; or why it could not say."""

    rule: Rule
    warnings: tuple[Warning, ...]
    failure: str = ""


def replay(
    watch: Watch, rules: Iterable[Rule], since: Instant, until: Instant
) -> tuple[Replayed, ...]:
    """Judge the rows, and look at the silences, from `since` on and before `until`.

    Law holds by the date of the row, as in live judging. `rules` need not be registered.
    """
    given = tuple(rules)
    done = {r.rule.id: r for r in _over_rows(watch, given, since, until)}
    for rule in given:
        if isinstance(rule, SilenceRule):
            done[rule.id] = _over_silence(watch, rule, since, until)
    return tuple(done[rule.id] for rule in given if rule.id in done)


def keep_replayed(watch: Watch, replayed: Iterable[Replayed]) -> int:
    """Store and tell those warnings of a replay that join none that is stored; return how many.

    Doing it twice stores nothing twice.

    Raises:
        RuleError: `decide.rule_unknown` for a rule that is not registered. As `tell`.
    """
    kept = 0
    for one in replayed:
        with watch.control.transaction() as connection:
            standing = store.standings(connection, [one.rule.id], lock=True).get(one.rule.id)
            if standing is None:
                raise unknown_rule(one.rule.id)
            fresh = tuple(w for w in one.warnings if not _is_known(connection, one.rule, w))
            fresh = tuple(replace(w, rule_version=standing.version) for w in fresh)
            keep_warnings(connection, [Merged(fresh, (), ())], watch.clock())
        kept += len(fresh)
    tell(watch)
    return kept


def _is_known(connection: Connection, rule: Rule, warning: Warning) -> bool:
    near = store.warnings_near(connection, rule.id, warning.at, warning.last_at, rule.merge_within)
    return any(known.merge_key == warning.merge_key for known in near)


def _over_silence(watch: Watch, rule: SilenceRule, since: Instant, until: Instant) -> Replayed:
    at = looks(Instant(since - _MICROSECOND), Instant(until - _MICROSECOND), rule.every)
    if missing := missing_reads(watch.lake, rule):
        return Replayed(rule, (), f"there is no data set {missing[0]}")
    chains = Chains(rule, 0, watch.clock())
    said = silences(watch, rule, at, _MOST_SECONDS) if at.count else ()
    if isinstance(said, Failure):
        return Replayed(rule, (), said.reason)
    chains.add(said)
    return _replayed(rule, chains)


def _over_rows(
    watch: Watch, rules: Sequence[Rule], since: Instant, until: Instant
) -> Iterator[Replayed]:
    ready: list[RowRule] = []
    for rule in rules:
        if isinstance(rule, RowRule):
            missing = [n for n in (rule.dataset, *rule.reads) if not watch.lake.exists(n)]
            if missing:
                yield Replayed(rule, (), f"there is no data set {missing[0]}")
            else:
                ready.append(rule)
    ready.sort(key=_rows_of)
    for _, group in groupby(ready, key=_rows_of):
        yield from _together(watch, list(group), since, until)


def _rows_of(rule: RowRule) -> tuple[str, str]:
    return rule.dataset, rule.event_time


def _together(
    watch: Watch, rules: Sequence[RowRule], since: Instant, until: Instant
) -> Iterator[Replayed]:
    now = watch.clock()
    chains = {rule.id: Chains(rule, 0, now) for rule in rules}
    failures: dict[RuleId, str] = {}
    try:
        opened = history(watch.lake, rules, zone=watch.zone, memory_limit=watch.memory_limit)
        with opened as rows:
            for start, end in rows.windows(since, until, MOST_FINDINGS):
                rows.lay(start, end)
                well = [rule for rule in rules if rule.id not in failures]
                for rule, said in _said(watch, rows, well):
                    if isinstance(said, Failure):
                        failures[rule.id] = said.reason
                    else:
                        chains[rule.id].add(said)
    except RefusedError as error:
        failures |= {rule.id: error.message for rule in rules if rule.id not in failures}
    except duckdb.Error as error:
        reason = failure_of(error).reason
        failures |= {rule.id: reason for rule in rules if rule.id not in failures}
    for rule in rules:
        failure = failures.get(rule.id)
        yield Replayed(rule, (), failure) if failure else _replayed(rule, chains[rule.id])


def _said(
    watch: Watch, rows: History, rules: Iterable[RowRule]
) -> Iterator[tuple[RowRule, Findings | Failure]]:
    with Asker(rows.connection) as asker:
        for rule in rules:
            yield rule, judge_rows(asker, rule, watch.law, watch.zone, _MOST_SECONDS)


def _replayed(rule: Rule, chains: Chains) -> Replayed:
    return Replayed(rule, tuple(sorted(chains.touched(), key=lambda w: (w.at, w.merge_key))))
