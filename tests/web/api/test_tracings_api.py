"""Searches for causes over the interface: begun once, listed by page, handed out as a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ..causes import bad_air, exceeded
from .conftest import Program, Town

Named = Callable[[str], Program]


@pytest.fixture(scope="module")
def river(town: Town) -> dict[str, Any]:
    asked = exceeded(town.city)
    return {
        "tracing": "rivers",
        "river": {
            "factor": asked.factor, "reach_id": asked.reach_id, "at": asked.at.isoformat(),
            "value_mg_l": asked.value_mg_l, "limit_mg_l": asked.limit_mg_l, "above_km": 0.5,
        },
    }  # fmt: skip


@pytest.fixture(scope="module")
def air(town: Town) -> dict[str, Any]:
    asked = bad_air(town.city)
    hours = {"since": asked.since.isoformat(), "until": asked.until.isoformat()}
    return {"tracing": "winds", "air": {"station": asked.station, **hours, "threshold": 150}}


def test_a_search_is_begun_once_by_its_key(as_: Named, river: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "tracing-once"}
    first = as_("chen").post("/tracings", river, headers=key)
    again = as_("chen").post("/tracings", river, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    made = first.json()
    assert first.headers["location"] == f"/api/v1/tracings/{made['id']}"
    assert again.json() == made
    assert (made["by"], made["case_id"], made["air"], made["failure"]) == ("chen", None, None, "")
    assert as_("chen").get(f"/tracings/{made['id']}").json() == made


def test_a_search_tells_candidates_and_all_that_it_stood_on(
    as_: Named, river: dict[str, Any], air: dict[str, Any]
) -> None:
    made = as_("chen").post("/tracings", river).json()
    assert [c["rank"] for c in made["candidates"]] == [1, 2, 3, 4]
    first = made["candidates"][0]
    product = 1.0
    for reason in first["reasons"]:
        product *= reason["weight"]
    assert (first["id"], first["score"]) == ("DW3", pytest.approx(product))
    assert first["spot"] == {"reach_id": "mill", "above_km": 3.0}
    stood = made["river_stood_on"]
    assert stood["zone"] == "Asia/Shanghai"
    assert [reach["id"] for reach in stood["reaches"]][:2] == ["out", "main-3"]
    assert (stood["decay_per_hour"], stood["window_hours"]) == (0.01, 6.0)
    wind = as_("chen").post("/tracings", air).json()["air_stood_on"]
    assert (len(wind["sectors"]), wind["hours"], wind["simulated"]) == (16, 96, 96)


def test_lists_go_on_where_they_ended(as_: Named, river: dict[str, Any]) -> None:
    for _ in range(2):
        as_("chen").post("/tracings", river)
    page = as_("chen").get("/tracings?limit=2")
    assert 'rel="next"' in page.headers["link"]
    first = [each["id"] for each in page.json()["items"]]
    second = as_("chen").get("/tracings", params={"limit": 2, "cursor": page.json()["next"]})
    assert first == sorted(first, reverse=True)
    assert second.json()["items"][0]["id"] == first[-1] - 1
    assert second.json()["items"][0]["best"]["rank"] == 1


def test_a_layer_is_geojson(as_: Named) -> None:
    answer = as_("chen").get("/tracings/2/layer")
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.json()["type"] == "FeatureCollection"
    station, *candidates = answer.json()["features"]
    assert station["geometry"] == {"type": "Point", "coordinates": [106.5, 29.5]}
    assert [each["properties"]["rank"] for each in candidates] == [1, 2, 3]


def test_the_declared_are_listed(as_: Named) -> None:
    items = as_("").get("/tracings/declared").json()["items"]
    assert [(each["id"], each["kind"]) for each in items] == [("rivers", "river"), ("winds", "air")]


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"river": {"reach_id": "zzz"}}, 422, "decide.no_such_reach"),
        ({"river": {"value_mg_l": 1.0}}, 422, "decide.no_excess"),
        ({"tracing": "none"}, 422, "app.no_such_tracing"),
        ({"tracing": "winds"}, 422, "decide.not_this_tracing"),
        ({"river": None}, 422, "web.bad_words"),
        ({"river": {"value_mg_l": -1}}, 422, "web.bad_words"),
        ({"river": {"at": "2026-03-02T08:00"}}, 422, "web.bad_words"),
        ({"person": "somebody else"}, 400, "web.speaks_for_itself"),
    ],
)
def test_what_cannot_be_sought_is_refused_and_not_kept(
    town: Town, as_: Named, river: dict[str, Any], changed: dict[str, Any], status: int, code: str
) -> None:
    before = town.city.searches(limit=1)[0].id
    given = river | changed
    if changed.get("river"):
        given["river"] = river["river"] | changed["river"]
    answer = as_("chen").post("/tracings", given)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:shuzhi:error:{code}")
    assert town.city.searches(limit=1)[0].id == before


def test_a_question_about_both_is_none(
    as_: Named, river: dict[str, Any], air: dict[str, Any]
) -> None:
    answer = as_("chen").post("/tracings", river | {"air": air["air"]})
    assert answer.json()["type"] == "urn:shuzhi:error:web.bad_words"


def test_searches_by_hand_are_for_who_searches(as_: Named) -> None:
    assert as_("chen").get("/tracings/1").status_code == 200
    for path in ("/tracings/1", "/tracings/1/layer"):
        assert as_("wu").get(path).json()["type"] == "urn:shuzhi:error:app.no_such_search"
    assert as_("wu").get("/tracings").json()["items"] == []
