"""The verbs of duties: what provider, user and manager owe, looked after without being asked."""

from __future__ import annotations

from collections.abc import Iterator

from shuzhi.act.evaluation import DutyFact, Window
from shuzhi.app.share.correcting import Corrects
from shuzhi.app.share.forms import FillsForms
from shuzhi.share.duties import (
    Breach,
    DutiesOffice,
    Reviewed,
    breaches_in,
    clock_facts,
    duty_list,
    review,
)


class LooksAfterDuties(Corrects, FillsForms):
    """How a city sees who does not keep what law lays on them."""

    @property
    def duties_office(self) -> DutiesOffice:
        """Where broken duties are: see the verbs of `shuzhi.share.duties`.

        Raises as `sharing_office`.
        """
        return DutiesOffice(
            self.sharing_office, self.forms_office, self.correction_office, self.lake
        )

    def review_duties(self) -> Reviewed:
        """Look after every duty once; what is newly broken becomes a case of whoever owes it."""
        return review(self.duties_office)


def duty_facts(office: DutiesOffice, window: Window) -> Iterator[DutyFact]:
    """Yield the deadlines of sharing that fell due in a period, and other duties broken in it."""
    since, until = window.starts_at, window.ends_at
    for c in clock_facts(office.sharing, office.corrections, since, until):
        yield DutyFact(c.name, c.party, c.subject, c.due_at, c.ended_at, c.is_late)
    for breach in breaches_in(office, since, until):
        # A clock that ran out is one of the deadlines already.
        if duty_list().duty(breach.duty).opens_case:
            yield _fact(breach, window)


def _fact(breach: Breach, window: Window) -> DutyFact:
    """Return a broken duty as a deadline: when it was broken, or, still broken, the first day."""
    ended = breach.ended_at
    ended = None if ended is not None and ended >= window.ends_at else ended
    due_at = max(breach.since, window.starts_at)
    name, subject = f"duty:{breach.id}", f"duty.{breach.duty}"
    return DutyFact(name, breach.party, subject, due_at, ended, is_late=True)
