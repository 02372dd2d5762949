"""A small city with a desk, districts, towns and departments, and one kind of case."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from shuzhi.act.cases import (
    Actor,
    CaseId,
    CaseKind,
    CaseRole,
    Office,
    Order,
    Report,
    Upload,
    check,
    dispatch,
    feed_back,
    file_case,
    open_case,
    parse_case_kind,
    take,
    verify,
)
from shuzhi.kernel.control import Control
from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.party import Level, Party
from shuzhi.kernel.workdays import china_working_days
from shuzhi.share.parties import register_party

KIND = """
id: river_pollution
title: {zh: 河流污染, en: River pollution}
severities: [ordinary, urgent]
steps:
  verify: {from: [NEW, REOPENED], by: desk}
  file: {from: VERIFIED, by: desk}
  dispatch: {from: [FILED, RETURNED, DISPATCHED, IN_HAND], by: dispatcher}
  take: {from: [DISPATCHED, IN_HAND], by: handler}
  feed_back:
    - {from: IN_HAND, by: handler}
    - {from: NEW, by: desk}
  return: {from: [DISPATCHED, IN_HAND], by: handler}
  suspend: {from: [DISPATCHED, IN_HAND], by: dispatcher}
  resume: {from: SUSPENDED, by: dispatcher}
  check: {from: FED_BACK, by: checker}
  close: {from: CHECKED, by: desk}
  rate: {from: CLOSED, by: rater}
  reopen: {from: [CLOSED, RATED], by: [desk, rater]}
clocks:
  - id: answer
    title: {zh: 受理, en: Taken up}
    over: [NEW, VERIFIED]
    answers: desk
    limit: 30 minutes
  - id: handle
    title: {zh: 处置, en: Handled}
    over: [DISPATCHED, IN_HAND, RETURNED]
    answers: handler
    limit: {ordinary: 5 working days, urgent: 24 hours}
    escalate_every: 1 working day
    legal_basis: city management measures, article 12
closing:
  evidence: {photo: 1}
working_hours: ["09:00-12:00", "14:00-18:00"]
"""
PARTIES = (
    Party(PartyId("city"), "市政府", "City", Level.CITY),
    Party(PartyId("water"), "水利局", "Water Bureau", Level.CITY, None, PartyId("city")),
    Party(PartyId("ecology"), "生态环境局", "Ecology Bureau", Level.CITY, None, PartyId("city")),
    Party(PartyId("north"), "北区", "North District", Level.DISTRICT, None, PartyId("city")),
    Party(PartyId("bridge"), "桥头镇", "Bridge Town", Level.TOWN, None, PartyId("north")),
    Party(PartyId("ford"), "渡口镇", "Ford Town", Level.TOWN, None, PartyId("north")),
)
DESK = Actor("d.chen", PartyId("city"), frozenset({CaseRole.DESK, CaseRole.RATER}))
DISPATCHER = Actor("p.liu", PartyId("city"), frozenset({CaseRole.DISPATCHER}))
BRIDGE = Actor("h.wang", PartyId("bridge"), frozenset({CaseRole.HANDLER, CaseRole.CHECKER}))
FORD = Actor("h.zhao", PartyId("ford"), frozenset({CaseRole.HANDLER, CaseRole.CHECKER}))
CHECKER = Actor("c.sun", PartyId("ecology"), frozenset({CaseRole.CHECKER}))
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
PHOTO = Upload("after.png", PNG)
MONDAY = Instant(datetime(2026, 3, 2, 1, tzinfo=UTC))


@dataclass
class Hand:
    """A clock that stands where a test puts it."""

    now: Instant = MONDAY

    def __call__(self) -> Instant:
        return self.now

    def forward(self, **span: float) -> None:
        self.now = Instant(self.now + timedelta(**span))


@dataclass(frozen=True)
class Town:
    """An office with its clock, what it published, and the usual ways through a case."""

    office: Office
    hand: Hand
    desk: ClassVar[Actor] = DESK
    dispatcher: ClassVar[Actor] = DISPATCHER
    bridge: ClassVar[Actor] = BRIDGE
    ford: ClassVar[Actor] = FORD
    checker: ClassVar[Actor] = CHECKER
    photo: ClassVar[Upload] = PHOTO
    kind_yaml: ClassVar[str] = KIND
    events: list[Event] = field(default_factory=list)

    def report(self, **more: object) -> CaseId:
        """Open a case for Bridge Town."""
        values = {"kind": "river_pollution", "severity": "ordinary", "by": DESK}
        report = Report(**{**values, "party": PartyId("bridge"), **more})  # type: ignore[arg-type]
        return open_case(self.office, report).case_id

    def dispatched(self, *helpers: str, **more: object) -> CaseId:
        """Bring a case to Bridge Town as its lead."""
        case = self.report(**more)
        verify(self.office, case, by=DESK)
        file_case(self.office, case, by=DESK)
        orders = [Order(PartyId("bridge"), is_lead=True)]
        orders += [Order(PartyId(helper), is_lead=False) for helper in helpers]
        dispatch(self.office, case, by=DISPATCHER, orders=orders)
        return case

    def in_hand(self, **more: object) -> CaseId:
        """Let Bridge Town take a case."""
        case = self.dispatched(**more)
        take(self.office, case, by=BRIDGE)
        return case

    def checked(self, **more: object) -> CaseId:
        """Bring a case through its independent check."""
        case = self.in_hand(**more)
        feed_back(self.office, case, by=BRIDGE, files=[PHOTO])
        check(self.office, case, by=CHECKER, is_good=True)
        return case


MERGE = "  merge: {from: [NEW, VERIFIED, FILED, DISPATCHED, IN_HAND], by: desk}\n"


@pytest.fixture
def merging_town(town: Town) -> Town:
    """A town whose desk may merge cases."""
    kind = parse_case_kind(KIND.replace("clocks:", f"{MERGE}clocks:").encode(), file="merging.yaml")
    town.office.kinds[kind.id] = kind  # type: ignore[index]
    return town


@pytest.fixture
def kind() -> CaseKind:
    return parse_case_kind(KIND.encode(), file="river_pollution.yaml")


@pytest.fixture
def town(control: Control, kind: CaseKind, tmp_path: Path) -> Town:
    for party in PARTIES:
        register_party(control, party)
    hand, events = Hand(), list[Event]()
    office = Office(
        control,
        {kind.id: kind},
        china_working_days(),
        "Asia/Shanghai",
        PartyId("city"),
        tmp_path / "evidence",
        hand,
        events.append,
    )
    return Town(office, hand, events)
