"""ODCS documents: the standard's examples are read, faults are named with their line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shuzhi.gather.contracts import parse_contract, read_contract, table_named, write_contract
from shuzhi.gather.contracts.casts import cast_sql
from shuzhi.gather.contracts.model import Bounds, Field, LogicalType
from shuzhi.gather.contracts.rows import arrow_schema, row_rules
from shuzhi.gather.contracts.use_cases import contracted_datasets, register, versions
from shuzhi.kernel.control import Control
from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

NOW = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))
AIR = """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:air
name: air
version: 1.0.0
status: active
schema:
  - name: air
    properties:
      - name: station
        logicalType: string
        primaryKey: true
        required: true
        logicalTypeOptions: {pattern: '^[0-9]{4}A$'}
      - name: observed_at
        logicalType: timestamp
        primaryKey: true
        primaryKeyPosition: 2
        required: true
      - name: pm10_ug_m3
        logicalType: integer
        logicalTypeOptions: {minimum: 0, maximum: 2000}
        customProperties:
          - {property: unit, value: ug/m3}
      - name: level
        logicalType: string
        enum: [{value: good}, {value: bad}]
"""


def test_every_example_of_the_standard_is_read_and_written(shared: Path) -> None:
    examples = sorted((shared / "conformance/odcs/examples").glob("*/*.yaml"))
    contracts = [read_contract(file) for file in examples]
    assert len(contracts) == 18
    again = [parse_contract(write_contract(c).encode(), file=c.name) for c in contracts]
    assert again == contracts


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("invalid.odcs.yaml", "lacks status; add it"),
        ("invalid_multiple_errors.odcs.yaml", "lacks version"),
        ("odcs_with_extra_top_level.yaml", "change_management: unknown key"),
        ("valid_datacontract.yaml", "is a Data Contract Specification"),
    ],
)
def test_invalid_contracts_are_refused(name: str, problem: str, shared: Path) -> None:
    with pytest.raises(DocumentError) as refusal:
        read_contract(shared / "conformance/odcs-changes/lint" / name)
    assert problem in str(refusal.value)


@pytest.mark.parametrize("name", ["valid.odcs.yaml", "valid-3.1.0.odcs.yaml"])
def test_valid_contracts_are_read(name: str, shared: Path) -> None:
    contract = read_contract(shared / "conformance/odcs-changes/lint" / name)
    assert [table.name for table in contract.tables] == ["shipments2"]


def test_an_unknown_key_is_named_with_its_line_and_what_was_meant() -> None:
    with pytest.raises(DocumentError) as refusal:
        parse_contract(AIR.replace("required", "requierd", 1).encode(), file="air.odcs.yaml")
    assert [str(f) for f in refusal.value.findings] == [
        "air.odcs.yaml:14: schema.0.properties.0.requierd: unknown key; did you mean required?"
    ]


def test_a_pattern_that_cannot_be_run_is_refused() -> None:
    with pytest.raises(DocumentError, match="cannot be run"):
        parse_contract(AIR.replace("^[0-9]{4}A$", "(?=a)").encode(), file="air.odcs.yaml")


def test_a_table_keeps_key_unit_and_bounds() -> None:
    table = parse_contract(AIR.encode(), file="air").table("air")
    assert table.key == ("station", "observed_at")
    assert table.field("pm10_ug_m3").unit == "ug/m3"
    assert table.field("pm10_ug_m3").bounds == Bounds(minimum=0, maximum=2000)


def test_row_rules_find_each_fault_once() -> None:
    table = parse_contract(AIR.encode(), file="air").table("air")
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE air AS SELECT * FROM (VALUES ('1423A', now(), 12, 'good'), "
        "('x', now(), -1, 'ugly'), "
        "(NULL, now(), NULL, NULL)) AS t(station, observed_at, pm10_ug_m3, level)"
    )
    seen = ibis.duckdb.from_connection(connection).table("air")
    assert list(seen.columns) == arrow_schema(table).names
    broken = {
        (rule.column, rule.code): seen.filter(rule.broken(seen)).count().execute()
        for rule in row_rules(table)
    }
    assert {place: count for place, count in broken.items() if count} == {
        ("station", "required"): 1,
        ("station", "pattern"): 1,
        ("pm10_ug_m3", "minimum"): 1,
        ("level", "allowed_values"): 1,
    }


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", " 12 ", 12),
        ("integer", "12.0", None),
        ("integer", "1,000", None),
        ("integer", "0x1F", None),
        ("number", "1e3", 1000.0),
        ("number", "NaN", None),
        ("number", "inf", None),
        ("boolean", "是", True),
        ("boolean", "2", None),
        ("string", "   ", None),
        ("object", '{"a": 1}', '{"a": 1}'),
        ("object", "[1]", None),
    ],
)
def test_a_text_is_read_or_not_and_never_guessed(kind: str, text: str, value: object) -> None:
    assert cast(Field("x", LogicalType(kind)), text) == value


@pytest.mark.parametrize("text", ["2019-02-30", "20190201", "01/02/2019", "0000-01-01"])
def test_what_is_no_date_is_not_read(text: str) -> None:
    assert cast(Field("x", LogicalType.DATE), text) is None


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_integer_survives(number: int) -> None:
    assert cast(Field("x", LogicalType.INTEGER), str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_survives(number: float) -> None:
    assert cast(Field("x", LogicalType.NUMBER), repr(number)) == number


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=12))
def test_any_text_is_cast_without_error(text: str) -> None:
    for kind in LogicalType:
        cast(Field("x", kind), text)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.just(AIR.encode()).flatmap(lambda raw: mutations(raw)))
def test_any_bytes_are_a_contract_or_refused(raw: bytes) -> None:
    try:
        parse_contract(raw, file="any")
    except RefusedError as error:
        assert error.code in ("kernel.bad_document", "gather.bad_contract")


def mutations(raw: bytes) -> st.SearchStrategy[bytes]:
    places = st.tuples(st.integers(0, len(raw)), st.integers(0, 12), st.binary(max_size=6))
    return places.map(lambda cut: raw[: cut[0]] + cut[2] + raw[cut[0] + cut[1] :])


def test_a_version_is_kept_once(control: Control) -> None:
    contract = parse_contract(AIR.encode(), file="air")
    assert register(control, contract, now=NOW)
    assert not register(control, contract, now=NOW)
    assert versions(control, "air") == (contract,)
    assert table_named(control, "air") == (contract, contract.tables[0])
    assert contracted_datasets(control) == ("air",)


def test_a_version_cannot_be_rewritten(control: Control) -> None:
    register(control, parse_contract(AIR.encode(), file="air"), now=NOW)
    changed = parse_contract(AIR.replace("2000", "3000").encode(), file="air")
    with pytest.raises(RefusedError) as refusal:
        register(control, changed, now=NOW)
    assert str(refusal.value) == (
        "gather.contract_version_taken: Version 1.0.0 of contract 'air' stands with other words. "
        "Give the changed contract a new version."
    )


def test_a_data_set_without_contract_is_said(control: Control) -> None:
    with pytest.raises(RefusedError) as refusal:
        table_named(control, "nothing")
    assert refusal.value.code == "gather.no_contract"


def cast(field: Field, text: str) -> object:
    sql = f"SELECT {cast_sql(field, 'x')} FROM (SELECT ?::VARCHAR AS x)"
    row = CONNECTION.execute(sql, [text]).fetchone()
    assert row is not None
    return row[0]


CONNECTION = duckdb.connect()
