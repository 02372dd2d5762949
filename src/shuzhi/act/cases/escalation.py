"""What the clocks of a case do by themselves: break, send it to the level above, get a deadline.

Pure: the steps follow from the case, the organisation and the time, so that doing it twice, late,
or after a crash gives each step once.
"""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.act.cases.clocks import Clocks, Dated, answering, datable
from shuzhi.act.cases.life_cycle import follow
from shuzhi.act.cases.model import SYSTEM, Case, ClockRun, Step, Verb
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.party import Level
from shuzhi.share.parties import Organisation


@dataclass(frozen=True)
class Ladder:
    """Who stands above whom in the city, and its desk, which answers where nobody else does."""

    organisation: Organisation
    desk: PartyId

    def above(self, party: PartyId) -> PartyId | None:
        """Return who takes over from `party`: the nearest superior of a higher level in the city.

        Where there is none, the nearest superior at all; None at the top of the city.
        """
        own = self.organisation.get(party)
        chain = [p for p in self.organisation.superiors(party) if p.level >= Level.CITY]
        higher = [p for p in chain if own is not None and p.level < own.level]
        return next((p.id for p in (*higher, *chain)), None)


def owed_steps(
    case: Case, clocks: Clocks, ladder: Ladder, at: Instant
) -> tuple[Case, tuple[Step, ...]]:
    """Return the steps that the clocks of `case` owe at `at`, and the case after them."""
    steps: list[Step] = []
    while step := _next_step(case, clocks, ladder, at):
        case = follow(case, step, clocks)
        steps.append(step)
    return case, tuple(steps)


def owes(case: Case, clocks: Clocks, at: Instant) -> bool:
    """Tell whether a clock of `case` has something to do at `at`."""
    return datable(case, clocks, at) is not None or _first_due(case, at) is not None


def _next_step(case: Case, clocks: Clocks, ladder: Ladder, at: Instant) -> Step | None:
    # What could not be dated before may be due by now, and what was due may no longer be.
    if dated := datable(case, clocks, at):
        return _dating(case, dated, at)
    run = _first_due(case, at)
    return None if run is None else _step(case, clocks, run, ladder, at)


def _first_due(case: Case, at: Instant) -> ClockRun | None:
    due = [(r.next_at, r.clock, r) for r in case.runs if r.next_at is not None and r.next_at <= at]
    return min(due)[-1] if due else None


def _dating(case: Case, dated: Dated, at: Instant) -> Step:
    now, was = dated.now, dated.was.next_at
    facts = {"clock": now.clock, "due_at": now.due_at and now.due_at.isoformat()}
    if now.broken_at is not None and now.next_at is not None:
        facts["escalates_at"] = now.next_at.isoformat()
    if was is not None:
        facts["instead_of"] = was.isoformat()
    if dated.source:
        facts["source"] = dated.source
    number = case.version + 1
    return Step(case.id, number, Verb.DATE_CLOCK, at, SYSTEM.person, None, case.stage, facts)


def _step(case: Case, clocks: Clocks, run: ClockRun, ladder: Ladder, at: Instant) -> Step:
    due_at = run.was_due_at or run.next_at
    due = None if due_at is None else due_at.isoformat()
    facts: dict[str, str | None] = {"clock": run.clock, "due_at": due}
    if run.broken_at is None:
        rule = clocks.kind.clock(run.clock)
        party = case.responsible if rule is None else answering(case, rule, ladder.desk)
        verb, facts = Verb.BREAK_CLOCK, {**facts, "answers": party}
    else:
        verb, party = Verb.ESCALATE, run.above or ladder.desk
        facts = {**facts, "to": party}
    facts["above"] = ladder.above(party)
    return Step(case.id, case.version + 1, verb, at, SYSTEM.person, None, case.stage, facts)
