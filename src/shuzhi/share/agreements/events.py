"""What the agreements room tells the house, in the past tense.

The same facts stand in the histories (`steps_since`), so that whoever misses one can catch up.
"""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, parse_instant
from shuzhi.share.agreements.clocks import Clock
from shuzhi.share.agreements.model import AgreementId, ApplicationId, MatterKind, Step, Verb


@dataclass(frozen=True)
class ApplicationMoved(Event):
    """Something was done about an application; `state` is where it stands now."""

    application: ApplicationId
    verb: Verb
    state: str
    applicant: PartyId
    provider: PartyId | None
    authority: PartyId


@dataclass(frozen=True)
class AgreementMoved(Event):
    """Something was done about an agreement; to make it is the first of it."""

    agreement: AgreementId
    verb: Verb
    state: str
    assigner: PartyId
    assignee: PartyId
    authority: PartyId


@dataclass(frozen=True)
class SharingClockBroken(Event):
    """`party` did not do in time what `clock` stands for; `step` numbers it within its matter."""

    kind: MatterKind
    matter: int
    step: int
    clock: Clock
    due_at: Instant
    party: PartyId


@dataclass(frozen=True)
class SharingReminded(Event):
    """`party` is reminded of what ends soon, or of data that it has to dispose of."""

    agreement: AgreementId
    clock: Clock
    party: PartyId


def clock_broken(step: Step) -> SharingClockBroken | None:
    """Return what a step tells of a clock that ran out against somebody; None for any other."""
    due_at = step.facts.get("due_at")
    if step.verb not in (Verb.BREAK_CLOCK, Verb.GO_UP) or due_at is None:
        return None
    clock, party = Clock(step.facts["clock"]), PartyId(step.facts["party"])
    ids = (step.kind, step.matter, step.number)
    return SharingClockBroken(step.at, *ids, clock, parse_instant(due_at), party)
