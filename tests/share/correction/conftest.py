"""A city with data of air that can be wrong, and indicators, a rule and cases behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from shuzhi.app import City, create_city, open_city
from shuzhi.gather.lineage import Output, Run, SchemaField, lake_node, record_run
from shuzhi.kernel.ids import new_run_id
from shuzhi.kernel.instant import Instant, parse_instant

_FILES = {
    "parties.yaml": """
parties:
  - {id: province, title: {zh: 省政府, en: Province}, level: nation}
  - {id: city, title: {zh: 数据局, en: Data Bureau}, level: city, superior: province}
  - {id: ecology, title: {zh: 生态环境局, en: Ecology}, level: city, superior: city}
  - {id: meteo, title: {zh: 气象局, en: Weather}, level: city, superior: city}
  - {id: water, title: {zh: 水利局, en: Water Bureau}, level: city, superior: city}
  - {id: transport, title: {zh: 交通局, en: Transport}, level: city, superior: city}
""",
    "masks.yaml": """
id: masks
title: {zh: 脱敏规则, en: Masks}
source: a test
verified: false
rules:
  - {grades: [general], kinds: any, roles: any, purposes: any, mask: keep}
""",
    "indicators/clean_air.yaml": """
id: clean_air
title: {zh: 空气, en: Air}
dimensions:
  - id: values
    title: {zh: 数值, en: Values}
    indicators:
      - id: sum_pm10
        title: {zh: 合计, en: Sum}
        kind: vital_sign
        unit: ug/m3
        owner: ecology
        refresh: 1 day
        reads: [air]
        sql: SELECT SUM(pm10) AS value FROM air
        rows: SELECT station, at, pm10 FROM air ORDER BY station, at
      - id: stations
        title: {zh: 站点, en: Stations}
        kind: vital_sign
        unit: "1"
        owner: ecology
        refresh: 1 day
        reads: [air]
        sql: SELECT COUNT(DISTINCT station) AS value FROM air
        rows: SELECT station, at FROM air ORDER BY station, at
""",
    "rules/dust.yaml": """
id: dust
title: {zh: 扬尘, en: Dust}
dataset: air
event_time: at
severity: orange
owner: ecology
responsible: {party: ecology}
case_kind: data_defect
merge_by: [station]
merge_within: 1 hour
sql: SELECT station, pm10 FROM new WHERE pm10 > 150
""",
}
_CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:{name}
name: {name}
version: 1.0.0
status: active
description: {{purpose: Hourly readings of dust.}}
customProperties:
  - {{property: titleZh, value: 空气质量{name}}}
  - {{property: provider, value: {provider}}}
  - {{property: sharingType, value: conditional}}
  - {{property: sharingCondition, value: 限履职使用}}
  - {{property: sharingMethod, value: query}}
  - {{property: openType, value: open}}
  - {{property: updateCycle, value: hour}}
  - {{property: grade, value: general}}
schema:
  - name: {name}
    properties:
      - name: station
        logicalType: string
        primaryKey: true
        primaryKeyPosition: 1
        required: true
        customProperties: [{{property: subjectKind, value: station}}]
      - {{name: at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2,
          required: true}}
      - name: pm10
        logicalType: integer
        customProperties: [{{property: meaning, value: air.pm10}}]
"""
MOMENT = pa.timestamp("us", tz="UTC")


class Air:
    """A city whose clock can be set, and whose air can be written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.moment: Instant | None = None

    @property
    def city(self) -> City:
        """The city as it is now, or at the moment that was set."""
        city, then = open_city(self.folder), self.moment
        return city if then is None else replace(city, clock=lambda: then)

    def to(self, moment: str) -> None:
        """Let it be that moment."""
        self.moment = parse_instant(moment)

    def write(self, rows: Sequence[tuple[str, int, int | None]], name: str = "air") -> int:
        """Write rows of station, hour of 2 March 2026 and value; return the version."""
        city = self.city
        stations, hours, values = zip(*rows, strict=True)
        at = pa.array([datetime(2026, 3, 2, h, tzinfo=UTC) for h in hours], MOMENT)
        table = pa.table({"station": stations, "at": at, "pm10": pa.array(values, pa.int64())})
        city.lake.upsert(name, table, key=["station", "at"])
        fields = tuple(SchemaField(field.name, str(field.type)) for field in table.schema)
        now = Instant(datetime.now(UTC))
        version = city.lake.version(name)
        run = Run(
            run_id=new_run_id(),
            job=f"load:{name}",
            kind="load",
            inputs=(),
            outputs=(Output(lake_node(name), fields=fields, version=version),),
            started_at=now,
            ended_at=now,
            is_complete=True,
        )
        record_run(city.control, run)
        return version


@pytest.fixture(scope="session")
def new_air() -> Callable[[Path], Air]:
    """Return what makes such a city in a folder."""

    def made(folder: Path) -> Air:
        city = folder / "city"
        create_city(city)
        files: dict[str, Any] = dict(_FILES)
        for name, provider in (("air", "ecology"), ("weather", "meteo")):
            text = _CONTRACT.format(name=name, provider=provider)
            files[f"contracts/{name}.odcs.yaml"] = text
        for name, text in files.items():
            (city / name).parent.mkdir(exist_ok=True)
            (city / name).write_text(text.lstrip(), encoding="utf-8")
        open_city(city).register()
        return Air(city)

    return made


@pytest.fixture
def air(tmp_path: Path, new_air: Callable[[Path], Air]) -> Air:
    """The city, with nothing in its lake."""
    return new_air(tmp_path)
