"""Open cases counted by stage, by clock and by party."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shuzhi.act.cases import (
    ClockTally,
    PartyTally,
    Stage,
    close,
    newest_step,
    steps_since,
    tally,
)

if TYPE_CHECKING:
    from tests.act.conftest import Town

SOON = timedelta(minutes=10)


def test_an_empty_office_has_nothing_to_count(town: Town) -> None:
    counted = tally(town.office, soon=SOON)
    assert (counted.open, counted.late, counted.clocks, counted.parties) == (0, 0, (), {})
    assert newest_step(town.office) == 0


def test_a_clock_runs_then_runs_out_soon_and_then_is_late(town: Town) -> None:
    town.report()
    town.in_hand()

    def of_answer() -> ClockTally:
        counted = tally(town.office, soon=SOON)
        return next(each for each in counted.clocks if each.clock == "answer")

    assert of_answer() == ClockTally("river_pollution", "answer", running=1, soon=0, late=0)
    town.hand.forward(minutes=25)
    assert of_answer() == ClockTally("river_pollution", "answer", running=1, soon=1, late=0)
    town.hand.forward(minutes=5)
    assert of_answer() == ClockTally("river_pollution", "answer", running=1, soon=0, late=1)


def test_cases_are_counted_by_stage_and_by_who_answers_and_ended_ones_are_not(town: Town) -> None:
    town.report()
    town.report(party="ford")
    town.in_hand()
    close(town.office, town.checked(), by=town.desk)
    town.hand.forward(hours=1)
    counted = tally(town.office, soon=SOON)
    assert counted.stages == {Stage.NEW: 2, Stage.IN_HAND: 1}
    assert counted.parties == {"bridge": PartyTally(open=2, late=1), "ford": PartyTally(1, 1)}
    assert (counted.open, counted.late) == (3, 2)


def test_the_newest_step_is_the_last_that_readers_of_steps_come_to(town: Town) -> None:
    town.in_hand()
    assert newest_step(town.office) == steps_since(town.office, 0)[-1][0]
