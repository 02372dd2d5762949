"""Receipts: written once with their audit entry, and found by whoever they are about."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from shuzhi.audit.outbox import outbox_table
from shuzhi.kernel.ids import PartyId
from shuzhi.share.agreements import AgreementId
from shuzhi.share.receipts import (
    DataDelivered,
    Left,
    ReceiptError,
    is_about,
    known_set,
    receipt,
    receipts,
    record_receipt,
    set_of,
    subject_number,
    uses_of,
)
from shuzhi.share.receipts.many import Alike, Small, record_many
from shuzhi.share.receipts.subjects import MOST_AS_ROWS, number_parameters, number_sql


def entries(books: Any) -> list[dict[str, Any]]:
    """What waits for the audit log about receipts."""
    with books.control.transaction() as connection:
        rows = connection.scalars(select(outbox_table.c.content).order_by(outbox_table.c.no)).all()
    found = [json.loads(row) for row in rows]
    return [entry for entry in found if entry["kind"].startswith("receipt.")]


def test_a_receipt_is_there_with_its_entry_and_its_event(books: Any) -> None:
    made = books.record(["p1", "p2", "p1"])
    assert receipt(books.office, made.id) == made
    assert (made.subjects, made.what.sha256) == (2, books.what().sha256)
    (entry,) = entries(books)
    assert (entry["subject"], entry["by"]) == (f"receipt:{made.id}", "h.li")
    facts = entry["facts"]
    assert (facts["sha256"], facts["lake_version"], facts["subjects"]) == (made.what.sha256, 7, 2)
    assert facts["columns"] == ["id", "district"]
    assert "p1" not in json.dumps(entries(books))
    (told,) = books.events
    assert isinstance(told, DataDelivered)
    assert (told.receipt, told.agreement) == (made.id, 1)


def test_what_is_raised_within_leaves_neither_receipt_nor_entry(books: Any) -> None:
    def stop(connection: Any, at: Any) -> None:
        raise RuntimeError(f"{connection} {at}")

    with pytest.raises(RuntimeError):
        record_receipt(books.office, books.what(), subjects=set_of([1, 2]), also=stop)
    assert receipts(books.office) == ()
    assert entries(books) == []
    assert books.events == []


def test_a_subject_finds_exactly_the_receipts_about_it_in_small_sets_and_large(books: Any) -> None:
    many = [f"p{i}" for i in range(MOST_AS_ROWS + 1)]
    first = books.record(["p1", "p2"])
    second = books.record(many, agreement=AgreementId(2), dataset="incomes")
    third = books.record(["p2"])
    company = books.record(["p2"], kind="company")
    office = books.office

    def found(kind: str, subject: str, **asked: Any) -> list[int]:
        return [r.id for r in uses_of(office, kind, subject, **asked)]

    assert found("person", "p1") == [second.id, first.id]
    assert found("person", "p2") == [third.id, second.id, first.id]
    assert found("person", "p2", dataset="incomes") == [second.id]
    assert found("person", "p2", limit=1) == [third.id]
    assert found("person", "p2", before=third.id, limit=1) == [second.id]
    assert found("company", "p2") == [company.id]
    assert found("person", "nobody") == []
    assert is_about(office, second, "person", "p777")
    assert not is_about(office, first, "person", "p777")


@pytest.mark.parametrize("numbers", [[], [7], [7, 7], [2**60 - 1, 0, 3, 0, 2**60 - 1]])
def test_a_set_has_each_number_once_in_order(numbers: list[int]) -> None:
    made = set_of(numbers)
    assert made.numbers is not None
    assert made.numbers.to_pylist() == sorted(set(numbers))
    assert made.count == len(set(numbers))


def test_a_set_is_kept_once_for_what_it_was_made_of(books: Any) -> None:
    office = books.office
    numbers = [subject_number(office, "person", f"p{i}") for i in range(3)]
    assert known_set(office, "a" * 64) is None
    first = record_receipt(office, books.what(), subjects=set_of(numbers, "a" * 64))
    known = known_set(office, "a" * 64)
    assert known is not None
    second = record_receipt(office, books.what(), subjects=known)
    assert first.subject_set == second.subject_set == known.id
    assert [r.id for r in uses_of(office, "person", "p2")] == [second.id, first.id]


def test_many_that_are_written_together_are_found_as_if_each_came_alone(books: Any) -> None:
    office, alike = books.office, Alike(replace(books.what(), question_sha256="c" * 64))
    before = books.record(["p1"])
    small = [
        Small(alike, subject_number(office, "person", f"p{i}"), f"{i:064x}", i, f"{i + 1:064x}")
        for i in range(1_001)
    ]
    with books.control.transaction() as connection:
        ids = record_many(connection, small, before.at)
    after = books.record(["p1"])
    assert [*ids] == [*range(before.id + 1, after.id)]
    assert [r.id for r in uses_of(office, "person", "p1")] == [after.id, ids[1], before.id]
    made = receipt(office, ids[1_000])
    own = {"sha256": f"{1_000:064x}", "size_bytes": 1_000, "question_sha256": f"{1_001:064x}"}
    assert made.what == replace(alike.what, **own)
    assert (made.at, made.subjects) == (before.at, 1)
    assert is_about(office, made, "person", "p1000")


def test_another_city_has_other_numbers(books: Any) -> None:
    before = subject_number(books.office, "person", "p1")
    books.city_key = b"another key"
    assert subject_number(books.office, "person", "p1") != before


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
def test_the_database_gives_the_same_numbers(subjects: list[str]) -> None:
    class Office:
        subject_key = b"a key of a test"
        subject_mac = hmac.new(subject_key, digestmod="sha256")

    office: Any = Office()
    connection = duckdb.connect()
    subjects_held = pa.table({"id": pa.array(subjects, pa.string())})
    connection.register("held", subjects_held)
    sql = f"SELECT id, {number_sql('person', 'id')} FROM held"
    rows = connection.execute(sql, number_parameters(office)).fetchall()
    assert rows == [(s, subject_number(office, "person", s)) for s in subjects]


def test_lists_are_by_party_data_set_agreement_and_period_in_pages(books: Any) -> None:
    first = books.record()
    books.later(hours=1)
    second = books.record(agreement=AgreementId(2), assignee=PartyId("water"), left=Left.FILE)
    books.later(hours=1)
    third = books.record(dataset="incomes")
    office = books.office

    def listed(**asked: Any) -> list[int]:
        return [r.id for r in receipts(office, **asked)]

    assert listed() == [third.id, second.id, first.id]
    assert listed(party=PartyId("water")) == [second.id]
    assert listed(party=PartyId("registry"), limit=2) == [third.id, second.id]
    assert listed(before=second.id) == [first.id]
    assert listed(dataset="incomes") == [third.id]
    assert listed(agreement=AgreementId(2)) == [second.id]
    assert listed(since=second.at, until=third.at) == [second.id]


@pytest.mark.parametrize(
    "ask", [lambda o: receipts(o, limit=0), lambda o: uses_of(o, "person", "p1", limit=501)]
)
def test_a_page_has_bounds(books: Any, ask: Callable[[Any], object]) -> None:
    books.record(["p1"])
    with pytest.raises(ReceiptError, match=r"share.bad_page: A page has 1 to 500"):
        ask(books.office)


def test_what_is_no_receipt_is_refused(books: Any) -> None:
    with pytest.raises(ReceiptError, match=r"share.receipt_unknown: There is no receipt 9."):
        receipt(books.office, 9)
    with pytest.raises(ReceiptError, match=r"share.receipt_bad"):
        books.what(sha256="no hash")
    with pytest.raises(ReceiptError, match=r"share.receipt_bad"):
        books.what(rows=-1)


def test_a_long_list_of_columns_stands_in_the_log_as_its_hash(books: Any) -> None:
    columns = tuple(f"column_{i:0>100}" for i in range(500))
    made = books.record(columns=columns)
    (entry,) = entries(books)
    assert set(entry["facts"]["columns"]) == {"sha256"}
    assert receipt(books.office, made.id).what.columns == columns
