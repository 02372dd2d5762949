"""A city whose departments demand forms of three towns: what the tests of forms stand on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from shuzhi.app import City, create_city, open_city
from shuzhi.kernel.instant import parse_instant

_PROPERTIES = """
  - {{property: titleZh, value: {title}}}
  - {{property: provider, value: {provider}}}
  - {{property: sharingType, value: {sharing}}}
  - {{property: sharingCondition, value: 限履职使用}}
  - {{property: legalBasis, value: {{title: 统计法, rank: law, article: 第九条}}}}
  - {{property: sharingMethod, value: query}}
  - {{property: openType, value: closed}}
  - {{property: updateCycle, value: month}}
  - {{property: grade, value: general}}
schema:
  - name: {name}
    properties:
"""
_HEAD = """apiVersion: v3.1.0
kind: DataContract
id: urn:city:{name}
name: {name}
version: 1.0.0
status: active
description: {{purpose: A register.}}
customProperties:"""


def a_contract(name: str, provider: str, sharing: str, columns: str, title: str) -> str:
    """Return a contract over one data set."""
    given = {"name": name, "provider": provider, "sharing": sharing, "title": title}
    return (_HEAD + _PROPERTIES).format(**given) + columns


def a_column(name: str, kind: str, title: str, meaning: str | None, *, is_key: bool = False) -> str:
    """Return a column of a contract."""
    key = ", primaryKey: true, required: true" if is_key else ""
    own = [f"{{property: titleZh, value: {title}}}"]
    own += [f"{{property: meaning, value: {meaning}}}"] if meaning else []
    own += ["{property: subjectKind, value: person}"] if is_key else []
    return (
        f"      - {{name: {name}, logicalType: {kind}{key}, "
        f"customProperties: [{', '.join(own)}]}}\n"
    )


_POPULATION = (
    a_column("id_number", "string", "身份证号", "person.id_number", is_key=True)
    + a_column("born_on", "date", "出生日期", "person.birth_date")
    + a_column("household", "integer", "家庭人口数", None)
)
_INCOME = a_column("id_number", "string", "身份证号", "person.id_number", is_key=True) + a_column(
    "yearly_income", "integer", "年收入", "person.yearly_income"
)
_HEALTH = a_column("id_number", "string", "身份证号", "person.id_number", is_key=True) + a_column(
    "illness", "string", "疾病", "person.illness"
)
_FILES = {
    "parties.yaml": """
parties:
  - {id: city, title: {zh: 数据局, en: Data Bureau}, level: city}
  - {id: civil, title: {zh: 民政局, en: Civil Affairs}, level: city, superior: city}
  - {id: police, title: {zh: 公安局, en: Police}, level: city, superior: city}
  - {id: tax, title: {zh: 税务局, en: Tax Bureau}, level: city, superior: city}
  - {id: east, title: {zh: 东区, en: East}, level: district, superior: city}
  - {id: town_a, title: {zh: 甲镇, en: Town A}, level: town, superior: east}
  - {id: town_b, title: {zh: 乙镇, en: Town B}, level: town, superior: east}
  - {id: town_c, title: {zh: 丙镇, en: Town C}, level: town, superior: city}
""",
    "masks.yaml": """
id: masks
title: {zh: 脱敏规则, en: Masks}
source: a test
verified: false
rules:
  - {grades: [general], kinds: any, roles: any, purposes: any, mask: keep}
""",
    "contracts/population.odcs.yaml": a_contract(
        "population", "police", "unconditional", _POPULATION, "常住人口登记"
    ),
    "contracts/income.odcs.yaml": a_contract(
        "income", "tax", "conditional", _INCOME, "个人收入登记"
    ),
    "contracts/health.odcs.yaml": a_contract(
        "health", "police", "withheld", _HEALTH, "个人健康登记"
    ),
}
FORM = """
id: {id}
title: {{zh: 救助月报, en: Monthly relief return}}
owner: {owner}
basis: {{title: 社会救助暂行办法, rank: administrative_regulation, article: 第三条}}
filled_by: {{kind: parties, level: town}}
due: {{every: month, first_due: 2026-01-31}}
subject: person.id_number
purpose: relief
role: clerk
attachments: [{{title: {{zh: 申请书, en: Request}}, minutes: 5}}]
fields:
{fields}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A city's folder with parties, masks and three registers."""
    city = tmp_path / "city"
    create_city(city)
    for name, text in _FILES.items():
        (city / name).write_text(text.lstrip(), encoding="utf-8")
    there = open_city(city)
    there.register()
    born = pa.array(["1980-02-01", "1990-03-04"]).cast(pa.date32())
    rows = {"id_number": ["p1", "p2"], "born_on": born, "household": [3, 1]}
    there.lake.append("population", pa.table(rows))
    there.lake.append("income", pa.table({"id_number": ["p1"], "yearly_income": [30_000]}))
    return city


@pytest.fixture
def at(folder: Path) -> Callable[[str], City]:
    """Open the city as it is at a moment."""

    def opened(moment: str) -> City:
        then = parse_instant(moment)
        return replace(open_city(folder), clock=lambda: then)

    return opened


@pytest.fixture
def written(folder: Path) -> Callable[..., Path]:
    """Write a form into the city's folder and return the file."""

    def write(*fields: str, form: str = "relief", owner: str = "civil", text: str = FORM) -> Path:
        file = folder / f"{form}.yaml"
        said = text.format(id=form, owner=owner, fields="".join(fields)).lstrip()
        file.write_text(said, encoding="utf-8")
        return file

    return write
