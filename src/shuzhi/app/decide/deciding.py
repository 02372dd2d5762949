"""The verbs of decide (用): models, and with them those of rules and forecasters."""

from __future__ import annotations

from collections.abc import Sequence

from shuzhi.app.decide.forecasting import Forecasts
from shuzhi.decide.models import Building, ModelRun, run_models
from shuzhi.gather.sources import Progress
from shuzhi.kernel.errors import RefusedError


class Decides(Forecasts):
    """What a city makes of its data."""

    def build(self, progress: Progress, only: Sequence[str] = ()) -> tuple[ModelRun, ...]:
        """Build the models whose inputs changed, all or `only` those named, in order.

        Raises:
            RefusedError: `app.no_such_model`, `decide.model_cycle`.
        """
        models = self.declared.models
        for name in only:
            if name not in models:
                raise RefusedError(
                    "app.no_such_model",
                    f"There is no model {name[:60]!r} in this city.",
                    next_step=f"Choose one of: {', '.join(sorted(models)) or 'none yet'}.",
                )
        building = Building(
            self.control,
            self.lake,
            self.clock,
            self.publish,
            self.settings.memory_limit,
            law=self.declared.law,
            zone=self.settings.city.zone,
        )
        return run_models(building, [models[n] for n in only or sorted(models)], progress)
