"""What the correction room works with, and what it asks of the wings above."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shuzhi.gather.lake import Lake
from shuzhi.kernel.control import Control
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import Time
from shuzhi.share.correction.model import Decision, Used
from shuzhi.share.receipts import ReceiptOffice, SubjectColumn

Decisions = Callable[[Used], Iterable[Decision]]
"""Finds the decisions that rest on a wrong value: indicators, warnings and cases know theirs."""
Subjects = Callable[[str], Sequence[SubjectColumn]]
"""Says which columns of a data set tell whom a row is about."""


@dataclass(frozen=True)
class CorrectionOffice:
    """Where doubts are: the receipts by which receivers are found, and the lake that is right.

    `decisions` is asked again until a doubt is closed, so that what is decided late is found too.
    """

    receipts: ReceiptOffice
    lake: Lake
    decisions: Decisions
    subjects: Subjects

    @property
    def control(self) -> Control:
        """The control store."""
        return self.receipts.sharing.control

    @property
    def time(self) -> Time:
        """What clocks count by."""
        return self.receipts.sharing.time

    @property
    def authority(self) -> PartyId:
        """The party that manages sharing in the city."""
        return self.receipts.sharing.authority

    def now(self) -> Instant:
        """Return what the clock says."""
        return self.receipts.sharing.clock()
