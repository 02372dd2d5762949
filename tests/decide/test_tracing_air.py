"""From bad hours at a station against the wind to the sources that stand there."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.decide.tracing import AirSource, Place, Wind, air_layer, attribute, sectors
from shuzhi.decide.tracing.air import bearing_degrees, compass_degrees, distance_km
from shuzhi.kernel.errors import RefusedError

STATION = Place(116.397, 39.909)
NORTH, EAST, SOUTH = Place(116.397, 40.0), Place(116.52, 39.909), Place(116.397, 39.8)


def _blowing(degrees: float, value: float, times: int) -> list[Wind]:
    return [Wind(value, 3.0, degrees)] * times


def test_bearings_and_distances_are_those_of_the_globe() -> None:
    assert bearing_degrees(STATION, NORTH) == pytest.approx(0)
    assert bearing_degrees(STATION, EAST) == pytest.approx(90, abs=0.1)
    # A degree of a meridian on a sphere of the mean radius is 111.195 km.
    assert distance_km(Place(0, 10), Place(0, 11)) == pytest.approx(111.195, abs=0.001)


@pytest.mark.parametrize(
    ("word", "degrees"), [("N", 0.0), ("nne", 22.5), (" SW ", 225.0), ("NNW", 337.5)]
)
def test_points_of_the_compass_are_read(word: str, degrees: float) -> None:
    assert compass_degrees(word) == degrees


@pytest.mark.parametrize("word", ["", "cv", "NORTH", "NW1"])
def test_other_words_are_no_points_of_the_compass(word: str) -> None:
    assert compass_degrees(word) is None


def test_the_side_from_which_bad_hours_came_stands_out() -> None:
    hours = [*_blowing(180, 200, 40), *_blowing(180, 20, 10), *_blowing(0, 20, 50)]
    made, calm = sectors(hours, 150)
    by_middle = {s.middle_degrees: s for s in made}
    assert (by_middle[180].high, by_middle[180].count, calm) == (40, 50, 0)
    assert by_middle[180].probability == 0.8
    assert by_middle[0].probability == 0.0
    assert by_middle[90].probability is None


def test_calm_hours_say_nothing_of_a_side() -> None:
    hours = [Wind(200, 0.1, 90), Wind(200, 3, None), Wind(200, 3, 90)]
    made, calm = sectors(hours, 150)
    assert (calm, sum(s.count for s in made)) == (2, 1)


def test_a_source_where_bad_air_came_from_goes_before_one_where_it_did_not() -> None:
    hours = [*_blowing(180, 200, 40), *_blowing(180, 20, 10), *_blowing(0, 20, 50)]
    sources = [AirSource("north", "", NORTH), AirSource("south", "", SOUTH)]
    trace = attribute(STATION, hours, sources, threshold=150)
    assert [c.id for c in trace.candidates] == ["south", "north"]
    assert (trace.hours, trace.calm, trace.overall) == (100, 0, 0.4)
    assert trace.candidates[0].reasons[0].en == (
        "80% of 50 hours with wind from there were bad (40% of all hours)"
    )


def test_too_little_wind_from_a_side_says_nothing_of_it() -> None:
    hours = [*_blowing(90, 200, 3), *_blowing(180, 20, 50)]
    trace = attribute(STATION, hours, [AirSource("east", "", EAST)], threshold=150)
    assert trace.candidates[0].reasons[0].code == "too_little_wind"


def test_of_two_on_one_side_the_larger_goes_first() -> None:
    hours = [*_blowing(180, 200, 40), *_blowing(0, 20, 40)]
    sources = [
        AirSource("small", "", SOUTH, load_kg_h=1.0),
        AirSource("large", "", SOUTH, load_kg_h=100.0),
    ]
    trace = attribute(STATION, hours, sources, threshold=150)
    assert [c.id for c in trace.candidates] == ["large", "small"]


def test_sources_further_away_than_asked_are_left_out() -> None:
    far = AirSource("far", "", Place(118.0, 39.9))
    trace = attribute(STATION, _blowing(90, 200, 30), [far], threshold=150)
    assert trace.candidates == ()


def test_hours_without_any_wind_are_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        attribute(STATION, [Wind(200, 0.0, 90)], [], threshold=150)
    assert refused.value.code == "decide.no_wind"


def test_the_layer_shows_the_rose_and_the_candidates() -> None:
    trace = attribute(STATION, _blowing(180, 200, 40), [AirSource("s", "厂", SOUTH)], threshold=150)
    features = air_layer(trace)["features"]
    assert [f["properties"]["kind"] for f in features] == ["station", "candidate"]
    assert len(features[0]["properties"]["sectors"]) == 16


@given(
    st.lists(
        st.tuples(st.floats(0, 500), st.floats(0, 20), st.one_of(st.none(), st.floats(-720, 720))),
        max_size=60,
    ),
    st.integers(4, 36),
)
def test_every_hour_is_counted_once(hours: list[tuple[float, float, float | None]], n: int) -> None:
    winds = [Wind(*hour) for hour in hours]
    made, calm = sectors(winds, 150, count=n)
    assert len(made) == n
    assert sum(s.count for s in made) + calm == len(winds)
    assert all(s.high <= s.count for s in made)


@pytest.mark.real_data
def test_dust_of_beijing_comes_from_the_plain_and_not_over_the_mountains(shared: Path) -> None:
    file = shared / "data/01_air/beijing_prsa_2013_2017/prsa_hourly.parquet"
    query = 'SELECT "PM2.5", WSPM, wd FROM read_parquet(?) WHERE station = ? AND "PM2.5" > 0'
    rows = duckdb.execute(query, [str(file), "Aotizhongxin"]).fetchall()
    hours = [Wind(v, s or 0.0, compass_degrees(d or "")) for v, s, d in rows]
    made, calm = sectors(hours, 150)
    shares = {s.middle_degrees: s.probability or 0.0 for s in made}
    # Over the mountains of the north-west comes clean air; the plain lies to the east and south.
    plain, mountains = (67.5, 90.0, 112.5, 135.0), (315.0, 337.5)
    assert min(shares[d] for d in plain) > 3 * max(shares[d] for d in mountains)
    assert 0 < calm < len(hours) / 4
