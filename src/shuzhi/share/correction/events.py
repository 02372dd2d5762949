"""What the correction room tells the house, in the past tense.

The same facts stand in the histories (`steps_since`), so that whoever misses one can catch up.
"""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, parse_instant
from shuzhi.share.correction.model import Doubt, DoubtId, DoubtState, Step, Verb


@dataclass(frozen=True)
class DoubtMoved(Event):
    """Something was done about a doubt; `state` is where it stands now."""

    doubt: DoubtId
    verb: Verb
    state: DoubtState
    dataset: str
    party: PartyId
    responsible: PartyId


@dataclass(frozen=True)
class CorrectionOverdue(Event):
    """`party` did not verify, correct and feed back in time; `step` numbers it within its doubt."""

    doubt: DoubtId
    step: int
    due_at: Instant
    party: PartyId


@dataclass(frozen=True)
class ReceiverTold(Event):
    """`party` was told that a value it received was wrong."""

    doubt: DoubtId
    party: PartyId


def moved(step: Step, after: Doubt) -> DoubtMoved:
    """Return what a step tells."""
    sides = (after.what.dataset, after.party, after.responsible)
    return DoubtMoved(step.at, after.id, step.verb, step.state, *sides)


def overdue(step: Step) -> CorrectionOverdue | None:
    """Return what a step tells of a clock that ran out; None for any other."""
    if step.verb is not Verb.BREAK_CLOCK:
        return None
    due_at, party = parse_instant(step.facts["due_at"]), PartyId(step.facts["party"])
    return CorrectionOverdue(step.at, DoubtId(step.doubt), step.number, due_at, party)
