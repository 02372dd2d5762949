"""Who may do what: every operation, for nobody, for the wrong and for the right role."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import (
    RIGHTS,
    NewAccount,
    NewKey,
    Right,
    Role,
    add_account,
    login,
    make_key,
)
from shuzhi.web import make_app
from shuzhi.web.api import PREFIX, ROUTES, make_api
from shuzhi.web.api.frame.answers import Problem
from shuzhi.web.api.frame.asking import Needs

from .conftest import OF_PEOPLE, OF_SESSIONS, PARTS, ROOT, Program, Town

NEW = {"kind": "city_event", "severity": "ordinary", "title": "路灯", "party": "east"}


def needs(route: APIRoute) -> frozenset[Right]:
    (found,) = [d.dependency for d in route.dependencies if isinstance(d.dependency, Needs)]
    return found.rights


def path_of(route: APIRoute) -> str:
    return route.path.replace(":path", "").format(**PARTS)


# What a manager may do to what is the whole city's, only one of the party that manages it may.
_PARTY = {Role.MANAGER: "hotline_centre"}
OPERATIONS = {route.name: route for route in ROUTES}


@pytest.fixture(scope="module")
def keys(town: Town) -> dict[Role, str]:
    """A key for each role, with all that the role may do."""
    office, made = town.city.accounts_office, {}
    for role in Role:
        party = PartyId(_PARTY.get(role, "east"))
        name = f"only.{role.value.replace('_', '-')}"
        add_account(office, NewAccount(name, party, name, frozenset({role})), by="tester")
        new = NewKey(name, party, "a program", RIGHTS[role] - OF_PEOPLE, timedelta(days=300))
        made[role] = make_key(office, new, by=name)[1].value
    return made


def send(client: TestClient, route: APIRoute, key: str = "") -> Any:
    """Send what an operation takes, but for a body that could change anything."""
    (method,) = route.methods
    program, path = Program(client, key), path_of(route)
    if method == "GET":
        return program.get(path)
    headers = {"If-Match": '"0"', "Content-Type": "application/octet-stream"}
    is_upload = route.name == "upload_evidence"
    return (
        program.post(path, content=b"", headers=headers)
        if is_upload
        else program.post(path, {"": ""}, headers={"If-Match": '"0"'})
    )


def test_every_operation_asks_for_a_right() -> None:
    assert len(OPERATIONS) > 45
    for name, route in OPERATIONS.items():
        assert bool(needs(route)) == (name not in OF_SESSIONS), name
        assert route.methods <= {"GET", "POST"}, name
        assert (route.methods == {"GET"}) == (not _changes(route)), name


def _changes(route: APIRoute) -> bool:
    return any("origin" in getattr(d.dependency, "__name__", "") for d in route.dependencies)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_for_who_has_its_right(
    client: TestClient, keys: dict[Role, str], name: str
) -> None:
    route = OPERATIONS[name]
    for role, key in keys.items():
        status = send(client, route, key).status_code
        is_for = bool(needs(route) & (RIGHTS[role] - OF_PEOPLE))
        assert (status not in (401, 403)) == is_for, (role, status)


@pytest.mark.parametrize("name", OPERATIONS)
def test_nobody_does_anything_and_reads_at_this_machine_alone(
    town: Town, client: TestClient, name: str
) -> None:
    route = OPERATIONS[name]
    is_open = bool(needs(route) & {Right.READ, Right.READ_AUDIT}) and route.methods == {"GET"}
    assert (send(client, route).status_code != 401) == is_open
    closed = FastAPI()
    closed.mount(PREFIX, make_api(town.city, asks_login=True))
    answer = send(TestClient(closed), route)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    behind = make_app(town.city, token="a token")  # noqa: S106
    turned_away = send(TestClient(behind), route)
    assert turned_away.status_code == 401
    assert turned_away.json().keys() == Problem.model_fields.keys()


def test_who_bears_the_token_of_the_server_reads(town: Town) -> None:
    client = TestClient(make_app(town.city, token="a-token"))  # noqa: S106
    assert Program(client, "a-token").get("/cases").status_code == 200
    assert Program(client, "a-token").post("/cases", NEW).status_code == 401


@pytest.fixture(scope="module")
def session(town: Town) -> str:
    """The cookie of somebody who signed in."""
    office = town.city.accounts_office
    new = NewAccount("qin", PartyId("east"), "Qin", frozenset({Role.DUTY_OFFICER}))
    add_account(office, new, by="tester", password="correct horse staple 7")  # noqa: S106
    return login(office, "qin", "correct horse staple 7").token.value


def test_a_session_acts_from_our_own_pages_alone(client: TestClient, session: str) -> None:
    mine = {"Cookie": f"shuzhi_session={session}"}
    program = Program(client)
    for theirs in ({"Origin": "http://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = program.post("/cases", NEW, headers=mine | theirs)
        assert (answer.status_code, answer.json()["type"]) == (
            403,
            "urn:shuzhi:error:web.other_origin",
        )
    ours = {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}
    assert program.post("/cases", NEW, headers=mine | ours).status_code == 201


def test_whoever_sits_at_the_machine_acts_under_a_name(town: Town) -> None:
    client = TestClient(make_app(town.city, is_acting=True), "http://127.0.0.1")
    program = Program(client)
    for given, code in (
        ({**NEW, "party": None}, "web.no_party"),
        (NEW, "web.no_name"),
        ({**NEW, "person": " "}, "web.no_name"),
    ):
        assert program.post("/cases", given).json()["type"] == f"urn:shuzhi:error:{code}"
    assert program.post("/cases", {**NEW, "person": "caller"}).status_code == 201


def test_rows_are_for_their_provider_alone(as_: Callable[[str], Program]) -> None:
    kept_out = "/sources/dust_files/quarantine"
    for name in ("", "chen", "li"):
        (reason,) = as_(name).get(kept_out).json()["items"]
        assert (reason["code"], reason["value"], reason["origin"]) == ("minimum", None, None)
    (reason,) = as_("wu").get(kept_out).json()["items"]
    assert (reason["value"], reason["row_number"]) == ("-4", 32)
    assert as_("li").get("/datasets/dust/worst-rows").status_code == 403
    assert as_("wu").get("/datasets/dust/worst-rows").status_code == 200
    behind = as_("wu").get("/indicators/case_loop.closing_rate/behind").json()
    assert behind["rows"] is None
    assert 5 in behind["cases"]
    assert 2 not in behind["cases"]
    assert 2 in as_("chen").get("/indicators/case_loop.closing_rate/behind").json()["cases"]
    assert ROOT == PREFIX
