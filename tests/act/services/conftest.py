"""A city that holds births and asks for the rest: what the tests of services stand on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from shuzhi.act.services import Applicant, Audience
from shuzhi.app import City, create_city, open_city
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import parse_instant

_FILES = {
    "parties.yaml": """
parties:
  - {id: city, title: {zh: 数据局, en: Data Bureau}, level: city}
  - {id: civil, title: {zh: 民政局, en: Civil Affairs}, level: city, superior: city}
  - {id: police, title: {zh: 公安局, en: Police}, level: city, superior: city}
""",
    "masks.yaml": """
id: masks
title: {zh: 脱敏规则, en: Masks}
source: a test
verified: false
rules:
  - {grades: [general], kinds: any, roles: any, purposes: any, mask: keep}
""",
    "contracts/population.odcs.yaml": """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:population
name: population
version: 1.0.0
status: active
description: {purpose: A register.}
customProperties:
  - {property: titleZh, value: 常住人口登记}
  - {property: provider, value: civil}
  - {property: sharingType, value: unconditional}
  - {property: openType, value: closed}
  - {property: updateCycle, value: month}
  - {property: grade, value: general}
schema:
  - name: population
    properties:
      - name: id_number
        logicalType: string
        primaryKey: true
        required: true
        customProperties:
          - {property: meaning, value: person.id_number}
          - {property: subjectKind, value: person}
      - name: born_on
        logicalType: date
        customProperties: [{property: meaning, value: person.birth_date}]
      - name: household
        logicalType: integer
        customProperties: [{property: meaning, value: person.household}]
""",
    "forms/relief.yaml": """
id: relief
title: {zh: 临时救助申请, en: Emergency relief}
owner: civil
basis: {title: 社会救助暂行办法, rank: administrative_regulation, article: 第四十七条}
filled_by: {kind: citizens, expected: 10}
due: {every: day, first_due: 2026-01-01}
minutes: 10
subject: person.id_number
purpose: relief
role: clerk
fields:
  - name: born_on
    title: {zh: 出生日期, en: Born on}
    type: date
    meaning: person.birth_date
    confirm: true
  - name: household
    title: {zh: 家庭人口数, en: Household}
    type: integer
    meaning: person.household
  - {name: need, title: {zh: 困难情况, en: What you need}, type: string}
  - {name: amount, title: {zh: 申请金额, en: Amount}, type: number}
""",
    "services/relief.yaml": """
id: relief
title: {zh: 临时救助, en: Emergency relief}
about: {zh: 遇到急难的家庭可以申请一次性救助。, en: A single payment for households in sudden need.}
result: {zh: 审批决定, en: a decision}
owner: civil
for: citizens
form: relief
basis: {title: 社会救助暂行办法, rank: administrative_regulation, article: 第四十七条}
verified: false
""",
}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    city = tmp_path_factory.mktemp("services") / "city"
    create_city(city)
    for name, text in _FILES.items():
        (city / name).parent.mkdir(exist_ok=True)
        (city / name).write_text(text.lstrip(), encoding="utf-8")
    there = open_city(city)
    there.register()
    there.register_forms()
    born = pa.array(["1980-02-01", "1990-03-04"]).cast(pa.date32())
    rows = {"id_number": ["p1", "p2"], "born_on": born, "household": [3, 1]}
    there.lake.append("population", pa.table(rows))
    return city


@pytest.fixture
def at(made: Path) -> Callable[[str], City]:
    """Open the city as it is at a moment."""

    def opened(moment: str) -> City:
        then = parse_instant(moment)
        return replace(open_city(made), clock=lambda: then)

    return opened


@pytest.fixture
def citizen() -> Applicant:
    return Applicant("li.na", PartyId("city"), Audience.CITIZENS, "p1")
