"""Events: past-tense facts by which rooms meet without importing each other.

Who reacts to what is one table in `app/reactions.py`; the bus only carries. A reaction runs in the
caller's thread and its error reaches the caller, so that nothing fails unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shuzhi.kernel.errors import ShuzhiError
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class Event:
    """Base of every event; `occurred_at` is when the fact became true."""

    occurred_at: Instant


Publish = Callable[[Event], None]
Reactions = Mapping[type[Event], Sequence[Callable[[Any], None]]]


def publisher(reactions: Reactions) -> Publish:
    """Return the function that hands an event to each of its reactions, in the table's order.

    One that is refused or broken keeps the event from no other; its error is raised at the end.
    """

    def publish(event: Event) -> None:
        errors: list[ShuzhiError] = []
        for react in reactions.get(type(event), ()):
            try:
                react(event)
            except ShuzhiError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    return publish


def ignore(event: Event) -> None:
    """Publish to nobody: for a room used alone, as in tests and scripts."""
