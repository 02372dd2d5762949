"""Objections: made by whoever a receipt is about, answered in time or late, and what is stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from shuzhi.audit.outbox import outbox_table
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.workdays import Notice, china_working_days
from shuzhi.share.agreements import Actor, AgreementId
from shuzhi.share.receipts import (
    ObjectionMoved,
    ObjectionState,
    answer_objection,
    date_objections,
    object_to,
    objection,
    objections,
    stopped_subjects,
    tick_objections,
    withdraw_objection,
)
from shuzhi.web.api.share.objections import ObjectionAnswer

REGISTRY = Actor("r.zhou", PartyId("registry"))
CITY = Actor("c.he", PartyId("city"))
HOUSING = Actor("h.li", PartyId("housing"))


def objected(books: Any, subject: str = "p1") -> Any:
    made = books.record(["p1", "p2"])
    said = {"reason": "I never asked for aid", "by": "desk 3"}
    return object_to(books.office, made.id, "person", subject, **said)


def test_an_objection_waits_for_the_provider_by_a_dated_clock(books: Any) -> None:
    held = objected(books)
    assert (held.state, held.provider) == (ObjectionState.WAITING, "registry")
    # 15 working days from Monday the 2nd of March 2026, whose last is Monday the 23rd.
    assert held.run.due_at.isoformat() == "2026-03-23T16:00:00+00:00"
    assert not held.run.term.is_verified
    assert objection(books.office, held.id) == held
    (told,) = [event for event in books.events if isinstance(event, ObjectionMoved)]
    assert (told.objection, told.state) == (held.id, "waiting")


def test_neither_store_nor_log_says_who_objected(books: Any) -> None:
    made = books.record(["320102199001011234"])
    object_to(books.office, made.id, "person", "320102199001011234", reason="No", by="desk 3")
    with books.control.transaction() as connection:
        rows = connection.execute(text("SELECT * FROM objection")).all()
        entries = connection.scalars(select(outbox_table.c.content)).all()
    assert "320102199001011234" not in repr(rows) + repr(entries)
    kinds = [json.loads(entry)["kind"] for entry in entries]
    assert kinds[-1] == "objection.made"


def test_only_whom_a_receipt_is_about_objects_and_once(books: Any) -> None:
    made = books.record(["p1"])
    other = books.record(["p1"])
    with pytest.raises(RefusedError, match=r"share.not_touched: Receipt 1 is not about"):
        object_to(books.office, made.id, "person", "p2", reason="No", by="desk 3")
    with pytest.raises(RefusedError, match=r"share.not_touched"):
        object_to(books.office, made.id, "company", "p1", reason="No", by="desk 3")
    held = object_to(books.office, made.id, "person", "p1", reason="No", by="desk 3")
    with pytest.raises(RefusedError, match=rf"share.objection_open: Objection {held.id} is about"):
        object_to(books.office, other.id, "person", "p1", reason="No", by="desk 3")
    with pytest.raises(RefusedError, match=r"share.reason_missing"):
        third = books.record(["p3"])
        object_to(books.office, third.id, "person", "p3", reason=" ", by="desk 3")


def test_a_stop_is_of_one_subject_and_one_agreement(books: Any) -> None:
    held = objected(books, "p2")
    kept = objected(books)
    asked = {"text": "Not needed", "is_stopped": True}
    after = answer_objection(books.office, held.id, by=REGISTRY, **asked)
    answer_objection(books.office, kept.id, by=CITY, text="The law asks for it", is_stopped=False)
    assert (after.state, after.answered_by) == (ObjectionState.STOPPED, "r.zhou")
    assert stopped_subjects(books.office, AgreementId(1)) == (("person", "p2"),)
    assert stopped_subjects(books.office, AgreementId(2)) == ()
    with pytest.raises(RefusedError, match=r"share.objection_settled: Objection 1 is settled"):
        answer_objection(books.office, held.id, by=REGISTRY, **asked)
    books.city_key = b"a key that never sealed it"
    with pytest.raises(RefusedError, match=r"share.objection_unreadable"):
        stopped_subjects(books.office, AgreementId(1))


def test_the_user_of_data_does_not_answer(books: Any) -> None:
    held = objected(books)
    with pytest.raises(RefusedError, match=r"share.not_your_side: Objection 1 is answered by"):
        answer_objection(books.office, held.id, by=HOUSING, text="We need it", is_stopped=False)
    with pytest.raises(RefusedError, match=r"share.objection_unknown: There is no objection 9"):
        answer_objection(books.office, 9, by=REGISTRY, text="We need it", is_stopped=False)


def test_what_is_not_answered_in_time_is_overdue_once_and_can_still_be_answered(
    books: Any,
) -> None:
    held = objected(books)
    assert tick_objections(books.office) == ()
    books.later(days=30)
    (broken,) = tick_objections(books.office)
    assert (broken.id, broken.is_overdue) == (held.id, True)
    assert tick_objections(books.office) == ()
    assert [o.id for o in objections(books.office, is_overdue=True)] == [held.id]
    answer_objection(books.office, held.id, by=REGISTRY, text="Sorry", is_stopped=True)
    assert objections(books.office, is_overdue=True) == ()
    told = [e.is_overdue for e in books.events if isinstance(e, ObjectionMoved)]
    assert told == [False, True, True]


def test_a_clock_into_a_year_without_calendar_has_no_deadline_and_is_not_late(books: Any) -> None:
    books.later(days=300)
    held = objected(books)
    assert held.run.due_at is None
    told = ObjectionAnswer.told(held)
    assert (told.due_at, told.why_undated) == (None, "kernel.calendar_ends")
    books.later(days=300)
    assert tick_objections(books.office) == ()


def test_a_notice_dates_an_objection_once_and_an_amended_one_moves_it(books: Any) -> None:
    books.later(days=300)
    held = objected(books)
    off = frozenset(date(2027, month, 1) for month in (1, 5, 10))
    known = china_working_days().with_notice(Notice(2027, "a test", off, frozenset()))
    books.later(days=1)
    changed = replace(known, holidays=known.holidays | {date(2027, 1, 5)})
    dues = []
    for calendar in (known, changed.after(known, books.now, "an amended test")):
        sharing = books.office.sharing
        sharing = replace(sharing, time=replace(sharing.time, calendar=calendar))
        office = replace(books.office, sharing=sharing)
        assert [date_objections(office) for _ in range(2)] == [1, 0]
        dues.append(objection(office, held.id).run.due_at)
    assert dues[0] + timedelta(days=1) == dues[1]
    with books.control.transaction() as connection:
        contents = connection.scalars(select(outbox_table.c.content).order_by("no")).all()
    told = [entry["facts"] for entry in map(json.loads, contents)
            if entry["kind"] == "objection.clock_dated"]  # fmt: skip
    assert [entry["due_at"] for entry in told] == [due.isoformat() for due in dues]
    assert (told[1]["instead_of"], told[1]["source"]) == (dues[0].isoformat(), "an amended test")


def test_only_its_subject_takes_an_objection_back(books: Any) -> None:
    held = objected(books)
    with pytest.raises(RefusedError, match=r"share.not_touched: Objection 1 is not of this"):
        withdraw_objection(books.office, held.id, "person", "p2", by="desk 3")
    after = withdraw_objection(books.office, held.id, "person", "p1", by="desk 3")
    assert after.state is ObjectionState.WITHDRAWN
    assert objected(books).state is ObjectionState.WAITING


def test_lists_are_by_provider_and_state_in_pages(books: Any) -> None:
    first, second = objected(books), objected(books, "p2")
    answer_objection(books.office, first.id, by=REGISTRY, text="Kept", is_stopped=False)
    office = books.office
    assert [o.id for o in objections(office, provider=PartyId("registry"))] == [2, 1]
    assert [o.id for o in objections(office, state=ObjectionState.WAITING)] == [second.id]
    assert [o.id for o in objections(office, before=second.id, limit=1)] == [first.id]
    assert objections(office, provider=PartyId("water")) == ()
