"""Events: carried to each reaction in order, and no error is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest

from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.events import Event, ignore, publisher
from shuzhi.kernel.instant import Clock


@dataclass(frozen=True)
class CheckFailed(Event):
    """A check found rows that break it."""


@dataclass(frozen=True)
class CheckFailedBadly(CheckFailed):
    """An event of its own, though it is a kind of the other."""


def _note(heard: list[tuple[str, Event]], who: str) -> Callable[[Event], None]:
    return lambda event: heard.append((who, event))


def test_reactions_run_in_the_order_of_the_table(clock: Clock) -> None:
    heard: list[tuple[str, Event]] = []
    note = partial(_note, heard)
    event = CheckFailed(clock())
    publisher({CheckFailed: [note("first"), note("second")]})(event)
    assert heard == [("first", event), ("second", event)]


def test_an_event_nobody_reacts_to_is_no_error(clock: Clock) -> None:
    heard: list[tuple[str, Event]] = []
    publisher({CheckFailed: [_note(heard, "only")]})(CheckFailedBadly(clock()))
    ignore(CheckFailed(clock()))
    assert heard == []


def test_the_error_of_a_reaction_reaches_the_publisher(clock: Clock) -> None:
    def fail(event: Event) -> None:
        raise BrokenError("act.example", f"{type(event).__name__} met no case.")

    with pytest.raises(BrokenError, match="CheckFailed met no case"):
        publisher({CheckFailed: [fail]})(CheckFailed(clock()))


def test_a_reaction_that_fails_keeps_the_event_from_no_other(clock: Clock) -> None:
    heard: list[tuple[str, Event]] = []

    def fail(_: Event) -> None:
        raise BrokenError("act.example", "There is no case.")

    event = CheckFailed(clock())
    with pytest.raises(BrokenError, match="There is no case"):
        publisher({CheckFailed: [fail, _note(heard, "second")]})(event)
    assert heard == [("second", event)]
