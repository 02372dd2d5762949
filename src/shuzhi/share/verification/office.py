"""What the verification room works with: agreements, receipts, lake, indexes and declarations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from shuzhi.gather.lake import LakeReader
from shuzhi.kernel.instant import Instant, day_of, named_zone
from shuzhi.share.access import MaskTable
from shuzhi.share.agreements import SharingOffice
from shuzhi.share.receipts import ReceiptOffice
from shuzhi.share.verification.declared import Declaration
from shuzhi.share.verification.index import Opened


@dataclass(frozen=True)
class VerificationOffice:
    """Everything that verification needs from outside.

    `masks` are the city's; `memory_limit` bounds what a build of an index takes.
    """

    receipts: ReceiptOffice
    lake: LakeReader
    indexes: Opened
    declared: Declaration
    masks: MaskTable
    memory_limit: str | None = None

    @property
    def sharing(self) -> SharingOffice:
        """Where agreements are, with store, clock and calendar."""
        return self.receipts.sharing

    def today(self, now: Instant) -> date:
        """Return the day of the city in which budgets of a day count."""
        return day_of(now, self.sharing.time.zone)

    def local(self, at: Instant) -> datetime:
        """Return a moment as the clocks of the city show it."""
        return at.astimezone(named_zone(self.sharing.time.zone))
