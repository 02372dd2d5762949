"""A receiver proves that a receipt is in the audit log, and learns nothing of who else asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from shuzhi.audit import (
    AuditError,
    Entry,
    VerifierKey,
    flush,
    keep_log,
    logged,
    prove,
    queue,
    read_keys,
)
from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.ids import PartyId
from shuzhi.share.agreements import AgreementId
from shuzhi.share.receipts import (
    ReceiptError,
    ReceiptId,
    ReceiptProof,
    check_receipt,
    names_others,
    read_receipt_proof,
    receipt,
    receipt_proof,
    subject_number,
)
from shuzhi.share.receipts.many import Alike, Small, record_many
from shuzhi.share.receipts.store import receipt_table


@dataclass
class Register:
    """Receipts of many askers, and the audit log that they stand in."""

    books: Any
    folder: Path

    def turn(self, count: int, parties: Sequence[str] = ("housing", "water")) -> list[ReceiptId]:
        """Write so many receipts together, of askers of these parties in turn."""
        office = self.books.office
        alike = [
            Alike(
                self.books.what(
                    agreement=AgreementId(1 + i), assignee=PartyId(party), asker=f"{party}.li",
                    masks={}, rows=1, size_bytes=0, sha256="0" * 64,
                )
            )
            for i, party in enumerate(parties)
        ]  # fmt: skip
        small = [
            Small(
                alike[i % len(alike)], subject_number(office, "person", f"p{i}"),
                _sha256(f"answer {i}"), 40 + i, _sha256(f"question {i}"),
            )
            for i in range(count)
        ]  # fmt: skip
        self.books.later(seconds=1)
        with self.books.control.transaction() as connection:
            return list(record_many(connection, small, self.books.now))

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """The public key of the log."""
        text = (self.folder / "audit.pub").read_text(encoding="utf-8")
        return read_keys(text.splitlines())

    def entries(self) -> int:
        """Bring what is queued to the log; return how many entries it has."""
        log = self.folder / "log"
        with keep_log(log, self.folder / "audit", "audit.city.example") as kept:
            flush(self.books.control, kept)
        return len(logged(log, self.keys, 0, 10_000))

    def proof(self, number: int, index: int) -> ReceiptProof:
        """Return the proof of a receipt by an entry of the log."""
        log, office = self.folder / "log", self.books.office
        (entry,) = logged(log, self.keys, index, index + 1)
        _, found = prove(log, index, self.keys)
        return receipt_proof(office, receipt(office, ReceiptId(number)), entry, found)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def register(books: Any, tmp_path: Path) -> Register:
    return Register(books, tmp_path)


def sent(found: ReceiptProof) -> ReceiptProof:
    """Return a proof as its receiver reads it."""
    return read_receipt_proof(json.dumps(found.document()))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 33])
def test_each_receipt_of_a_turn_is_proved_alone(register: Register, count: int) -> None:
    numbers = register.turn(count)
    last = register.entries() - 1
    for number in numbers:
        found = sent(register.proof(number, last))
        assert check_receipt(found, register.keys).index == last
        assert found.told["id"] == number
        assert found.place is not None
        assert len(found.place.path) <= count.bit_length()
        assert not names_others(found)


def test_nothing_in_the_proof_is_of_others(register: Register) -> None:
    numbers = register.turn(5)
    text = json.dumps(register.proof(numbers[0], register.entries() - 1).document())
    assert "housing" in text
    assert "water" not in text
    office = register.books.office
    for i in range(5):
        assert str(subject_number(office, "person", f"p{i}")) not in text
        assert (_sha256(f"answer {i}") in text) is (i == 0)


def test_both_sides_of_a_turn_of_one_receiver_stand_in_its_entry(register: Register) -> None:
    numbers = register.turn(3, ("water",))
    found = register.proof(numbers[2], register.entries() - 1)
    facts = json.loads(found.entry or b"")["entry"]["facts"]
    assert (facts["assigner"], facts["assignee"]) == ("registry", "water")
    assert (facts["agreements"], facts["askers"]) == ({"1": 3}, ["water.li"])
    assert check_receipt(sent(found), register.keys).checkpoint.size == register.entries()


def test_a_receipt_of_its_own_entry_is_proved_as_well(register: Register) -> None:
    many = tuple(f"column {i}" for i in range(2_000))
    for columns in (("id", "district"), many):
        made = register.books.record(["p1"], columns=columns)
        found = sent(register.proof(made.id, register.entries() - 1))
        assert found.place is None
        check_receipt(found, register.keys)
        other = replace(found, told={**found.told, "columns": ["id"]})
        with pytest.raises(ReceiptError, match="does not speak of it"):
            check_receipt(other, register.keys)


def _altered(**told: Any) -> Callable[[ReceiptProof], ReceiptProof]:
    return lambda found: replace(found, told={**found.told, **told})


@pytest.mark.parametrize(
    "forge",
    [
        _altered(id=99),
        _altered(at="2026-03-02T01:00:02+00:00"),
        _altered(sha256="f" * 64),
        _altered(size_bytes=1),
        _altered(question_sha256=None),
        _altered(asker="somebody.else"),
        _altered(lake_version=8),
        _altered(columns=["id", "district", "name"]),
        lambda found: replace(found, told={k: v for k, v in found.told.items() if k != "role"}),
        lambda found: replace(found, place=None),
        lambda found: replace(found, place=replace(found.place, index=1)),
        lambda found: replace(found, place=replace(found.place, path=found.place.path[::-1])),
        lambda found: replace(found, place=replace(found.place, subjects_sha256="0" * 64)),
        lambda found: replace(found, entry=None),
    ],
)
def test_what_was_altered_proves_nothing(register: Register, forge: Any) -> None:
    found = register.proof(register.turn(5)[0], register.entries() - 1)
    check_receipt(found, register.keys)
    with pytest.raises(ReceiptError) as refusal:
        check_receipt(forge(found), register.keys)
    assert refusal.value.code == "share.receipt_unproven"


def test_an_entry_that_the_log_did_not_sign_proves_nothing(register: Register) -> None:
    found = register.proof(register.turn(2)[0], register.entries() - 1)
    assert found.entry is not None
    forged = replace(found, entry=found.entry.replace(b'"receipts":2', b'"receipts":3'))
    with pytest.raises(AuditError):
        check_receipt(forged, register.keys)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"receipt": {}, "entry": 1, "proof": ""}'])
def test_what_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(ReceiptError) as refusal:
        read_receipt_proof(text)
    assert refusal.value.code == "share.receipt_unproven"


def test_a_receipt_that_was_altered_in_the_store_is_noticed(register: Register) -> None:
    numbers = register.turn(4)
    last = register.entries() - 1
    _alter(register, numbers[1])
    for number in numbers:
        with pytest.raises(BrokenError) as broken:
            register.proof(number, last)
        assert broken.value.code == "share.turn_altered"


def _alter(register: Register, number: ReceiptId) -> None:
    made = receipt(register.books.office, number)
    content = _content(register, number) | {"rows": 9}
    mine = update(receipt_table).where(receipt_table.c.id == made.id)
    with register.books.control.transaction() as connection:
        connection.execute(mine.values(content=content))


def _content(register: Register, number: ReceiptId) -> dict[str, Any]:
    with register.books.control.transaction() as connection:
        row = connection.execute(receipt_table.select().where(receipt_table.c.id == number))
        content: dict[str, Any] = row.mappings().one()["content"]
        return content


def test_an_entry_of_before_there_were_trees_is_still_held_against_the_receipts(
    register: Register,
) -> None:
    numbers = register.turn(3)
    lines = []
    for i, number in enumerate(numbers):
        content = _content(register, number)
        like = content | {"sha256": "0" * 64, "size_bytes": 0, "question_sha256": None}
        text = json.dumps(like, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        own = f"{content['sha256']} {content['size_bytes']} {content['question_sha256']}"
        subject = subject_number(register.books.office, "person", f"p{i}")
        lines.append(f"{number} {_sha256(text)} {subject} {own}\n")
    facts = {
        "receipts": 3, "first": numbers[0], "last": numbers[-1], "agreements": {"1": 2, "2": 1},
        "askers": ["housing.li", "water.li"], "sha256": _sha256("".join(lines)),
    }  # fmt: skip
    subject = f"receipts:{numbers[0]}"
    entry = Entry("receipt.many_recorded", register.books.now, "system", subject, facts)
    with register.books.control.transaction() as connection:
        queue(connection, entry)
    last = register.entries() - 1
    found = register.proof(numbers[1], last)
    assert found.place is None
    assert names_others(found)
    # It proves the whole turn to who may see it, and no receipt alone.
    with pytest.raises(ReceiptError):
        check_receipt(found, register.keys)
    _alter(register, numbers[2])
    with pytest.raises(BrokenError):
        register.proof(numbers[1], last)
