"""What the evaluation room works with: the store, the schemes, the law, the calendar, the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shuzhi.act.evaluation.counts import Window
from shuzhi.act.evaluation.errors import EvaluationError
from shuzhi.act.evaluation.periods import Period, parse_period
from shuzhi.act.evaluation.scheme import Scheme
from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Clock, system_clock
from shuzhi.kernel.law import Law
from shuzhi.kernel.workdays import WorkingDays


@dataclass(frozen=True)
class Evaluating:
    """Everything that evaluation needs from outside; `zone` is the city's IANA zone."""

    control: Control
    schemes: Mapping[str, Scheme]
    law: Law
    calendar: WorkingDays
    zone: str
    clock: Clock = system_clock

    def scheme(self, scheme_id: str) -> Scheme:
        """Return a scheme that is declared.

        Raises:
            EvaluationError: `act.no_such_scheme`.
        """
        if scheme_id in self.schemes:
            return self.schemes[scheme_id]
        raise EvaluationError(
            "act.no_such_scheme",
            f"There is no scheme of evaluation {scheme_id[:60]!r} in this city.",
            next_step=f"Choose one of: {', '.join(sorted(self.schemes)) or 'none yet'}.",
        )

    def period(self, scheme: Scheme, text: str) -> Period:
        """Return the period that `text` names.

        Raises:
            EvaluationError: `act.bad_period`, also for one of another length than the scheme's.
        """
        period = parse_period(text)
        if period.length is scheme.length:
            return period
        raise EvaluationError(
            "act.bad_period",
            f"{scheme.id} is scored by the {scheme.length}; {period} is a {period.length}.",
            next_step=f"Name a {scheme.length}.",
        )

    def window(self, scheme: Scheme, period: Period) -> Window:
        """Return `period` as instants, with what the scheme counts as due in it."""
        return Window(period.starts_at(self.zone), period.ends_at(self.zone), scheme.due)
