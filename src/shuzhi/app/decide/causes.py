"""The verbs of tracing (溯源): what may have caused a finding in a river or in the air.

A tracing that a pack lets begin with a rule runs by itself, once for each case that is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shuzhi.act.cases import CaseId
from shuzhi.app.decide.cause_store import (
    SearchId,
    Sought,
    SoughtLine,
    causes_of,
    find_sought,
    newest_searches,
    save_sought,
)
from shuzhi.app.wired import Wired
from shuzhi.decide.tracing import (
    AirTrace,
    Bad,
    Exceedance,
    Found,
    Question,
    RiverTrace,
    Tracing,
    question_of,
    search,
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
        zone, limit = self.settings.city.zone, self.settings.memory_limit
        asked = self._tracing(tracing)
        return search_river(self.lake, asked, exceedance, zone=zone, memory_limit=limit)

    def trace_air(self, tracing: str, bad: Bad) -> AirTrace:
        """Sources that stand where bad air came from. Raises as `tracing.search_air`."""
        limit = self.settings.memory_limit
        return search_air(self.lake, self._tracing(tracing), bad, memory_limit=limit)

    def seek(self, tracing: str, question: Question, *, by: str, origin: str) -> SearchId:
        """Search as somebody asks and keep the answer, once for each `origin`; return its id.

        Raises:
            RefusedError: `app.no_such_tracing`; as `tracing.search`. Nothing is kept then.
        """
        asked = self._tracing(tracing)
        sought = Sought(tracing, self.clock(), question, by=by)
        return save_sought(self.control, self._answered(sought, asked), origin=origin)

    def searches(
        self, *, before: SearchId | None = None, limit: int = 50
    ) -> tuple[SoughtLine, ...]:
        """At most `limit` searches, by hand and by warnings, the newest first."""
        return newest_searches(self.control, before=before, limit=limit)

    def sought(self, search_id: SearchId) -> Sought:
        """One search with all that it stood on.

        Raises:
            RefusedError: `app.no_such_search`.
        """
        found = find_sought(self.control, search_id)
        if found is None:
            raise no_such_search(search_id)
        return found

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
                save_sought(self.control, self._of_case(case_id, tracing, found))

    def _of_case(self, case_id: CaseId, tracing: Tracing, found: Found) -> Sought:
        sought = Sought(tracing.id, self.clock(), case_id=case_id)
        try:
            sought = replace(sought, question=question_of(tracing, found))
            return self._answered(sought, tracing)
        except RefusedError as error:
            return replace(sought, failure=f"{error.code}: {error.message}")

    def _answered(self, sought: Sought, tracing: Tracing) -> Sought:
        assert sought.question is not None  # noqa: S101  (both verbs give one)
        zone, limit = self.settings.city.zone, self.settings.memory_limit
        trace = search(self.lake, tracing, sought.question, zone=zone, memory_limit=limit)
        return replace(sought, candidates=trace.candidates, trace=trace)

    def _tracing(self, name: str) -> Tracing:
        found = self.tracings().get(name)
        if found is None:
            raise RefusedError(
                "app.no_such_tracing",
                f"There is no tracing {name[:60]!r} in this city.",
                next_step=f"Choose one of: {', '.join(sorted(self.tracings())) or 'none yet'}.",
            )
        return found


def no_such_search(search_id: SearchId) -> RefusedError:
    """Return the refusal of a search that is not there, or not for who asks."""
    return RefusedError(
        "app.no_such_search",
        f"There is no search {search_id}.",
        next_step="See the list of searches at /tracings.",
    )
