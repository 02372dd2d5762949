"""What the cases room tells the house, in the past tense.

The same facts stand in the history (`steps_since`), so that whoever misses an event can catch up.
"""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.act.cases.model import CaseId, Stage, Verb
from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class CaseOpened(Event):
    """A case was opened; `origin` names the report that did it."""

    case_id: CaseId
    kind: str
    severity: str
    responsible: PartyId
    origin: str | None


@dataclass(frozen=True)
class CaseJoined(Event):
    """Another report of the same matter joined a case that was open; it has `reports` now."""

    case_id: CaseId
    kind: str
    severity: str
    reports: int
    origin: str | None


@dataclass(frozen=True)
class CaseMoved(Event):
    """Somebody did something to a case; `parties` are those with a part in it."""

    case_id: CaseId
    kind: str
    verb: Verb
    stage_before: Stage
    stage: Stage
    by: str
    responsible: PartyId
    parties: tuple[PartyId, ...]


@dataclass(frozen=True)
class CaseClosed(Event):
    """A case was closed with an outcome, after evidence and an independent check."""

    case_id: CaseId
    kind: str
    outcome: str
    responsible: PartyId


@dataclass(frozen=True)
class ClockBroken(Event):
    """A clock of a case ran out at `due_at`; `party` answers for it."""

    case_id: CaseId
    kind: str
    clock: str
    due_at: Instant
    party: PartyId


@dataclass(frozen=True)
class ClockDated(Event):
    """A clock of a case got a deadline, as the calendar came to know it, or another one.

    `was_due_at` is the one that a notice moved; None where there was none.
    """

    case_id: CaseId
    kind: str
    clock: str
    due_at: Instant
    was_due_at: Instant | None = None


@dataclass(frozen=True)
class CaseEscalated(Event):
    """A case whose clock stayed broken went to the level above."""

    case_id: CaseId
    kind: str
    clock: str
    due_at: Instant
    to: PartyId
