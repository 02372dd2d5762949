"""The verbs of tracing (溯源): what may have caused a finding in a river or in the air."""

from __future__ import annotations

from collections.abc import Mapping

from shuzhi.app.wired import Wired
from shuzhi.decide.tracing import (
    AirTrace,
    Bad,
    Exceedance,
    RiverTrace,
    Tracing,
    search_air,
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

    def _tracing(self, name: str) -> Tracing:
        found = self.tracings().get(name)
        if found is None:
            raise RefusedError(
                "app.no_such_tracing",
                f"There is no tracing {name[:60]!r} in this city.",
                next_step=f"Choose one of: {', '.join(sorted(self.tracings())) or 'none yet'}.",
            )
        return found
