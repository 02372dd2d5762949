"""Takes forecasters into service as rules are: with versions, and off when they cannot run."""

from __future__ import annotations

from collections.abc import Iterable

from shuzhi.decide.rules import Registered, Watch, register_rules, switch_on
from shuzhi.decide.warnings.model import Forecaster
from shuzhi.decide.warnings.series import require_columns


def register_forecasters(
    watch: Watch, forecasters: Iterable[Forecaster], *, by: str
) -> tuple[Registered, ...]:
    """Take `forecasters` into service and return what became of each. As `register_rules`."""
    return register_rules(watch, forecasters, by=by, require=require_columns)


def switch_on_forecaster(watch: Watch, forecaster: Forecaster, *, by: str) -> None:
    """Let a forecaster run again from now on. Raises as `switch_on`."""
    switch_on(watch, forecaster, by=by, require=require_columns)
