"""What the cases room works with: the store, the kinds, the calendar, the desk, the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shuzhi.act.cases.clocks import Clocks
from shuzhi.act.cases.errors import CaseError
from shuzhi.act.cases.evidence import MOST_BYTES
from shuzhi.act.cases.kind import CaseKind
from shuzhi.act.cases.spans import TimeRules
from shuzhi.kernel.control import Control
from shuzhi.kernel.events import Publish, ignore
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Clock, system_clock
from shuzhi.kernel.workdays import WorkingDays


@dataclass(frozen=True)
class Office:
    """Everything that cases need from outside.

    `desk` is the party that answers where nobody else does; `zone` is the city's IANA zone.
    """

    control: Control
    kinds: Mapping[str, CaseKind]
    calendar: WorkingDays
    zone: str
    desk: PartyId
    evidence_folder: Path
    clock: Clock = system_clock
    publish: Publish = ignore
    most_evidence_bytes: int = MOST_BYTES

    def clocks(self, kind: str) -> Clocks:
        """Return the clocks of a kind.

        Raises:
            CaseError: `act.no_such_kind`.
        """
        found = self.kinds.get(kind)
        if found is None:
            raise CaseError(
                "act.no_such_kind",
                f"There is no kind of case {kind[:60]!r} in this city.",
                next_step=f"Choose one of: {', '.join(sorted(self.kinds)) or 'none yet'}.",
            )
        return Clocks(found, TimeRules(self.calendar, self.zone, found.office_hours))
