"""What the forms room works with."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.kernel.control import Control
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import SharingOffice


@dataclass(frozen=True)
class FormsOffice:
    """Where forms are registered: the sharing office, by whose agreements fields are judged."""

    sharing: SharingOffice

    @property
    def control(self) -> Control:
        """The control store."""
        return self.sharing.control

    @property
    def authority(self) -> PartyId:
        """The party that manages sharing in the city."""
        return self.sharing.authority

    @property
    def zone(self) -> str:
        """The city's time zone (an IANA name)."""
        return self.sharing.time.zone

    def now(self) -> Instant:
        """Return what the clock says."""
        return self.sharing.clock()
