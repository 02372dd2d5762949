"""Receipts on their pages: for provider, receiver and manager, with the proof of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import NewAccount, Role, add_account
from shuzhi.share.receipts import (
    object_to,
    receipt,
    record_receipt,
    set_of,
    subject_number,
)
from shuzhi.share.receipts.many import Alike, Small, record_many

from .entering import PASSWORD, Enter, entering
from .overseeing import HASH, delivered

# More than one page.
COUNT = 53


@pytest.fixture(scope="module")
def town(serve: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    city = serve(tmp_path_factory.mktemp("receipts") / "city")
    for name, party, role in (
        ("sun", "east", Role.STEWARD),
        ("zhao", "west", Role.DATA_USER),
        ("guo", "hotline_centre", Role.MANAGER),
        ("other", "hills", Role.STEWARD),
    ):
        new = NewAccount(name, PartyId(party), name.title(), frozenset({role}))
        add_account(city.accounts_office, new, by="root", password=PASSWORD)
    office = city.receipt_office
    whose = set_of([subject_number(office, "person", "p1")])
    first = record_receipt(office, delivered(city), subjects=whose).id
    object_to(office, first, "person", "p1", reason="<i>why</i>", by="li.na")
    city.clock.go(days=1)  # type: ignore[attr-defined]
    for _ in range(COUNT - 1):
        record_receipt(office, delivered(city))
    city.record()
    return city


@pytest.fixture(scope="module")
def enter(town: City) -> Iterator[Enter]:
    with entering(town) as visitor:
        yield visitor


def _numbers(page: str) -> list[int]:
    return [int(n) for n in re.findall(r'<a href="/receipts/(\d+)">', page)]


@pytest.mark.parametrize("name", ["sun", "zhao", "guo"])
def test_whoever_has_a_side_sees_receipts_page_by_page(enter: Enter, name: str) -> None:
    visitor = enter(name)
    first = visitor.get("/receipts?dataset=dust").text
    assert len(_numbers(first)) == 50
    assert "before=4&amp;dataset=dust" in first
    assert _numbers(visitor.get("/receipts?dataset=dust&before=4").text) == [3, 2, 1]


def test_who_has_no_side_sees_none(enter: Enter) -> None:
    stranger = enter("other")
    assert _numbers(stranger.get("/receipts").text) == []
    assert stranger.get("/receipts/1").status_code == 404
    assert stranger.get("/receipts/999").status_code == 404


def test_receipts_are_found_by_receiver_agreement_and_day(town: City, enter: Enter) -> None:
    visitor = enter("sun")
    day = f"{town.clock():%Y-%m-%d}"
    assert _numbers(visitor.get(f"/receipts?end={day}&receiver=west&agreement=1").text)
    assert _numbers(visitor.get("/receipts?receiver=hills").text) == []
    assert _numbers(visitor.get("/receipts?agreement=7").text) == []
    assert 1 not in _numbers(visitor.get(f"/receipts?start={day}&before=4").text)
    before = town.clock().replace(day=1)
    assert _numbers(visitor.get(f"/receipts?end={before:%Y-%m-%d}").text) == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("agreement=seven", "agreement"),
        ("start=soon", "start"),
        ("start=2026-03-05&end=2026-03-01", "end"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_its_field(enter: Enter, asked: str, field: str) -> None:
    bad = enter("sun").get(f"/receipts?{asked}&dataset=%3Cb%3E")
    assert bad.status_code == 422
    assert f'aria-describedby="{field}-error"' in bad.text
    assert 'value="&lt;b&gt;"' in bad.text


def test_a_receipt_shows_what_left_and_leads_to_its_proof(enter: Enter) -> None:
    visitor = enter("zhao")
    page = visitor.get("/receipts/1").text
    assert HASH in page
    assert "&lt;i&gt;inspection&lt;/i&gt;" in page
    assert "mask: hide" in page
    [entry] = re.findall(r'href="(/audit/entries/\d+)"', page)
    assert "receipt:1" in visitor.get(entry).text


def test_the_words_of_an_objection_are_for_those_who_answer_it(enter: Enter) -> None:
    for name, is_read in (("sun", True), ("guo", True), ("zhao", False)):
        page = enter(name).get("/receipts/1").text
        assert ("&lt;i&gt;why&lt;/i&gt;" in page) is is_read
        assert "Waiting for an answer" in page


def test_a_receipt_of_a_turn_leads_to_the_entry_of_its_turn(town: City, enter: Enter) -> None:
    office = town.receipt_office
    town.clock.go(minutes=1)  # type: ignore[attr-defined]
    subject = subject_number(office, "person", "p1")
    small = Small(Alike(delivered(town)), subject, HASH, 20, HASH)
    with office.sharing.control.transaction() as connection:
        numbers = record_many(connection, [small, small], town.clock())
    assert town.receipt_entry(receipt(office, numbers[1])) is None
    assert "does not have it yet" in enter("sun").get(f"/receipts/{numbers[1]}").text
    town.record()
    first, second = (town.receipt_entry(receipt(office, number)) for number in numbers)
    assert first is not None
    assert first == second
