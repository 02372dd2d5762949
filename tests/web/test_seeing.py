"""What is between others is not there: every page, every operation, every page of every list.

Two districts deal with each other in words that nobody else uses. Somebody with every role of a
third walks through all routes that the application has, and never meets these words, nor a link
to what is not theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient

from shuzhi.act import cases
from shuzhi.act.cases import Actor, CaseId, CaseRole, Order, Report, Wanted, among, tally
from shuzhi.app import City, open_city
from shuzhi.app.running.catching_up import NoProgress
from shuzhi.kernel.ids import PartyId
from shuzhi.share import agreements as sharing
from shuzhi.share.accounts import (
    RIGHTS,
    NewAccount,
    NewKey,
    Right,
    Role,
    Sight,
    add_account,
    make_key,
    names,
)
from shuzhi.share.agreements import Asked
from shuzhi.share.catalogue.model import SharingMethod
from shuzhi.web import make_app
from shuzhi.web.api import PREFIX
from shuzhi.web.pulse import Pulse

from .entering import HTML
from .walking import addresses

# What the two say among themselves; nothing else in the city has it.
WORD = "quince"
THEIRS = frozenset({PartyId("harbour"), PartyId("hills")})
WEST = frozenset({PartyId("west")})
# Somebody with every role of the staff of a third party, and who manages everything.
PEOPLE = {
    "wu": ("west", frozenset(Role) - {Role.CITIZEN, Role.COMPANY}),
    "chen": ("hotline_centre", frozenset({Role.DUTY_OFFICER, Role.MANAGER})),
}
# Keys make no keys and manage no accounts.
OF_PEOPLE = {Right.MAKE_KEY, Right.MANAGE_ACCOUNTS}
_FILES = {
    "contracts/noise.odcs.yaml": """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:noise
name: noise
version: 1.0.0
status: active
description: {purpose: Noise at night.}
customProperties:
  - {property: titleZh, value: 夜间噪声}
  - {property: provider, value: harbour}
  - {property: theme, value: ecology}
  - {property: sharingType, value: unconditional}
  - {property: openType, value: closed}
  - {property: updateCycle, value: hour}
  - {property: grade, value: general}
schema:
  - name: noise
    properties:
      - {name: place, logicalType: string, primaryKey: true, required: true}
      - {name: heard_at, logicalType: timestamp, primaryKey: true, required: true}
      - {name: level_db, logicalType: integer, logicalTypeOptions: {minimum: 0}}
""",
    "sources/noise_files.yaml": """
name: noise_files
dataset: noise
provider: harbour
kind: file
path: ../incoming/noise/*.csv
format: csv
every: 1 hour
""",
    "rules/noise_high.yaml": """
id: noise_high
title: {zh: 噪声超标, en: Too loud}
dataset: noise
event_time: heard_at
values: {most: 60}
sql: SELECT place, level_db FROM new WHERE level_db > :most
severity: orange
responsible: {party: harbour}
case_kind: city_event
merge_by: [place]
merge_within: 1 minute
owner: harbour
""",
}
# What the two have in that city, by the names of parts of paths.
_PARTS = {
    "party": "harbour", "dataset": "noise", "source": "noise_files", "rule_id": "noise_high",
    "rule": "noise_high", "name": "case_loop.closing_rate", "indicator": "case_loop.closing_rate",
    "scheme": "case_handling", "measure": "closing_rate", "sha256": "0" * 64, "pack": "hotline",
    "language": "en", "mn": "SIM000000000000000000001", "goal": "case_loop", "receipt": "1",
    "period": "2026-03", "form": "none", "matter": "none", "provider": "none",
}  # fmt: skip


def declare(folder: Path) -> None:
    for name, text in _FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text.lstrip(), encoding="utf-8")


def deal(city: City) -> dict[str, str]:
    """Let the two have a warning, a case, an application and an agreement; return the numbers."""
    day = f"{city.clock():%Y-%m-%d}"
    folder = city.settings.folder / "incoming" / "noise"
    folder.mkdir()
    rows = f"place,heard_at,level_db\n{WORD} quay,{day}T01:00:00+08:00,90\n{WORD} pier,{day},-4\n"
    (folder / "1.csv").write_text(rows, encoding="utf-8")
    city.gather("noise_files", NoProgress())
    number = _case(city)
    asked = Asked(
        dataset="noise", basis=f"{WORD} law", scenario=WORD, purposes=(WORD,), roles=(WORD,),
        fields=("place", "level_db"), rows=(), method=SharingMethod.QUERY,
        starts_on=city.clock().date(), ends_on=city.clock().date() + timedelta(days=90),
        agreed_by=WORD,
    )  # fmt: skip
    office = city.sharing_office
    made = sharing.submit(office, asked, by=sharing.Actor("zhao", PartyId("hills"))).application
    agreed = sharing.agree(office, made.id, by=sharing.Actor("sun", PartyId("harbour")))
    city.record()
    warning = city.warnings(rule_id="noise_high", limit=1)[0].id
    entry = max(_foreign(city, WEST))
    return {
        "case_id": f"{number}", "application": f"{made.id}", "agreement": f"{agreed.id}",
        "warning": f"{warning}", "index": f"{entry}",
    }  # fmt: skip


def _case(city: City) -> int:
    reporter = Actor("caller", PartyId("harbour"), frozenset({CaseRole.REPORTER}))
    report = Report("city_event", "ordinary", reporter, PartyId("harbour"), WORD, WORD)
    number = cases.open_case(city.office, report).case_id
    desk = Actor("chen", PartyId("hotline_centre"), frozenset(CaseRole))
    cases.verify(city.office, number, by=desk, text=WORD)
    cases.file_case(city.office, number, by=desk)
    cases.dispatch(city.office, number, by=desk, orders=[Order(PartyId("hills"), is_lead=True)])
    return number


def _foreign(city: City, parties: frozenset[PartyId]) -> set[int]:
    """Return the entries of the log that name none of `parties`."""
    entries = city.audit_entries(0, city.audit_head().checkpoint.size)
    return {e.index for e in entries if e.content and not names(e.content["facts"], parties)}


@pytest.fixture(scope="module")
def town(build: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("sight") / "city"
    built = build(folder)
    declare(folder)
    opened = open_city(folder)
    city = City(opened.settings, opened.control, opened.lake, built.clock)
    city.register()
    for name, (party, roles) in PEOPLE.items():
        new = NewAccount(name, PartyId(party), name.title(), roles)
        add_account(city.accounts_office, new, by="root")
    return city


@pytest.fixture(scope="module")
def parts(town: City) -> dict[str, str]:
    return _PARTS | deal(town) | {"period": f"{town.clock() - timedelta(days=40):%Y-%m}"}


class Walker:
    """Somebody's program, which bears a key with every right that its owner may give it."""

    def __init__(self, city: City, client: TestClient, name: str) -> None:
        party, roles = PEOPLE[name]
        rights = frozenset[Right]().union(*(RIGHTS[role] for role in roles)) - OF_PEOPLE
        new = NewKey(name, PartyId(party), "a walk", rights, timedelta(days=300))
        key = make_key(city.accounts_office, new, by=name)[1].value
        self._client, self._headers = client, HTML | {"Authorization": f"Bearer {key}"}

    def get(self, path: str, **asked: Any) -> httpx.Response:
        return self._client.get(path, headers=self._headers, params=asked, follow_redirects=False)


@pytest.fixture(scope="module")
def client(town: City) -> Iterator[TestClient]:
    with TestClient(make_app(town, asks_login=True), "http://127.0.0.1") as made:
        yield made


@pytest.fixture(scope="module")
def wu(town: City, client: TestClient) -> Walker:
    return Walker(town, client, "wu")


@pytest.fixture(scope="module")
def chen(town: City, client: TestClient) -> Walker:
    return Walker(town, client, "chen")


def paths(client: TestClient, parts: dict[str, str]) -> Iterator[str]:
    """Yield every address of the application that can be read, about what the two have."""
    app: Any = client.app
    for method, path in addresses(app.routes, parts):
        # A stream does not end; what it tells is looked at below.
        if method == "GET" and not path.startswith(("/live/", "/static/", "/v1.1")):
            yield path


def test_whoever_has_every_role_of_a_third_party_meets_nothing_of_theirs(
    town: City, client: TestClient, parts: dict[str, str], wu: Walker, chen: Walker
) -> None:
    hidden = {f"/cases/{parts['case_id']}", f"/applications/{parts['application']}"}
    hidden |= {f"/agreements/{parts['agreement']}"}
    hidden |= {f"/audit/entries/{index}" for index in _foreign(town, WEST)}
    met, told = 0, set()
    for path in paths(client, parts):
        answer = wu.get(path)
        assert answer.status_code < 500, path
        assert WORD not in answer.text, path
        assert not hidden & set(re.findall(r'href="(/[^"#?]+)', answer.text)), path
        met += answer.status_code == 200
        if WORD in chen.get(path).text:
            told.add(path)
    assert met > 60
    # The same walk finds the words for who manages all: it looks where they are.
    assert len(told) > 10
    assert {f"/cases/{parts['case_id']}", "/cases", "/cases/board", "/warnings"} <= told


def test_what_is_of_others_is_answered_as_what_is_not_there(
    parts: dict[str, str], wu: Walker, chen: Walker
) -> None:
    for known, unknown in (
        (f"{PREFIX}/cases/{parts['case_id']}", f"{PREFIX}/cases/987654"),
        (f"{PREFIX}/applications/{parts['application']}", f"{PREFIX}/applications/987654"),
        (f"{PREFIX}/agreements/{parts['agreement']}", f"{PREFIX}/agreements/987654"),
        (f"{PREFIX}/warnings/{parts['warning']}", f"{PREFIX}/warnings/987654"),
    ):
        theirs, nobodys = wu.get(known), wu.get(unknown)
        assert (theirs.status_code, nobodys.status_code) == (404, 404)
        number = known.rpartition("/")[2]
        assert theirs.text == nobodys.text.replace("987654", number)
        assert chen.get(known).status_code == 200
        page = known.removeprefix(PREFIX)
        if "warnings" not in page:
            assert (wu.get(page).status_code, chen.get(page).status_code) == (404, 200)


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("resource", ["cases", "warnings", "applications", "agreements", "audit"])
def test_pages_of_a_list_are_full_of_what_is_seen(
    town: City, wu: Walker, chen: Walker, resource: str
) -> None:
    path = f"{PREFIX}/{resource}" + ("/entries" if resource == "audit" else "")
    asked = {"state": "all"} if resource == "cases" else {}
    number = "index" if resource == "audit" else "id"
    mine = [each[number] for each in _listed(wu, path, asked)]
    everything = [each[number] for each in _listed(chen, path, asked)]
    assert set(mine) < set(everything)
    assert mine == [each for each in everything if each in set(mine)]
    assert mine or resource == "warnings"
    if resource == "audit":
        assert set(everything) - set(mine) == _foreign(town, WEST) - _by(town, "wu")


def _by(city: City, account: str) -> set[int]:
    entries = city.audit_entries(0, city.audit_head().checkpoint.size)
    return {
        e.index
        for e in entries
        if e.content and account in (e.content["by"], e.content["subject"].partition(":")[2])
    }


def _listed(walker: Walker, path: str, asked: dict[str, str]) -> Iterator[dict[str, Any]]:
    cursor: str | None = ""
    while cursor is not None:
        more = {"cursor": cursor} if cursor else {}
        answer = walker.get(path, limit=2, **asked, **more).json()
        yield from answer["items"]
        cursor = answer["next"]


def test_a_case_of_others_can_neither_be_acted_on_nor_taken_into_one(
    town: City, client: TestClient, parts: dict[str, str], wu: Walker
) -> None:
    number = int(parts["case_id"])
    before = cases.case(town.office, CaseId(number)).case.version
    headers = wu._headers | {"Idempotency-Key": "k", "If-Match": f'"{before}"'}
    address = f"{PREFIX}/cases/{number}"
    given = {"verb": "take", "party": "west"}
    assert client.post(f"{address}/acts", json=given, headers=headers).status_code == 404
    raw = headers | {"Content-Type": "application/octet-stream"}
    assert client.post(f"{address}/evidence?name=a", content=b"x", headers=raw).status_code == 404
    merge = {"verb": "merge", "party": "west", "text": "same", "into": number}
    own = f"{PREFIX}/cases/2"
    seen = wu.get(own).headers["etag"]
    headers = headers | {"If-Match": seen, "Idempotency-Key": "m"}
    assert client.post(f"{own}/acts", json=merge, headers=headers).status_code == 404
    assert cases.case(town.office, CaseId(number)).case.version == before


def test_the_pulse_of_who_sees_less_stays_while_others_deal(town: City) -> None:
    west, theirs = Sight(WEST), Sight(THEIRS)
    pulses = [Pulse(town, whose, whose) for whose in (west, theirs)]
    before = [pulse() for pulse in pulses]
    _case(town)
    asked = Asked(wanted=WORD)
    sharing.submit(town.sharing_office, asked, by=sharing.Actor("zhao", PartyId("hills")))
    after = [pulse() for pulse in pulses]
    assert before[0] == after[0]
    assert before[1]["cases"] != after[1]["cases"]
    assert before[1]["sharing"] != after[1]["sharing"]
    assert len({pulse.name for pulse in pulses}) == 2
    assert Pulse(town).name == "pulse"


def test_lists_counts_and_files_say_alike_whom_a_case_concerns(town: City) -> None:
    every = cases.cases(town.office, Wanted(), limit=500).cases
    files = {each.id: cases.case(town.office, each.id) for each in every}
    for party in town.organisation():
        seen_by = frozenset({party.id})
        mine = {number for number, file in files.items() if file.parties & seen_by}
        listed = cases.cases(town.office, Wanted(seen_by=seen_by), limit=500).cases
        assert {each.id for each in listed} == mine
        assert among(town.office, files, seen_by=seen_by) == mine
        counted = tally(town.office, soon=timedelta(hours=1), seen_by=seen_by)
        assert counted.open == sum(files[number].case.is_open for number in mine)
