"""Spans of time as packs write them: `3h`, `90 minutes`, `2 days`."""

from __future__ import annotations

import re
from datetime import timedelta

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.units import period

_SPAN = re.compile(r"(\d{1,6})\s*([a-z]{1,8})")


def parse_span(text: str) -> timedelta:
    """Return the span that `text` names, longer than nothing.

    Raises:
        RefusedError: `kernel.bad_span`; `kernel.unit_unknown`, `kernel.unit_inexact`.
    """
    found = _SPAN.fullmatch(text.strip().lower())
    span = period(int(found[1]), found[2]) if found else timedelta()
    if span <= timedelta():
        raise RefusedError(
            "kernel.bad_span",
            f"{text[:40]!r} is no span of time.",
            next_step="Write it as 90 minutes, 3 hours or 2 days.",
        )
    return span


def span_text(span: timedelta) -> str:
    """Return `span` as DuckDB and people read it, in whole seconds."""
    return f"{int(span.total_seconds())} seconds"
