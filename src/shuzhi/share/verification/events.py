"""What the verification room tells the house, in the past tense; findings stand in its tables."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import PartyId
from shuzhi.share.verification.declared import Action
from shuzhi.share.verification.fishing import Kind


@dataclass(frozen=True)
class FishingSuspected(Event):
    """Questions under an agreement look like fishing; `action` was done about it already."""

    finding: int
    agreement: int
    assignee: PartyId
    kind: Kind
    action: Action
    measured: str
