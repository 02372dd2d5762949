"""Receipts for both sides and for those they are about; objections; duties that were not kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import ROOT, Program, Town
from .sharing import RESIDENTS, agreed, break_duty
from .test_deliveries import refusal

As = Callable[[str], Program]
PURPOSE = "records"


@pytest.fixture(scope="module")
def agreement(town: Town) -> int:
    return agreed(town.city, PURPOSE)


@pytest.fixture
def question(agreement: int) -> dict[str, Any]:
    return {"agreement": agreement, "role": "data_user", "purpose": PURPOSE}


@pytest.fixture
def left(as_: As, question: dict[str, Any]) -> int:
    """The receipt of something that left just now."""
    return int(as_("li").post("/deliveries", question).headers["shuzhi-receipt"])


def test_a_receipt_is_for_its_sides_with_its_proof(as_: As, left: int, agreement: int) -> None:
    for who in ("li", "wu", "chen"):
        shown = as_(who).get(f"/receipts/{left}").json()
        assert (shown["asker"], shown["agreement"], shown["rows"]) == ("li", agreement, RESIDENTS)
        assert f"receipt:{left}" in shown["raw"]
        assert shown["proof"].startswith("c2sp.org/tlog-proof@v1")
        assert as_(who).get(f"/audit/entries/{shown['entry']}").json()["raw"] == shown["raw"]
    assert refusal(as_("gao").get(f"/receipts/{left}")) == (404, "share.receipt_unknown")
    assert refusal(as_("zhou").get(f"/receipts/{left}")) == (403, "web.not_allowed")
    assert as_("").get(f"/receipts/{left}").status_code == 401


def test_receipts_are_listed_page_by_page_to_their_sides(
    as_: As, left: int, question: dict[str, Any], agreement: int
) -> None:
    as_("li").post("/deliveries", question)
    path, seen = f"/receipts?agreement={agreement}&limit=1", []
    while path:
        answer = as_("wu").get(path)
        seen += [item["id"] for item in answer.json()["items"]]
        path = answer.links.get("next", {}).get("url", "").removeprefix(ROOT)
    assert left in seen
    assert seen == sorted(set(seen), reverse=True)
    assert as_("gao").get("/receipts").json() == {"items": [], "next": None}
    assert as_("wu").get("/receipts?party=hills").json()["items"] == []


def test_people_see_who_used_their_data_and_not_who_asked(as_: As, left: int) -> None:
    found = as_("zhou").get("/receipts/about-me").json()["items"]
    (use,) = [item for item in found if item["id"] == left]
    assert (use["assignee"], use["purpose"]) == ("west", PURPOSE)
    assert not {"asker", "sha256", "rows"} & use.keys()
    assert as_("li").get("/receipts/about-me").status_code == 403


def test_an_objection_is_made_answered_and_stops_the_use(
    as_: As, left: int, question: dict[str, Any]
) -> None:
    new = {"receipt": left, "reason": "I never asked for aid"}
    assert refusal(as_("li").post("/objections", new)) == (403, "web.not_allowed")
    first = as_("zhou").post("/objections", new)
    assert first.status_code == 201, first.text
    assert refusal(as_("zhou").post("/objections", new)) == (409, "share.objection_open")
    path = first.headers["location"].removeprefix(ROOT)
    assert as_("zhou").post(f"{path}/withdrawals", {}).json()["state"] == "withdrawn"
    made = as_("zhou").post("/objections", new)
    path = made.headers["location"].removeprefix(ROOT)
    assert "p1" not in made.text
    for who, status in (("zhou", 200), ("wu", 200), ("chen", 200), ("gao", 404), ("li", 404)):
        assert as_(who).get(path).status_code == status, who
    listed = as_("wu").get("/objections?party=east&state=waiting").json()["items"]
    assert made.json() in listed
    assert as_("li").get("/objections").json()["items"] == []
    reply = {"is_stopped": True, "text": "Not needed"}
    assert refusal(as_("li").post(f"{path}/answers", reply)) == (404, "share.objection_unknown")
    assert as_("wu").post(f"{path}/answers", reply).json()["state"] == "stopped"
    mine = as_("zhou").get("/objections/mine").json()["items"]
    assert [item["answer"] for item in mine if item["state"] == "stopped"] == ["Not needed"]
    rows = as_("li").post("/deliveries", question).json()
    assert {2, 3} == set(range(RESIDENTS)) - {row["no"] for row in rows}


def test_broken_duties_are_listed_with_how_each_party_stands(as_: As, town: Town) -> None:
    break_duty(town.city, "dataset:residents")
    listed = as_("li").get("/duties").json()
    known = {duty["id"]: duty for duty in listed["items"]}
    assert not listed["is_verified"]
    assert all(bool(duty["looks"]) == (duty["unseen"] is None) for duty in known.values())
    breaches = "/duties/breaches?party=east&going_on=true&limit=200"
    found = as_("wu").get(breaches).json()["items"]
    assert found
    assert not as_("li").get(breaches).json()["items"]
    assert {breach["duty"] for breach in found} <= known.keys()
    (east,) = [p for p in as_("li").get("/duties/standing").json()["items"] if p["party"] == "east"]
    assert sum(east["going_on"].values()) == len(found)
    unknown = as_("li").get("/duties/breaches?duty=none_such")
    assert refusal(unknown) == (404, "share.duty_unknown")
