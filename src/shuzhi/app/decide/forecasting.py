"""The verbs of forecasters (用): what is to be expected, and what became of every warning."""

from __future__ import annotations

from shuzhi.app.decide.judging import Judges
from shuzhi.decide import warnings
from shuzhi.decide.rules import Evaluation, Outcome, Registered, WarningId, switch_off
from shuzhi.decide.warnings import Backtest, Forecaster, Issued, Retirement, Score
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant


class Forecasts(Judges):
    """What a city expects, and how well that and its rules serve."""

    def forecasters(self) -> tuple[Forecaster, ...]:
        """The forecasters that are declared, by id."""
        return tuple(one for _, one in sorted(self.declared.forecasters.items()))

    def forecaster(self, forecaster_id: str) -> Forecaster:
        """The forecaster with this id. Raises `app.no_such_forecaster`."""
        found = self.declared.forecasters.get(forecaster_id)
        if found is None:
            known = ", ".join(one.id for one in self.forecasters())
            raise RefusedError(
                "app.no_such_forecaster",
                f"There is no forecaster {forecaster_id[:60]!r} in this city.",
                next_step=f"Choose one of: {known or 'none yet'}.",
            )
        return found

    def register_forecasters(self) -> tuple[Registered, ...]:
        """Take the declared forecasters into service, as rules are.

        Raises:
            RefusedError: `app.one_id_twice` when a rule bears the id of one.
        """
        twice = sorted(set(self.declared.forecasters) & set(self.declared.rules))
        if twice:
            raise RefusedError(
                "app.one_id_twice",
                f"A rule and a forecaster are both called {', '.join(twice)}.",
                next_step="Give one of them another id: warnings are told apart by it.",
            )
        by = self.settings.city.name
        return warnings.register_forecasters(self.watch, self.forecasters(), by=by)

    def switch_rule(self, rule_id: str, *, is_on: bool, by: str, reason: str = "") -> None:
        """Switch a rule or a forecaster on or off.

        Raises `app.no_such_rule`; as `rules.switch_on`.
        """
        one = self.declared.forecasters.get(rule_id)
        if one is None:
            super().switch_rule(rule_id, is_on=is_on, by=by, reason=reason)
        elif is_on:
            warnings.switch_on_forecaster(self.watch, one, by=by)
        else:
            switch_off(self.watch, one.id, reason=reason, by=by)

    def forecast(self) -> Evaluation:
        """Let the forecasters look that are due. Raises as `warnings.run_forecasters`."""
        return warnings.run_forecasters(self.watch, self.forecasters())

    def forecasts(self, forecaster_id: str) -> tuple[Issued, ...]:
        """The forecasts of a forecaster that are in force. Raises `app.no_such_forecaster`."""
        return warnings.forecasts(self.watch, self.forecaster(forecaster_id))

    def backtest(
        self, forecaster_id: str, since: Instant, until: Instant, *, every: int | None = None
    ) -> Backtest:
        """What a forecaster would have been worth. Raises as `forecaster` and `backtest`."""
        one = self.forecaster(forecaster_id)
        return warnings.backtest(self.watch, one, since, until, every=every)

    def note_outcome(
        self, warning_id: int, outcome: Outcome, *, by: str, happened_at: Instant | None = None
    ) -> bool:
        """Note what a warning turned out to be. As `warnings.note_outcome`."""
        return warnings.note_outcome(
            self.control,
            WarningId(warning_id),
            outcome,
            by=by,
            at=self.clock(),
            happened_at=happened_at,
        )

    def warning_scores(self, retirement: Retirement | None = None) -> tuple[Score, ...]:
        """How the warnings of each rule and forecaster turned out, and which should go."""
        known = (*self.declared.rules, *self.declared.forecasters)
        return warnings.warning_scores(self.watch, known, retirement or Retirement())
