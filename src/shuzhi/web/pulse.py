"""What tells a page that there is something new for who looks at it: a text for each wing.

What others did among themselves changes nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from shuzhi.act.cases import newest_step
from shuzhi.app import City
from shuzhi.share import agreements, linkage
from shuzhi.share.accounts import EVERYTHING, Sight


@dataclass
class Pulse:
    """The pulse of a city, for those who see the same."""

    city: City
    cases: Sight = EVERYTHING
    sharing: Sight = EVERYTHING
    manages_sharing: bool = False
    _looked_at: dict[str, int] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What pulses have in common that tell the same."""
        is_whole = self.cases == self.sharing == EVERYTHING
        name = "pulse" if is_whole else f"pulse: {self.cases.name} / {self.sharing.name}"
        return f"{name} and linkages" if self.manages_sharing else name

    def __call__(self) -> dict[str, str]:
        """Return, wing by wing, a text that changes when there is something new."""
        city = self.city
        warnings = city.warnings(seen_by=self.cases.parties, limit=1)
        runs = city.newest_runs().values()
        told = {"linkages": linkage.changes(city.linkage_office)} if self.manages_sharing else {}
        return told | {
            "cases": f"{self._newest('cases', self.cases, self._step_of_cases)}",
            "sharing": f"{self._newest('sharing', self.sharing, self._step_of_sharing)}",
            "warnings": " ".join(f"{w.id} {w.last_at} {w.count} {w.outcome}" for w in warnings),
            "sources": max((f"{run.ended_at or run.started_at}" for run in runs), default=""),
            "jobs": max((f"{job.ended_at}" for job in city.jobs()), default=""),
        }

    def _newest(self, wing: str, whose: Sight, step: Callable[[Sight, int], int]) -> int:
        """Return the newest step that is seen; of the older ones it is known already."""
        newest = step(EVERYTHING, 0)
        if whose.parties is None:
            return newest
        before = self._looked_at.get(wing, 0)
        if newest != before:
            self._seen[wing] = step(whose, before) or self._seen.get(wing, 0)
            self._looked_at[wing] = newest
        return self._seen.get(wing, 0)

    def _step_of_cases(self, whose: Sight, after: int) -> int:
        return newest_step(self.city.office, seen_by=whose.parties, after=after)

    def _step_of_sharing(self, whose: Sight, after: int) -> int:
        return agreements.newest_step(self.city.control, seen_by=whose.parties, after=after)
