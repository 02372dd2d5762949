"""A small city whose housing office may verify what residents say; nobody in it is real."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from shuzhi.app import City, create_city, open_city
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import Form
from shuzhi.share.accounts import NewAccount, Role, add_account
from shuzhi.share.agreements import Actor, Asked, agree, submit
from shuzhi.share.catalogue.model import SharingMethod

from .entering import PASSWORD

ZHANG, LI, UNKNOWN = "11010119900307721X", "110101197001010011", "110101199001011111"
NOW = Instant(datetime(2026, 3, 2, 1, 30, tzinfo=UTC))
ASKING = {"party": "housing", "agreement": "1", "role": "data_user", "purpose": "rent_aid"}
# By this one somebody asks twice at once, and not more.
SELDOM = ASKING | {"agreement": "2", "purpose": "spot_check"}
# `fang` and `feng` sit at windows, `wu` at another office's; `guo` manages sharing; `zhou` asks
# for an office that has no agreement.
PEOPLE = {
    "fang": ("housing", Role.DATA_USER),
    "feng": ("housing", Role.DATA_USER),
    "guo": ("city", Role.MANAGER),
    "wu": ("water", Role.DATA_USER),
    "zhou": ("registry", Role.DATA_USER),
}
_FILES = {
    "city.yaml": """
name: riverside
title_zh: 滨江市
title_en: Riverside
packs: []
desk: city
""",
    "parties.yaml": """
parties:
  - {id: city, title: {zh: 数据局, en: Data Bureau}, level: city}
  - {id: registry, title: {zh: 登记处, en: Registry}, level: city, superior: city}
  - {id: housing, title: {zh: 住房局, en: Housing}, level: city, superior: city}
  - {id: water, title: {zh: 水务局, en: Water}, level: city, superior: city}
""",
    "contracts/residents.odcs.yaml": """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:residents
name: residents
version: 1.0.0
status: active
description: {purpose: Made-up residents.}
customProperties:
  - {property: titleZh, value: 居民登记}
  - {property: provider, value: registry}
  - {property: sharingType, value: conditional}
  - {property: sharingCondition, value: By agreement.}
  - {property: openType, value: closed}
  - {property: updateCycle, value: day}
  - {property: grade, value: general}
schema:
  - name: residents
    properties:
      - name: id
        logicalType: string
        primaryKey: true
        required: true
        customProperties: [{property: subjectKind, value: person}]
      - {name: name, logicalType: string, customProperties: [{property: titleZh, value: 姓名}]}
      - {name: born, logicalType: date}
      - {name: phone, logicalType: string}
      - {name: secret, logicalType: string}
""",
    "masks.yaml": """
id: masks
title: {zh: 脱敏规则, en: Masks}
source: a test
verified: false
rules:
  - {grades: [general], kinds: any, roles: any, purposes: any, mask: keep}
""",
    "verification.yaml": """
datasets:
  residents:
    subject: id
    columns:
      name: [exact, name]
      born: [exact, date]
      phone: [last, masked]
      secret: [exact]
limits: {absence: null, misses: null, enumeration: null}
agreements: {2: {limits: {asker: {per_second: 1, at_once: 2}}}}
""",
}


class Still:
    """A clock that tests set by hand."""

    now = NOW

    def __call__(self) -> Instant:
        return self.now

    def go(self, **span: float) -> None:
        self.now = Instant(self.now + timedelta(**span))


def verified_city(folder: Path) -> City:
    """Return a city with two residents and agreements by which housing and water may ask."""
    create_city(folder)
    for name, text in _FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text.lstrip(), encoding="utf-8")
    opened = open_city(folder)
    city = City(opened.settings, opened.control, opened.lake, Still())
    city.register()
    for name, (party, role) in PEOPLE.items():
        new = NewAccount(name, PartyId(party), name.title(), frozenset({role}))
        add_account(city.accounts_office, new, by="root", password=PASSWORD)
    born = pa.array([date(1990, 3, 7), date(1970, 1, 1)])
    held = {
        "id": [ZHANG, LI], "name": ["张三丰", "李四"], "born": born,
        "phone": ["13800005678", None], "secret": ["s", "t"],
    }  # fmt: skip
    city.lake.append("residents", pa.table(held))
    allow(city)
    allow(city, purposes=("spot_check",))
    allow(city, "water", "wu")
    city.refresh_verification("residents")
    city.record()
    return city


def allow(city: City, party: str = "housing", by: str = "fang", **changes: Any) -> int:
    """Let an office ask; return the number of the agreement."""
    today = city.clock().date()
    asked = Asked(
        "residents", "", "住房保障条例", "Rent aid", ("rent_aid",), ("data_user",),
        ("id", "name", "born", "phone"), (), SharingMethod.SERVICE, today - timedelta(days=2),
        today + timedelta(days=90), "h.qian", Form.YES_NO, None, "id", 1_000,
    )  # fmt: skip
    office = city.sharing_office
    held = submit(office, replace(asked, **changes), by=Actor(by, PartyId(party)))
    return agree(office, held.application.id, by=Actor("zhou", PartyId("registry"))).id


def typed(subject: str, **claims: str) -> Mapping[str, str]:
    """Return what a clerk types into the form: claims and `how_…`."""
    named = {n if n.startswith(("how_", "days_")) else f"is_{n}": v for n, v in claims.items()}
    return {"subject": subject, **named}
