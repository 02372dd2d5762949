"""Cross-site request forgery: every route that changes something, sent in somebody's name.

The routes are those that the application has, so that a new one is tried here without being
named; the visitor signed in, and has every role there is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from shuzhi.app import City
from shuzhi.kernel.control import metadata
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import AccountName, NewAccount, Role, add_account, grant
from shuzhi.share.accounts.store import session_table
from shuzhi.share.agreements import Actor
from shuzhi.share.correction import Doubted, submit
from shuzhi.web import make_app
from shuzhi.web.api import PREFIX

from .api.linking import LINKAGE, declare_people
from .entering import HTML, PASSWORD, hidden
from .walking import addresses

HOST = "http://127.0.0.1"
ELSEWHERE = "https://elsewhere.example"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_PARTS = {
    "name": "other", "matter": "pass", "prefix": "none", "rule": "dust_high",
    "rule_id": "dust_high", "form": "pass", "scheme": "case_handling", "period": "2026-03",
    "party": "east", "dataset": "dust", "linkage": LINKAGE, "tracing": "none", "account": "other",
}  # fmt: skip
Try = tuple[str, str]


@pytest.fixture(scope="module")
def town(serve: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("forgery") / "city"
    declare_people(folder)
    city = serve(folder)
    for name, roles in (("everybody", frozenset(Role)), ("other", frozenset({Role.ANALYST}))):
        new = NewAccount(name, PartyId("east"), name.title(), roles, subject="p1")
        add_account(city.accounts_office, new, by="root", password=PASSWORD)
    # Some pages are for who manages sharing for the city alone.
    authority = city.sharing_office.authority
    grant(city.accounts_office, AccountName("everybody"), authority, Role.MANAGER, by="root")
    doubted = Doubted("births", (("id_number", "p1"),), "born_on", "1980-02-01", None, "wrong")
    submit(city.correction_office, doubted, by=Actor("clerk", PartyId("east")))
    return city


@pytest.fixture(scope="module")
def visitor(town: City) -> Iterator[TestClient]:
    with TestClient(make_app(town, asks_login=True), HOST, follow_redirects=False) as client:
        form = {"name": "everybody", "password": PASSWORD} | hidden(client.get("/sign-in"))
        assert client.post("/sign-in", data=form, headers=HTML).status_code == 303
        yield client


@pytest.fixture(scope="module")
def tries(visitor: TestClient) -> list[Try]:
    app: Any = visitor.app
    return sorted({each for each in addresses(app.routes, _PARTS) if each[0] not in _READING})


@pytest.fixture(scope="module")
def ours(visitor: TestClient) -> dict[str, str]:
    """What a form of our own pages holds, for this browser."""
    return hidden(visitor.get("/account", headers=HTML))


@pytest.fixture(scope="module")
def theirs(town: City) -> dict[str, str]:
    """What a form holds that somebody was given in a browser of their own."""
    with TestClient(make_app(town), HOST) as client:
        return hidden(client.get("/sign-in", headers=HTML))


def fingerprint(city: City) -> str:
    """Return what tells whether anything that the city keeps has changed."""
    told = hashlib.sha256()
    with city.control.transaction() as connection:
        for table in metadata.sorted_tables:
            # A session notes when it was used last.
            held = [c for c in table.c if c is not session_table.c.seen_at]
            rows = connection.execute(select(*held)).all()
            told.update(f"{table.name} {sorted(map(repr, rows))}\n".encode())
    return told.hexdigest()


def is_api(path: str) -> bool:
    return path.startswith(PREFIX)


# Few enough for every form; each of them reads some.
FILLED = {"key": "k", "verb": "withdraw", "act": "disable", "party": "east", "seen": "1",
          "text": "t", "name": "made", "title": "made", "reason": "why"}  # fmt: skip


def test_the_walk_meets_pages_and_operations(tries: list[Try]) -> None:
    pages = [path for _, path in tries if not is_api(path)]
    assert len(pages) >= 15
    assert len(tries) - len(pages) >= 15
    assert {"/sign-out", "/account/password", "/accounts", "/cases/1"} <= set(pages)
    assert f"{PREFIX}/verifications" in {path for _, path in tries}


@pytest.mark.parametrize("forged", ["nothing", "theirs", "origin", "site"])
def test_no_page_takes_a_form_that_is_not_ours(
    town: City,
    visitor: TestClient,
    tries: list[Try],
    ours: dict[str, str],
    theirs: dict[str, str],
    forged: str,
) -> None:
    token, headers = {
        "nothing": ({}, {}),
        "theirs": ({"token": theirs["token"]}, {"Origin": HOST}),
        "origin": ({"token": ours["token"]}, {"Origin": ELSEWHERE}),
        "site": ({"token": ours["token"]}, {"Sec-Fetch-Site": "cross-site"}),
    }[forged]
    before, told, pages = fingerprint(town), 0, [t for t in tries if not is_api(t[1])]
    for method, path in pages:
        answer = visitor.request(method, path, data=FILLED | token, headers=HTML | headers)
        assert answer.status_code == 403, (path, answer.status_code)
        told += "not one that this server handed out" in answer.text
    # Some say it in words of their own, or look first who one is.
    assert told >= len(pages) // 2
    assert fingerprint(town) == before


@pytest.mark.parametrize("forged", ["origin", "site", "opaque", "form", "text"])
def test_no_operation_takes_what_a_page_of_a_stranger_sends(
    town: City, visitor: TestClient, tries: list[Try], forged: str
) -> None:
    before = fingerprint(town)
    for number, (method, path) in enumerate(t for t in tries if is_api(t[1])):
        answer = _sent(visitor, method, path, forged, f"{forged}-{number}")
        assert answer.status_code in (403, 415), (path, answer.text)
        code = answer.json()["type"].rpartition(":")[2]
        expected = "web.wrong_type" if forged in ("form", "text") else "web.other_origin"
        assert code == expected, path
    assert fingerprint(town) == before


def _sent(visitor: TestClient, method: str, path: str, forged: str, key: str) -> httpx.Response:
    upload = path.endswith("/evidence")
    kind = "application/octet-stream" if upload else "application/json"
    headers = {"Idempotency-Key": key, "If-Match": '"1"', "Content-Type": kind}
    headers |= {
        "origin": {"Origin": ELSEWHERE},
        "site": {"Origin": HOST, "Sec-Fetch-Site": "cross-site"},
        # What a page in a sandbox, or one that was led on from elsewhere, sends.
        "opaque": {"Origin": "null"},
        # What a form can send without asking the server first.
        "form": {"Content-Type": "application/x-www-form-urlencoded"},
        "text": {"Content-Type": "text/plain"},
    }[forged]
    return visitor.request(method, path + "?name=a", content=b"{}", headers=headers)


def test_the_same_forms_are_read_when_they_are_ours(
    visitor: TestClient, tries: list[Try], ours: dict[str, str]
) -> None:
    """The control: it is the token and the origin that were refused, and nothing else."""
    leads_out = ("/sign-out", "/account/password")
    for method, path in tries:
        if is_api(path) or path in leads_out:
            continue
        # Nothing but a token and a key: each form is refused for what it lacks.
        answer = visitor.request(
            method, path, data={"token": ours["token"], "key": path}, headers=HTML
        )
        assert answer.status_code < 500, path
        assert "not one that this server handed out" not in answer.text, path
