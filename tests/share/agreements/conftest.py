"""A small city whose parties apply for data: what the tests of agreements stand on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

import shuzhi_packs.data_law
from shuzhi.kernel.control import Control, metadata, open_control
from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, parse_instant
from shuzhi.kernel.law import Law
from shuzhi.kernel.party import Level, Party
from shuzhi.kernel.workdays import Notice, china_working_days
from shuzhi.share.agreements import (
    Act,
    Actor,
    Agreement,
    AgreementId,
    AgreementState,
    Application,
    ApplicationId,
    Asked,
    MatterKind,
    Names,
    SharingOffice,
    Terms,
    Time,
    Verb,
    act,
    agree,
    submit,
)
from shuzhi.share.agreements.model import Matter, kind_of
from shuzhi.share.catalogue.model import (
    Cycle,
    Entry,
    Grade,
    Item,
    ItemType,
    LegalBasis,
    Openness,
    Provider,
    Rank,
    Sharing,
    SharingMethod,
    Text,
)
from shuzhi.share.catalogue.use_cases import publish
from shuzhi.share.parties import register_party

MONDAY = Instant(datetime(2026, 3, 2, 1, tzinfo=UTC))
PARTIES = (
    Party(PartyId("province"), "省政府", "Province", Level.NATION),
    Party(PartyId("city"), "数据局", "Data Bureau", Level.CITY, None, PartyId("province")),
    Party(PartyId("water"), "水利局", "Water Bureau", Level.CITY, None, PartyId("city")),
    Party(PartyId("ecology"), "生态环境局", "Ecology Bureau", Level.CITY, None, PartyId("city")),
    Party(PartyId("transport"), "交通局", "Transport", Level.CITY, None, PartyId("city")),
)
ASKED = Asked(
    dataset="air",
    basis="水污染防治法 第二十五条",
    scenario="Find who pollutes above the weir",
    purposes=("tracing",),
    roles=("analyst",),
    fields=("station", "pm10_ug_m3"),
    rows=(),
    method=SharingMethod.SERVICE,
    starts_on=date(2026, 3, 2),
    ends_on=date(2026, 12, 31),
    agreed_by="w.qian",
)
LAW = LegalBasis("测绘法", Rank.LAW, "第四十七条")


def an_entry(name: str, sharing: Sharing) -> Entry:
    """Return a data set of the Ecology Bureau with a contract behind it."""
    return Entry(
        name,
        Text(zh=f"数据集 {name}", en=f"Data set {name}"),
        Provider(PartyId("ecology"), Text(zh="生态环境局")),
        Text(zh="各监测站点每小时的数值。", en="Values of each station, every hour."),
        sharing=sharing,
        sharing_condition=Text(zh="限履职使用", en="For the duties of the department"),
        sharing_method=SharingMethod.SERVICE,
        openness=Openness.UNCONDITIONAL,
        cycle=Cycle.HOURLY,
        grade=Grade.GENERAL,
        items=(
            Item("station", ItemType.CHARACTER, 20),
            Item("pm10_ug_m3", ItemType.INTEGER, 10),
        ),
        themes=("ecology",),
        keywords=(Text(zh="监测"),),
        contract_name=name,
        contract_version="1.0.0",
    )


@dataclass
class Exchange:
    """An office with its clock, what it published, and the usual ways through an application."""

    control: Control
    now: Instant = MONDAY
    events: list[Event] = field(default_factory=list)
    calendar: Any = field(default_factory=china_working_days)
    held: set[str] = field(default_factory=set)
    water: ClassVar[Actor] = Actor("w.li", PartyId("water"))
    ecology: ClassVar[Actor] = Actor("e.zhou", PartyId("ecology"))
    transport: ClassVar[Actor] = Actor("t.ma", PartyId("transport"))
    city: ClassVar[Actor] = Actor("c.he", PartyId("city"))
    province: ClassVar[Actor] = Actor("p.xu", PartyId("province"))
    nobody: ClassVar[Actor] = Actor("n.n", PartyId("gone"))

    @property
    def office(self) -> SharingOffice:
        """The office as it is now."""
        time = Time(_LAW_TEXTS, self.calendar, "Asia/Shanghai")
        names, city = Names("https://data.city.example"), PartyId("city")
        outside = lambda: self.now, self.events.append, self.held.__contains__
        return SharingOffice(self.control, time, city, names, *outside)

    def to(self, moment: str) -> None:
        """Let it be that moment."""
        self.now = parse_instant(moment)

    def know_2027(self) -> None:
        """Load a notice for 2027, as if only the three fixed days were off."""
        off = frozenset(date(2027, month, 1) for month in (1, 5, 10))
        self.calendar = self.calendar.with_notice(Notice(2027, "a test", off, frozenset()))

    def asked(self, **changes: Any) -> Asked:
        """Return what the Water Bureau asks for."""
        return replace(ASKED, **changes)

    def submitted(self, **changes: Any) -> Application:
        """Submit an application of the Water Bureau."""
        return submit(self.office, self.asked(**changes), by=self.water).application

    def refused(self, **changes: Any) -> Application:
        """Submit one and let it be refused."""
        held = self.submitted(**changes)
        return act(self.office, held.id, Act(Verb.REFUSE, self.ecology, basis=LAW, text="Maps"))

    def agreed(self, **changes: Any) -> Agreement:
        """Submit one and agree to it."""
        return agree(self.office, self.submitted(**changes).id, by=self.ecology)

    def unwritten(self, asked: Asked) -> Agreement:
        """Return an agreement on `asked` that stands in no store."""
        since, until = MONDAY, Instant(MONDAY + timedelta(days=300))
        water, ecology, city = PartyId("water"), PartyId("ecology"), PartyId("city")
        terms = Terms(ecology, water, "air", "air", "1.0.0", asked, since, until)
        ids, state = (AgreementId(1), ApplicationId(1)), AgreementState.ACTIVE
        return Agreement(*ids, city, terms, state, MONDAY, MONDAY)

    def withhold(self, dataset: str) -> None:
        """Let the catalogue withhold a data set, by law."""
        kept = replace(an_entry(dataset, Sharing.WITHHELD), legal_basis=LAW)
        publish(self.control, kept, by="ecology", now=self.now)

    def told(self, kind: type[Any]) -> list[Any]:
        """Return what was published of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def kind(self, matter: Matter) -> MatterKind:
        """Return which of the two a matter is."""
        return kind_of(matter)


_LAW_TEXTS = Law.load(Path(shuzhi_packs.data_law.__path__[0]) / "law")


def furnish(exchange: Exchange) -> Exchange:
    """Register the parties and catalogue the data: `air` under conditions, `weather` without."""
    for party in PARTIES:
        register_party(exchange.control, party)
    for name, sharing in (("air", Sharing.CONDITIONAL), ("weather", Sharing.UNCONDITIONAL)):
        publish(exchange.control, an_entry(name, sharing), by="ecology", now=MONDAY)
    return exchange


@pytest.fixture(scope="session")
def new_exchange() -> Callable[[Path], Exchange]:
    """Return what makes such a city in a folder, for tests that need many."""

    def made(folder: Path) -> Exchange:
        control = open_control(f"sqlite:///{folder / 'control.db'}")
        metadata.create_all(control.engine)
        return furnish(Exchange(control))

    return made


@pytest.fixture
def exchange(control: Control) -> Exchange:
    """A city with five parties and two data sets."""
    return furnish(Exchange(control))
