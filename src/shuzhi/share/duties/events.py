"""What the duties room tells the house, in the past tense."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.duties.model import BreachId


@dataclass(frozen=True)
class DutyBroken(Event):
    """A duty is broken. It is told at each review for as long as that goes on."""

    breach: BreachId
    duty: str
    party: PartyId
    subject: str
    since: Instant


@dataclass(frozen=True)
class DutyKeptAgain(Event):
    """A breach is over."""

    breach: BreachId
    duty: str
    party: PartyId
    subject: str
