"""Two agreements between departments, and an office that records what leaves by them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import shuzhi_packs.data_law
from shuzhi.gather.lake import open_lake
from shuzhi.kernel.control import Control
from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.law import Law
from shuzhi.kernel.party import Level, Party
from shuzhi.kernel.workdays import china_working_days
from shuzhi.share.agreements import (
    Actor,
    AgreementId,
    Asked,
    Names,
    SharingOffice,
    Time,
    agree,
    submit,
)
from shuzhi.share.catalogue.model import (
    Cycle,
    Entry,
    Grade,
    Item,
    ItemType,
    Openness,
    Provider,
    Sharing,
    SharingMethod,
    Text,
)
from shuzhi.share.catalogue.use_cases import publish
from shuzhi.share.parties import register_party
from shuzhi.share.receipts import (
    Delivered,
    Left,
    Receipt,
    ReceiptOffice,
    record_receipt,
    set_of,
    subject_number,
)

MONDAY = Instant(datetime(2026, 3, 2, 1, tzinfo=UTC))
LAW = Law.load(Path(shuzhi_packs.data_law.__path__[0]) / "law")
PARTIES = ("city", "registry", "housing", "water")


@dataclass
class Books:
    """The receipts of a city, with its clock and what was published."""

    control: Control
    folder: Path
    now: Instant = MONDAY
    events: list[Event] = field(default_factory=list)
    city_key: bytes = b"the key of a city that is a test"

    @property
    def office(self) -> ReceiptOffice:
        """The office as it is now."""
        time = Time(LAW, china_working_days(), "Asia/Shanghai")
        names, city = Names("https://data.city.example"), PartyId("city")
        publish_it = self.events.append
        sharing = SharingOffice(self.control, time, city, names, lambda: self.now, publish_it)
        return ReceiptOffice(sharing, open_lake(self.folder), self.city_key)

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.now = Instant(self.now + timedelta(**span))

    def what(self, **changes: Any) -> Delivered:
        """Return what left by the first agreement."""
        found = Delivered(
            AgreementId(1),
            PartyId("registry"),
            PartyId("housing"),
            "h.li",
            "analyst",
            "rent_aid",
            "residents",
            "1.0.0",
            7,
            ("id", "district"),
            {"id": "hash"},
            3,
            120,
            hashlib.sha256(b"what left").hexdigest(),
            Left.ROWS,
            "application/json",
        )
        return replace(found, **changes)

    def record(self, subjects: Sequence[str] = (), kind: str = "person", **changes: Any) -> Receipt:
        """Record a delivery about `subjects`."""
        office = self.office
        numbers = [subject_number(office, kind, subject) for subject in subjects]
        return record_receipt(office, self.what(**changes), subjects=set_of(numbers))


def _entry() -> Entry:
    return Entry(
        "residents",
        Text(zh="居民", en="Residents"),
        Provider(PartyId("registry"), Text(zh="登记处")),
        Text(zh="本市居民。", en="Residents of the city."),
        sharing=Sharing.UNCONDITIONAL,
        sharing_method=SharingMethod.SERVICE,
        openness=Openness.UNCONDITIONAL,
        cycle=Cycle.DAILY,
        grade=Grade.GENERAL,
        items=(Item("id", ItemType.CHARACTER, 20), Item("district", ItemType.CHARACTER, 20)),
        themes=("population",),
        keywords=(Text(zh="居民"),),
        contract_name="residents",
        contract_version="1.0.0",
    )


@pytest.fixture
def books(control: Control, tmp_path: Path) -> Books:
    """The registry shares residents with the housing office (1) and the water bureau (2)."""
    for name in PARTIES:
        superior = None if name == "city" else PartyId("city")
        register_party(control, Party(PartyId(name), name, name, Level.CITY, None, superior))
    publish(control, _entry(), by="registry", now=MONDAY)
    made = Books(control, tmp_path / "subjects")
    sharing = made.office.sharing
    for user in ("housing", "water"):
        asked = Asked(
            "residents", "", "住房保障条例", "Rent aid", ("rent_aid",), ("analyst",),
            ("id", "district"), (), SharingMethod.SERVICE, date(2026, 3, 2), date(2026, 12, 31),
            "h.qian",
        )  # fmt: skip
        held = submit(sharing, asked, by=Actor("h.li", PartyId(user)))
        agree(sharing, held.application.id, by=Actor("r.zhou", PartyId("registry")))
    made.events.clear()
    return made
