"""A subscription to changes: how far its receiver has acknowledged, and when to try again.

Pure. A batch is sent at least once, always under the same id and with the same bytes, until it is
acknowledged; only then the next one is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import NewType

from shuzhi.kernel.instant import Instant
from shuzhi.share.delivery.model import Asker, Wanted
from shuzhi.share.receipts import ReceiptId

SubscriptionId = NewType("SubscriptionId", int)
MOST_FAILURES = 12
_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(hours=1)


class SubscriptionState(StrEnum):
    """Where a subscription stands."""

    ACTIVE = "active"
    DEAD = "dead"  # its receiver failed too often; it can be resumed
    ENDED = "ended"  # by its subscriber, its receiver (410) or the end of its agreement


@dataclass(frozen=True)
class Subscription:
    """Changes of an agreement's rows, pushed to `url`.

    `position` is the version up to which all was acknowledged, None before the first. While a
    version is being sent, `target` is that version, and `sent` rows of it were acknowledged, in
    their order in a `view`.
    `receipt` is that of the batch that is on its way, written before its first attempt.
    """

    id: SubscriptionId
    wanted: Wanted
    asker: Asker
    url: str
    made_at: Instant
    position: int | None
    target: int | None = None
    sent: int = 0
    receipt: ReceiptId | None = None
    state: SubscriptionState = SubscriptionState.ACTIVE
    failures: int = 0
    next_at: Instant | None = None
    last_error: str = ""
    view: str = ""

    @property
    def message(self) -> str:
        """The id of the batch that is to be sent, the same at every attempt."""
        return f"s{self.id}-{self.position}-{self.target}-{self.sent}-{self.view}"

    def is_due(self, now: Instant) -> bool:
        """Whether something may be sent now."""
        is_time = self.next_at is None or self.next_at <= now
        return self.state is SubscriptionState.ACTIVE and is_time


def aimed(held: Subscription, version: int, view: str) -> Subscription:
    """Return the subscription on its way to a version; what began on the way there goes on.

    Where `view` is another by now, what is sent begins again: places among rows that are seen
    otherwise say nothing, and a row would be left out.
    """
    if held.target is None:
        return replace(held, target=version, view=view)
    return held if held.view == view else replace(held, view=view, sent=0, receipt=None)


def acknowledged(held: Subscription, count: int, *, is_last: bool) -> Subscription:
    """Return the subscription after its receiver took a batch."""
    fresh = replace(held, failures=0, next_at=None, last_error="", receipt=None)
    if is_last:
        return replace(fresh, position=held.target, target=None, sent=0)
    return replace(fresh, sent=held.sent + count)


def failed(held: Subscription, why: str, now: Instant) -> Subscription:
    """Return the subscription after an attempt that failed: it waits, longer each time."""
    failures = held.failures + 1
    wait = min(_FIRST_WAIT * 2 ** (failures - 1), _LONGEST_WAIT)
    is_dead = failures >= MOST_FAILURES
    return replace(
        held,
        failures=failures,
        next_at=Instant(now + wait),
        last_error=why[:200],
        state=SubscriptionState.DEAD if is_dead else held.state,
    )


def resumed(held: Subscription) -> Subscription:
    """Return the subscription to go on from what was acknowledged last."""
    return replace(held, state=SubscriptionState.ACTIVE, failures=0, next_at=None)


def ended(held: Subscription, why: str) -> Subscription:
    """Return the subscription at its end."""
    return replace(held, state=SubscriptionState.ENDED, next_at=None, last_error=why[:200])
