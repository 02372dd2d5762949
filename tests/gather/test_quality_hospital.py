"""A real dirty table whose clean version tells which cells are wrong.

The contract says what a steward of this table knows: shapes of codes, lists in use, dependencies.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from shuzhi.gather.contracts import parse_contract
from shuzhi.gather.contracts.rows import arrow_schema
from shuzhi.gather.lake import open_lake
from shuzhi.gather.quality import findings, promises

pytestmark = pytest.mark.real_data

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:test:hospital
name: hospital
version: 1.0.0
status: active
schema:
  - name: hospital
    properties:
      - {name: row_id, logicalType: integer, primaryKey: true, required: true}
      - {name: ProviderNumber, logicalType: string, logicalTypeOptions: {pattern: '^[0-9]{5}$'}}
      - {name: HospitalName, logicalType: string}
      - {name: Address1, logicalType: string}
      - {name: City, logicalType: string}
      - name: State
        logicalType: string
        enum: [{value: al}, {value: ak}]
      - {name: ZipCode, logicalType: string, logicalTypeOptions: {pattern: '^[0-9]{5}$'}}
      - {name: CountyName, logicalType: string}
      - {name: PhoneNumber, logicalType: string, logicalTypeOptions: {pattern: '^[0-9]{10}$'}}
      - name: HospitalType
        logicalType: string
        enum: [{value: acute care hospitals}]
      - {name: HospitalOwner, logicalType: string}
      - name: EmergencyService
        logicalType: string
        enum: [{value: 'yes'}, {value: 'no'}]
      - name: Condition
        logicalType: string
        enum:
          - {value: children s asthma care}
          - {value: heart attack}
          - {value: heart failure}
          - {value: pneumonia}
          - {value: surgical infection prevention}
      - name: MeasureCode
        logicalType: string
        logicalTypeOptions: {pattern: '^(ami|cac|hf|pn|scip-card|scip-inf|scip-vte)-[0-9][a-z]?$'}
      - {name: MeasureName, logicalType: string}
      - name: Score
        logicalType: string
        logicalTypeOptions: {pattern: '^(empty|[0-9]{1,3}%)$'}
      - name: Sample
        logicalType: string
        logicalTypeOptions: {pattern: '^(empty|[0-9]+ patients)$'}
      - {name: Stateavg, logicalType: string}
    quality:
"""
DEPENDENCIES = (
    *(("ProviderNumber", column) for column in ("HospitalName", "Address1", "City", "ZipCode")),
    *(("ProviderNumber", column) for column in ("CountyName", "PhoneNumber", "HospitalOwner")),
    ("ProviderNumber", "EmergencyService"),
    ("ProviderNumber", "State"),
    ("HospitalName", "ProviderNumber"),
    ("MeasureCode", "MeasureName"),
    ("MeasureCode", "Condition"),
    ("MeasureName", "MeasureCode"),
    ("[MeasureCode, State]", "Stateavg"),
)
Cell = tuple[int, str]


def _contract() -> bytes:
    rules = "".join(
        "      - {type: custom, engine: shuzhi, implementation: "
        f"{{check: depends, determinant: {determinant}, dependent: {dependent}}}}}\n"
        for determinant, dependent in DEPENDENCIES
    )
    return (CONTRACT + rules).encode()


def _read(path: Path) -> list[dict[str, str]]:
    options = pa.csv.ConvertOptions(strings_can_be_null=False)
    table = pa.csv.read_csv(path, convert_options=options)
    texts = [table[name].cast(pa.string()) for name in table.column_names]
    rows: list[dict[str, str]] = pa.table(texts, names=table.column_names).to_pylist()
    return rows


@pytest.fixture(scope="module")
def wrong_cells(shared: Path) -> set[Cell]:
    dirty, clean = (_read(shared / f"data/11_dirty/hospital/{n}.csv") for n in ("dirty", "clean"))
    pairs = enumerate(zip(dirty, clean, strict=True))
    return {(i, name) for i, (d, c) in pairs for name in d if d[name] != c[name]}


@pytest.fixture(scope="module")
def found_cells(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> set[Cell]:
    (table,) = parse_contract(_contract(), file="hospital.odcs.yaml").tables
    dirty = _read(shared / "data/11_dirty/hospital/dirty.csv")
    rows = [{"row_id": i, **row} for i, row in enumerate(dirty)]
    lake = open_lake(tmp_path_factory.mktemp("city"), sync=lambda _path: None)
    lake.append("hospital", pa.Table.from_pylist(rows, schema=arrow_schema(table)))
    checks = [c for c in promises(table) if c.code in ("pattern", "allowed_values", "depends")]
    shown = (findings(lake, table, check.id, limit=5000) for check in checks)
    return {(row.key["row_id"], f.column) for rows in shown for row in rows for f in row.findings}


def test_cells_that_are_found_are_wrong_and_most_wrong_cells_are_found(
    wrong_cells: set[Cell], found_cells: set[Cell]
) -> None:
    right = len(wrong_cells & found_cells)
    precision, recall = right / len(found_cells), right / len(wrong_cells)
    assert len(wrong_cells) == 509
    assert precision >= 0.98
    assert recall >= 0.98
