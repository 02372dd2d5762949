"""A small city whose loop is closed: readings come in, a rule finds what is high, a case opens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shuzhi.app import City, open_city

Put = Callable[[City, int, list[tuple[str, int, int]]], None]
_FILES = {
    "city.yaml": """
name: loop
title_zh: 闭环测试城
title_en: Closed loop
desk: city
""",
    "parties.yaml": """
parties:
  - {id: city, title: {zh: 市治理中心, en: City centre}, level: city}
  - {id: works, title: {zh: 建设局, en: Works office}, level: district, superior: city}
""",
    "contracts/dust.odcs.yaml": """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:dust
name: dust
version: 1.0.0
status: active
description: {purpose: Readings of dust.}
schema:
  - name: dust
    properties:
      - {name: station, logicalType: string, primaryKey: true, required: true}
      - {name: observed_at, logicalType: timestamp, primaryKey: true, required: true}
      - {name: pm10_ug_m3, logicalType: integer, logicalTypeOptions: {minimum: 0}}
""",
    "sources/dust_files.yaml": """
name: dust_files
dataset: dust
provider: works
kind: file
path: ../incoming/*.csv
format: csv
every: 1 second
""",
    "rules/dust_high.yaml": """
id: dust_high
title: {zh: 扬尘超标, en: Too much dust}
dataset: dust
event_time: observed_at
values: {most: 150}
sql: SELECT station, pm10_ug_m3 FROM new WHERE pm10_ug_m3 > :most
severity: orange
responsible: {party: works}
case_kind: data_defect
merge_by: [station]
merge_within: 1 minute
owner: city
""",
}


@pytest.fixture
def loop(tmp_path: Path) -> City:
    """The city, open and registered, with nothing loaded yet."""
    folder = tmp_path / "loop"
    for name, text in _FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.lstrip(), encoding="utf-8")
    (folder / "incoming").mkdir()
    city = open_city(folder)
    city.register()
    return city


@pytest.fixture
def put() -> Put:
    """Hands in a file of readings (station, minute of the day, value), whole at once."""
    return put_readings


def put_readings(city: City, batch: int, rows: list[tuple[str, int, int]]) -> None:
    lines = [f"{s},2026-03-02T{m // 60:02}:{m % 60:02}:00+08:00,{v}\n" for s, m, v in rows]
    target = city.settings.folder / "incoming" / f"{batch:04}.csv"
    hidden = target.with_suffix(".part")
    hidden.write_text("station,observed_at,pm10_ug_m3\n" + "".join(lines), encoding="utf-8")
    hidden.rename(target)
