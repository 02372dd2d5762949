"""Duties, forms with their burden, objections and doubts: shown and answered by whose they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from shuzhi.app import City
from shuzhi.app.running.catching_up import correct
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import NewAccount, Role, add_account
from shuzhi.share.agreements import agreements
from shuzhi.share.correction import DoubtId, doubt_file
from shuzhi.share.receipts import (
    Delivered,
    Left,
    ReceiptId,
    object_to,
    objections,
    record_receipt,
    set_of,
    subject_number,
)

from .entering import PASSWORD, Enter, entering, hidden


@pytest.fixture(scope="module")
def town(serve: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    city = serve(tmp_path_factory.mktemp("governing") / "city")
    for name, party, role in (
        ("sun", "east", Role.STEWARD),
        ("zhao", "west", Role.DATA_USER),
        ("other", "hills", Role.STEWARD),
        ("chief", city.sharing_office.authority, Role.MANAGER),
    ):
        new = NewAccount(name, PartyId(party), name.title(), frozenset({role}))
        add_account(city.accounts_office, new, by="root", password=PASSWORD)
    return city


@pytest.fixture(scope="module")
def enter(town: City) -> Iterator[Enter]:
    with entering(town) as visitor:
        yield visitor


def test_duties_are_listed_with_their_looks_and_who_breaks_them(town: City, enter: Enter) -> None:
    reader = enter("zhao")
    assert "No duty is broken." in reader.get("/duties").text
    town.clock.go(days=400)  # type: ignore[attr-defined]
    town.review_duties()
    page = reader.get("/duties?party=east").text
    assert "<code>dataset:dust</code>" in page
    assert "<code>catalogue.stale</code>" in page
    assert "Going on: East District" in page
    town.clock.go(days=-400)  # type: ignore[attr-defined]


def test_a_form_shows_what_is_held_and_what_it_costs(enter: Enter) -> None:
    reader = enter("zhao")
    page = reader.get("/forms?by=form&start=2026-01-01&end=2026-01-11").text
    assert 'href="/forms/pass"' in page
    assert reader.get("/forms?start=soon").status_code in (400, 422)
    form = reader.get("/forms/pass").text
    assert "<code>births.born_on</code>" in form
    assert "about 10 each time" in form


def delivered(town: City, dataset: str, column: str, *, version: int) -> ReceiptId:
    """Let west be given a column about a person, and return the receipt."""
    office = town.receipt_office
    (agreed,) = agreements(town.sharing_office, dataset="dust")
    what = Delivered(
        agreed.id, PartyId("east"), PartyId("west"), "zhao", "inspector", "inspection", dataset,
        "1.0.0", version, (column,), {}, 1, 20, hashlib.sha256(b"what left").hexdigest(),
        Left.ROWS, "application/json",
    )  # fmt: skip
    whose = set_of([subject_number(office, "person", "p1")])
    return record_receipt(office, what, subjects=whose).id


def test_an_objection_is_answered_by_its_provider_alone(town: City, enter: Enter) -> None:
    office = town.receipt_office
    receipt = delivered(town, "dust", "station", version=0)
    object_to(office, receipt, "person", "p1", reason="<i>why</i>", by="li.na")
    provider, stranger = enter("sun"), enter("other")
    page = provider.get("/objections")
    assert "&lt;i&gt;why&lt;/i&gt;" in page.text
    (held,) = objections(office)
    verb, address = f"answer-{held.id}", f"/objections/{held.id}"
    assert "why" not in stranger.get("/objections").text
    form = hidden(page, verb) | {"is_stopped": "yes", "text": " "}
    theirs = form | {"token": hidden(stranger.get("/account"))["token"]}
    assert stranger.post(address, data=theirs).status_code == 403
    empty = provider.post(address, data=form)
    assert empty.status_code == 422
    assert f'aria-describedby="{verb}-text-error"' in empty.text
    form = hidden(empty, verb) | {"is_stopped": "yes", "text": "stopped"}
    assert provider.post(address, data=form, follow_redirects=False).status_code == 303
    assert objections(office)[0].state == "stopped"


def test_a_doubt_is_filed_and_answered_and_hidden_from_others(town: City, enter: Enter) -> None:
    doubter, provider, stranger = enter("zhao"), enter("sun"), enter("other")
    page = doubter.get("/doubts/new?dataset=births")
    form = hidden(page, "submit") | {
        "key_id_number": "p1",
        "column": "born_on",
        "saw": "1980-02-01",
    }
    wrong = doubter.post("/doubts/new", data=form | {"right": "no day"})
    assert wrong.status_code == 422
    assert 'aria-describedby="submit-right-error"' in wrong.text
    form |= {"right": "1980-02-11", "text": "<b>paper</b>", "key": hidden(wrong, "submit")["key"]}
    filed = [doubter.post("/doubts/new", data=form, follow_redirects=False) for _ in range(2)]
    address = filed[0].headers["location"]
    assert address == filed[1].headers["location"]
    assert stranger.get(address).status_code == 404
    assert "births" not in stranger.get("/doubts").text.partition("<main")[2]
    shown = provider.get(address)
    assert "&lt;b&gt;paper&lt;/b&gt;" in shown.text
    assert 'value="withdraw"' not in shown.text
    theirs = hidden(doubter.get(address), "withdraw") | {"verb": "accept", "right": "1"}
    assert doubter.post(address, data=theirs).status_code == 403
    accepted = provider.post(address, data=hidden(shown, "accept") | {"right": "1980-02-11"})
    assert "to be corrected" in accepted.text
    late = provider.post(address, data=hidden(shown, "keep") | {"text": "it is right"})
    assert late.status_code == 409
    assert "Somebody else was here first" in late.text
    stood = town.lake.version("births")
    assert "the wrong value stood" not in provider.get(address).text
    # The lake tells the time of the machine: what left has to have left after that.
    ahead = (town.lake.committed_at("births", stood) - town.clock()).days + 2
    town.clock.go(days=ahead)  # type: ignore[attr-defined]
    delivered(town, "births", "born_on", version=stood)
    town.clock.go(days=-ahead)  # type: ignore[attr-defined]
    born = pa.array([date(1980, 2, 11)], pa.date32())
    town.lake.upsert("births", pa.table({"id_number": ["p1"], "born_on": born}), key=["id_number"])
    correct(town)
    page = provider.get(address).text
    assert "When the wrong value stood there" in page
    assert f"versions {stood} to {stood}" in page
    # Of whom nobody can reach the authority says why it acknowledges in their place.
    assert 'value="acknowledge"' not in page
    authority = enter("chief")
    form = hidden(authority.get(address), "acknowledge")
    silent = authority.post(address, data=form)
    assert silent.status_code == 422
    assert 'aria-describedby="acknowledge-text-error"' in silent.text
    form = hidden(silent, "acknowledge") | {"text": "The office is no more"}
    done = authority.post(address, data=form)
    assert "The office is no more" in done.text
    (notice,) = doubt_file(town.correction_office, DoubtId(int(address.split("/")[-1]))).notices
    assert notice.by == "chief"
