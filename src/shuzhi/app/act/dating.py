"""The verb that dates: every deadline that waited for a holiday notice, or that one moved."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.act import cases, evaluation
from shuzhi.app.act.scoring import Scores
from shuzhi.app.store import position, save_position
from shuzhi.share import agreements, correction, receipts

# How many calendars were replaced when all was dated anew last.
_READER = "dated by the calendar"


@dataclass(frozen=True)
class Dated:
    """How many deadlines were set or moved: of clocks of cases, and of appeals against scores.

    `sharing` counts the applications, agreements, objections and doubts with such a deadline.
    """

    clocks: int
    appeals: int
    sharing: int = 0

    @property
    def all(self) -> int:
        """How many in all."""
        return self.clocks + self.appeals + self.sharing


class Dates(Scores):
    """How a city keeps its deadlines to what the calendar knows."""

    def date(self) -> Dated:
        """Date what waited for the calendar, and anew what an older one dated; return how many.

        Each is a step of its own in the history or the audit log. Doing it again, after a crash or
        in two processes at once adds nothing. Raises as `working_days`.
        """
        self.note_calendar()
        known = len(self.working_days.older())
        with self.control.transaction() as connection:
            anew = position(connection, _READER) != known
        dated = Dated(
            cases.date_clocks(self.office, anew=anew),
            evaluation.date_appeals(self.evaluating, anew=anew),
            agreements.date_clocks(self.sharing_office, anew=anew)
            + receipts.date_objections(self.receipt_office, anew=anew)
            + correction.date_clocks(self.correction_office, anew=anew),
        )
        if anew:
            with self.control.transaction() as connection:
                save_position(connection, _READER, known)
        return dated
