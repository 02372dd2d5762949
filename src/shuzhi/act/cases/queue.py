"""Acts of many people at once, in as few transactions as the disk has time for.

A durable transaction waits for the disk; while one waits, the acts of everybody else gather and
share the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event, Lock

from shuzhi.act.cases.acts import Act
from shuzhi.act.cases.model import Case
from shuzhi.act.cases.office import Office
from shuzhi.act.cases.use_cases import act_all
from shuzhi.kernel.errors import BrokenError, RefusedError


@dataclass
class _Ticket:
    """An act that waits, and what came of it; woken without an outcome, its thread works."""

    act: Act
    outcome: Case | RefusedError | BrokenError | None = None
    woken: Event = field(default_factory=Event)


class ActQueue:
    """Does acts for any number of threads; make one for each control store."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._door = Lock()
        self._waiting: list[_Ticket] = []
        self._is_busy = False

    def act(self, act: Act) -> Case:
        """Do one act and return the case after it, written; refused or failed acts raise.

        Raises:
            RefusedError: as `use_cases.act`.
            BrokenError: `act.turn_failed` when the transaction that it shared failed.
        """
        ticket = _Ticket(act)
        with self._door:
            self._waiting.append(ticket)
            waits, self._is_busy = self._is_busy, True
        if waits:
            ticket.woken.wait()
        if ticket.outcome is None:
            self._work()
        if isinstance(ticket.outcome, Case):
            return ticket.outcome
        raise ticket.outcome or _unknown(act)

    def _work(self) -> None:
        """Do the acts of all who wait, then hand the turn to one who came meanwhile."""
        with self._door:
            tickets, self._waiting = self._waiting, []
        try:
            outcomes = act_all(self._office, [ticket.act for ticket in tickets])
            for ticket, outcome in zip(tickets, outcomes, strict=True):
                ticket.outcome = outcome
        finally:
            # The error itself goes to the thread that worked; nobody else may wait in vain.
            for ticket in tickets:
                ticket.outcome = ticket.outcome or _unknown(ticket.act)
            with self._door:
                heirs, self._is_busy = self._waiting[:1], bool(self._waiting)
            for ticket in (*heirs, *tickets):
                ticket.woken.set()


def _unknown(act: Act) -> BrokenError:
    return BrokenError(
        "act.turn_failed",
        f"The store or a reaction failed while {act.verb} of case {act.case} was written.",
        next_step="Look whether the case has the step, and try again if it has not.",
    )
