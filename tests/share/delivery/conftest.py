"""A city whose registry shares residents and incomes with the housing office, by agreements."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from shuzhi.app import City, create_city, open_city
from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import Form, User
from shuzhi.share.agreements import Actor, Agreement, Asked, agree, submit
from shuzhi.share.catalogue.model import SharingMethod
from shuzhi.share.delivery import Asker, DeliveryDesk, Wanted

_FILES = {
    "parties.yaml": """
parties:
  - {id: city, title: {zh: 数据局, en: Data Bureau}, level: city}
  - {id: registry, title: {zh: 登记处, en: Registry}, level: city, superior: city}
  - {id: housing, title: {zh: 住建局, en: Housing Office}, level: city, superior: city}
  - {id: water, title: {zh: 水利局, en: Water Bureau}, level: city, superior: city}
""",
    "masks.yaml": """
id: test_masks
title: {zh: 脱敏规则, en: Masks}
source: made for a test
verified: false
rules:
  - {grades: [general], kinds: any, roles: any, purposes: any, mask: keep}
  - grades: [personal]
    kinds: [name]
    roles: any
    purposes: any
    mask: {partial: {first: 1, last: 0}}
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
  - {property: provider, value: registry}
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
      - name: name
        logicalType: string
        classification: personal
        customProperties: [{property: valueKind, value: name}]
      - {name: district, logicalType: string}
      - {name: income, logicalType: number}
      - {name: secret, logicalType: string}
""",
}
COLUMNS = ("no", "person", "name", "district", "income")
ROWS_SCHEMA = pa.schema(
    {
        "no": pa.int64(),
        "person": pa.string(),
        "name": pa.string(),
        "district": pa.string(),
        "income": pa.float64(),
        "secret": pa.string(),
    }
)


@dataclass
class Town:
    """The city, and the usual ways through an agreement to what is delivered by it."""

    city: City

    @property
    def desk(self) -> DeliveryDesk:
        """The desk as it is now."""
        return self.city.delivery_desk

    def put(self, numbers: Sequence[int]) -> None:
        """Add residents: each person has two rows, every fourth lives in the north."""
        rows = [
            {
                "no": n,
                "person": f"p{n // 2}",
                "name": f"张{n}",
                "district": "north" if n % 4 == 0 else "south",
                "income": None if n % 10 == 0 else n / 4,
                "secret": f"SECRET-{n}",
            }
            for n in numbers
        ]
        self.city.lake.append("residents", pa.Table.from_pylist(rows, schema=ROWS_SCHEMA))

    def agreed(self, user: str = "housing", **changes: Any) -> Agreement:
        """Let a department apply for residents, and the registry agree."""
        asked = Asked(
            "residents", "", "住房保障条例", "Rent aid", ("rent_aid",), ("analyst",), COLUMNS, (),
            SharingMethod.SERVICE, date(2026, 1, 1), date(2099, 12, 31), "h.qian",
        )  # fmt: skip
        office = self.city.sharing_office
        held = submit(office, replace(asked, **changes), by=Actor("h.li", PartyId(user)))
        return agree(office, held.application.id, by=Actor("r.zhou", PartyId("registry")))

    def figures(self, budget: int = 100) -> Agreement:
        """Agree on figures only."""
        given = {"form": Form.AGGREGATE, "minimum_group": 5, "subject": "person"}
        return self.agreed(budget=budget, **given)

    def yes_no(self, budget: int = 100) -> Agreement:
        """Agree on yes or no only."""
        fields = ("person", "district")
        return self.agreed(form=Form.YES_NO, subject="person", budget=budget, fields=fields)

    def asker(self, party: str = "housing", **changes: Any) -> Asker:
        """Return somebody who asks."""
        user = User("h.li", PartyId(party), frozenset({"analyst"}))
        return replace(Asker(user, "analyst", "rent_aid"), **changes)

    def wanted(self, agreement: Agreement, **changes: Any) -> Wanted:
        """Return the whole of an agreement as what is asked for."""
        return replace(Wanted(agreement.id), **changes)


@pytest.fixture(scope="session")
def new_town(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Town]:
    """Return what puts such a city into a folder, for tests that need many."""
    model = tmp_path_factory.mktemp("model") / "city"
    create_city(model)
    for name, text in _FILES.items():
        (model / name).write_text(text.lstrip(), encoding="utf-8")
    assert open_city(model).register().refused == ()

    def made(folder: Path) -> Town:
        shutil.copytree(model, folder)
        return Town(open_city(folder))

    return made


@pytest.fixture
def town(tmp_path: Path, new_town: Callable[[Path], Town]) -> Town:
    """A city with twenty rows of residents."""
    made = new_town(tmp_path / "city")
    made.put(range(20))
    return made
