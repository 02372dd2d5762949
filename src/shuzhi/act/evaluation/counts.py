"""The counts that measures are made of: what each takes of a fact in a period.

A numerator is only ever counted over the facts of its denominator, so that no share exceeds one
by counting something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from shuzhi.act.evaluation.facts import (
    Arrival,
    BurdenFact,
    CaseFact,
    DeliveryFact,
    DutyFact,
    FactKind,
)
from shuzhi.kernel.instant import Instant

_PLACES = Decimal("0.0001")


class DueRule(StrEnum):
    """What counts as due in a period; under each rule a fact is due in one period at most.

    `deadline`: the deadline lies in the period. `deadline_or_closing`: what was closed before its
    deadline is due when it was closed.
    """

    DEADLINE = "deadline"
    DEADLINE_OR_CLOSING = "deadline_or_closing"


@dataclass(frozen=True)
class Window:
    """A period as instants, its end no longer in it, and what counts as due in it."""

    starts_at: Instant
    ends_at: Instant
    due: DueRule = DueRule.DEADLINE

    def holds(self, at: Instant | None) -> bool:
        """Tell whether `at` lies in the period."""
        return at is not None and self.starts_at <= at < self.ends_at

    def is_past(self, at: Instant | None) -> bool:
        """Tell whether `at` came before the period ended."""
        return at is not None and at < self.ends_at

    def is_due(self, due_at: Instant | None, ended_at: Instant | None) -> bool:
        """Tell whether what was due at `due_at` and ended at `ended_at` is due in the period."""
        if due_at is None:
            return False
        if self.due is DueRule.DEADLINE_OR_CLOSING and self.is_past(ended_at):
            return self.holds(min(due_at, ended_at or due_at))
        return self.holds(due_at)


# What a count takes of one fact: nothing where the fact does not belong to it.
Count = Callable[[Any, Window], int | Decimal]


def _stands_closed(case: CaseFact, window: Window) -> bool:
    # A closing that did not hold is none.
    return window.is_past(case.closed_at) and not window.is_past(case.reopened_at)


def _is_due_case(case: CaseFact, window: Window) -> bool:
    return window.is_due(case.due_at, case.closed_at)


def _is_overdue(case: CaseFact, window: Window) -> bool:
    return not window.is_past(case.closed_at) and window.is_past(case.due_at)


def _is_accepted(case: CaseFact, window: Window) -> bool:
    return case.round == 1 and window.holds(case.opened_at)


def _time_share(fact: CaseFact | DutyFact, _window: Window) -> Decimal:
    # Rounded case by case, so that a sum of thousands of them stays a short decimal.
    return (Decimal(fact.used) / fact.limit).quantize(_PLACES) if fact.limit else Decimal()


def _is_due_delivery(delivery: DeliveryFact, window: Window) -> bool:
    return window.holds(delivery.due_at)


def _is_due_duty(duty: DutyFact, window: Window) -> bool:
    return window.is_due(duty.due_at, duty.ended_at)


def _is_due_form(demand: BurdenFact, window: Window) -> bool:
    return window.holds(demand.due_at)


COUNTS: Mapping[FactKind, Mapping[str, Count]] = {
    FactKind.CASES: {
        "accepted": _is_accepted,
        "filed": lambda case, window: window.is_past(case.filed_at),
        "due": _is_due_case,
        "closed": _stands_closed,
        "on_time": lambda case, window: _stands_closed(case, window) and not case.is_late,
        "closed_in_period": lambda case, window: window.holds(case.closed_at),
        "reopened": lambda case, window: window.is_past(case.reopened_at),
        "unfinished": lambda case, window: not window.is_past(case.closed_at),
        "overdue": _is_overdue,
        "timed": lambda case, window: window.holds(case.closed_at) and bool(case.limit),
        "time_share": _time_share,
        "rated": lambda case, window: window.holds(case.closed_at) and case.stars is not None,
        "stars": lambda case, _: case.stars or 0,
        "reports": lambda case, window: window.holds(case.opened_at) * case.reports,
        "merged_reports": lambda case, _: case.reports - 1,
        "returned": lambda case, _: case.returns > 0,
        "paused": lambda case, _: case.pauses > 0,
    },
    FactKind.DELIVERIES: {
        "due": _is_due_delivery,
        "on_time": lambda delivery, _: delivery.arrival is Arrival.ON_TIME,
        "arrived": lambda delivery, _: delivery.arrival is not Arrival.FAILED,
        "late": lambda delivery, _: delivery.arrival is Arrival.LATE,
        "failed": lambda delivery, _: delivery.arrival is Arrival.FAILED,
    },
    FactKind.QUALITY: {
        "checked": lambda report, window: window.holds(report.measured_at) * report.checked,
        "satisfied": lambda report, _: report.satisfied,
        "reports": lambda report, window: window.holds(report.measured_at),
        "reports_with_faults": lambda report, _: report.satisfied < report.checked,
    },
    FactKind.DUTIES: {
        "due": _is_due_duty,
        "kept": lambda duty, _: not duty.is_late,
        "late": lambda duty, _: duty.is_late,
        "timed": lambda duty, window: _is_due_duty(duty, window) and bool(duty.limit),
        "time_share": _time_share,
    },
    FactKind.BURDEN: {
        "demands": _is_due_form,
        "times": lambda demand, window: _is_due_form(demand, window) * demand.times,
        "minutes": lambda demand, window: _is_due_form(demand, window) * demand.minutes,
        "measured": lambda demand, _: demand.measured,
        "saved": lambda demand, _: demand.saved,
        "minutes_without_reuse": lambda demand, window: (
            _is_due_form(demand, window) * (demand.minutes + demand.saved)
        ),
    },
}
