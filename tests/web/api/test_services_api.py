"""Services over HTTP: what is held is filled in and kept nowhere else; a request is its asker's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from shuzhi.act.services import asking
from shuzhi.app.repeats import repeat_table
from shuzhi.share.forms import prefill

from .conftest import Program, Town, code_of

As = Callable[[str], Program]
FIELDS = {"born_on": "yes", "days": "3", "why": "搬家"}


def test_a_service_is_asked_for_with_what_is_held_and_followed(as_: As) -> None:
    zhou = as_("zhou")
    (matter,) = zhou.get("/services").json()["items"]
    assert zhou.get(f"/services/{matter['id']}").json() == matter
    blank = zhou.post("/services/pass/blanks", {}).json()
    fields = {field["name"]: field for field in blank["fields"]}
    assert (fields["born_on"]["value"], fields["born_on"]["way"]) == ("1980-02-01", "confirm")
    made = zhou.post("/services/pass/requests", {"fields": FIELDS})
    assert made.status_code == 201
    path = made.headers["location"].removeprefix("/api/v1")
    file: dict[str, Any] = zhou.get(path).json()
    content = file.pop("content")
    assert file == made.json()
    assert (content["days"]["value"], content["born_on"]["value"]) == ("3", "1980-02-01")
    assert made.json()["id"] in [r["id"] for r in zhou.get("/services/requests").json()["items"]]


def test_each_field_that_cannot_be_taken_is_named(as_: As) -> None:
    given = {"fields": {"born_on": "1980-02-01", "days": "three", "colour": "red"}}
    answer = as_("zhou").post("/services/pass/requests", given)
    assert code_of(answer) == (422, "act.fields_unfit")
    assert {each["pointer"]: each["code"] for each in answer.json()["errors"]} == {
        "/fields/born_on": "not_confirmed",
        "/fields/days": "no_integer",
        "/fields/why": "missing",
        "/fields/colour": "not_asked",
    }


def test_a_form_is_read_once_within_a_visit_and_kept_in_no_answer(
    as_: As, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Any] = []

    def counted(*asked: Any, **more: Any) -> Any:
        read.append(asked)
        return prefill(*asked, **more)

    monkeypatch.setattr(asking, "prefill", counted)
    zhou, named = as_("zhou"), {"Idempotency-Key": "blank"}
    # What others of these tests saw is taken, and so forgotten.
    zhou.post("/services/pass/requests", {"fields": FIELDS})
    read.clear()
    zhou.post("/services/pass/blanks", {}, headers=named)
    again = zhou.post("/services/pass/blanks", {}, headers=named)
    assert "idempotency-replayed" not in again.headers
    made = zhou.post("/services/pass/requests", {"fields": FIELDS})
    assert len(read) == 1
    zhou.post("/services/pass/blanks", {})
    assert len(read) == 2
    with town.city.control.transaction() as connection:
        kept = b"".join(filter(None, connection.execute(select(repeat_table.c.body)).scalars()))
    assert made.content in kept
    assert b"1980-02-01" not in kept


def test_requests_are_listed_page_by_page(as_: As) -> None:
    zhou = as_("zhou")
    for _ in range(3):
        zhou.post("/services/pass/requests", {"fields": FIELDS})
    found, path = [], "/services/requests?limit=2"
    while path:
        page = zhou.get(path).json()
        found += [each["id"] for each in page["items"]]
        path = f"/services/requests?limit=2&cursor={page['next']}" if page["next"] else ""
    whole = zhou.get("/services/requests?limit=200").json()
    assert found == [each["id"] for each in whole["items"]] == sorted(found, reverse=True)
    assert whole["next"] is None
    exact = zhou.get(f"/services/requests?limit={len(found)}").json()
    assert (len(exact["items"]), exact["next"]) == (len(found), None)


def test_requests_are_their_askers_alone(as_: As) -> None:
    made = as_("zhou").post("/services/pass/requests", {"fields": FIELDS}).json()["id"]
    assert code_of(as_("li").get(f"/services/requests/{made}")) == (403, "web.not_allowed")
    for number in (made, 98_765):
        refused = as_("ren").get(f"/services/requests/{number}")
        assert code_of(refused) == (404, "act.no_such_request")
    assert as_("ren").get("/services/requests").json()["items"] == []
    assert code_of(as_("zhou").get("/services/none")) == (404, "act.no_such_matter")
    assert as_("li").get("/services").json()["items"]


def test_a_service_for_citizens_is_not_for_companies(as_: As) -> None:
    ren = as_("ren")
    assert code_of(ren.post("/services/pass/blanks", {})) == (403, "act.service_not_for_you")
    refused = ren.post("/services/pass/requests", {"fields": FIELDS})
    assert code_of(refused) == (403, "act.service_not_for_you")
