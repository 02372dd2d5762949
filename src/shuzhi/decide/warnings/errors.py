"""Refusals of forecasters and outcomes."""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError


class WarningError(RefusedError):
    """A forecaster, or what was asked about warnings, cannot be used."""


def unknown_forecaster(forecaster_id: str) -> WarningError:
    """Return the refusal of a forecaster that nothing declares."""
    return WarningError(
        "decide.forecaster_unknown",
        f"No pack declares a forecaster {forecaster_id[:60]!r}.",
        next_step="See `shuzhi warnings forecast`, which lists them.",
    )


def unknown_warning(warning_id: int) -> WarningError:
    """Return the refusal of an outcome of a warning that is not there."""
    return WarningError(
        "decide.warning_unknown",
        f"There is no warning {warning_id}.",
        next_step="See `shuzhi warnings list`.",
    )
