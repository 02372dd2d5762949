"""Who looks at a page, and what they may do: the one place that accounts will fill.

There are no accounts yet. Whoever sits at a server that listens on this machine alone may act when
it was started so, under the name that they give, as on the command line; everybody else reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request


@dataclass(frozen=True)
class Visitor:
    """Who asks. `name` is empty while nobody knows."""

    may_act: bool
    name: str = ""


def visitor_of(request: Request) -> Visitor:
    """Return who asks for a page."""
    return Visitor(bool(request.app.state.is_acting))
