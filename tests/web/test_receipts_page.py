"""Receipts on their pages: for provider, receiver and manager, with the proof of each."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select
from starlette.testclient import TestClient
from typer.testing import CliRunner

from shuzhi.app import City
from shuzhi.audit import Entry, VerifierKey, parse_proof, queue, read_keys
from shuzhi.audit.checkpoint import open_checkpoint
from shuzhi.audit.merkle import proves_inclusion
from shuzhi.audit.outbox import outbox_table
from shuzhi.cli.commands import app
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import NewAccount, NewKey, Right, Role, add_account, make_key
from shuzhi.share.receipts import (
    ReceiptId,
    check_receipt,
    object_to,
    read_receipt_proof,
    receipt,
    record_receipt,
    set_of,
    subject_number,
)
from shuzhi.share.receipts.many import Alike, Small, record_many
from shuzhi.share.receipts.store import receipt_table
from shuzhi.web import make_app

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


def _turn(town: City) -> tuple[ReceiptId, ...]:
    """Write two receipts together: one for West, one for Harbour, by whom nobody else is told."""
    office, what = town.receipt_office, delivered(town)
    town.clock.go(minutes=1)  # type: ignore[attr-defined]
    subject = subject_number(office, "person", "p1")
    theirs = replace(what, assignee=PartyId("harbour"), asker="a.stranger")
    small = [Small(Alike(each), subject, HASH, 20, HASH) for each in (what, theirs)]
    with office.sharing.control.transaction() as connection:
        return record_many(connection, small, town.clock())


def _keys(town: City) -> tuple[VerifierKey, ...]:
    public = town.settings.audit_key.with_name("audit.pub").read_text(encoding="utf-8")
    return read_keys(public.splitlines())


def _checked(town: City, text: str) -> int:
    """Return the receipt that a proof proves, by the public key of the log alone."""
    found = read_receipt_proof(text)
    check_receipt(found, _keys(town))
    number: int = found.told["id"]
    return number


def test_a_receiver_proves_a_receipt_of_a_turn_and_sees_nobody_else(
    town: City, enter: Enter
) -> None:
    mine, theirs = _turn(town)
    visitor = enter("zhao")
    assert visitor.get(f"/receipts/{mine}/proof").status_code == 404
    town.record()
    page = visitor.get(f"/receipts/{mine}").text
    assert "hashes alone prove it" in page
    assert "/audit/entries/" not in page
    taken = visitor.get(f"/receipts/{mine}/proof")
    assert "attachment" in taken.headers["content-disposition"]
    assert _checked(town, taken.text) == mine
    assert "a.stranger" not in taken.text
    assert "harbour" not in taken.text
    for path in (f"/receipts/{theirs}", f"/receipts/{theirs}/proof"):
        assert visitor.get(path).status_code == 404
    # Who manages sharing sees both, and the entry itself.
    assert "/audit/entries/" in enter("guo").get(f"/receipts/{theirs}").text
    assert _checked(town, enter("guo").get(f"/receipts/{theirs}/proof").text) == theirs


def test_a_program_and_the_command_line_give_the_same_proof(town: City, tmp_path: Path) -> None:
    mine, theirs = _turn(town)
    town.record()
    rights = frozenset({Right.QUERY})
    new = NewKey("zhao", PartyId("west"), "a program", rights, timedelta(days=30))
    bearer = {"Authorization": f"Bearer {make_key(town.accounts_office, new, by='zhao')[1].value}"}
    with TestClient(make_app(town), "http://127.0.0.1", headers=bearer) as client:
        path = "/api/v1/receipts"
        answer = client.get(f"{path}/{mine}/proof")
        assert client.get(f"{path}/{theirs}/proof").status_code == 404
        shown = client.get(f"{path}/{mine}").json()
    assert _checked(town, answer.text) == mine
    assert shown["raw"] == answer.json()["entry"]
    assert "a.stranger" not in shown["raw"]
    folder = ["--city", str(town.settings.folder)]
    told = CliRunner().invoke(app, ["receipt", "prove", str(mine), *folder])
    # The log may have grown meanwhile: then a proof is of a larger tree.
    assert {**json.loads(told.stdout), "proof": ""} == {**answer.json(), "proof": ""}
    file = tmp_path / "receipt.json"
    file.write_text(told.stdout, encoding="utf-8")
    checked = CliRunner().invoke(app, ["receipt", "check", str(file), *folder])
    assert f"receipt {mine} is in the log" in checked.stdout
    file.write_text(told.stdout.replace("inspector", "director"), encoding="utf-8")
    refused = CliRunner().invoke(app, ["receipt", "check", str(file), *folder])
    assert getattr(refused.exception, "code", "") == "share.receipt_unproven"


def test_the_entry_of_a_turn_of_several_receivers_names_none(town: City) -> None:
    mine, _ = _turn(town)
    town.record()
    logged = town.receipt_entry(receipt(town.receipt_office, mine))
    assert logged is not None
    assert logged.content is not None
    facts = logged.content["facts"]
    subject = f"receipts:{mine}"
    assert (set(facts), logged.content["subject"]) == (
        {"receipts", "first", "last", "root"}, subject,
    )  # fmt: skip


def test_an_entry_of_before_that_names_others_is_kept_from_them(town: City, enter: Enter) -> None:
    mine, theirs = _turn(town)
    _as_before(town, mine, theirs)
    town.record()
    taken = enter("zhao").get(f"/receipts/{mine}/proof").json()
    assert (taken["entry"], taken["turn"]) == (None, None)
    # That an entry is in the log is shown, by its hash.
    proof = parse_proof(taken["proof"])
    signed, _ = open_checkpoint(proof.checkpoint, _keys(town))
    leaf = bytes.fromhex(taken["leaf_sha256"])
    assert proves_inclusion(leaf, proof.index, signed.size, proof.path, signed.root)
    assert "a.stranger" in enter("guo").get(f"/receipts/{mine}/proof").json()["entry"]


def _as_before(town: City, *numbers: ReceiptId) -> None:
    """Let the queue hold the entry of a turn as it was before there were trees."""
    with town.control.transaction() as connection:
        rows = connection.execute(
            select(receipt_table.c.id, receipt_table.c.content).where(
                receipt_table.c.id.in_(numbers)
            )
        )
        content = {row.id: row.content for row in rows}
        newest = select(func.max(outbox_table.c.no)).scalar_subquery()
        connection.execute(delete(outbox_table).where(outbox_table.c.no == newest))
        lines = "".join(_line(town, number, content[number]) for number in numbers)
        facts = {
            "receipts": 2, "first": numbers[0], "last": numbers[-1], "agreements": {"1": 2},
            "askers": ["a.stranger", "zhao"], "sha256": hashlib.sha256(lines.encode()).hexdigest(),
        }  # fmt: skip
        subject = f"receipts:{numbers[0]}"
        queue(connection, Entry("receipt.many_recorded", town.clock(), "system", subject, facts))


def _line(town: City, number: ReceiptId, content: dict[str, Any]) -> str:
    like = content | {"sha256": "0" * 64, "size_bytes": 0, "question_sha256": None}
    text = json.dumps(like, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    subject = subject_number(town.receipt_office, "person", "p1")
    common = hashlib.sha256(text.encode()).hexdigest()
    return f"{number} {common} {subject} {HASH} 20 {HASH}\n"
