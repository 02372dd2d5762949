"""The page of a case shows what may have caused it, escaped like everything else."""

from __future__ import annotations

from fastapi.testclient import TestClient

from shuzhi.act.cases import CaseId
from shuzhi.app import City
from shuzhi.app.cause_store import Sought, causes_of, save_sought
from shuzhi.decide.tracing import Candidate, Place, Reason
from shuzhi.kernel.ids import PartyId
from shuzhi.web.serving import make_app

HELD = CaseId(1)


def page(city: City) -> str:
    with TestClient(make_app(city), "http://127.0.0.1", headers={"Accept": "text/html"}) as reader:
        return reader.get(f"/cases/{HELD}").text


def test_candidates_stand_on_the_page_with_rank_and_reasons_and_are_no_verdict(city: City) -> None:
    reason = Reason("load", 0.25, "可解释四分之一", "could make up a quarter")
    works = Candidate(
        "DW1", "<b>works</b>", PartyId("east"), 0.25, (reason,), {"km": 1.5}, Place(106.5, 29.6)
    )
    sought = Sought(HELD, "rivers", city.clock(), (works,))
    save_sought(city.control, sought)
    assert causes_of(city.control, HELD) == (sought,)
    shown = page(city)
    assert "可解释四分之一" in shown
    assert "不是结论" in shown
    assert "&lt;b&gt;works&lt;/b&gt;" in shown


def test_a_tracing_without_an_answer_says_why(city: City) -> None:
    save_sought(city.control, Sought(HELD, "rivers", city.clock(), failure="no network yet"))
    assert "no network yet" in page(city)
