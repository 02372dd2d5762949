"""The verbs of indicators (用): compute, look at trees and trends, go down to rows and cases."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from shuzhi.app.act.acting import Acts
from shuzhi.app.act.lent_facts import lent_facts
from shuzhi.app.decide.judging import Judges
from shuzhi.decide import indicators
from shuzhi.decide.indicators import Drilled, Leaf, Measuring, Recomputed, Run, Tree
from shuzhi.decide.rules import warning_changes


class Measures(Judges, Acts):
    """What a city's numbers say."""

    @property
    def measuring(self) -> Measuring:
        """What computing indicators needs: see the verbs of `shuzhi.decide.indicators`."""
        settings, declared = self.settings, self.declared
        return Measuring(
            self.control,
            self.lake,
            declared.law,
            settings.city.zone,
            self.clock,
            declared.indicators,
            lent_facts(self.office, partial(warning_changes, self.watch)),
            self.publish,
            settings.memory_limit,
        )

    def goals(self) -> tuple[str, ...]:
        """The goals that are declared."""
        return tuple(sorted(self.declared.indicators))

    def compute_indicators(self, names: Sequence[str] = ()) -> tuple[Run, ...]:
        """Compute indicators, all or those named. Raises as `indicators.compute`."""
        return indicators.compute(self.measuring, names)

    def compute_due_indicators(self) -> tuple[Run, ...]:
        """Compute the indicators whose values are old enough."""
        return indicators.compute_due(self.measuring)

    def indicator_tree(self, goal: str) -> Tree:
        """The tree of a goal with its newest values. Raises as `indicators.tree`."""
        return indicators.tree(self.measuring, goal)

    def indicator(self, name: str) -> Leaf:
        """An indicator with its newest values. Raises as `indicators.leaf`."""
        return indicators.leaf(self.measuring, name)

    def newest_indicator_run(self) -> int | None:
        """The number of the newest computation: with another one, some value may have changed."""
        return indicators.newest_run(self.control)

    def indicator_history(
        self, name: str, group: Sequence[object] | None = None, *, limit: int = 100
    ) -> tuple[Run, ...]:
        """The newest values of an indicator or of one group. Raises as `indicators.history`."""
        return indicators.history(self.measuring, name, group, limit=limit)

    def drill(
        self, name: str, group: Sequence[object] | None = None, *, limit: int = 50
    ) -> Drilled:
        """Rows, cases and warnings behind an indicator. Raises as `indicators.drill`."""
        return indicators.drill(self.measuring, name, group, limit=limit)

    def recompute_indicator(self, run_id: int) -> Recomputed:
        """Compute a kept value again as it was then. Raises as `indicators.recompute`."""
        return indicators.recompute(self.measuring, run_id)
