"""The page of a case shows what may have caused it, escaped like everything else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete

from shuzhi.act.cases import CaseId
from shuzhi.app import City
from shuzhi.app.decide.cause_store import Sought, causes_of, save_sought, search_table
from shuzhi.decide.tracing import Candidate, Place, Reason
from shuzhi.kernel.ids import PartyId
from shuzhi.web.serving import make_app

HELD = CaseId(1)


def page(city: City) -> str:
    with TestClient(make_app(city), "http://127.0.0.1", headers={"Accept": "text/html"}) as reader:
        return reader.get(f"/cases/{HELD}").text


@pytest.fixture
def town(city: City) -> Iterator[City]:
    """The city, in which nothing was sought for the case."""
    yield city
    with city.control.transaction() as connection:
        connection.execute(delete(search_table).where(search_table.c.case_id == HELD))


def test_candidates_stand_on_the_page_with_rank_and_reasons_and_are_no_verdict(town: City) -> None:
    reason = Reason("load", 0.25, "可解释四分之一", "could make up a quarter")
    works = Candidate(
        "DW1", "<b>works</b>", PartyId("east"), 0.25, (reason,), {"km": 1.5}, Place(106.5, 29.6)
    )
    sought = Sought("rivers", town.clock(), case_id=HELD, candidates=(works,))
    number = save_sought(town.control, sought)
    assert causes_of(town.control, HELD) == (replace(sought, id=number),)
    shown = page(town)
    assert "可解释四分之一" in shown
    assert "不是结论" in shown
    assert "&lt;b&gt;works&lt;/b&gt;" in shown


def test_a_tracing_without_an_answer_says_why(town: City) -> None:
    failed = Sought("rivers", town.clock(), case_id=HELD, failure="no network yet")
    save_sought(town.control, failed)
    assert "no network yet" in page(town)
