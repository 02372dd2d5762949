"""What HJ 212 data areas say: values, items, findings; the code tables behind them."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest

from shuzhi.gather.sensors.hj212 import (
    Dialect,
    Edition,
    Head,
    Item,
    Reading,
    head,
    parameters,
    read_area,
    tables,
)
from shuzhi.gather.sensors.hj212.numbers import numbers_of
from shuzhi.gather.sensors.hj212.reading import number_of, refused_by
from shuzhi.gather.sensors.hj212.times import stamp

AT = 1_470_012_537_000_000
"""2016-08-01 08:48:57 in Beijing, in microseconds."""


def reading(
    area: str | bytes, *, st: str = "32", cn: str = "2011", dialect: Dialect | None = None
) -> Reading:
    found = head(f"QN=20160801085857223;ST={st};CN={cn};PW=1;MN=A;Flag=4;CP=&&&&".encode())
    assert isinstance(found, Head)
    octets = area.encode() if isinstance(area, str) else area
    return read_area(octets, found, dialect or Dialect())


def codes(area: str | bytes, *, st: str = "32", cn: str = "2011") -> set[str]:
    return {finding.code for finding in reading(area, st=st, cn=cn).findings}


def test_a_real_time_value_with_its_mark() -> None:
    said = reading("DataTime=20160801084857;w01018-Rtd=50.1,w01018-Flag=N")
    (value,) = said.values
    assert value.data_time == said.data_time == AT
    assert (value.factor, value.field, value.number, value.text) == ("w01018", "Rtd", 50.1, "50.1")
    assert (value.unit, value.mark, value.maker_mark, value.sample_time) == (
        "mg/L",
        "N",
        None,
        None,
    )
    assert said.findings == []


def test_a_mark_is_for_every_value_of_its_group_in_any_order() -> None:
    said = reading(
        "DataTime=20160801084857;a21026-Flag=D,a21026-Min=1,a21026-Avg=2,a21026-EFlag=A01,"
        "a21026-Max=3,a21026-Cou=0.5,a21026-SampleTime=20160801080000;a01011-Avg=4",
        st="31",
        cn="2051",
    )
    assert [(v.factor, v.field, v.mark, v.maker_mark, v.unit) for v in said.values] == [
        ("a21026", "Min", "D", "A01", "mg/m3"),
        ("a21026", "Avg", "D", "A01", "mg/m3"),
        ("a21026", "Max", "D", "A01", "mg/m3"),
        ("a21026", "Cou", "D", "A01", "kg"),
        ("a01011", "Avg", None, None, "m/s"),
    ]
    assert {v.sample_time for v in said.values} == {AT - 2_937_000_000, None}


def test_a_mark_without_its_factor_belongs_to_the_value_before_it() -> None:
    said = reading("DataTime=20250131202809;a34001-Rtd=92;Flag=N", st="39")
    assert [(v.factor, v.mark) for v in said.values] == [("a34001", "N")]
    assert {f.code for f in said.findings} == {"factor_prefix_missing", "mark_apart"}


def test_a_mark_in_another_group_is_found_and_noted() -> None:
    said = reading("DataTime=20160801084857;w01018-Rtd=1;w01018-Flag=D;w01001-Rtd=7")
    assert [(v.factor, v.mark) for v in said.values] == [("w01018", "D"), ("w01001", None)]
    assert [f.code for f in said.findings] == ["mark_apart"]


def test_logs_hold_separators_and_chinese() -> None:
    said = reading(
        "DataTime=20160801084857;PolId=w01018;i11001-Info=//清洗管路;a=1,b//;i12001-Info=1",
        cn="3020",
    )
    assert said.items == [
        Item(AT, "w01018", "i11001", "Info", "清洗管路;a=1,b"),
        Item(AT, "w01018", "i12001", "Info", "1"),
    ]
    assert said.findings == []


def test_a_log_that_does_not_end_is_cut_at_the_next_separator() -> None:
    said = reading("i11001-Info=//abc;i12001-Info=1", cn="3020")
    assert [item.text for item in said.items] == ["//abc", "1"]
    assert {f.code for f in said.findings} == {"log_not_closed"}


def test_text_in_gb18030_is_read_and_noted() -> None:
    said = reading("i11001-Info=//维护//".encode("gb18030"), cn="3020")
    assert said.items[0].text == "维护"
    assert {f.code for f in said.findings} == {"text_not_utf8"}


def test_each_polid_holds_for_the_items_behind_it() -> None:
    said = reading("PolId=w01018;i13007-Info=0.1;PolId=w21003;i13007-Info=0.2", cn="3020")
    assert [(i.factor, i.about, i.text) for i in said.items] == [
        ("w01018", "i13007", "0.1"),
        ("w21003", "i13007", "0.2"),
    ]


def test_a_name_with_two_dashes_is_an_item_of_its_factor() -> None:
    said = reading("a21026-i22004-Info=1", st="31", cn="3020")
    assert said.items == [Item(None, "a21026", "i22004", "Info", "1")]


def test_facilities_serial_numbers_and_parameters_are_items() -> None:
    said = reading("DataTime=20160801084857;SB1-RS=1;SB2-RT=1.5;w01018-SN=0A;RtdInterval=30")
    assert [(i.factor, i.about, i.field, i.text) for i in said.items] == [
        ("", "SB1", "RS", "1"),
        ("", "SB2", "RT", "1.5"),
        ("w01018", "", "SN", "0A"),
        ("", "RtdInterval", "", "30"),
    ]


@pytest.mark.parametrize(
    ("sent", "value", "factor", "number", "unit"),
    [
        ("011-Rtd", "231.0", "w01018", 231.0, "mg/L"),
        ("B01-Cou", "12", "w00000", 12.0, "m3"),
        ("020-Avg", "0.0123", "w20111", 12.3, "ug/L"),
        ("041-Rtd", "0.000001", "w20089", 1.0, "ng/L"),
        ("S08-Rtd", "-0.0012", "a01013", -1.2, "kPa"),
        ("02-ZsRtd", "35", "a21026", 35.0, "mg/m3"),
        # The standard of 2005 gives masses of these in a unit that nobody here has read.
        ("020-Cou", "0.5", "w20111", 0.5, ""),
    ],
)
def test_codes_of_2005_become_those_of_2017(
    sent: str, value: str, factor: str, number: float, unit: str
) -> None:
    said = reading(f"DataTime=20160801084857;{sent}={value}", st="32")
    (found,) = said.values
    assert (found.factor, found.number, found.unit) == (factor, number, unit)
    assert (found.sent_factor, found.text) == (sent.partition("-")[0], value)
    assert "factor_legacy" in {f.code for f in said.findings}


def test_day_and_night_change_places_in_2005_only() -> None:
    area = "DataTime=20160801000000;Ld-DayData=52.5;Ln-NightData=42"
    legacy = reading(area, st="23", cn="2031", dialect=Dialect(Edition.HJT212_2005))
    assert [v.factor for v in legacy.values] == ["Ln", "Ld"]
    assert {f.code for f in legacy.findings} == {"day_night_swapped"}
    assert [v.factor for v in reading(area, st="23", cn="2031").values] == ["Ld", "Ln"]


@pytest.mark.parametrize(
    ("name", "st", "factor", "code"),
    [
        ("01018-Rtd", "32", "w01018", "factor_prefix_guessed"),
        ("21026-Rtd", "31", "a21026", "factor_prefix_guessed"),
        ("W01018-Rtd", "32", "w01018", "factor_spelled"),
        ("w01018-RTD", "32", "w01018", "name_spelled"),
        ("w77777-Rtd", "32", "w77777", "factor_unknown"),
        ("e10102-Rtd", "52", "e10102", None),
    ],
)
def test_factors_as_they_are_written_in_the_field(
    name: str, st: str, factor: str, code: str | None
) -> None:
    said = reading(f"DataTime=20160801084857;{name}=1", st=st)
    assert [v.factor for v in said.values] == [factor]
    assert {f.code for f in said.findings} == ({code} if code else set())


@pytest.mark.parametrize(
    ("area", "code"),
    [
        ("DataTime=20160801084857;w01018-Rtd=1;", "empty_item"),
        ("DataTime=20160801084857;;w01018-Rtd=1", "empty_item"),
        ("DataTime=20160801084857;w01018-Rtd", "name_missing"),
        ("DataTime=20160801084857;=1", "name_missing"),
        ("DataTime=20160801084857; w01018-Rtd =1", "blanks"),
        ("Datatime=20160801084857;w01018-Rtd=1", "name_spelled"),
        ("DataTime=20160801084857000;w01018-Rtd=1", "time_long"),
        ("DataTime=20160230084857;w01018-Rtd=1", "time_unreadable"),
        ("w01018-Rtd=1", "no_data_time"),
        ("DataTime=20160801084857;DataTime=20160801084957;w01018-Rtd=1", "data_time_repeated"),
        ("DataTime=20160801084857;w01018-Rtd=--", "number_missing"),
        ("DataTime=20160801084857;w01018-Rtd=NaN", "number_missing"),
        ("DataTime=20160801084857;w01018-Rtd=", "number_missing"),
        ("DataTime=20160801084857;w01018-Rtd=<1", "number_unreadable"),
        ("DataTime=20160801084857;w01018-Rtd=+1.", "number_unusual"),
        ("DataTime=20160801084857;w01018-Rtd=1.2345678901234567890", "number_long"),
        ("DataTime=20160801084857;w01018-Rtd=1,w01018-Flag=X", "mark_unknown"),
        ("DataTime=20160801084857;w01018-Rtd=1,w01018-Flag=N,w01018-Flag=D", "mark_repeated"),
        ("DataTime=20160801084857;w01018-Rtd=1;w01018-Rtd=2", "value_repeated"),
        ("DataTime=20160801084857;w01018-ValidNum=4", "name_private"),
        ("DataTime=20160801084857;Foo=4", "name_private"),
        (b"i11001-Info=//\xff\xff//", "text_undecodable"),
    ],
)
def test_what_is_unusual_is_read_and_noted(area: str | bytes, code: str) -> None:
    assert code in codes(area)


def test_a_state_of_production_may_be_a_word() -> None:
    said = reading("DataTime=20260801084857;p99101-Rtd=St", st="45")
    assert [(v.number, v.text) for v in said.values] == [(None, "St")]
    assert said.findings == []


def test_values_in_front_of_their_time_have_it() -> None:
    said = reading("w01018-Rtd=1;DataTime=20160801084857;w01001-Rtd=7")
    assert [v.data_time for v in said.values] == [AT, AT]


def test_the_second_time_holds_for_what_follows() -> None:
    said = reading("DataTime=20160801084857;w01018-Rtd=1;DataTime=20160801084858;w01018-Rtd=2")
    assert [v.data_time for v in said.values] == [AT, AT + 1_000_000]


@pytest.mark.parametrize(
    ("cn", "seconds"), [("2011", 0), ("2051", 300), ("2061", 3600), ("2031", 86_400)]
)
def test_a_station_may_give_the_end_of_the_interval(cn: str, seconds: int) -> None:
    dialect = Dialect(stamps_end=True, minute_interval=5)
    said = reading("DataTime=20160801084857;w01018-Avg=1", cn=cn, dialect=dialect)
    assert said.data_time == AT - seconds * 1_000_000
    assert [v.data_time for v in said.values] == [said.data_time]


def test_a_station_may_have_its_own_unit() -> None:
    dialect = Dialect(units={"w01018": "g/L"})
    said = reading("DataTime=20160801084857;w01018-Rtd=1;w21003-Rtd=1", dialect=dialect)
    assert [v.unit for v in said.values] == ["g/L", "mg/L"]


def test_an_alarm_of_2005_has_its_own_time() -> None:
    said = reading("AlarmTime=20160801084857;101-Ala=1.1, AlarmType =1", cn="2072")
    assert [(v.factor, v.field, v.data_time) for v in said.values] == [("w21011", "Ala", AT)]
    assert [(i.about, i.text) for i in said.items] == [("AlarmType", "1")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", (1.0, "")),
        ("-0.5", (-0.5, "")),
        ("1e3", (1000.0, "number_unusual")),
        (".5", (0.5, "number_unusual")),
        ("1e999", (None, "number_unreadable")),
        ("9" * 400, (None, "number_unreadable")),
        ("1.2.3", (None, "number_unreadable")),
        ("１", (None, "number_unreadable")),
        ("---", (None, "number_missing")),
        ("NULL", (None, "number_missing")),
    ],
)
def test_numbers(text: str, expected: tuple[float | None, str]) -> None:
    assert number_of(text) == expected


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [""],
        ["", ""],
        ["1", "", "-0.5", "--", "-", "1-2", "-.5", "1.", ".1", "1..2", "1.2.3", "a", "12", "1e5"],
        ["1.5", "-2"],
        ["1.2.3"],
    ],
)
def test_many_numbers_are_read_like_each(texts: list[str]) -> None:
    numbers, usual = numbers_of(pa.array(texts, pa.string()))
    each = [number_of(text) for text in texts]
    assert usual.tolist() == [code == "" for _, code in each]
    assert numbers.to_pylist() == [number if code == "" else 0.0 for number, code in each]


def test_times() -> None:
    assert stamp("19700101080000") == (0, "")
    assert stamp("20240229235959") == (1_709_222_399_000_000, "")
    assert stamp("20230229000000") == (None, "time_unreadable")
    assert stamp("19691231235959") == (None, "time_unreadable")
    assert stamp("00010101000000") == (None, "time_unreadable")
    assert stamp("2016") == (None, "time_unreadable")


def test_results_are_read_as_parameters() -> None:
    assert parameters(b"QnRtn=1") == {"QnRtn": "1"}
    assert parameters(b"QN=20040516010101001;CN=2051") == {
        "QN": "20040516010101001",
        "CN": "2051",
    }


def test_modes_are_data() -> None:
    findings = reading("DataTime=20160801084857;w01018-Rtd=--;w77777-Rtd=1").findings
    assert refused_by(findings, tables.tolerant()) == ()
    assert refused_by(findings, tables.strict()) == ("number_missing",)


def test_hostile_areas_take_little_time() -> None:
    # Each would be slow where a reader starts anew at every item.
    areas = [b"a=//x;" * 1600, b"w01018-Rtd=1," * 700, b"w01018-Rtd=1,w01018-Flag=N," * 350]
    assert [len(reading(area).findings) > 0 for area in areas] == [True, True, True]


def test_every_table_names_its_evidence() -> None:
    names = ["commands", "factors", "fields", "infos", "marks", "parameters", "returns", "systems"]
    found = {
        (row["evidence"], row["verified"])
        for row in itertools.chain.from_iterable(tables.rows(name) for name in names)
    }
    assert found <= {
        ("standard", "true"),
        ("implementers", "false"),
        ("field", "false"),
        ("recalled", "false"),
    }


def test_every_text_of_the_tables_is_in_both_languages() -> None:
    for name in ("commands", "factors", "infos", "marks", "returns", "systems", "findings"):
        assert all(row["zh"] and row["en"] for row in tables.rows(name))


def test_cas_numbers_have_their_check_digit() -> None:
    cas = [factor.cas.replace("-", "") for factor in tables.factors().values() if factor.cas]
    assert len(cas) > 40
    for digits in cas:
        total = sum(n * int(digit) for n, digit in enumerate(reversed(digits[:-1]), start=1))
        assert total % 10 == int(digits[-1])


def test_each_code_of_2005_means_one_factor() -> None:
    legacy = [f.legacy for f in tables.factors().values() if f.legacy]
    assert len(legacy) == len(set(legacy)) == 73
    assert len(tables.legacy_codes()) == 71


def test_codes_are_unique() -> None:
    for name, key in (("factors", "code"), ("systems", "st"), ("infos", "code")):
        found = [row[key] for row in tables.rows(name)]
        assert len(found) == len(set(found))


def test_meanings_of_answers() -> None:
    refused = tables.answer_meaning("QnRtn", 2)
    no_data = tables.answer_meaning("ExeRtn", 100)
    assert refused is not None
    assert no_data is not None
    assert (refused.en, no_data.en) == ("request refused", "no data")
    assert tables.answer_meaning("QnRtn", 42) is None
