"""In which order models are built: each after those that it reads."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from shuzhi.decide.models.model import Model
from shuzhi.kernel.errors import RefusedError


def ordered(models: Iterable[Model]) -> tuple[Model, ...]:
    """Return the models, each after every model that it reads; equals in order of name.

    Raises:
        RefusedError: `decide.model_cycle` with the way round.
    """
    named = {model.name: model for model in sorted(models, key=lambda m: m.name)}
    reads = {name: [r for r in model.reads if r in named] for name, model in named.items()}
    try:
        return tuple(named[name] for name in TopologicalSorter(reads).static_order())
    except CycleError as error:
        way = " reads ".join(reversed(error.args[1]))
        raise RefusedError(
            "decide.model_cycle",
            f"Models read each other in a circle: {way}.",
            next_step="Take one of these readings out.",
        ) from None
