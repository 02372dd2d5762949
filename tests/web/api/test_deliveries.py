"""Data over HTTP: every byte that leaves has its receipt, page by page and in every form."""

from __future__ import annotations

import hashlib
import io
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import httpx2 as httpx
import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from starlette.testclient import TestClient

from shuzhi.app import City
from shuzhi.share.access import Form
from shuzhi.share.receipts import ReceiptId, receipt
from shuzhi.web import make_app

from .conftest import ROOT, Program, Town
from .sharing import RESIDENTS, agreed, delivering

FORMS = {
    "text/csv": lambda raw: csv.read_csv(io.BytesIO(raw)),
    "application/vnd.apache.parquet": lambda raw: parquet.read_table(io.BytesIO(raw)),
    "application/vnd.apache.arrow.stream": lambda raw: pa.ipc.open_stream(raw).read_all(),
}


@pytest.fixture(scope="module")
def agreement(town: Town) -> int:
    return agreed(town.city, "rent_aid")


@pytest.fixture
def li(as_: Callable[[str], Program]) -> Program:
    """Somebody of the party that the data are agreed for."""
    return as_("li")


def question(agreement: int, **more: Any) -> dict[str, Any]:
    return {"agreement": agreement, "role": "data_user", "purpose": "rent_aid", **more}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:shuzhi:error:")


def require_receipt(city: City, answer: httpx.Response) -> None:
    """Hold what came against its receipt, and against its own headers."""
    assert answer.status_code == 200, answer.text
    kept = receipt(city.receipt_office, ReceiptId(int(answer.headers["shuzhi-receipt"])))
    sha256 = hashlib.sha256(answer.content).hexdigest()
    assert (kept.what.sha256, kept.what.size_bytes) == (sha256, len(answer.content))
    algorithm, _, digest = answer.headers["content-digest"].partition("=")
    assert (algorithm, b64decode(digest.strip(":")).hex()) == ("sha-256", sha256)
    assert f'</api/v1/receipts/{kept.id}>; rel="describedby"' in answer.headers["link"]
    assert "content-encoding" not in answer.headers
    assert city.find_entries(f"receipt:{kept.id}", kept.at, kept.at)


def test_pages_end_to_end_are_the_rows_each_with_its_receipt(
    town: Town, li: Program, agreement: int
) -> None:
    asked, rows, pages = question(agreement, limit=7), [], 0
    path = "/deliveries"
    while path:
        answer = li.post(path, asked, headers={"Accept-Encoding": "gzip"})
        require_receipt(town.city, answer)
        rows += answer.json()
        pages += 1
        path = answer.links.get("next", {}).get("url", "").removeprefix(ROOT)
    assert [row["no"] for row in rows] == list(range(RESIDENTS))
    assert (pages, len({row["person"] for row in rows})) == (3, RESIDENTS // 2)
    assert not {row["person"] for row in rows} & {f"p{n}" for n in range(RESIDENTS)}


@pytest.mark.parametrize("media_type", FORMS)
def test_all_rows_come_at_once_in_every_form(
    town: Town, li: Program, agreement: int, media_type: str
) -> None:
    asked = question(agreement, whole=True, columns=["no", "income"])
    accept = f"image/png, application/json;q=0.1, {media_type};q=0.9"
    answer = li.post("/deliveries", asked, headers={"Accept": accept})
    require_receipt(town.city, answer)
    assert answer.headers["content-type"].partition(";")[0] == media_type
    rows = FORMS[media_type](answer.content).sort_by("no")
    assert rows.column("income").to_pylist() == list(range(RESIDENTS))


def test_rows_may_be_chosen_and_figures_asked_in_sql(
    town: Town, li: Program, agreement: int
) -> None:
    rows = [{"column": "no", "operator": "below", "values": [3]}]
    found = li.post("/deliveries", question(agreement, rows=rows, columns=["no"]))
    require_receipt(town.city, found)
    assert found.json() == [{"no": 0}, {"no": 1}, {"no": 2}]
    figures = agreed(town.city, "study", Form.AGGREGATE, budget=1)
    asked = question(figures, sql="SELECT COUNT(*) AS n FROM residents") | {"purpose": "study"}
    assert refusal(li.post("/deliveries", question(figures) | {"purpose": "study"})) == (
        422,
        "share.sql_form",
    )
    answer = li.post("/deliveries", asked)
    require_receipt(town.city, answer)
    assert answer.json() == [{"n": RESIDENTS}]
    assert refusal(li.post("/deliveries", asked)) == (429, "share.budget_spent")


def test_an_agreement_gives_so_many_answers_within_a_minute(town: Town) -> None:
    city = delivering(town.city, per_minute=1)
    with TestClient(make_app(city), "http://127.0.0.1") as client:
        li = Program(client, town.keys["li"])
        number = agreed(city, "hurry")
        asked = question(number) | {"purpose": "hurry"}
        assert li.post("/deliveries", asked).status_code == 200
        answer = li.post("/deliveries", asked)
    assert refusal(answer) == (429, "share.too_often")
    assert answer.headers["retry-after"] == "60"


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("", 401, "web.unauthorized"),
        ("wu", 403, "web.not_allowed"),
        ("zhou", 403, "web.not_allowed"),
        ("chen", 403, "share.not_the_assignee"),
    ],
)
def test_data_are_for_whom_they_are_agreed(
    as_: Callable[[str], Program], agreement: int, who: str, status: int, code: str
) -> None:
    assert refusal(as_(who).post("/deliveries", question(agreement))) == (status, code)


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"purpose": "marketing"}, 403, "share.purpose_not_covered"),
        ({"role": "inspector"}, 403, "share.role_not_held"),
        ({"party": "east"}, 403, "web.not_allowed"),
        ({"columns": ["secret"]}, 403, "share.column_not_granted"),
        ({"sql": "DROP TABLE residents"}, 422, "share.sql_not_read"),
        ({"sql": "SELECT 1", "whole": True}, 422, "web.bad_words"),
        ({"query": {"name": "none_such"}}, 404, "share.query_unknown"),
        ({"agreement": 999}, 404, "share.agreement_unknown"),
        ({"limit": 10_001}, 422, "web.bad_words"),
    ],
)
def test_a_refusal_says_why(
    li: Program, agreement: int, more: dict[str, Any], status: int, code: str
) -> None:
    assert refusal(li.post("/deliveries", question(agreement) | more)) == (status, code)


def test_a_cursor_is_for_one_question_and_a_form_one_of_ours(li: Program, agreement: int) -> None:
    first = li.post("/deliveries", question(agreement, limit=5))
    path = first.links["next"]["url"].removeprefix(ROOT)
    other = question(agreement, limit=5, columns=["no"])
    assert refusal(li.post(path, other)) == (400, "share.bad_cursor")
    accept = {"Accept": "image/png"}
    answer = li.post("/deliveries", question(agreement), headers=accept)
    assert refusal(answer) == (406, "web.not_acceptable")


def test_a_provider_lets_queries_be_asked_by_name(
    as_: Callable[[str], Program], town: Town, li: Program, agreement: int
) -> None:
    new = {
        "agreement": agreement,
        "name": "how_many",
        "sql": "SELECT COUNT(*) AS n FROM residents WHERE no >= $low",
        "parameters": [{"name": "low", "logical_type": "integer", "least": "0", "most": "100"}],
    }
    assert refusal(li.post("/deliveries/queries", new)) == (403, "share.not_your_side")
    assert refusal(as_("chen").post("/deliveries/queries", new)) == (403, "web.not_allowed")
    made = as_("wu").post("/deliveries/queries", new)
    assert made.status_code == 201, made.text
    for who in ("li", "wu", "chen"):
        listed = as_(who).get(f"/deliveries/queries?agreement={agreement}").json()
        assert listed["items"] == [made.json()], who
    hidden = as_("gao").get(f"/deliveries/queries?agreement={agreement}")
    assert refusal(hidden) == (404, "share.agreement_unknown")
    query = {"name": "how_many", "values": {"low": "5"}}
    answer = li.post("/deliveries", question(agreement, query=query))
    require_receipt(town.city, answer)
    assert answer.json() == [{"n": RESIDENTS - 5}]
    query = {"name": "how_many", "values": {"low": "101"}}
    answer = li.post("/deliveries", question(agreement, query=query))
    assert refusal(answer) == (422, "share.parameter_bad")


def test_changes_are_subscribed_to_and_ended(
    as_: Callable[[str], Program], li: Program, agreement: int
) -> None:
    new = question(agreement, url="https://elsewhere.example/hook")
    assert refusal(li.post("/subscriptions", new)) == (422, "share.push_not_allowed")
    new["url"] = "https://data.west.example/hook"
    refused = li.post("/subscriptions", new | {"purpose": "marketing"})
    assert refusal(refused) == (403, "share.purpose_not_covered")
    made = li.post("/subscriptions", new)
    assert (made.status_code, made.json()["state"]) == (201, "active"), made.text
    path = made.headers["location"].removeprefix(ROOT)
    assert li.get(path).json() == made.json()
    assert li.get(f"{path}/secret").json()["secret"].startswith("whsec_")
    assert "whsec_" not in made.text
    assert as_("wu").get(f"{path}/secret").status_code == 403
    for who, seen in (("wu", 1), ("chen", 1), ("gao", 0)):
        listed = as_(who).get("/subscriptions").json()["items"]
        assert len(listed) == seen, who
    assert refusal(as_("gao").post(f"{path}/acts", {"verb": "end"})) == (
        404,
        "share.subscription_unknown",
    )
    assert li.post(f"{path}/acts", {"verb": "end"}).json()["state"] == "ended"
    again = li.post(f"{path}/acts", {"verb": "resume"})
    assert refusal(again) == (409, "share.subscription_ended")
