"""Who reacts to what: the one table by which the wings meet."""

from __future__ import annotations

from shuzhi.kernel.events import Reactions


def reactions() -> Reactions:
    """Return the table: nobody reacts yet."""
    return {}
