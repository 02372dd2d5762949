"""Takes rules into service: every wording is kept as a version, and one that cannot run is off.

A new rule begins with what comes after it; what lies before is for `replay`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Connection

from shuzhi.audit import Entry, queue
from shuzhi.decide.rules import store
from shuzhi.decide.rules.batch import time_sql
from shuzhi.decide.rules.errors import RuleError, unknown_rule
from shuzhi.decide.rules.model import RowRule, Rule, RuleId, SilenceRule, TimedRule
from shuzhi.decide.rules.row_sql import NEW, PAST
from shuzhi.decide.rules.silence_sql import look_at_or_before
from shuzhi.decide.rules.telling import tell
from shuzhi.decide.rules.watch import Watch
from shuzhi.gather.lineage import columns_of
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

_R = TypeVar("_R", bound=Rule)
REFUSED = "refused"
BY_HAND = "by_hand"


class Taken(StrEnum):
    """What became of a rule that was handed in."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True)
class Registered:
    """A rule that was handed in, its version now, and why it cannot run where it cannot."""

    rule_id: RuleId
    version: int
    taken: Taken
    problem: str = ""


def require_columns(watch: Watch, rule: Rule) -> None:
    """Refuse a rule that names columns which its data sets, where they are there, do not have.

    Raises:
        RuleError: `decide.no_such_column`; SqlError as `columns_of`.
    """
    if watch.lake.exists(rule.dataset):
        _check_columns(watch, rule)


def check_rule(
    watch: Watch, rule: _R, require: Callable[[Watch, _R], None] = require_columns
) -> str:
    """Return why a rule cannot run on what is there; data still to come are no reason."""
    try:
        if rule.legal_basis is not None:
            watch.law.parameter(rule.legal_basis)
        if watch.lake.exists(rule.dataset):
            time_sql(watch.lake.schema(rule.dataset), rule, watch.zone)
        require(watch, rule)
    except RefusedError as error:
        return f"{error.message} {error.next_step}".strip()
    return ""


def register_rules(
    watch: Watch,
    rules: Iterable[_R],
    *,
    by: str,
    require: Callable[[Watch, _R], None] = require_columns,
) -> tuple[Registered, ...]:
    """Take `rules` into service and return what became of each; `by` is who answers for it.

    A rule whose data set, columns or law parameter are not there, or that `require` refuses, is
    kept switched off and its owner is told; handing it in again tries again.
    """
    done = tuple(_register(watch, rule, check_rule(watch, rule, require), by) for rule in rules)
    tell(watch)
    return done


def switch_off(watch: Watch, rule_id: str, *, reason: str, by: str) -> None:
    """Stop a rule until somebody switches it on again. Raises `decide.rule_unknown`."""
    with watch.control.transaction() as connection:
        standing = _standing(connection, rule_id)
        put_off(connection, standing, BY_HAND, reason, watch.clock(), by=by)
    tell(watch)


def switch_on(
    watch: Watch,
    rule: _R,
    *,
    by: str,
    require: Callable[[Watch, _R], None] = require_columns,
) -> None:
    """Let a rule run again from now on; what came meanwhile is for `replay`.

    Raises:
        RuleError: `decide.rule_unknown`; `decide.rule_refused` when it cannot run as it is.
    """
    problem = check_rule(watch, rule, require)
    if problem:
        raise RuleError("decide.rule_refused", f"{rule.id} cannot run: {problem}")
    now = watch.clock()
    with watch.control.transaction() as connection:
        standing = _standing(connection, rule.id)
        values = {**_fresh(watch, rule, now), **_on(now)}
        store.save_standing(connection, rule.id, values)
        facts = {"version": standing.version}
        queue(connection, Entry("rule.switched_on", now, by, rule.id, facts))


def put_off(
    connection: Connection,
    standing: store.Standing,
    code: str,
    reason: str,
    now: Instant,
    *,
    by: str = "system",
) -> None:
    """Switch a rule off in the caller's transaction; its owner is told afterwards."""
    values = {"is_on": False, "off_code": code, "off_reason": reason, "off_is_told": False}
    store.save_standing(connection, standing.id, {**values, "changed_at": now})
    # The reason may quote rows, which do not belong into a log that forgets nothing.
    facts = {"version": standing.version, "code": code}
    queue(connection, Entry("rule.switched_off", now, by, standing.id, facts))


def _register(watch: Watch, rule: Rule, problem: str, by: str) -> Registered:
    now = watch.clock()
    with watch.control.transaction() as connection:
        before = store.standings(connection, [rule.id], lock=True).get(rule.id)
        is_same = before is not None and before.digest == rule.digest
        if is_same and before is not None and not _is_retry(before, problem):
            taken = Taken.UNCHANGED if before.off_code != REFUSED else Taken.REFUSED
            return Registered(rule.id, before.version, taken, problem)
        version = _version(before, is_same=is_same)
        runs_on = before is not None and before.is_on and before.dataset == rule.dataset
        values: dict[str, Any] = {} if runs_on else dict(_fresh(watch, rule, now))
        head = {"version": version, "digest": rule.digest, "owner": rule.owner}
        values |= {**head, "dataset": rule.dataset, **_on(now)}
        store.save_standing(connection, rule.id, values)
        if not is_same:
            store.save_version(connection, rule, version, by, now)
            facts = {"version": version, "digest": rule.digest}
            queue(connection, Entry("rule.version", now, by, rule.id, facts))
        if problem:
            standing = _standing(connection, rule.id)
            put_off(connection, standing, REFUSED, problem, now)
            return Registered(rule.id, version, Taken.REFUSED, problem)
    return Registered(rule.id, version, Taken.CHANGED if before else Taken.NEW)


def _version(before: store.Standing | None, *, is_same: bool) -> int:
    if before is None:
        return 1
    return before.version if is_same else before.version + 1


def _is_retry(before: store.Standing, problem: str) -> bool:
    return before.off_code == REFUSED and not problem


def _fresh(watch: Watch, rule: Rule, now: Instant) -> Mapping[str, Any]:
    """Return from where a rule begins that has not run."""
    is_there = watch.lake.exists(rule.dataset)
    looked_at = look_at_or_before(now, rule.every) if isinstance(rule, TimedRule) else None
    version = watch.lake.version(rule.dataset) if is_there else None
    return {"judged_version": version, "has_judged": False, "looked_at": looked_at}


def _on(now: Instant) -> Mapping[str, Any]:
    on = {"is_on": True, "off_code": None, "off_reason": None, "off_is_told": True}
    return {**on, "changed_at": now}


def _standing(connection: Connection, rule_id: str) -> store.Standing:
    found = store.standings(connection, [rule_id], lock=True)
    if not found:
        raise unknown_rule(rule_id)
    return found[RuleId(rule_id)]


def _check_columns(watch: Watch, rule: Rule) -> None:
    if any(not watch.lake.exists(name) for name in rule.reads):
        return
    schemas = {str(name): _columns(watch, name) for name in rule.reads}
    own = _columns(watch, rule.dataset)
    if isinstance(rule, RowRule):
        columns_of(rule.sql, {**schemas, NEW: own, PAST: own})
    elif isinstance(rule, SilenceRule):
        if rule.expected is not None:
            columns_of(rule.expected, schemas)
        _require_columns(rule, own)


def _require_columns(rule: SilenceRule, own: Collection[str]) -> None:
    needed = (*rule.per, *((rule.value,) if rule.value else ()))
    missing = [c for c in needed if c.lower() not in {name.lower() for name in own}]
    if missing:
        raise RuleError(
            "decide.no_such_column", f"{rule.dataset} has no column {', '.join(missing)}."
        )


def _columns(watch: Watch, name: str) -> dict[str, str]:
    return {f.name: str(f.type) for f in watch.lake.schema(name)}
