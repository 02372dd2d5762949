"""What pages show beside their lists: counts, titles in English, causes, a log that is whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from shuzhi.act.cases import CaseId
from shuzhi.app.decide.cause_store import Sought, save_sought
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import NewAccount, NewKey, Right, Role, add_account, make_key

from ..causes import exceeded
from .conftest import Program, Town
from .sharing import form_document
from .test_deliveries import refusal

As = Callable[[str], Program]
NEW = {"kind": "city_event", "severity": "ordinary", "title": "路灯", "responsible": "west"}


def test_open_cases_are_counted_as_far_as_one_sees_them(as_: As) -> None:
    for who in ("chen", "wu"):
        told = as_(who).get("/cases/tally").json()
        asked = {"state": "open", "limit": 200}
        listed = as_(who).get("/cases", params=asked).json()["items"]
        assert told["open"] == len(listed) == sum(told["stages"].values())
        assert told["stages"] == Counter(case["stage"] for case in listed)
        by_party = {party: counted["open"] for party, counted in told["parties"].items()}
        assert by_party == Counter(case["responsible"] for case in listed)
        late = as_(who).get("/cases", params={**asked, "state": "late"}).json()["items"]
        assert told["late"] == len(late)
    assert as_("chen").get("/cases/tally").json()["open"] > told["open"]
    longer = as_("chen").get("/cases/tally", params={"soon_hours": 8_760}).json()
    assert all(clock["soon"] <= clock["running"] for clock in longer["clocks"])
    assert as_("chen").get("/cases/tally", params={"soon_hours": 0}).status_code == 422


def test_a_case_has_its_title_in_english_where_somebody_gave_one(as_: As) -> None:
    chen = as_("chen")
    made = chen.post("/cases", {**NEW, "title_en": "Street light"}).json()["case"]
    without = chen.post("/cases", NEW).json()["case"]
    assert chen.get(f"/cases/{made}").json()["title_en"] == "Street light"
    titles = {case["id"]: case["title_en"] for case in chen.get("/cases").json()["items"]}
    assert (titles[made], titles[without]) == ("Street light", "")
    long = chen.post("/cases", {**NEW, "title_en": "x" * 501})
    assert refusal(long) == (422, "web.bad_words")


@pytest.fixture(scope="module")
def search(town: Town) -> int:
    """A search that a warning began, for a case of the western district."""
    city, question = town.city, exceeded(town.city)
    found = city.trace_river("rivers", question)
    sought = Sought("rivers", city.clock(), question, CaseId(2), candidates=found.candidates)
    return save_sought(city.control, sought)


def narrow(town: Town, client: TestClient, name: str, party: str) -> Program:
    """The program of a manager that may oversee, and not seek causes itself."""
    office = town.city.accounts_office
    new = NewAccount(name, PartyId(party), name.title(), frozenset({Role.MANAGER}))
    add_account(office, new, by="tester")
    rights = frozenset({Right.READ, Right.OVERSEE})
    key = NewKey(name, PartyId(party), "oversees", rights, timedelta(days=30))
    return Program(client, make_key(office, key, by=name)[1].value)


def test_the_searches_of_a_case_are_for_whoever_sees_the_case(
    as_: As, town: Town, client: TestClient, search: int
) -> None:
    mayor = narrow(town, client, "mayor", "city_government")
    other = narrow(town, client, "harbour.boss", "harbour")
    for program, status in ((mayor, 200), (as_("li"), 200), (other, 404), (as_("wu"), 404)):
        assert program.get("/cases/2").status_code == status
        assert program.get(f"/tracings/{search}").status_code == status
        # What nobody opened a case for is for who seeks.
        assert program.get("/tracings/1").status_code == 404
    assert as_("li").get("/cases/2").json()["searches"] == [search]
    assert as_("chen").get("/cases/5").json()["searches"] == []


@pytest.fixture
def altered(town: Town) -> Iterator[Path]:
    """A file of the log in which somebody changed a bit, until the test is over."""
    files = (town.city.settings.audit_folder / "tile" / "entries").rglob("*")
    path = max((p for p in files if p.is_file()), key=lambda p: p.stat().st_size)
    mode, raw = path.stat().st_mode, path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(bytes([raw[0], raw[1], raw[2] ^ 1, *raw[3:]]))
    yield path
    path.write_bytes(raw)
    path.chmod(mode)


def test_the_log_is_read_through_and_said_to_be_whole(as_: As, town: Town) -> None:
    told = as_("wu").get("/audit/verification").json()
    size = town.city.audit_head().checkpoint.size
    assert (told["is_whole"], told["entries"], told["problems"]) == (True, size, [])


def test_a_log_in_which_somebody_changed_a_bit_is_not_whole(as_: As, altered: Path) -> None:
    told = as_("wu").get("/audit/verification").json()
    assert told["is_whole"] is False
    assert any(altered.name in problem for problem in told["problems"])


def test_what_two_forms_ask_is_told(as_: As, town: Town) -> None:
    for name in ("first_survey", "second_survey"):
        made = as_("li").post("/forms", {"form": form_document(town.city, name)})
        assert made.status_code == 201, made.text
    items = as_("wu").get("/forms/asked-twice").json()["items"]
    asked = {each["form"]: each for one in items for each in one["asks"]}
    assert {"first_survey", "second_survey"} <= asked.keys()
    assert (asked["first_survey"]["owner"], asked["first_survey"]["field"]) == ("west", "hobby")
