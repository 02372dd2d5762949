"""From an exceedance up a river to the outfalls that could have caused it."""

from __future__ import annotations

import math
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shuzhi.decide.tracing import (
    Assumptions,
    Exceedance,
    Network,
    Outfall,
    Place,
    Reach,
    network,
    point_along,
    river_layer,
    trace_river,
)
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

NOON = Instant(datetime(2026, 3, 2, 12, tzinfo=UTC))
KG_D_TO_MG_L = 1e6 / 86_400_000
FEET = 0.3048
# Two reaches of the sample have one tributary inside it and one that was cut off.
CUT_TRIBUTARIES_KM = {"8585324": 9.569, "8585100": 1.519}


def _fork() -> Network:
    """Two head waters, a and b, meet in c, which flows into d."""
    return network(
        [
            Reach("a", "1", "3", 3.6, speed_m_s=1.0),
            Reach("b", "2", "3", 7.2, speed_m_s=0.5),
            Reach("c", "3", "4", 1.8, speed_m_s=0.5),
            Reach("d", "4", "5", 3.6, speed_m_s=1.0, flow_m3_s=10.0),
        ]
    )


def _exceedance(**changed: object) -> Exceedance:
    given: dict[str, object] = {
        "factor": "w21003",
        "reach_id": "d",
        "at": NOON,
        "value_mg_l": 3.0,
        "limit_mg_l": 1.0,
    }
    return Exceedance(**(given | changed))  # type: ignore[arg-type]


def test_lengths_above_add_up() -> None:
    assert _fork().upstream_km() == pytest.approx({"a": 3.6, "b": 7.2, "c": 12.6, "d": 16.2})


def test_hours_are_those_of_the_water() -> None:
    found = {up.reach.id: (up.hours, up.km) for up in _fork().upstream("d")}
    # c takes an hour; a and b begin above it.
    assert found == {"c": (0.0, 0.0), "a": pytest.approx((1, 1.8)), "b": pytest.approx((1, 1.8))}


def test_an_outfall_far_up_is_further_away_than_one_near_by() -> None:
    outfalls = [Outfall("far", "", "b", above_km=3.6), Outfall("near", "", "c", above_km=0.9)]
    trace = trace_river(_fork(), _exceedance(), outfalls)
    hours = {c.id: c.facts["hours"] for c in trace.candidates}
    # near: 0.9 km at 0.5 m/s, then 3.6 km at 1 m/s; far: 2 h in b, 1 h in c, 1 h in d.
    assert hours == pytest.approx({"near": 1.5, "far": 4.0})
    assert [c.id for c in trace.candidates] == ["near", "far"]


def test_an_outfall_below_the_station_is_none() -> None:
    outfalls = [Outfall("below", "", "d", above_km=1.0), Outfall("above", "", "d", above_km=3.0)]
    trace = trace_river(_fork(), _exceedance(above_km=2.0), outfalls)
    assert [c.id for c in trace.candidates] == ["above"]


def test_a_load_counts_by_the_excess_that_it_could_make_up() -> None:
    loads = {"w21003": 864.0}
    trace = trace_river(
        _fork(), _exceedance(), [Outfall("works", "", "d", above_km=3.6, loads_kg_d=loads)]
    )
    # 864 kg/d are 10 g/s; in 10 m³/s that is 1 mg/L, half of the excess of 2.
    assert trace.candidates[0].facts["share_of_excess"] == pytest.approx(0.5)


def test_what_decays_on_its_way_counts_for_less() -> None:
    outfall = Outfall("works", "", "d", above_km=3.6, loads_kg_d={"w21003": 864.0})
    decayed = trace_river(
        _fork(), _exceedance(), [outfall], Assumptions(decay_per_hour=math.log(2))
    )
    assert decayed.candidates[0].facts["share_of_excess"] == pytest.approx(0.25)


def test_an_alarm_when_the_water_left_counts_more_than_another_time() -> None:
    left = Instant(NOON - timedelta(hours=1))
    early = Instant(NOON - timedelta(hours=20))
    outfalls = [
        Outfall("loud", "", "d", above_km=3.6, alarms={"w21003": (left,)}),
        Outfall("other_day", "", "d", above_km=3.6, alarms={"w21003": (early,)}),
    ]
    trace = trace_river(_fork(), _exceedance(), outfalls)
    assert [c.id for c in trace.candidates] == ["loud", "other_day"]
    assert [r.code for r in trace.candidates[0].reasons] == [
        "travel_time",
        "load_unknown",
        "own_alarm",
    ]


@pytest.mark.parametrize("is_loud", [True, False])
def test_times_are_told_as_the_clocks_of_the_zone_show_them(is_loud: bool) -> None:
    alarms = {"w21003": (Instant(NOON - timedelta(hours=1)),)} if is_loud else {}
    works = Outfall("works", "", "d", above_km=3.6, alarms=alarms)
    trace = trace_river(_fork(), _exceedance(), [works], Assumptions(zone="Asia/Shanghai"))
    reason = trace.candidates[0].reasons[-1]
    assert reason.code == ("own_alarm" if is_loud else "no_own_alarm")
    # An hour before noon of UTC.
    assert "2026-03-02 19:00" in reason.zh
    assert "2026-03-02 19:00" in reason.en
    assert "UTC" not in reason.zh + reason.en


def test_an_outfall_of_other_factors_comes_last() -> None:
    outfalls = [
        Outfall("copper", "", "d", above_km=3.0, loads_kg_d={"w20122": 5.0}),
        Outfall("unknown", "", "b", above_km=7.0),
    ]
    trace = trace_river(_fork(), _exceedance(), outfalls)
    assert [c.id for c in trace.candidates] == ["unknown", "copper"]


def test_nothing_is_sought_beyond_the_hours_that_are_allowed() -> None:
    outfalls = [Outfall("far", "", "b", above_km=3.6)]
    assert trace_river(_fork(), _exceedance(), outfalls, Assumptions(most_hours=3)).candidates == ()


def test_reasons_are_said_in_both_languages() -> None:
    trace = trace_river(_fork(), _exceedance(), [Outfall("far", "", "b", above_km=3.6)])
    reason = trace.candidates[0].reasons[0]
    assert reason.en == "its water is under way for about 4.0 h (9.0 km)"
    assert reason.zh == "水流约 4.0 小时（9.0 公里）到达"


def test_the_layer_shows_reaches_and_candidates() -> None:
    line = (Place(106.5, 29.5), Place(106.6, 29.6))
    river = network([Reach("up", "1", "2", 1, line=line), Reach("down", "2", "3", 1)])
    outfall = Outfall("works", "工厂", "up", place=Place(106.55, 29.55))
    layer = river_layer(trace_river(river, _exceedance(reach_id="down"), [outfall]))
    kinds = [f["properties"]["kind"] for f in layer["features"]]
    assert (layer["type"], kinds) == ("FeatureCollection", ["reach", "candidate"])
    assert layer["features"][1]["geometry"]["coordinates"] == [106.55, 29.55]


def test_the_layer_shows_the_station_where_its_reach_has_a_line() -> None:
    line = (Place(106.5, 29.5), Place(106.6, 29.5))
    river = network([Reach("only", "1", "2", 2, line=line)])
    layer = river_layer(trace_river(river, _exceedance(reach_id="only", above_km=0.5), []))
    reach, station = layer["features"]
    assert (reach["properties"]["kind"], station["properties"]["kind"]) == ("reach", "station")
    # A quarter of the reach above its lower end.
    assert station["geometry"]["coordinates"] == pytest.approx([106.575, 29.5])


@pytest.mark.parametrize(
    ("above_km", "expected"), [(0.0, (4, 0)), (1.0, (3, 0)), (4.0, (0, 0)), (9.0, (0, 0))]
)
def test_a_point_along_a_line_is_as_far_up_as_it_lies(
    above_km: float, expected: tuple[float, float]
) -> None:
    line = [(0.0, 0.0), (1.0, 0.0), (1.0, 0.0), (4.0, 0.0)]
    assert point_along(line, above_km=above_km, length_km=4.0) == pytest.approx(expected)


def test_what_is_not_above_its_limit_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        trace_river(_fork(), _exceedance(value_mg_l=1.0), [])
    assert refused.value.code == "decide.no_excess"


@pytest.mark.parametrize(
    ("reaches", "problem"),
    [
        ([Reach("a", "1", "2", 1), Reach("a", "2", "3", 1)], "twice"),
        ([Reach("a", "1", "2", 1), Reach("b", "2", "1", 1)], "circle through a, b"),
        ([Reach("a", "1", "2", -1)], "below zero"),
        ([Reach("a", "1", "2", math.nan)], "below zero"),
    ],
)
def test_a_network_that_cannot_be_is_refused(reaches: list[Reach], problem: str) -> None:
    with pytest.raises(RefusedError, match=problem) as refused:
        network(reaches)
    assert refused.value.code == "decide.bad_network"


def test_a_reach_that_is_not_there_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        trace_river(_fork(), _exceedance(reach_id="zzz"), [])
    assert refused.value.code == "decide.no_such_reach"


@st.composite
def trees(draw: st.DrawFn) -> list[Reach]:
    """A river without divergences: each reach flows into a node with a smaller number."""
    count = draw(st.integers(1, 40))
    ends = [draw(st.integers(0, i)) for i in range(count)]
    lengths = draw(st.lists(st.integers(0, 50), min_size=count, max_size=count))
    return [
        Reach(str(i), str(i + 1), str(end), float(length))
        for i, (end, length) in enumerate(zip(ends, lengths, strict=True))
    ]


@settings(max_examples=60, deadline=None)
@given(trees(), st.randoms())
def test_every_reach_is_above_its_own_outlet_once(reaches: list[Reach], random: object) -> None:
    del random
    river = network(reaches)
    sums = river.upstream_km()
    for reach in reaches:
        above = {up.reach.id for up in river.upstream(reach.id)}
        expected = reach.length_km + sum(river.reaches[i].length_km for i in above)
        assert sums[reach.id] == pytest.approx(expected)


def _published(shared: Path) -> tuple[list[Reach], dict[str, float], dict[str, float]]:
    file = shared / "data/03_river/nhdplus_sample/cida_flowlines.gpkg"
    columns = "comid, fromnode, tonode, lengthkm, v0001e, divergence, arbolatesu, pathlength"
    with sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True) as store:
        rows = store.execute(f"SELECT {columns} FROM cida_flowlines").fetchall()
    ends = {row[2] for row in rows}
    reaches = [
        Reach(
            str(comid),
            f"{start:.0f}",
            f"{end:.0f}",
            length,
            speed_m_s=speed * FEET if speed > 0 else None,
            is_minor=divergence == 2,
            # Where the sample was cut, what lies above is known as a sum only.
            inflow_km=CUT_TRIBUTARIES_KM.get(str(comid), 0) if start in ends else total - length,
        )
        for comid, start, end, length, speed, divergence, total, _ in rows
    ]
    totals = {str(row[0]): row[6] for row in rows}
    return reaches, totals, {str(row[0]): row[7] for row in rows}


@pytest.mark.real_data
def test_lengths_above_are_those_that_nhdplus_publishes(shared: Path) -> None:
    reaches, totals, _ = _published(shared)
    computed = network(reaches).upstream_km()
    far = {i: (computed[i], km) for i, km in totals.items() if abs(computed[i] - km) > 0.02}
    known_only_from_below = sum(1 for r in reaches if r.inflow_km > 0.02)
    assert (len(totals), known_only_from_below, far) == (333, 14, {})


@pytest.mark.real_data
def test_ways_down_are_as_long_as_nhdplus_says(shared: Path) -> None:
    reaches, _, to_sea = _published(shared)
    river = network(reaches)
    outlet = max(to_sea, key=lambda i: len(river.upstream(i)))
    found = river.upstream(outlet)
    # From the lower end of a reach to the upper end of the outlet's.
    below = to_sea[outlet] + river.reaches[outlet].length_km
    assert len(found) > 50
    assert [u.km for u in found] == pytest.approx(
        [to_sea[u.reach.id] - below for u in found], abs=0.05
    )
