"""Numbers of law in SQL: which one counts is told row by row, by a day or an instant of the row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from sqlglot import exp

from shuzhi.kernel.instant import Instant, start_of_day
from shuzhi.kernel.law import LawValue

Dated = tuple[tuple[Instant, Decimal], ...]


def dated(values: Iterable[LawValue], zone: str) -> Dated:
    """Return the numbers with the instants from which they hold: midnights of `zone`."""
    return tuple((start_of_day(value.since, zone), value.value) for value in values)


def moment(at: Instant) -> exp.Expr:
    """Return SQL for an instant."""
    return exp.cast(exp.Literal.string(at.isoformat()), "TIMESTAMPTZ")


def by_instant(values: Dated, time: exp.Expr) -> exp.Expr:
    """Return SQL for the number in force at `time`; NULL before the first."""
    return _case(time, ((moment(since), value) for since, value in values))


def by_day(values: Iterable[LawValue], day: exp.Expr) -> exp.Expr:
    """Return SQL for the number in force on `day`, a date; NULL before the first."""
    return _case(day, ((_day(value.since), value.value) for value in values))


def _case(column: exp.Expr, values: Iterable[tuple[exp.Expr, Decimal]]) -> exp.Expr:
    case = exp.Case()
    for since, value in reversed(tuple(values)):
        is_since = exp.GTE(this=column.copy(), expression=since)
        case = case.when(is_since, exp.convert(value), copy=False)
    return exp.Paren(this=case)


def _day(day: date) -> exp.Expr:
    return exp.cast(exp.Literal.string(day.isoformat()), "DATE")
