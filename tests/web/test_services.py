"""Service pages: what is held stands there, errors stay by their field, data stay one's own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, cast

import httpx2 as httpx
import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.share.agreements import Actor, Asked, agree, submit
from shuzhi.share.catalogue.model import SharingMethod
from shuzhi.share.receipts import Delivered, Left, record_receipt, set_of, subject_number
from shuzhi.web import make_app

PASSWORD = "four words nobody said"  # noqa: S105  (of these tests)
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def town(serve: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    return serve(tmp_path_factory.mktemp("services") / "city")


@pytest.fixture
def visit(town: City) -> Iterator[Callable[[str], TestClient]]:
    opened: list[TestClient] = []

    def signed_in(name: str = "") -> TestClient:
        app = make_app(town, asks_login=True)
        client = TestClient(app, "http://127.0.0.1", headers=HTML, follow_redirects=False)
        opened.append(client)
        if name:
            page = client.get("/sign-in")
            fields = hidden(page, "/sign-in")
            said = client.post("/sign-in", data=fields | {"name": name, "password": PASSWORD})
            assert said.status_code == 303, said.text
        return client

    yield signed_in
    for each in opened:
        each.close()


def hidden(page: httpx.Response, action: str) -> dict[str, str]:
    forms = re.findall(r"<form[^>]*?method=\"post\".*?</form>", page.text, re.DOTALL)
    form = next(each for each in forms if f'action="{action}"' in each)
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def send(client: TestClient, **typed: str) -> httpx.Response:
    fields = hidden(client.get("/services/pass"), "/services/pass")
    return client.post("/services/pass", data=fields | typed)


ASKED = Asked(
    dataset="births",
    basis="某条例 第三条",
    scenario="Rent aid",
    purposes=("rent_aid",),
    roles=("analyst",),
    fields=("id_number", "born_on"),
    rows=(),
    method=SharingMethod.SERVICE,
    starts_on=date(2020, 1, 1),
    ends_on=date(2099, 12, 31),
    agreed_by="w.qian",
)
RIGHT = {"born_on": "yes", "days": "3", "why": "搬家 moving"}


def test_the_list_leads_to_a_form_with_what_is_held(visit: Callable[..., TestClient]) -> None:
    client = visit("li.na")
    assert "临时通行证" in client.get("/services").text
    page = client.get("/services/pass").text
    assert "1980-02-01" in page
    assert "未核对" in page
    assert "1991-05-06" not in page


def test_a_request_is_sent_once_and_followed(visit: Callable[..., TestClient]) -> None:
    client = visit("li.na")
    fields = hidden(client.get("/services/pass"), "/services/pass")
    first = client.post("/services/pass", data=fields | RIGHT)
    assert first.status_code == 303
    again = client.post("/services/pass", data=fields | RIGHT)
    assert again.headers["location"] == first.headers["location"]
    page = client.get(first.headers["location"])
    assert page.status_code == 200
    assert "搬家 moving" in page.text
    assert "已收件" in page.text
    assert first.headers["location"] in client.get("/my").text


def test_errors_stand_by_their_fields_and_nothing_typed_is_lost(
    visit: Callable[..., TestClient],
) -> None:
    said = send(visit("li.na"), days="three", why="搬家", born_on="")
    assert said.status_code == 422
    assert 'value="three"' in said.text
    assert 'value="搬家"' in said.text
    assert 'id="e-days">请填写整数。' in said.text
    assert 'id="e-born_on">请确认' in said.text
    assert said.text.count('aria-invalid="true"') == 2


def test_requests_of_others_and_pages_of_others_are_not_there(
    visit: Callable[..., TestClient],
) -> None:
    mine = send(visit("li.na"), **RIGHT).headers["location"]
    other = visit("wang.wu")
    assert other.get(mine).status_code == 404
    assert mine not in other.get("/my").text
    clerk = visit("clerk")
    assert clerk.get("/my").status_code == 403
    assert clerk.get("/services/pass").status_code == 403
    nobody = visit("")
    assert nobody.get("/my").headers["location"].startswith("/sign-in")


def test_a_form_from_elsewhere_is_not_taken(visit: Callable[..., TestClient]) -> None:
    client = visit("li.na")
    fields = hidden(client.get("/services/pass"), "/services/pass")
    forged: dict[str, Any] = {**fields, **RIGHT, "token": "0" * 64}
    assert client.post("/services/pass", data=forged).status_code in (403, 409, 422)
    assert visit("").post("/services/pass", data=fields | RIGHT).status_code in (303, 401, 403)


def test_who_used_my_data_is_listed_and_can_be_objected_to(
    town: City, visit: Callable[..., TestClient]
) -> None:
    client = visit("stranger")
    assert "没有关联到" in client.get("/my").text
    office = town.receipt_office
    agreed = agree(
        office.sharing,
        submit(office.sharing, ASKED, by=Actor("h.li", PartyId("west"))).application.id,
        by=Actor("e.zhou", PartyId("east")),
    )
    what = Delivered(
        agreed.id,
        PartyId("east"),
        PartyId("west"),
        "h.li",
        "analyst",
        "rent_aid",
        "births",
        "1.0.0",
        0,
        ("id_number", "born_on"),
        {},
        1,
        120,
        hashlib.sha256(b"what left").hexdigest(),
        Left.ROWS,
        "application/json",
    )
    whose = set_of([subject_number(office, "person", "p1")])
    receipt = record_receipt(office, what, subjects=whose).id
    client = visit("li.na")
    assert "rent_aid" in client.get("/my").text
    assert "rent_aid" not in visit("wang.wu").get("/my").text
    # As people call things; what nobody named in their language, by its name.
    assert "出生登记" in client.get("/my").text
    assert "id_number、出生日期" in client.get("/my").text
    english = client.get("/my", headers={"Accept-Language": "en"}).text
    assert "births · rent_aid" in english
    assert "id_number, Date of birth" in english
    action = f"/my/uses/{receipt}/object"
    empty = client.post(action, data=hidden(client.get("/my"), action) | {"reason": " "})
    assert empty.status_code == 422
    fields = hidden(client.get("/my"), action)
    said = client.post(action, data=fields | {"reason": "我没有申请过 I asked for nothing"})
    assert said.headers["location"] == "/my?done=objection#uses"
    page = client.get("/my").text
    assert "待答复" in page
    assert "我没有申请过" in page
    other = visit("wang.wu")
    forms = hidden(other.get("/services/pass"), "/services/pass")
    assert other.post(action, data=forms | {"reason": "mine"}).status_code in (404, 422)


def test_pages_are_there_in_english(visit: Callable[..., TestClient]) -> None:
    client = visit("li.na")
    for path in ("/services", "/services/pass", "/my"):
        answer = client.get(path, headers={"Accept-Language": "en"})
        assert answer.status_code == 200
        assert '<html lang="en">' in answer.text
    assert client.get("/services/none").status_code == 404


def test_what_is_held_is_read_once_within_a_visit(
    town: City, visit: Callable[..., TestClient]
) -> None:
    client, other = visit("wang.wu"), visit("wang.wu")
    assert "1991-05-06" in client.get("/services/pass").text
    # Two rows of one person: whoever reads now finds no single value to fill in.
    born = pa.array(["1992-01-01"]).cast(pa.date32())
    town.lake.append("births", pa.table({"id_number": ["p2"], "born_on": born}))
    assert "1991-05-06" in client.get("/services/pass").text
    assert "1991-05-06" in send(client, days="three", why="搬家", born_on="yes").text
    # Another visit is another reading, and so is the same one later.
    assert "1991-05-06" not in other.get("/services/pass").text
    cast(Any, town.clock).go(minutes=6)
    assert "1991-05-06" not in client.get("/services/pass").text
