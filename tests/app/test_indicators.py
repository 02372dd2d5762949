"""Indicators of a whole city: its cases and warnings are counted, and the commands show it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from shuzhi.act.cases import rounds_until
from shuzhi.app import City
from shuzhi.app.running.catching_up import NoProgress
from shuzhi.cli.commands import app
from shuzhi.decide.indicators import Colour, Run
from shuzhi.decide.rules import Changes, Outcome, warning_changes
from shuzhi.kernel.instant import Instant

Put = Callable[[City, int, list[tuple[str, int, int]]], None]
MORNING = Instant(datetime(2026, 3, 2, 2, tzinfo=UTC))
DUST = """
id: clean_air
title: {zh: 清洁空气, en: Clean air}
dimensions:
  - id: dust
    title: {zh: 扬尘, en: Dust}
    weight: 1
    indicators:
      - id: clean_readings
        title: {zh: 达标率, en: Readings below the limit}
        kind: vital_sign
        unit: "%"
        owner: works
        refresh: 1 hour
        weight: 1
        score: {zero: 0, full: 100}
        thresholds: {direction: higher_is_better, green: 90, yellow: 50}
        reads: [dust, warning_facts, case_facts]
        group_by: [station]
        sql: |
          SELECT station, COUNT_IF(pm10_ug_m3 <= 150) AS numerator, COUNT(*) AS denominator
          FROM dust GROUP BY station
        rows: SELECT station, observed_at, pm10_ug_m3 FROM dust WHERE pm10_ug_m3 > 150
        cases: |
          SELECT d.station AS station, c.case_id AS case_id FROM case_facts AS c
          JOIN (SELECT DISTINCT station FROM dust WHERE pm10_ug_m3 > 150) AS d ON c.party = 'works'
"""


@pytest.fixture
def city(loop: City, put: Put) -> City:
    (loop.settings.folder / "indicators").mkdir()
    (loop.settings.folder / "indicators" / "clean_air.yaml").write_text(DUST)
    put(loop, 1, [("a", 0, 20), ("b", 0, 900), ("b", 1, 30)])
    city = later(loop)
    city.gather("dust_files", NoProgress())
    return city


def later(city: City, **span: float) -> City:
    """The city some time after the morning of its readings."""
    return replace(city, clock=lambda: Instant(MORNING + timedelta(**span)))


def of(city: City, name: str) -> Run:
    (run,) = city.compute_indicators([name])
    assert run.problem == ""
    return run


def test_a_case_counts_as_due_once_its_deadline_is_over(city: City) -> None:
    assert of(city, "closing_rate").values[-1].denominator is None
    after = later(city, days=60)
    closing = of(after, "closing_rate")
    assert [(v.group, v.numerator, v.denominator) for v in closing.values] == [
        (("works",), 0, 1),
        (None, 0, 1),
    ]
    assert closing.colour is Colour.RED
    assert of(after, "open_late").values[-1].value == 1
    assert after.drill("open_late", ["works"]).cases == (1,)
    assert city.recompute_indicator(closing.id).is_same


def test_of_cases_that_did_not_move_only_those_that_ran_out_are_looked_at_again(
    city: City,
) -> None:
    def moved(days: int) -> list[bool]:
        at = Instant(MORNING + timedelta(days=days))
        since = Instant(MORNING + timedelta(hours=1))
        found = rounds_until(city.office, at, since=since, only_moved=True)
        return [any(clock.is_late for clock in each.clocks) for each in found]

    assert (moved(1), moved(60)) == ([], [True])


def test_warnings_are_counted_with_their_ids(city: City) -> None:
    (warning,) = city.warnings()
    today = of(city, "warnings_today")
    assert [(v.group, v.value) for v in today.groups] == [(("orange",), 1)]
    assert city.drill("warnings_today").warnings == (warning.id,)
    assert of(later(city, days=2), "warnings_today").values[-1].value == 0


def test_of_warnings_only_those_that_changed_are_lent_again(city: City) -> None:
    (first,) = city.warnings()
    begun = city.clock()
    assert warning_changes(city.watch, begun) == Changes((first,), ())
    after = later(city, hours=2)
    assert warning_changes(city.watch, after.clock()) == Changes((), ())
    assert after.note_outcome(first.id or 0, Outcome.FALSE, by="l.wang")
    (noted,) = warning_changes(city.watch, after.clock()).warnings
    assert noted.outcome is Outcome.FALSE
    of(after, "warnings_today")
    with after.sql() as connection:
        kept = connection.execute("SELECT outcome FROM warning_facts").fetchall()
    assert kept == [("false",)]


def test_an_indicator_is_traced_to_the_file_that_its_rows_came_in(city: City) -> None:
    of(city, "clean_readings")
    found = city.trace("indicator:clean_air.clean_readings.numerator")
    assert {str(step.source) for step in found.upstream} >= {
        "dust.pm10_ug_m3",
        "file:0001.csv",
    }
    down = city.trace("dust.pm10_ug_m3").downstream
    assert "indicator:clean_air.clean_readings.numerator" in {str(s.target) for s in down}
    told = len(list(city.export_lineage()))
    of(later(city, hours=1), "clean_readings")
    assert len(list(city.export_lineage())) == told


def test_from_a_number_to_rows_and_cases(city: City) -> None:
    clean = of(city, "clean_readings")
    assert [(v.group, v.value) for v in clean.groups] == [(("a",), 100), (("b",), 50)]
    behind = city.drill("clean_readings", ["b"])
    assert [(row["station"], row["pm10_ug_m3"]) for row in behind.rows] == [("b", 900)]
    assert behind.cases == (1,)
    assert city.drill("clean_readings", ["a"]).cases == ()


def test_what_is_due_is_computed_once(city: City) -> None:
    assert len(city.compute_due_indicators()) == 5
    assert city.compute_due_indicators() == ()
    # Half of the ten minutes that case facts may be old.
    assert len(later(city, minutes=5).compute_due_indicators()) == 4


def test_commands_compute_show_and_drill(city: City) -> None:
    where = ["--city", str(city.settings.folder)]

    def said(*words: str) -> str:
        done = CliRunner().invoke(app, ["indicator", *words, *where])
        assert done.exit_code == 0, done.output
        return done.stdout

    runs = json.loads(said("compute", "clean_air.clean_readings", "--json"))
    number = str(runs[0]["id"])
    assert runs[0]["values"][-1]["numerator"] == "2"
    (found,) = json.loads(said("tree", "clean_air", "--json"))
    assert found["dimensions"][0]["indicators"][0]["data_items"] == [
        "dust.pm10_ug_m3",
        "dust.station",
    ]
    assert found["score"]["points"] == "66.66666666666666666666666667"
    shown = json.loads(said("show", "clean_readings", "--group", "b", "--json"))
    assert [run["values"][0]["value"] for run in shown["trend"]] == ["50"]
    assert json.loads(said("drill", "clean_readings", "--group", "b", "--json"))["cases"] == [1]
    assert json.loads(said("recompute", number, "--json"))["is_same"] is True
    assert len(json.loads(said("list", "--json"))) == 5
    assert json.loads(said("compute", "--due", "--json"))


def test_commands_read_well_to_people(city: City) -> None:
    where = ["--city", str(city.settings.folder)]
    for words in (
        ["list"],
        ["compute"],
        ["tree"],
        ["show", "clean_readings"],
        ["drill", "clean_readings"],
        ["recompute", "1"],
    ):
        assert CliRunner().invoke(app, ["indicator", *words, *where]).exit_code == 0
    refused = CliRunner().invoke(app, ["indicator", "drill", "clean_reading", *where])
    assert refused.exit_code == 1
