"""The pack `ecology` beyond its examples: disclosure, retention, law beside rules, tracings.

Networks and winds here are simulated, and say so.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from shuzhi.act.cases import SYSTEM, Report, cases, open_case
from shuzhi.app import City, create_city
from shuzhi.app.running.catching_up import NoProgress
from shuzhi.decide.rules import SilenceRule
from shuzhi.decide.tracing import Bad, Exceedance, Found
from shuzhi.gather.contracts import parse_contract, register
from shuzhi.gather.sensors.landing.tables import OBSERVATIONS
from shuzhi.gather.sensors.simulator import monitors, registry
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant
from shuzhi.packs import installed_pack, installed_packs
from shuzhi.share.catalogue import Sharing
from shuzhi.share.catalogue.model import Openness

PACK = installed_pack("ecology").declared
FOLDER = installed_packs()["ecology"]
KEPT = ("observations", "observation_items", "rereadings")
AT = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))


@pytest.fixture
def city(tmp_path: Path) -> City:
    return create_city(tmp_path / "city", pack="ecology")


def arrived(city: City, dataset: str, text: str) -> None:
    (city.settings.folder / "incoming" / f"{dataset}.csv").write_text(text, encoding="utf-8")
    assert city.gather(f"{dataset}_file", NoProgress()).outcome.quarantined == 0


def test_what_is_disclosed_is_open_and_names_no_monitor_and_no_party(city: City) -> None:
    entry = city.entry("disclosed_days").entry
    assert (entry.sharing, entry.openness) == (Sharing.UNCONDITIONAL, Openness.UNCONDITIONAL)
    columns = {item.name for item in entry.items}
    assert columns == {column.lower() for column in _columns_of("disclosed_days")}
    assert not columns & {"mn", "party", "credit_code", "mark", "revision"}
    assert city.entry("observations").entry.openness is Openness.CLOSED


def _columns_of(model: str) -> list[str]:
    text = PACK.models[model].sql.rpartition("FROM monitor_day_validity")[0]
    return [
        line.rpartition(" AS ")[2].rstrip(",\n ") for line in text.splitlines() if " AS " in line
    ]


@pytest.mark.parametrize("dataset", KEPT)
def test_records_are_promised_for_as_long_as_law_asks_and_no_less_is_taken(
    city: City, dataset: str
) -> None:
    path = FOLDER / "contracts" / f"{dataset}.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    years = PACK.law.value_on("eco_records_kept", AT.date()).value
    assert f"property: retention, value: {years:.0f}, unit: y" in text
    less = text.replace(f"retention, value: {years:.0f}", f"retention, value: {years - 1:.0f}")
    less = less.replace("version: 1.0.0", "version: 1.1.0")
    with pytest.raises(RefusedError):
        register(city.control, parse_contract(less.encode(), file=path.name), now=AT)


def test_tidying_deletes_no_row_of_records_that_are_promised(city: City) -> None:
    told = [("M1", "2061", f"2020-03-02T{hour:02}:00+08:00", "Avg", 3.0) for hour in range(6)]
    for row in told:
        observed(city, [row])
    (tidied,) = city.tidy(["observations"], keep_days=0)
    assert tidied.cleared.files
    assert city.lake.count("observations") == len(told)


@pytest.mark.parametrize(
    ("rule", "parameter"),
    [
        ("eco_zero_span_overdue", "eco_zero_span_interval"),
        ("eco_calibration_overdue", "eco_calibration_interval"),
    ],
)
def test_silences_last_as_long_as_law_says(rule: str, parameter: str) -> None:
    silence = PACK.rules[rule]
    assert isinstance(silence, SilenceRule)
    hours = PACK.law.value_on(parameter, AT.date()).value
    assert silence.after == timedelta(hours=float(hours))


def test_nothing_of_the_law_is_called_verified_that_nobody_read() -> None:
    numbers = [value for each in PACK.law.parameters.values() for value in each.values]
    rows = [version for each in PACK.law.tables.values() for version in each.versions]
    assert not any(each.is_verified for each in (*numbers, *rows))


def test_clues_are_for_review_and_notices_for_answers() -> None:
    kinds = {name: rule.case_kind for name, rule in PACK.rules.items()}
    assert {kind for name, kind in kinds.items() if name.startswith("clue_")} == {"eco_clue"}
    assert {kind for name, kind in kinds.items() if name.startswith("eco_")} == {"eco_notice"}
    numbers = {int(name.split("_")[1]) for name in kinds if name.startswith("clue_")}
    assert numbers == set(range(1, 19))


RIVER = """reach_id,from_node,to_node,length_km,speed_m_s,flow_m3_s,is_simulated
1,a,b,3.6,0.5,2,true
2,c,b,7.2,0.5,2,true
3,b,d,1.8,0.5,4,true
"""
OUTFALLS = """outfall_id,source_zh,party,medium,longitude,latitude,reach_id,above_km
DW1,模拟化工厂,source_companies,water,106.50,29.60,1,1.0
DW2,模拟印染厂,source_companies,water,106.60,29.60,2,2.0
DA1,模拟热电厂,source_companies,gas,106.60,29.50,,
DA2,模拟水泥厂,source_companies,gas,106.40,29.50,,
"""
MONITORS = """mn,outfall_id,installed_on,is_in_service
M1,DW1,2025-01-01,true
M2,DW2,2025-01-01,true
"""
PERMITS = """outfall_id,factor,statistic,qualifier,valid_from,limit_value,unit,is_converted
DW1,w21003,hour,<=,2025-01-01,8,mg/L,false
DW2,w21003,hour,<=,2025-01-01,8,mg/L,false
"""


def observed(city: City, rows: list[tuple[str, str, str, str, float]]) -> None:
    told = [
        {
            "mn": mn,
            "st": "32",
            "cn": cn,
            "data_time": datetime.fromisoformat(at),
            "factor": "w21003",
            "field": field,
            "revision": 0,
            "number": number,
            "text": str(number),
            "unit": "",
            "mark": "N",
            "received_at": datetime.fromisoformat(at) + timedelta(hours=1),
        }
        for mn, cn, at, field, number in rows
    ]
    city.lake.append("observations", pa.Table.from_pylist(told))


def test_an_exceedance_in_a_simulated_river_leads_to_who_alarmed_before(city: City) -> None:
    arrived(city, "river_reaches", RIVER)
    arrived(city, "outfalls", OUTFALLS)
    arrived(city, "monitors", MONITORS)
    arrived(city, "permits", PERMITS)
    observed(
        city,
        [
            ("M1", "2031", "2026-03-01T00:00+08:00", "Cou", 40.0),
            ("M2", "2031", "2026-03-01T00:00+08:00", "Cou", 900.0),
            ("M1", "2061", "2026-03-02T12:00+08:00", "Avg", 3.0),
            ("M2", "2061", "2026-03-02T12:00+08:00", "Avg", 30.0),
        ],
    )
    city.build(NoProgress())
    asked = Exceedance("w21003", "3", AT, 3.1, 1.5)
    found = city.trace_river("eco_rivers", asked)
    assert [candidate.id for candidate in found.candidates] == ["DW2", "DW1"]
    assert found.candidates[0].party == "source_companies"
    assert found.station_reach.is_simulated
    case_id = open_case(city.office, Report("eco_notice", "ordinary", SYSTEM)).case_id
    facts = {"factor": "w21003", "reach_id": "3", "value": 3.1, "limit_value": 1.5}
    city.seek_causes(case_id, "eco_river_exceeded", Found(AT, facts))
    (kept,) = city.causes(case_id)
    assert (kept.question, kept.trace, kept.case_id) == (asked, found, case_id)


def test_causes_of_a_case_are_sought_once_and_a_tracing_without_data_says_why(city: City) -> None:
    case_id = open_case(city.office, Report("eco_notice", "ordinary", SYSTEM)).case_id
    facts = {"factor": "w21003", "reach_id": "3", "value": 3.1, "limit_value": 1.5}
    city.seek_causes(case_id, "eco_river_exceeded", Found(AT, facts))
    (sought,) = city.causes(case_id)
    assert sought.failure.startswith("decide.tracing_failed: ")
    city.seek_causes(case_id, "eco_river_exceeded", Found(AT, {}))
    city.seek_causes(case_id, "eco_hour_exceeded", Found(AT, {}))
    assert city.causes(case_id) == (sought,)


def test_bad_hours_in_a_simulated_wind_lead_to_what_stands_upwind(city: City) -> None:
    hours = [
        "station,observed_at,factor,value,speed_m_s,from_degrees,longitude,latitude,is_simulated"
    ]
    for number in range(60):
        at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=number)
        is_east = number % 2 == 0
        value, degrees = (200, 90) if is_east else (20, 270)
        hours.append(f"S1,{at:%Y-%m-%dT%H:%M:%SZ},a34004,{value},2.5,{degrees},106.50,29.50,true")
    arrived(city, "wind_hours", "\n".join(hours) + "\n")
    arrived(city, "outfalls", OUTFALLS)
    since = Instant(datetime(2026, 3, 1, tzinfo=UTC))
    found = city.trace_air("eco_winds", Bad("S1", since, Instant(since + timedelta(days=3)), 100))
    assert [candidate.id for candidate in found.candidates][:1] == ["DA1"]


def test_a_simulated_registry_gives_the_tracings_something_to_work_on(city: City) -> None:
    now = city.clock()
    fleet = monitors(8)
    tables = registry(fleet, now)
    for name, text in tables.items():
        arrived(city, name, text)
        assert all("SIM" in row for row in text.splitlines()[1:])
    found = [sought for held in cases(city.office).cases for sought in city.causes(held.id)]
    assert len(found) == sum(monitor.kind.id == "air" for monitor in fleet)
    outfalls = {line.split(",")[0] for line in tables["outfalls"].splitlines() if ",gas," in line}
    assert {c.id for sought in found for c in sought.candidates} == outfalls
    last = tables["river_reaches"].splitlines()[-1].split(",")[0]
    city.lake.append("observations", pa.Table.from_pylist([], schema=OBSERVATIONS.schema))
    city.build(NoProgress())
    river = city.trace_river("eco_rivers", Exceedance("w21003", last, now, 0.5, 0.3))
    assert len(river.candidates) == tables["outfalls"].count(",water,")
