"""Outcomes: noted once, audited, measured from what came, never over the head of people."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from shuzhi.audit.outbox import outbox_table
from shuzhi.decide.rules import Outcome, WarningId
from shuzhi.decide.rules.store import outcome_of
from shuzhi.decide.warnings import Retirement, Share, WarningError, note_outcome, warning_scores

NEAR_THE_TOP = "crossing: {limit: 74}"


def entries(air: Any) -> list[dict[str, Any]]:
    with air.control.transaction() as connection:
        rows = connection.scalars(select(outbox_table.c.content)).all()
    return [e for e in map(json.loads, rows) if e["kind"] == "warning.outcome"]


def noted(air: Any, warning_id: int) -> Any:
    with air.control.transaction() as connection:
        return outcome_of(connection, WarningId(warning_id))


@pytest.fixture
def warned(air: Any) -> Any:
    """One warning at 01:00 of a crossing that is expected about 04:00."""
    air.past()
    forecaster = air.forecaster(NEAR_THE_TOP)
    air.register(forecaster)
    air.look(1, forecaster)
    return air


def note(air: Any, outcome: Outcome, by: str = "l.wang", **more: Any) -> bool:
    (warning,) = air.warned()
    return note_outcome(air.control, warning.id, outcome, by=by, at=air.now, **more)


def test_an_outcome_is_noted_once_and_audited_once(warned: Any) -> None:
    assert note(warned, Outcome.ACTED)
    assert not note(warned, Outcome.ACTED)
    (entry,) = entries(warned)
    assert (entry["by"], entry["facts"]["outcome"]) == ("l.wang", "acted")
    assert noted(warned, 1).outcome is Outcome.ACTED


def test_another_outcome_holds_and_both_are_in_the_log(warned: Any) -> None:
    note(warned, Outcome.CONFIRMED)
    note(warned, Outcome.FALSE)
    said = [(e["facts"]["before"], e["facts"]["outcome"]) for e in entries(warned)]
    assert said == [(None, "confirmed"), ("confirmed", "false")]


def test_an_outcome_of_no_warning_is_refused(air: Any) -> None:
    with pytest.raises(WarningError, match="There is no warning 7"):
        note_outcome(air.control, WarningId(7), Outcome.FALSE, by="l.wang", at=air.now)


def test_a_warning_that_comes_true_is_confirmed_by_what_was_seen(warned: Any) -> None:
    for hour in range(1, 7):
        warned.add({hour: 90.0 if hour == 5 else 60.0})
    warned.look(7, warned.forecaster(NEAR_THE_TOP))
    (warning,) = warned.warned()
    found = noted(warned, warning.id)
    assert (found.outcome, warned.hours_after(found.happened_at)) == (Outcome.CONFIRMED, 5)
    (score,) = warning_scores(warned.watch, [], Retirement())
    assert score.precision == Share(1, 1)
    assert score.lead_times is not None
    assert score.lead_times.median == timedelta(hours=4)


def test_a_warning_whose_window_passes_without_it_is_false(warned: Any) -> None:
    warned.add(dict.fromkeys(range(1, 60), 60.0))
    warned.look(20, warned.forecaster(NEAR_THE_TOP))
    assert noted(warned, 1).outcome is None
    warned.look(59, warned.forecaster(NEAR_THE_TOP))
    assert noted(warned, 1).outcome is Outcome.FALSE


def test_a_warning_that_nobody_could_check_stays_open(warned: Any) -> None:
    warned.add(dict.fromkeys(range(30, 60), 60.0))
    warned.look(59, warned.forecaster(NEAR_THE_TOP))
    assert noted(warned, 1).outcome is None


def test_what_people_said_is_not_changed_by_measuring(warned: Any) -> None:
    note(warned, Outcome.FALSE)
    assert not note(warned, Outcome.CONFIRMED, by="system")
    assert note(warned, Outcome.ACTED, by="d.chen")
    assert noted(warned, 1).outcome is Outcome.ACTED


def test_people_change_what_was_measured_and_its_time_stays(warned: Any) -> None:
    note(warned, Outcome.CONFIRMED, by="system", happened_at=warned.midnight)
    assert note(warned, Outcome.ACTED)
    assert noted(warned, 1).happened_at == warned.midnight


def test_scores_are_of_every_rule_also_of_one_without_a_warning(warned: Any) -> None:
    found = warning_scores(warned.watch, ["silent"], Retirement())
    assert [(s.rule_id, s.warnings) for s in found] == [("dust_tomorrow", 1), ("silent", 0)]
