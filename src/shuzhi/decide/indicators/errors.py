"""Refusals of indicators."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from shuzhi.kernel.errors import RefusedError


class IndicatorError(RefusedError):
    """An indicator, or what was asked of one, cannot be used."""


def unknown_indicator(name: str, known: Iterable[str]) -> IndicatorError:
    """Return the refusal of an indicator that no pack of the city declares."""
    close = get_close_matches(name, sorted(known), n=3)
    hint = f"Did you mean {' or '.join(close)}? " if close else ""
    return IndicatorError(
        "decide.indicator_unknown",
        f"There is no indicator {name[:60]!r} in this city.",
        next_step=f"{hint}See `shuzhi indicator list`.",
    )
