"""Runs rules: over every new batch of a data set, and by the clock over what should have come.

A batch is judged outside any transaction, and what comes of it is kept in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shuzhi.decide.rules import store
from shuzhi.decide.rules.answering import Running, answer_of_silence, answers_of_rows
from shuzhi.decide.rules.keeping import Judged, State, keep, running
from shuzhi.decide.rules.model import RowRule, Rule, RuleId, SilenceRule, Warning, WarningId
from shuzhi.decide.rules.silence_sql import look_at_or_before, looks
from shuzhi.decide.rules.telling import tell
from shuzhi.decide.rules.watch import Watch
from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant


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

    Raises:
        BrokenError: `decide.lake_unreadable` when rows could not be read; they are judged by a
            later call, and what other rules found is kept and told. As `tell`.
    """
    mine = [r for r in rules if isinstance(r, RowRule) and r.dataset == dataset]
    done: dict[RuleId, Judged] = {}
    while mine:
        judged = {rule.rule_id: rule for rule in _judged(watch, mine, dataset)}
        done |= judged
        # Another process may have judged fewer of the rows that are there.
        again = {i for i, rule in judged.items() if rule.state is State.ELSEWHERE}
        mine = [rule for rule in mine if rule.id in again]
    return told(watch, list(done.values()))


def _judged(watch: Watch, rules: Sequence[RowRule], dataset: str) -> list[Judged]:
    """Judge what is there now, and return what became of each rule that had something to judge."""
    waiting = running(watch, rules)
    until = watch.lake.version(dataset) if watch.lake.exists(dataset) else None
    done: list[Judged] = []
    while group := _next_group(waiting, until):
        answers = answers_of_rows(watch, group, until)
        done += keep(watch, answers)
        for answer in answers:
            del waiting[answer.rule.id]
    return done


def look(watch: Watch, rules: Iterable[Rule]) -> Evaluation:
    """Look at the silences that are due to be looked at, up to now, and tell what was found.

    Raises as `evaluate`.
    """
    now = watch.clock()
    mine = running(watch, [r for r in rules if isinstance(r, SilenceRule)])
    answers = []
    for rule, standing in mine.values():
        before = standing.looked_at or look_at_or_before(now, rule.every)
        at = looks(before, now, rule.every)
        if at.count:
            answers.append(answer_of_silence(watch, rule, standing, at))
    return told(watch, keep(watch, answers))


def registered(watch: Watch) -> tuple[store.Standing, ...]:
    """Return every rule that is registered, as it stands."""
    with watch.control.transaction() as connection:
        return tuple(store.standings(connection).values())


def warnings(
    watch: Watch,
    *,
    ids: Iterable[WarningId] | None = None,
    rule_id: str | None = None,
    dataset: str | None = None,
    since: Instant | None = None,
    seen_by: frozenset[PartyId] | None = None,
    before: WarningId | None = None,
    limit: int | None = 100,
) -> tuple[Warning, ...]:
    """Return warnings that were still true at `since` or later, the newest first.

    At most `limit` of those before the one numbered `before`; with `seen_by`, of those for which
    one of these parties answers.
    """
    with watch.control.transaction() as connection:
        return store.find_warnings(
            connection,
            ids=ids,
            rule_id=rule_id,
            dataset=dataset,
            since=since,
            seen_by=seen_by,
            before=before,
            limit=limit,
        )


@dataclass(frozen=True)
class Changes:
    """Warnings as they stand that changed since some instant, and those that are no more."""

    warnings: tuple[Warning, ...]
    gone: tuple[WarningId, ...]


def warning_changes(watch: Watch, since: Instant | None) -> Changes:
    """Return what changed among warnings at `since` or later; without it, all that stand."""
    with watch.control.transaction() as connection:
        found = store.find_warnings(connection, changed_since=since)
        gone = () if since is None else store.absorbed_since(connection, since)
    return Changes(found, gone)


def told(watch: Watch, done: Sequence[Judged]) -> Evaluation:
    """Tell what was found, and return what became of each rule. Raises as `evaluate`."""
    tell(watch)
    for rule in done:
        if rule.state is State.UNREADABLE:
            raise BrokenError(
                "decide.lake_unreadable",
                f"The rows that the rule {rule.rule_id} judges cannot be read: {rule.reason}",
                next_step="Run `shuzhi lake repair`; the rows are judged when they can be read.",
            )
    return Evaluation(tuple(done))


def _next_group(waiting: dict[RuleId, Running], until: int | None) -> list[Running]:
    """Return rules that have the same rows to judge; those that have none are dropped."""
    for rule_id in [r for r, (_, s) in waiting.items() if s.judged_version == until]:
        del waiting[rule_id]
    if not waiting:
        return []
    rule, standing = next(iter(waiting.values()))
    shared = (standing.judged_version, rule.event_time)
    return [(r, s) for r, s in waiting.values() if (s.judged_version, r.event_time) == shared]
