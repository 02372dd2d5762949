"""A city whose housing office may ask whether something holds of residents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import shuzhi_packs.data_law
from shuzhi.gather.contracts import parse_contract, register
from shuzhi.gather.lake import Lake, open_lake
from shuzhi.kernel.control import Control
from shuzhi.kernel.events import Event
from shuzhi.kernel.files import sync_path
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.law import Law
from shuzhi.kernel.party import Level, Party
from shuzhi.kernel.workdays import china_working_days
from shuzhi.share.access import Form, MaskTable, Refusal, User, parse_masks
from shuzhi.share.agreements import (
    Actor,
    Agreement,
    Asked,
    Names,
    SharingOffice,
    Time,
    agree,
    submit,
)
from shuzhi.share.catalogue import from_contract, publish_all
from shuzhi.share.catalogue.model import SharingMethod
from shuzhi.share.parties import register_party, tree
from shuzhi.share.receipts import ReceiptOffice
from shuzhi.share.verification import (
    Desk,
    Opened,
    Receipted,
    Refreshed,
    VerificationError,
    VerificationOffice,
    ask,
    question_of,
    read_declaration,
    refresh,
)

MONDAY = Instant(datetime(2026, 3, 2, 1, tzinfo=UTC))
LAW = Law.load(Path(shuzhi_packs.data_law.__path__[0]) / "law")
USER = User("h.li", PartyId("housing"), frozenset({"data_user"}))
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:residents
name: residents
version: 1.0.0
status: active
description: {purpose: Residents of the city.}
customProperties:
  - {property: titleZh, value: 居民登记}
  - {property: provider, value: registry}
  - {property: sharingType, value: conditional}
  - {property: sharingCondition, value: 限履职使用}
  - {property: sharingMethod, value: service}
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
      - {name: name, logicalType: string}
      - {name: born, logicalType: date}
      - {name: phone, logicalType: string}
      - {name: district, logicalType: string}
      - {name: rooms, logicalType: integer}
      - {name: secret, logicalType: string, classification: sealed}
"""
DECLARED = """
datasets:
  residents:
    subject: id
    columns:
      name: [exact, name, masked]
      born: [exact, date]
      phone: [exact, first, last, masked]
      district: [exact]
      rooms: [exact]
      secret: [exact]
    rows: [district]
"""
MASKS = """
id: test
title: {zh: 测试, en: test}
source: made for a test
verified: false
rules:
  - {grades: [general], kinds: any, roles: any, purposes: any, mask: keep}
  - {grades: [sealed], kinds: any, roles: any, purposes: any, mask: nothing}
"""
FIELDS = ("id", "name", "born", "phone", "district", "rooms", "secret")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "name")),
        ("born", pa.date32()),
        *((name, pa.string()) for name in ("phone", "district")),
        ("rooms", pa.int64()),
        ("secret", pa.string()),
    ]
)
PEOPLE = (
    ("11010119900307721X", "张三丰", date(1990, 3, 7), "13800005678", "d1", 3, "s"),
    ("110101198512120023", "阿卜杜拉·买买提", date(1985, 12, 12), "13900001234", "d1", 2, "s"),
    ("110101197001010011", "Li Si", date(1970, 1, 1), None, "d9", 1, "s"),
)


def people(*rows: tuple[Any, ...]) -> pa.Table:
    """Return rows of residents."""
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(c, t.type) for c, t in zip(columns, SCHEMA, strict=True)], SCHEMA)


@dataclass
class Registry:
    """The city, with its clock, its folder and what was published."""

    control: Control
    folder: Path
    now: Instant = MONDAY
    events: list[Event] = field(default_factory=list)
    masks: MaskTable = field(default_factory=lambda: parse_masks(MASKS.encode(), file="masks"))

    @cached_property
    def lake(self) -> Lake:
        """The lake."""
        return open_lake(self.folder / "lake")

    @property
    def sharing(self) -> SharingOffice:
        """Where agreements are."""
        time = Time(LAW, china_working_days(), "Asia/Shanghai")
        names, city = Names("https://data.city.example"), PartyId("city")
        return SharingOffice(
            self.control,
            time,
            city,
            names,
            lambda: self.now,
            lambda event: self.events.append(event),
        )

    @cached_property
    def receipts(self) -> ReceiptOffice:
        """Where receipts are."""
        return ReceiptOffice(self.sharing, open_lake(self.folder / "subjects"), b"a key of a test")

    @property
    def office(self) -> VerificationOffice:
        """The office as the files of the city have it now."""
        indexes = Opened(self.folder / "verification", "ab" * 32, sync_path)
        declared = read_declaration(self.folder)
        return VerificationOffice(self.receipts, self.lake, indexes, declared, self.masks)

    @cached_property
    def desk(self) -> Desk:
        """The desk of one process."""
        return Desk(self.office)

    def declare(self, more: str) -> None:
        """Declare limits or terms of agreements beside the data set; a new desk knows them."""
        (self.folder / "verification.yaml").write_text(DECLARED + more, encoding="utf-8")
        self.__dict__.pop("desk", None)

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.now = Instant(self.now + timedelta(**span))

    def agreed(self, **changes: Any) -> Agreement:
        """Let the housing office have an agreement on residents."""
        asked: dict[str, Any] = {
            "dataset": "residents",
            "basis": "住房保障条例",
            "scenario": "Rent aid",
            "purposes": ("rent_aid",),
            "roles": ("data_user",),
            "fields": FIELDS,
            "rows": (),
            "method": SharingMethod.SERVICE,
            "starts_on": date(2026, 3, 2),
            "ends_on": date(2026, 12, 31),
            "agreed_by": "h.qian",
            "form": Form.YES_NO,
            "subject": "id",
            "budget": 1_000_000,
        }
        held = submit(self.sharing, Asked(**{**asked, **changes}), by=Actor("h.li", USER.party))
        return agree(self.sharing, held.application.id, by=Actor("r.zhou", PartyId("registry")))

    def refresh(self, *, rebuild: bool = False) -> Refreshed:
        """Bring the index to the newest version."""
        return refresh(self.office, "residents", rebuild=rebuild)

    def ask(
        self, subject: str, claims: Mapping[str, Any], *, agreement: int = 1, user: User = USER
    ) -> Receipted | Refusal:
        """Ask one question."""
        document = {
            "agreement": agreement,
            "purpose": "rent_aid",
            "role": "data_user",
            "subject": subject,
            "claims": claims,
        }
        return ask(self.desk, user, question_of(document))

    user = USER

    def claim(self, title: str, value: str) -> Any:
        """Return a cell of a list as a claim of a single question."""
        _, *how = title.split(":")
        return (
            {how[0]: value, **({"within_days": int(how[1])} if how[1:] else {})} if how else value
        )

    def alone(self, subject: str, claims: Mapping[str, Any]) -> list[str]:
        """Return what a question gives alone, over all and of each claim, or its refusal."""
        try:
            result = self.ask(subject, claims)
        except VerificationError as error:
            return [error.code]
        if isinstance(result, Refusal):
            return [result.reason]
        return [result.answer.told.value, *(v.told.value for v in result.answer.verdicts)]

    def told(self, subject: str, claims: Mapping[str, Any], **asked: Any) -> str:
        """Ask one question and return what is told, or why nothing."""
        result = self.ask(subject, claims, **asked)
        return result.reason if isinstance(result, Refusal) else result.answer.told.value


@pytest.fixture
def registry(control: Control, tmp_path: Path) -> Registry:
    """The registry holds three residents; the housing office may ask about them (agreement 1)."""
    made = Registry(control, tmp_path)
    for name in ("city", "registry", "housing", "water"):
        superior = None if name == "city" else PartyId("city")
        register_party(control, Party(PartyId(name), name, name, Level.CITY, None, superior))
    contract = parse_contract(CONTRACT.encode(), file="residents")
    register(control, contract, now=MONDAY)
    known = tree(control)
    entries = [from_contract(contract, table, known) for table in contract.tables]
    assert [p.findings for p in publish_all(control, entries, by="registry", now=MONDAY)]
    made.declare("")
    made.lake.append("residents", people(*PEOPLE))
    made.refresh()
    made.agreed()
    made.events.clear()
    return made


@pytest.fixture
def loose(registry: Registry) -> Registry:
    """The same without any watch or limit, and somebody who is there twice."""
    registry.declare("""
limits: {agreement: {per_second: 1000000, at_once: 1000000},
         asker: {per_second: 1000000, at_once: 1000000},
         guessing: null, absence: null, misses: null, enumeration: null}
agreements: {1: {tells_absent: true}}
""")
    twice = ("twice", "Li Si", date(1985, 12, 12), "13800005678", "d1", 3, "s")
    registry.lake.append("residents", people(twice, ("twice", "张三", None, None, "d9", 1, "s")))
    registry.refresh()
    return registry


@pytest.fixture
def declarations() -> dict[str, str]:
    """The files of a city in which residents can be asked about."""
    return {
        "contracts/residents.odcs.yaml": CONTRACT,
        "masks.yaml": MASKS,
        "verification.yaml": DECLARED,
    }


@pytest.fixture
def residents() -> pa.Table:
    """Three residents."""
    return people(*PEOPLE)
