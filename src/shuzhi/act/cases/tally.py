"""How many cases are open: by stage, by clock and by the party that answers for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, case, func, select, true

from shuzhi.act.cases.model import Stage
from shuzhi.act.cases.office import Office
from shuzhi.act.cases.store import case_table, clock_table, concerns, step_table
from shuzhi.act.cases.waiting import is_undated
from shuzhi.kernel.ids import PartyId


@dataclass(frozen=True)
class ClockTally:
    """One clock of a kind over the open cases: how many of it run, run out soon, or are late.

    Of those that run, `undated` have no deadline yet, as the calendar does not reach it.
    """

    kind: str
    clock: str
    running: int
    soon: int
    late: int
    undated: int = 0


@dataclass(frozen=True)
class PartyTally:
    """The open cases of a party, and how many of them are late."""

    open: int
    late: int


@dataclass(frozen=True)
class Tally:
    """The open cases, counted three ways. A case is late when a clock of it is."""

    stages: Mapping[Stage, int]
    clocks: tuple[ClockTally, ...]
    parties: Mapping[PartyId, PartyTally]

    @property
    def open(self) -> int:
        """How many cases are open."""
        return sum(self.stages.values())

    @property
    def late(self) -> int:
        """How many of them are late."""
        return sum(party.late for party in self.parties.values())


def tally(office: Office, *, soon: timedelta, seen_by: frozenset[PartyId] | None = None) -> Tally:
    """Count the open cases, all or those `seen_by` some parties (as `Wanted`).

    A clock runs out `soon` when less than that is left.
    """
    now, is_seen = office.clock(), true() if seen_by is None else concerns(seen_by)
    due, head = clock_table.c.due_at, case_table.c
    waits = is_undated(office.kinds.values())
    is_running = (due.is_not(None) | waits) & (clock_table.c.round == head.round) & head.is_open
    joined = clock_table.c.case_id == head.id
    clocks = (
        select(
            head.kind,
            clock_table.c.clock,
            func.count(),
            _sum((due > now) & (due <= now + soon)),
            _sum(due <= now),
            _sum(due.is_(None)),
        )
        .join_from(clock_table, case_table, joined)
        .where(is_running, is_seen)
        .group_by(head.kind, clock_table.c.clock)
        .order_by(head.kind, clock_table.c.clock)
    )
    is_late = select(clock_table.c.case_id).where(joined, due <= now).exists()
    is_open = (head.is_open, is_seen)
    parties = (
        select(head.responsible, func.count(), _sum(is_late))
        .where(*is_open)
        .group_by(head.responsible)
    )
    stages = select(head.stage, func.count()).where(*is_open).group_by(head.stage)
    with office.control.transaction() as connection:
        by_clock = connection.execute(clocks).all()
        by_party = connection.execute(parties).all()
        by_stage = connection.execute(stages).all()
    return Tally(
        {Stage(stage): count for stage, count in by_stage},
        tuple(ClockTally(*row) for row in by_clock),
        {PartyId(party): PartyTally(count, late) for party, count, late in by_party},
    )


def newest_step(
    office: Office, *, seen_by: frozenset[PartyId] | None = None, after: int = 0
) -> int:
    """Return the number of the newest step past `after`, as `steps_since` counts; 0 for none.

    Of any case, or of those `seen_by` some parties (as `Wanted`).
    """
    query = select(func.max(step_table.c.id)).where(step_table.c.id > after)
    if seen_by is not None:
        query = query.join_from(step_table, case_table).where(concerns(seen_by))
    with office.control.transaction() as connection:
        return connection.execute(query).scalar() or 0


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
