"""What the city of these tests shares: residents, of whom each has two rows, by an agreement."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import Form
from shuzhi.share.agreements import Actor, AgreementId, Asked, agree, submit
from shuzhi.share.catalogue.model import SharingMethod
from shuzhi.share.duties import Seen, duty_list
from shuzhi.share.duties.store import add

RESIDENTS = 20
_FILES = {
    "masks.yaml": """
id: test_masks
title: {zh: 脱敏规则, en: Masks}
source: made for a test
verified: false
rules:
  - {grades: [general], kinds: any, roles: any, purposes: any, mask: keep}
  - {grades: [personal], kinds: [id_number], roles: any, purposes: any, mask: hash}
""",
    "contracts/residents.odcs.yaml": """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:residents
name: residents
version: 1.0.0
status: active
description: {purpose: Residents of the city.}
customProperties:
  - {property: titleZh, value: 居民}
  - {property: provider, value: east}
  - {property: sharingType, value: unconditional}
  - {property: sharingMethod, value: query}
  - {property: openType, value: open}
  - {property: updateCycle, value: daily}
  - {property: grade, value: general}
schema:
  - name: residents
    properties:
      - {name: no, logicalType: integer, primaryKey: true, required: true}
      - name: person
        logicalType: string
        classification: personal
        customProperties:
          - {property: valueKind, value: id_number}
          - {property: subjectKind, value: person}
      - {name: district, logicalType: string}
      - {name: income, logicalType: integer}
""",
}
COLUMNS = ("no", "person", "district", "income")


def declare_residents(folder: Path) -> None:
    """Let a city that is built in a folder know of residents."""
    for name, text in _FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.lstrip(), encoding="utf-8")


def put_residents(city: City) -> None:
    """Let residents be there."""
    city.lake.append("residents", pa.Table.from_pylist([_resident(n) for n in range(RESIDENTS)]))


def put_district(city: City, no: int, district: str) -> None:
    """Let one of the residents live elsewhere."""
    rows = pa.Table.from_pylist([{**_resident(no), "district": district}])
    city.lake.upsert("residents", rows, key=["no"])


def form_document(city: City, name: str) -> dict[str, Any]:
    """Return a form of west for towns, as JSON: one field is held by the city, one is not."""
    income = {"name": "income", "title": {"zh": "年收入", "en": "Yearly income"},
              "type": "integer", "minutes": 3, "column": "residents.income"}  # fmt: skip
    hobby = {"name": "hobby", "title": {"zh": "爱好", "en": "Hobby"}, "type": "string",
             "minutes": 5}  # fmt: skip
    basis = {"title": "社会救助暂行办法", "rank": "administrative_regulation", "article": "第三条"}
    first = city.clock().date().replace(day=1)
    return {
        "id": name,
        "title": {"zh": "救助月报", "en": "Monthly relief return"},
        "owner": "west",
        "basis": basis,
        "filled_by": {"kind": "parties", "level": "town"},
        "due": {"every": "month", "first_due": first.isoformat()},
        "fields": [income, hobby],
    }


def _resident(no: int) -> dict[str, Any]:
    district = "=north" if no % 4 else "south"
    return {"no": no, "person": f"p{no // 2}", "district": district, "income": no}


def delivering(city: City, **setup: Any) -> City:
    """Return a city that hands out data in another way."""
    told = city.settings.city
    changed = told.model_copy(update={"delivery": told.delivery.model_copy(update=setup)})
    return City(replace(city.settings, city=changed), city.control, city.lake, city.clock)


def break_duty(city: City, subject: str) -> None:
    """Let east not have kept the first of its duties about something."""
    now = city.clock()
    seen = Seen(PartyId("east"), subject, now, facts={"version": "1.0.0"})
    with city.control.transaction() as connection:
        add(connection, duty_list().duties[0].id, seen, now)


def agreed(
    city: City, purpose: str, form: Form = Form.ROWS, *, budget: int | None = None
) -> AgreementId:
    """Let west be given residents for a purpose, and return the number of the agreement."""
    today = city.clock().date()
    is_figures = form is Form.AGGREGATE
    asked = Asked(
        "residents", "", "住房保障条例", "Rent aid", (purpose,), ("data_user",), COLUMNS, (),
        SharingMethod.SERVICE, today, today + timedelta(days=200), "li", form,
        minimum_group=2 if is_figures else None, subject="person" if is_figures else None,
        budget=budget,
    )  # fmt: skip
    office = city.sharing_office
    held = submit(office, asked, by=Actor("li", PartyId("west")))
    made = agree(office, held.application.id, by=Actor("wu", PartyId("east")))
    return made.id
