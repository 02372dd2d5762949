"""The words of duties: what a look saw, and the breach that is kept of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NewType

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant

BreachId = NewType("BreachId", int)


@dataclass(frozen=True)
class Seen:
    """A duty that `party` did not keep about `subject`, since when, and until when if it is over.

    `subject` names one thing for good, as `agreement:3` or `dataset:flights`; the same thing seen
    again has the same `since`.
    """

    party: PartyId
    subject: str
    since: Instant
    ended_at: Instant | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Breach:
    """A breach of a duty as it is kept: `ended_at` is None while it goes on."""

    id: BreachId
    duty: str
    party: PartyId
    subject: str
    since: Instant
    found_at: Instant
    ended_at: Instant | None
    facts: dict[str, Any]
