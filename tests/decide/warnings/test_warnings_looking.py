"""Forecasters over a lake: what they warn of, when, and what becomes of one that fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

from shuzhi.decide.rules import State, Taken
from shuzhi.decide.warnings import forecaster_facts, run_forecasters
from shuzhi.decide.warnings.judging import FACTS
from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.law import Description, Law, LawParameter, LawValue, LegalBasis

# The wave of `daily` is highest, near 80, at 06:00.
NEAR_THE_TOP = "crossing: {limit: 74}"


def test_a_forecast_above_the_limit_warns_hours_before(air: Any) -> None:
    air.past()
    forecaster = air.forecaster(NEAR_THE_TOP)
    air.register(forecaster)
    evaluation = air.look(1, forecaster)
    assert [(r.state, r.raised) for r in evaluation.rules] == [(State.JUDGED, 1)]
    (warning,) = air.warned()
    assert 3 <= air.hours_after(warning.at) <= 5
    assert warning.facts["station"] == "north"
    assert warning.facts["certainty"] == "Likely"
    assert warning.facts["limit"] == "74"
    assert warning.facts["lead_minutes"] == (warning.at - air.now) / timedelta(minutes=1)
    assert float(warning.facts["low"]) < float(warning.facts["forecast"])
    assert float(warning.facts["forecast"]) < float(warning.facts["high"])
    assert (warning.party, warning.case_kind) == ("environment_office", "dust")
    assert [e.warning_id for e in air.raised()] == [warning.id]


def test_a_bound_above_the_limit_is_only_possible(air: Any) -> None:
    air.past()
    certain = air.forecaster("crossing: {limit: 83, of: forecast}")
    possible = air.forecaster("crossing: {limit: 83, of: bound}", id="maybe")
    air.register(certain, possible)
    air.look(1, certain, possible)
    assert [(w.rule_id, w.facts["certainty"]) for w in air.warned()] == [("maybe", "Possible")]


@pytest.mark.parametrize("part", ["crossing: {limit: 74}", "anomaly: {run: 2, effect: 50}"])
def test_the_names_of_facts_are_those_that_no_column_may_bear(air: Any, part: str) -> None:
    air.past()
    forecaster = air.forecaster(part)
    air.register(forecaster)
    air.add(dict.fromkeys((1, 2), 160.0))
    air.look(3, forecaster)
    (warning,) = air.warned()
    assert set(warning.facts) == forecaster_facts(forecaster)
    assert set(warning.facts) - {"station"} <= FACTS


def test_a_forecast_below_a_limit_warns_too(air: Any) -> None:
    air.past()
    forecaster = air.forecaster("crossing: {limit: 46, direction: below}")
    air.register(forecaster)
    air.look(1, forecaster)
    assert [16 <= air.hours_after(w.at) <= 18 for w in air.warned()] == [True]


def test_rows_of_the_future_change_nothing(air: Any) -> None:
    air.past()
    first = air.forecaster(NEAR_THE_TOP)
    second = air.forecaster(NEAR_THE_TOP, id="second")
    air.register(first, second)
    air.look(1, first)
    air.add(dict.fromkeys(range(2, 60), 500.0))
    air.look(1.5, second)
    before, after = (
        [
            (w.at, w.last_at, w.facts["forecast"], w.facts["high"])
            for w in air.warned()
            if w.rule_id == i
        ]
        for i in (first.id, second.id)
    )
    assert before == after != []


def test_repeated_forecasts_of_one_matter_are_one_warning(air: Any) -> None:
    air.past()
    forecaster = air.forecaster(NEAR_THE_TOP)
    air.register(forecaster)
    for hour in (1, 2, 3):
        air.add({hour: air.wave(hour, "north")})
        air.look(hour, forecaster)
    (warning,) = air.warned()
    assert warning.count == 3
    assert air.hours_after(warning.raised_at) == 1


def test_it_looks_once_at_each_multiple_of_every(air: Any) -> None:
    air.past()
    forecaster = air.forecaster(NEAR_THE_TOP, every="2 hours")
    air.register(forecaster)
    looked = [len(air.look(hour, forecaster).rules) for hour in (0.5, 1, 2, 2.5, 3.9, 9)]
    assert looked == [0, 0, 1, 0, 0, 1]


def test_the_limit_of_law_is_that_of_the_day(air: Any) -> None:
    values = [
        LawValue.model_validate({"from": day, "value": value, "verified": True})
        for day, value in ((date(2026, 1, 1), 500), (date(2026, 3, 2), 74))
    ]
    basis = LegalBasis(law="a standard", article="4")
    parameter = LawParameter(
        id="dust_limit",
        legal_basis=basis,
        description=Description(zh="限值", en="a limit"),
        unit="ug/m3",
        values=tuple(values),
    )
    air.law = Law({"dust_limit": parameter})
    air.past()
    forecaster = air.forecaster("crossing: {}", legal_basis="dust_limit")
    air.register(forecaster)
    air.hour = -20
    air.look(-20, forecaster)
    assert air.warned() == ()
    air.look(1, forecaster)
    assert [w.facts["limit"] for w in air.warned()] == ["74"]


def test_a_value_outside_the_interval_made_before_it_is_an_anomaly(air: Any, anomaly: str) -> None:
    air.past()
    forecaster = air.forecaster(anomaly)
    air.register(forecaster)
    for hour in range(1, 7):
        air.add({hour: air.wave(hour, "north") + (60 if hour in (3, 4, 5) else 0)})
        air.look(hour, forecaster)
    (warning,) = air.warned()
    assert (air.hours_after(warning.at), air.hours_after(warning.last_at)) == (3, 5)
    assert warning.count == 3
    assert air.hours_after(warning.raised_at) == 4
    assert warning.facts["side"] == "above"
    assert warning.facts["made_at"] == air.midnight.isoformat()


def test_a_short_run_a_small_effect_and_the_other_side_are_no_anomaly(air: Any) -> None:
    air.past()
    named = {
        "run_of_four": "anomaly: {run: 4, effect: 20}",
        "great_effect": "anomaly: {run: 2, effect: 70}",
        "below_only": "anomaly: {side: below, run: 2, effect: 20}",
        "right": "anomaly: {side: above, run: 3, effect: 20}",
    }
    forecasters = [air.forecaster(part, id=name) for name, part in named.items()]
    air.register(*forecasters)
    air.add({h: air.wave(h, "north") + (60 if h in (3, 4, 5) else 0) for h in range(1, 9)})
    air.look(8, *forecasters)
    assert [w.rule_id for w in air.warned()] == ["right"]


def test_an_anomaly_that_arrives_in_one_batch_is_the_same_warning(air: Any, anomaly: str) -> None:
    air.past()
    one_by_one, at_once = air.forecaster(anomaly), air.forecaster(anomaly, id="at_once")
    air.register(one_by_one, at_once)
    for hour in range(1, 12):
        air.add({hour: air.wave(hour, "north") - (70 if hour in (7, 8, 9, 10) else 0)})
        air.look(hour, one_by_one)
    air.look(11, at_once)
    seen = {(w.at, w.last_at, w.count, str(w.facts)) for w in air.warned()}
    assert (len(air.warned()), len(seen)) == (2, 1)


def test_a_step_without_a_value_ends_a_run(air: Any, anomaly: str) -> None:
    air.past()
    forecaster = air.forecaster(anomaly)
    air.register(forecaster)
    air.add({3: 160.0, 5: 160.0})
    air.look(6, forecaster)
    assert air.warned() == ()


def test_each_series_is_told_by_its_columns(air: Any) -> None:
    for station in ("north", "south"):
        air.past(station=station)
    forecaster = air.forecaster(NEAR_THE_TOP, responsible="{column: station}")
    air.register(forecaster)
    air.look(1, forecaster)
    assert {(w.party, w.facts["station"]) for w in air.warned()} == {
        ("north", "north"),
        ("south", "south"),
    }


def test_one_that_fails_is_switched_off_and_the_others_run(air: Any) -> None:
    air.past()
    air.past(station="south")
    too_many = air.forecaster(NEAR_THE_TOP, "limits: {max_series: 1}", id="too_many")
    slow = air.forecaster(NEAR_THE_TOP, "limits: {max_seconds: 0.000001}", id="slow")
    good = air.forecaster(NEAR_THE_TOP, id="good")
    air.register(too_many, slow, good)
    evaluation = air.look(1, too_many, slow, good)
    assert {r.rule_id: r.state for r in evaluation.rules} == {
        "too_many": State.SWITCHED_OFF,
        "slow": State.SWITCHED_OFF,
        "good": State.JUDGED,
    }
    owner = "environment_office"
    assert sorted(air.told_off()) == [("slow", owner, "slow"), ("too_many", owner, "too_many")]
    assert {w.rule_id for w in air.warned()} == {"good"}
    assert len(air.look(2, too_many, slow, good).rules) == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"value": "pm25"}, "no column pm25"),
        ({"per": "[district]"}, "no column district"),
        ({"value": "station", "per": "[]"}, "cannot be forecast"),
        ({"event_time": "pm10"}, "cannot be the time of a row"),
    ],
)
def test_one_that_names_what_is_not_there_is_refused(
    air: Any, changes: dict[str, str], says: str
) -> None:
    air.past()
    (taken,) = air.register(air.forecaster(**changes))
    assert taken.taken is Taken.REFUSED
    assert says in taken.problem


def test_a_data_set_that_is_not_there_yet_is_no_failure(air: Any) -> None:
    forecaster = air.forecaster()
    assert [t.taken for t in air.register(forecaster)] == [Taken.NEW]
    assert [r.state for r in air.look(1, forecaster).rules] == [State.JUDGED]


def test_rows_of_minutes_are_combined_when_their_hour_is_over(air: Any) -> None:
    for minute in (0, 20, 40):
        air.add_at(
            (
                Instant(air.midnight + timedelta(hours=h, minutes=minute)),
                air.wave(h, "north") + minute,
            )
            for h in range(-480, 1)
        )
    # The hour that began last has only its first row; it would not be above 94 alone.
    forecaster = air.forecaster("crossing: {limit: 94}", combine="mean")
    air.hour = -1
    air.register(forecaster)
    air.look(0.9, forecaster)
    (warning,) = air.warned()
    assert warning.facts["known_until"] == air.midnight.isoformat()


def test_a_day_is_one_of_the_citys_zone(air: Any) -> None:
    air.zone = "Europe/Berlin"
    start = datetime(2025, 12, 31, 23, tzinfo=UTC)
    air.add_at(
        (Instant(start + timedelta(hours=h)), 100.0 * ((h // 24) % 7) + h % 5) for h in range(2400)
    )
    forecaster = air.forecaster(
        "crossing: {limit: 590}", grain="day", horizon="7 days", history="90 days", combine="max"
    )
    air.register(forecaster)
    air.hour = 24 * 20
    air.look(24 * 40, forecaster)
    (warning,) = air.warned()
    assert warning.at.astimezone(UTC).hour in (22, 23)


def test_rows_that_cannot_be_read_switch_nothing_off(air: Any) -> None:
    air.past()
    forecaster = air.forecaster(NEAR_THE_TOP)
    air.register(forecaster)
    (file,) = air.lake.files("air")
    Path(file).rename(f"{file}.gone")
    with pytest.raises(BrokenError, match="cannot be read"):
        air.look(1, forecaster)
    Path(f"{file}.gone").rename(file)
    assert [r.raised for r in air.look(1, forecaster).rules] == [1]


def test_a_look_that_another_process_made_meanwhile_counts_once(air: Any) -> None:
    air.past()
    forecaster = air.forecaster(NEAR_THE_TOP)
    air.register(forecaster)
    air.hour = 1
    twice = Barrier(2)

    def clock() -> Instant:
        # Both have read how the forecaster stands before either looks.
        if not twice.broken:
            with suppress(BrokenBarrierError):
                twice.wait(timeout=5)
            twice.abort()
        return Instant(air.now)

    watch = replace(air.watch, clock=clock)
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run_forecasters, watch, [forecaster]) for _ in range(2)]
    states = sorted(r.state for run in runs for r in run.result().rules)
    assert states == [State.ELSEWHERE, State.JUDGED]
    assert [w.count for w in air.warned()] == [1]
