"""A small city with something on every page: districts, data, cases, warnings, scores, monitors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from shuzhi.act import cases
from shuzhi.act.cases import Actor, CaseRole, Order, Report, Upload
from shuzhi.app import City, open_city
from shuzhi.app.running.catching_up import NoProgress
from shuzhi.gather.sensors.landing.tables import OBSERVATIONS
from shuzhi.gather.sensors.stations import Station
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.workdays import china_working_days
from shuzhi.share import agreements as sharing
from shuzhi.share.accounts import NewAccount, Role, add_account
from shuzhi.share.agreements import Asked
from shuzhi.share.catalogue.model import LegalBasis, Rank, SharingMethod

from .causes import TRACINGS, load_river_and_wind, seek

# What a visitor's text must never become.
HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"
SIMULATED = "SIM000000000000000000001"
PASSWORD = "four words nobody said"  # noqa: S105  (of these tests)
_PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
_FILES = {
    "city.yaml": """
name: riverside
title_zh: 滨江市
title_en: Riverside
packs: [hotline, city_evaluation]
desk: hotline_centre
""",
    "parties.yaml": """
parties:
  - {id: city_government, title: {zh: 市政府, en: City government}, level: city}
  - {id: east, title: {zh: 东城区, en: East District}, level: district, superior: city_government}
  - {id: west, title: {zh: 西城区, en: West District}, level: district, superior: city_government}
  - {id: harbour, title: {zh: 港口区, en: Harbour}, level: district, superior: city_government}
  - {id: hills, title: {zh: 山前区, en: Foothills}, level: district, superior: city_government}
  - {id: old_town, title: {zh: 老城街道, en: Old Town}, level: town, superior: east}
""",
    "contracts/dust.odcs.yaml": """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:dust
name: dust
version: 1.0.0
status: active
description: {purpose: Dust that building sites measure.}
customProperties:
  - {property: titleZh, value: 工地扬尘}
  - {property: provider, value: east}
  - {property: theme, value: ecology}
  - {property: sharingType, value: unconditional}
  - {property: openType, value: open}
  - {property: updateCycle, value: hour}
  - {property: grade, value: general}
schema:
  - name: dust
    physicalName: dust
    properties:
      - {name: station, logicalType: string, primaryKey: true, required: true}
      - {name: observed_at, logicalType: timestamp, primaryKey: true, required: true}
      - {name: pm10_ug_m3, logicalType: integer, logicalTypeOptions: {minimum: 0}}
slaProperties:
  - {property: retention, value: 5, unit: y}
""",
    "sources/dust_files.yaml": """
name: dust_files
dataset: dust
provider: east
kind: file
path: ../incoming/*.csv
format: csv
every: 1 hour
""",
    "models/dust_by_station.sql": """
/*
title: {zh: 各工地扬尘, en: Dust by site}
*/
SELECT station, max(pm10_ug_m3) AS most FROM dust GROUP BY station
""",
    "rules/dust_high.yaml": """
id: dust_high
title: {zh: 扬尘超标, en: Too much dust}
dataset: dust
event_time: observed_at
values: {most: 150}
sql: SELECT station, pm10_ug_m3 FROM new WHERE pm10_ug_m3 > :most
severity: orange
responsible: {party: east}
case_kind: city_event
merge_by: [station]
merge_within: 1 minute
owner: east
""",
}


class Moving:
    """A clock that tests set by hand."""

    def __init__(self, now: datetime) -> None:
        self.now = Instant(now)

    def __call__(self) -> Instant:
        return self.now

    def go(self, **span: float) -> None:
        self.now = Instant(self.now + timedelta(**span))


def actor(role: CaseRole, party: str = "hotline_centre", person: str = "chen") -> Actor:
    return Actor(person, PartyId(party), frozenset({role}))


def build_city(folder: Path, clock: Moving) -> City:
    for name, text in (_FILES | TRACINGS).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.lstrip(), encoding="utf-8")
    (folder / "incoming").mkdir()
    opened = open_city(folder)
    city = City(opened.settings, opened.control, opened.lake, clock)
    city.register()
    _work(city, clock)
    _load(city, clock)
    _measure(city, clock)
    _monitor(city, clock)
    _share(city)
    load_river_and_wind(city)
    seek(city)
    city.record()
    return city


def _share(city: City) -> None:
    """One application waits, one was granted and one refused."""
    office = city.sharing_office
    today = office.clock().date()
    whole = Asked(
        dataset="dust",
        basis="某条例 第三条",
        scenario=HOSTILE,
        purposes=("inspection",),
        roles=("inspector",),
        fields=("station", "pm10_ug_m3"),
        rows=(),
        method=SharingMethod.QUERY,
        starts_on=today,
        ends_on=today + timedelta(days=90),
        agreed_by="wang",
    )
    east = sharing.Actor("li", PartyId("east"))
    numbers = [
        sharing.submit(office, asked, by=sharing.Actor("zhao", PartyId(party))).application.id
        for party, asked in (
            ("west", whole),
            ("hills", whole),
            ("harbour", replace(whole, rows=None)),
        )
    ]
    sharing.agree(office, numbers[0], by=east)
    basis = LegalBasis("某法", Rank.LAW, "第一条")
    sharing.act(
        office, numbers[1], sharing.Act(sharing.Verb.REFUSE, east, text=HOSTILE, basis=basis)
    )


def _load(city: City, clock: Moving) -> None:
    day = f"{clock.now:%Y-%m-%d}"
    rows = ["station,observed_at,pm10_ug_m3"]
    rows += [
        f"site {i % 3},{day}T{i // 60:02}:{i % 60:02}:00+08:00,{40 + i * 7}" for i in range(30)
    ]
    rows += [f"{HOSTILE.replace(',', ';')},{day}T05:00:00+08:00,-4"]
    text = "\n".join(row.replace('"', '""') if "script" in row else row for row in rows)
    (city.settings.folder / "incoming" / "1.csv").write_text(text + "\n", encoding="utf-8")
    city.gather("dust_files", NoProgress())
    city.build(NoProgress())
    city.check("dust")


def _monitor(city: City, clock: Moving) -> None:
    city.add_station(Station(SIMULATED, "31", outfall="模拟 simulated"), "123456", by="tester")
    observed: list[dict[str, Any]] = [
        {
            "mn": SIMULATED, "st": "31", "cn": "2011", "data_time": clock.now, "factor": factor,
            "field": "Rtd", "revision": 0, "number": 12.5, "unit": "mg/m3", "mark": "N", "qn": "1",
            "received_at": clock.now, "record": 1,
        }
        for factor in ("a01001", "a21026")
    ]  # fmt: skip
    city.lake.append("observations", pa.Table.from_pylist(observed, schema=OBSERVATIONS.schema))


def _work(city: City, clock: Moving) -> None:
    office = city.office
    desk, dispatcher = actor(CaseRole.DESK), actor(CaseRole.DISPATCHER)
    reporter = actor(CaseRole.REPORTER, person="caller")
    for number, title in enumerate(("占道堆放建筑垃圾", "路灯不亮", "井盖缺失", HOSTILE)):
        report = Report("city_event", "ordinary", reporter, PartyId("west"), title, title)
        case = cases.open_case(office, report).case_id
        clock.go(minutes=4)
        if number < 3:
            cases.verify(office, case, by=desk)
            cases.file_case(office, case, by=desk)
        if number < 2:
            lead = "west" if number else "old_town"
            orders = [Order(PartyId(lead), is_lead=True)]
            cases.dispatch(office, case, by=dispatcher, orders=orders, text=HOSTILE)
            handler = actor(CaseRole.HANDLER, lead, "li")
            cases.take(office, case, by=handler)
        if number == 0:
            clock.go(hours=2)
            photo = Upload("after.png", _PNG)
            cases.feed_back(office, case, by=handler, files=[photo], text="done")
            checker = actor(CaseRole.CHECKER, person="gao")
            cases.check(office, case, by=checker, is_good=True)
            cases.close(office, case, by=desk)


def _measure(city: City, clock: Moving) -> None:
    period = f"{clock.now:%Y-%m}"
    clock.go(days=40)
    cases.tick(city.office)
    city.compute_indicators()
    scheme = "case_handling"
    city.score(scheme, period, by="tester")
    city.publish_score(scheme, period, by="tester")
    city.record()


@pytest.fixture(scope="session")
def build() -> Callable[[Path], City]:
    """Builds the city of these tests in a folder, on a Monday of a year whose calendar is known."""
    year = china_working_days().ends_at.year
    return lambda folder: build_city(folder, Moving(datetime(year, 3, 2, 1, 30, tzinfo=UTC)))


@pytest.fixture(scope="session")
def city(build: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    return build(tmp_path_factory.mktemp("pages") / "city")


# What lets the city serve people: a register, a form, a matter.
SERVED = {
    "masks.yaml": """
id: masks
title: {zh: 脱敏规则, en: Masks}
source: a test
verified: false
rules:
  - {grades: [general], kinds: any, roles: any, purposes: any, mask: keep}
""",
    "contracts/births.odcs.yaml": """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:births
name: births
version: 1.0.0
status: active
description: {purpose: A register.}
customProperties:
  - {property: titleZh, value: 出生登记}
  - {property: provider, value: east}
  - {property: sharingType, value: unconditional}
  - {property: openType, value: closed}
  - {property: updateCycle, value: month}
  - {property: grade, value: general}
schema:
  - name: births
    properties:
      - name: id_number
        logicalType: string
        primaryKey: true
        required: true
        customProperties:
          - {property: meaning, value: person.id_number}
          - {property: subjectKind, value: person}
      - name: born_on
        businessName: Date of birth
        logicalType: date
        customProperties:
          - {property: titleZh, value: 出生日期}
          - {property: meaning, value: person.birth_date}
""",
    "forms/pass.yaml": """
id: pass
title: {zh: 通行证申请, en: Pass}
owner: east
basis: {title: 某条例, rank: administrative_regulation, article: 第三条}
filled_by: {kind: citizens, expected: 10}
due: {every: day, first_due: 2026-01-01}
minutes: 10
subject: person.id_number
purpose: pass
role: clerk
fields:
  - name: born_on
    title: {zh: 出生日期, en: Born on}
    type: date
    meaning: person.birth_date
    confirm: true
  - {name: days, title: {zh: 天数, en: Days}, type: integer}
  - {name: why, title: {zh: 事由, en: Why}, type: string}
""",
    "services/pass.yaml": """
id: pass
title: {zh: 临时通行证, en: Temporary pass}
about: {zh: 进入施工区域需要通行证。, en: A pass to enter the works.}
result: {zh: 通行证, en: a pass}
owner: east
for: citizens
form: pass
basis: {title: 某条例, rank: administrative_regulation, article: 第三条}
verified: false
""",
}


def serve_city(folder: Path, clock: Moving) -> City:
    """Build the city in `folder` with a service in it and people who have accounts."""
    build_city(folder, clock)
    for name, text in SERVED.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text.lstrip(), encoding="utf-8")
    opened = open_city(folder)
    city = City(opened.settings, opened.control, opened.lake, clock)
    city.register()
    city.register_forms()
    born = pa.array(["1980-02-01", "1991-05-06"]).cast(pa.date32())
    city.lake.append("births", pa.table({"id_number": ["p1", "p2"], "born_on": born}))
    for name, role, subject in (
        ("li.na", Role.CITIZEN, "p1"),
        ("wang.wu", Role.CITIZEN, "p2"),
        ("stranger", Role.CITIZEN, None),
        ("clerk", Role.ANALYST, None),
        ("admin", Role.ADMINISTRATOR, None),
        ("chen", Role.DUTY_OFFICER, None),
    ):
        new = NewAccount(name, PartyId("east"), name.title(), frozenset({role}), subject=subject)
        add_account(city.accounts_office, new, by="root", password=PASSWORD)
    return city


@pytest.fixture(scope="session")
def serve() -> Callable[[Path], City]:
    """Builds the same city with a service and accounts in it."""
    year = china_working_days().ends_at.year
    return lambda folder: serve_city(folder, Moving(datetime(year, 3, 2, 1, 30, tzinfo=UTC)))
