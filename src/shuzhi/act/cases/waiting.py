"""Which clocks wait for the calendar to know when they have to act, as queries see them.

A clock runs while its case stands in a stage that the clock's rule names: no column says it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, false, or_

from shuzhi.act.cases.kind import CaseKind, ClockRule
from shuzhi.act.cases.spans import SpanUnit
from shuzhi.act.cases.store import case_table, clock_table


def is_undated(kinds: Iterable[CaseKind]) -> ColumnElement[bool]:
    """Return the condition that a clock, joined with its case, runs without a deadline."""
    rules = ((kind, rule) for kind in kinds for rule in kind.clocks if _may_be_undated(rule))
    return and_(clock_table.c.due_at.is_(None), _runs_one(rules))


def waits(kinds: Iterable[CaseKind]) -> ColumnElement[bool]:
    """Return the condition that it has no deadline, or is late and nobody knows when it goes up."""
    known, clock = tuple(kinds), clock_table.c
    rules = ((kind, rule) for kind in known for rule in kind.clocks if rule.escalate_every)
    is_late = and_(clock.broken_at.is_not(None), clock.above.is_not(None), _runs_one(rules))
    stages = {stage.value for kind in known for rule in kind.clocks for stage in rule.over}
    # By the index of kinds and stages: what has ended is never looked at.
    return and_(
        case_table.c.stage.in_(sorted(stages)),
        or_(is_undated(known), and_(is_late, clock.next_at.is_(None))),
    )


def is_counted(kinds: Iterable[CaseKind]) -> ColumnElement[bool]:
    """Return the condition that it is to act at an instant that was counted in working days."""
    rules = ((kind, rule) for kind in kinds for rule in kind.clocks if _is_by_working_days(rule))
    return and_(clock_table.c.next_at.is_not(None), _runs_one(rules))


def _is_by_working_days(rule: ClockRule) -> bool:
    every = rule.escalate_every
    return _may_be_undated(rule) or (every is not None and every.unit is not SpanUnit.MINUTES)


def _may_be_undated(rule: ClockRule) -> bool:
    return any(span.unit is not SpanUnit.MINUTES for span in (rule.limits or {}).values())


def _runs_one(rules: Iterable[tuple[CaseKind, ClockRule]]) -> ColumnElement[bool]:
    clock, head = clock_table.c, case_table.c
    ways = (
        and_(
            head.kind == kind.id,
            clock.clock == rule.id,
            head.stage.in_(sorted(stage.value for stage in rule.over)),
        )
        for kind, rule in rules
    )
    return and_(clock.round == head.round, or_(false(), *ways))
