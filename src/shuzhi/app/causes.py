"""The verbs of tracing (溯源): what may have caused a finding in a river or in the air.

A tracing that a pack lets begin with a rule runs by itself, once for each case that is opened.
"""

from __future__ import annotations

from collections.abc import Mapping

from shuzhi.act.cases import CaseId
from shuzhi.app.cause_store import Sought, causes_of, save_sought
from shuzhi.app.wired import Wired
from shuzhi.decide.tracing import (
    AirTrace,
    Bad,
    Exceedance,
    Found,
    RiverTrace,
    Tracing,
    search_air,
    search_from,
    search_river,
)
from shuzhi.kernel.errors import RefusedError


class Traces(Wired):
    """What a city seeks the causes of."""

    def tracings(self) -> Mapping[str, Tracing]:
        """The tracings that are declared, by id."""
        return self.declared.tracings

    def trace_river(self, tracing: str, exceedance: Exceedance) -> RiverTrace:
        """Outfalls that could have caused an exceedance. Raises as `tracing.search_river`."""
        limit = self.settings.memory_limit
        return search_river(self.lake, self._tracing(tracing), exceedance, memory_limit=limit)

    def trace_air(self, tracing: str, bad: Bad) -> AirTrace:
        """Sources that stand where bad air came from. Raises as `tracing.search_air`."""
        limit = self.settings.memory_limit
        return search_air(self.lake, self._tracing(tracing), bad, memory_limit=limit)

    def causes(self, case_id: CaseId) -> tuple[Sought, ...]:
        """What tracings found of the causes of a case, by the name of the tracing."""
        return causes_of(self.control, case_id)

    def seek_causes(self, case_id: CaseId, rule_id: str, found: Found) -> None:
        """Let the tracings that begin with a rule seek what caused a case, each once a case.

        One that has no answer is kept with the reason.
        """
        mine = [t for t in self.tracings().values() if rule_id in t.begins_with]
        done = {sought.tracing for sought in causes_of(self.control, case_id)} if mine else set()
        for tracing in mine:
            if tracing.id not in done:
                save_sought(self.control, self._sought(case_id, tracing, found))

    def _sought(self, case_id: CaseId, tracing: Tracing, found: Found) -> Sought:
        now, limit = self.clock(), self.settings.memory_limit
        try:
            trace = search_from(self.lake, tracing, found, memory_limit=limit)
        except RefusedError as error:
            return Sought(case_id, tracing.id, now, failure=f"{error.code}: {error.message}")
        return Sought(case_id, tracing.id, now, trace.candidates)

    def _tracing(self, name: str) -> Tracing:
        found = self.tracings().get(name)
        if found is None:
            raise RefusedError(
                "app.no_such_tracing",
                f"There is no tracing {name[:60]!r} in this city.",
                next_step=f"Choose one of: {', '.join(sorted(self.tracings())) or 'none yet'}.",
            )
        return found
