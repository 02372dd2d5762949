"""Tracings that packs declare: read strictly, asked of the lake, shown by the commands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.decide.tracing import (
    Bad,
    Exceedance,
    Found,
    parse_tracing,
    question_of,
    search,
    search_air,
    search_river,
)
from shuzhi.gather.lake import Lake, open_lake
from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

NOON = Instant(datetime(2026, 3, 2, 4, tzinfo=UTC))
LATER = Instant(NOON + timedelta(hours=1))
RIVER = """
id: rivers
title: {zh: 河流溯源, en: Up the rivers}
reads: [reaches, outfalls, loads]
river:
  reaches: SELECT name AS id, a AS from_node, b AS to_node, length_km, flow_m3_s FROM reaches
  outfalls: SELECT id, title, reach_id, above_km, party FROM outfalls
  loads: SELECT outfall_id, factor, load_kg_d FROM loads
assumptions: {speed_m_s: 1.0}
"""
AIR = """
id: winds
title: {zh: 逆风溯源, en: Against the wind}
reads: [places, hours, works]
air:
  stations: SELECT id, longitude, latitude FROM places
  hours: SELECT station, observed_at, value, speed_m_s, from_degrees FROM hours
  sources: SELECT id, title, longitude, latitude, load_kg_h FROM works
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = open_lake(tmp_path / "lake")
    tables = {
        "reaches": {
            "name": ["up", "down"],
            "a": ["1", "2"],
            "b": ["2", "3"],
            "length_km": [3.6, 3.6],
            "flow_m3_s": [10.0, 10.0],
        },
        "outfalls": {
            "id": ["o1", "o2"],
            "title": ["污水厂", "矿山"],
            "reach_id": ["up", "down"],
            "above_km": [3.6, 3.6],
            "party": ["works", None],
        },
        "loads": {"outfall_id": ["o1"], "factor": ["w21003"], "load_kg_d": [864.0]},
        "places": {"id": ["s1"], "longitude": [106.5], "latitude": [29.5]},
        "works": {
            "id": ["north", "south"],
            "title": ["北厂", "南厂"],
            "longitude": [106.5, 106.5],
            "latitude": [29.6, 29.4],
            "load_kg_h": [5.0, None],
        },
        "hours": {
            "station": ["s1"] * 60,
            "observed_at": [NOON + timedelta(hours=i) for i in range(60)],
            "value": [200.0] * 30 + [10.0] * 30,
            "speed_m_s": [2.0] * 60,
            "from_degrees": [180.0] * 30 + [0.0] * 30,
        },
    }
    for name, columns in tables.items():
        lake.overwrite(name, pa.table(columns).to_reader())
    return lake


def test_the_lake_answers_what_a_river_tracing_asks(lake: Lake) -> None:
    tracing = parse_tracing(RIVER.encode(), file="rivers.yaml")
    trace = search_river(
        lake, tracing, Exceedance("w21003", "down", NOON, 3.0, 1.0), zone="Asia/Shanghai"
    )
    assert {c.id: c.facts["hours"] for c in trace.candidates} == pytest.approx(
        {"o1": 2.0, "o2": 1.0}
    )
    assert next(c.party for c in trace.candidates if c.id == "o1") == "works"


def test_the_lake_answers_what_an_air_tracing_asks(lake: Lake) -> None:
    tracing = parse_tracing(AIR.encode(), file="winds.yaml")
    bad = Bad("s1", NOON, Instant(NOON + timedelta(hours=60)), 150)
    trace = search_air(lake, tracing, bad)
    assert (trace.hours, trace.overall) == (60, 0.5)
    assert [c.id for c in trace.candidates] == ["south", "north"]


def test_only_the_hours_that_are_asked_for_count(lake: Lake) -> None:
    tracing = parse_tracing(AIR.encode(), file="winds.yaml")
    trace = search_air(lake, tracing, Bad("s1", NOON, Instant(NOON + timedelta(hours=5)), 150))
    assert (trace.hours, trace.overall) == (5, 1.0)


def test_a_station_that_is_not_there_is_refused(lake: Lake) -> None:
    tracing = parse_tracing(AIR.encode(), file="winds.yaml")
    with pytest.raises(RefusedError) as refused:
        search_air(lake, tracing, Bad("s9", NOON, LATER, 150))
    assert refused.value.code == "decide.no_such_station"


def test_hours_that_end_before_they_begin_are_refused(lake: Lake) -> None:
    tracing = parse_tracing(AIR.encode(), file="winds.yaml")
    with pytest.raises(RefusedError) as refused:
        search_air(lake, tracing, Bad("s1", LATER, NOON, 150))
    assert refused.value.code == "decide.empty_span"


def test_what_is_simulated_stays_marked(lake: Lake) -> None:
    river = RIVER.replace("party FROM", "party, TRUE AS is_simulated FROM")
    river = river.replace("flow_m3_s FROM", "flow_m3_s, name = 'up' AS is_simulated FROM")
    tracing = parse_tracing(river.encode(), file="rivers.yaml")
    trace = search_river(
        lake, tracing, Exceedance("w21003", "down", NOON, 3.0, 1.0), zone="Asia/Shanghai"
    )
    assert [c.is_simulated for c in trace.candidates] == [True, True]
    marked = {up.reach.id: up.reach.is_simulated for up in trace.searched}
    assert (marked, trace.station_reach.is_simulated) == ({"up": True}, False)
    air = AIR.replace("from_degrees FROM", "from_degrees, value > 100 AS is_simulated FROM")
    bad = Bad("s1", NOON, Instant(NOON + timedelta(hours=60)), 150)
    assert search_air(lake, parse_tracing(air.encode(), file="w.yaml"), bad).simulated == 30


def test_a_tracing_without_its_data_says_so(tmp_path: Path) -> None:
    tracing = parse_tracing(RIVER.encode(), file="rivers.yaml")
    with pytest.raises(RefusedError, match="no data set reaches") as refused:
        search_river(
            open_lake(tmp_path / "empty"),
            tracing,
            Exceedance("w21003", "down", NOON, 3, 1),
            zone="Asia/Shanghai",
        )
    assert refused.value.code == "decide.tracing_failed"


def test_the_other_kind_of_tracing_is_refused(lake: Lake) -> None:
    tracing = parse_tracing(AIR.encode(), file="winds.yaml")
    with pytest.raises(RefusedError) as refused:
        search_river(lake, tracing, Exceedance("w21003", "down", NOON, 3, 1), zone="Asia/Shanghai")
    assert refused.value.code == "decide.not_this_tracing"


WARNED = {"factor": "w21003", "reach_id": "down", "value": "3000", "limit_value": "1000"}


def test_a_river_tracing_begins_with_what_a_warning_tells_in_any_unit(lake: Lake) -> None:
    tracing = parse_tracing(RIVER.encode(), file="rivers.yaml")
    asked = search_river(
        lake, tracing, Exceedance("w21003", "down", NOON, 3.0, 1.0), zone="Asia/Shanghai"
    )
    begun = search(
        lake,
        tracing,
        question_of(tracing, Found(NOON, {**WARNED, "unit": "ug/L"})),
        zone="Asia/Shanghai",
    )
    assert begun == asked


@pytest.mark.parametrize(
    ("lacking", "code"),
    [
        ({"reach_id": None}, "decide.tracing_lacks_fact"),
        ({"value": "much"}, "decide.tracing_lacks_fact"),
        ({"unit": "Cel"}, "kernel.unit_mismatch"),
    ],
)
def test_a_warning_that_tells_too_little_is_refused(
    lake: Lake, lacking: dict[str, str | None], code: str
) -> None:
    tracing = parse_tracing(RIVER.encode(), file="rivers.yaml")
    with pytest.raises(RefusedError) as refused:
        search(lake, tracing, question_of(tracing, Found(NOON, {**WARNED, **lacking})))
    assert refused.value.code == code


def test_an_air_tracing_looks_back_from_a_warning_at_hours_of_its_factor(lake: Lake) -> None:
    winds = AIR.replace("value, speed", "factor, value, speed") + (
        "begins: {rules: [so2_high], look_back: 1 day}\n"
    )
    with lake.duck(only=["hours"]) as connection:
        hours = connection.table("hours").to_arrow_table().to_pylist()
    two = [{**row, "factor": factor} for row in hours for factor in ("a21026", "a34004")]
    lake.overwrite("hours", pa.Table.from_pylist(two).to_reader(), may_reshape=True)
    tracing = parse_tracing(winds.encode(), file="winds.yaml")
    at = Instant(NOON + timedelta(hours=29))
    facts = {"station": "s1", "limit_value": 150, "factor": "a21026"}
    trace = search(lake, tracing, question_of(tracing, Found(at, facts)), zone="Asia/Shanghai")
    assert tracing.begins_with == ("so2_high",)
    assert getattr(trace, "hours", None) == 25


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("a AS from_node, ", "", "lacks the columns from_node"),
        ("length_km, flow", "length_km, a AS colour, flow", "columns that nobody reads (colour)"),
        ("FROM loads", "FROM secrets", "secrets, which is not declared"),
        ("river:", "rivers:", "rivers"),
        ("speed_m_s: 1.0", "speed_m_s: 0", "greater than 0"),
        ("SELECT outfall_id", "SELEC outfall_id", "SQL"),
        ("assumptions:", "begins: {rules: [a_b], look_back: long}\nassumptions:", "no span"),
        ("assumptions:", "begins: {rules: []}\nassumptions:", "at least 1"),
    ],
)
def test_what_is_wrong_is_found_with_its_line(before: str, after: str, problem: str) -> None:
    assert before in RIVER
    with pytest.raises(DocumentError) as refused:
        parse_tracing(RIVER.replace(before, after).encode(), file="rivers.yaml")
    told = "\n".join(str(finding) for finding in refused.value.findings)
    assert problem in told
    assert "rivers.yaml" in told


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with pytest.raises(RefusedError):
        parse_tracing(raw, file="any.yaml")
