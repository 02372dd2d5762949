"""What the duties room works with: the offices of sharing, whose state it looks at."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.gather.lake import Lake
from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import SharingOffice
from shuzhi.share.correction import CorrectionOffice
from shuzhi.share.forms import FormsOffice


@dataclass(frozen=True)
class DutiesOffice:
    """Where duties are looked after: agreements, forms, doubts, and the lake."""

    sharing: SharingOffice
    forms: FormsOffice
    corrections: CorrectionOffice
    lake: Lake

    @property
    def control(self) -> Control:
        """The control store."""
        return self.sharing.control

    def now(self) -> Instant:
        """Return what the clock says."""
        return self.sharing.clock()
