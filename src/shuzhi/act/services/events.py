"""What the services room tells the house, in the past tense."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.act.services.model import MatterId, RequestId
from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import PartyId


@dataclass(frozen=True)
class ServiceAsked(Event):
    """Somebody asked for a service; the case that came of it goes on by itself."""

    request: RequestId
    matter: MatterId
    owner: PartyId
    case_id: int
