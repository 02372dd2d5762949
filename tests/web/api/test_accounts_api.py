"""Accounts and keys over HTTP: each within reach, and secrets told once and kept nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from shuzhi.app import City
from shuzhi.app.repeats import repeat_table
from shuzhi.kernel.control import metadata
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import (
    AccountName,
    LoginRefusedError,
    LoginWay,
    NewAccount,
    Role,
    add_account,
    login,
    open_session,
)
from shuzhi.web.api.frame.describing import operations

from .conftest import ROOT, Program, Town, code_of

As = Callable[[str], Program]
KEY = {"title": "weekly", "rights": ["data.query"], "days": 30, "party": "hotline_centre"}
PASSWORD = "four words nobody said"  # noqa: S105  (of these tests)
OTHER = "other words nobody said"


def new(name: str) -> dict[str, str]:
    return {"name": name, "title": "Sun Yi", "party": "east", "role": "analyst"}


def everything(city: City) -> str:
    """Return all that the control store holds."""
    with city.control.transaction() as connection:
        rows = (connection.execute(table.select()).all() for table in metadata.sorted_tables)
        return "".join(map(repr, rows))


def test_an_account_is_made_and_its_password_told_once(as_: As, town: Town) -> None:
    sun, named = as_("@sun"), {"Idempotency-Key": "once"}
    made = sun.post("/accounts", new("sun.yi"), headers=named)
    secret = made.headers["shuzhi-secret"]
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    assert made.json()["must_change"]
    assert login(town.city.accounts_office, "sun.yi", secret).standing.must_change
    again = sun.post("/accounts", new("sun.yi"), headers=named)
    assert (again.json(), again.headers["idempotency-replayed"]) == (made.json(), "true")
    assert "shuzhi-secret" not in again.headers
    town.city.record()
    assert secret not in made.text + everything(town.city) + _log(town.city)
    path = made.headers["location"].removeprefix("/api/v1")
    assert sun.get(path).json() == {**made.json(), "sessions": 1}


def _log(city: City) -> str:
    entries = city.audit_entries(0, city.audit_head().checkpoint.size)
    return "".join(f"{each.content}" for each in entries)


def test_an_administrator_does_to_an_account_what_the_pages_do(as_: As, town: Town) -> None:
    sun, office = as_("@sun"), town.city.accounts_office
    first = sun.post("/accounts", new("sun.er")).headers["shuzhi-secret"]
    path = "/accounts/sun.er"

    def act(verb: str, **more: str) -> Any:
        answer = sun.post(f"{path}/acts", {"verb": verb, **more})
        assert answer.status_code == 200, answer.text
        return answer

    steward = {"party": "east", "role": "steward"}
    grants = act("give", **steward).json()["grants"]
    assert {grant["role"] for grant in grants} == {"analyst", "steward"}
    assert [g["role"] for g in act("take", **steward).json()["grants"]] == ["analyst"]
    login(office, "sun.er", first)
    assert act("end").json()["sessions"] == 0
    second = act("reset").headers["shuzhi-secret"]
    with pytest.raises(LoginRefusedError):
        login(office, "sun.er", first)
    assert act("disable").json()["state"] == "disabled"
    assert act("enable").json()["state"] == "active"
    login(office, "sun.er", second)
    for given, code in (
        ({"verb": "take", **steward}, (422, "share.not_granted")),
        ({"verb": "give"}, (422, "web.bad_words")),
        ({"verb": "give", "party": "nowhere", "role": "steward"}, (403, "web.not_allowed")),
    ):
        assert code_of(sun.post(f"{path}/acts", given)) == code
    assert code_of(sun.post("/accounts", new("sun.er"))) == (409, "share.account_exists")
    assert code_of(sun.post("/accounts", new("Sun Er"))) == (422, "share.bad_account_name")


def test_nobody_reaches_beyond_or_by_a_key(as_: As) -> None:
    yan = as_("@yan")
    beyond = yan.post("/accounts", {**new("yan.er"), "party": "west"})
    assert code_of(beyond) == (403, "web.not_allowed")
    for name in ("li", "sun", "nobody"):
        assert code_of(yan.get(f"/accounts/{name}")) == (404, "share.account_unknown")
        refused = yan.post(f"/accounts/{name}/acts", {"verb": "disable"})
        assert code_of(refused) == (404, "share.account_unknown")
    yan.post("/accounts", new("yan.san"))
    beyond = {"verb": "give", "party": "west", "role": "steward"}
    refused = yan.post("/accounts/yan.san/acts", beyond)
    assert code_of(refused) == (403, "web.not_allowed")
    own = {"verb": "give", "party": "east", "role": "steward"}
    assert code_of(yan.post("/accounts/yan/acts", own)) == (403, "web.not_allowed")
    assert code_of(as_("yan").post("/accounts", new("yan.si"))) == (403, "web.not_allowed")
    assert code_of(as_("wu").get("/accounts")) == (403, "web.not_allowed")


def test_accounts_are_listed_page_by_page_within_reach(as_: As) -> None:
    found = list(_listed(as_("yan"), "/accounts"))
    names = [each["name"] for each in found]
    assert names == sorted(set(names))
    assert {"wu", "yan"} <= set(names)
    assert {each["party"] for each in found} == {"east"}
    (wu,) = [each for each in found if each["name"] == "wu"]
    assert {g["role"] for g in wu["grants"]} == {"field_officer", "steward"}
    whole = [each["name"] for each in _listed(as_("sun"), "/accounts")]
    assert set(names) | {"chen", "zhou"} < set(whole)
    assert list(_listed(as_("sun"), "/accounts", party="east")) == found


def _listed(program: Program, path: str, **asked: str) -> Iterator[dict[str, Any]]:
    more: dict[str, str] = {}
    while more.get("cursor", "") is not None:
        page = program.get(path, params={"limit": 2, **asked, **more}).json()
        yield from page["items"]
        more = {"cursor": page["next"]}


def test_the_text_of_a_key_is_told_once_and_kept_nowhere(as_: As, town: Town) -> None:
    chen, named = as_("@chen"), {"Idempotency-Key": "key"}
    made = chen.post("/keys", KEY, headers=named)
    text = made.headers["shuzhi-secret"]
    again = chen.post("/keys", KEY, headers=named)
    assert (again.json(), "shuzhi-secret" in again.headers) == (made.json(), False)
    town.city.record()
    listed = chen.get("/keys?limit=1")
    assert listed.json()["items"] == [made.json()]
    assert listed.json()["next"]
    assert text not in everything(town.city) + _log(town.city) + made.text + listed.text
    program = Program(chen.client, text)
    assert program.get("/receipts").status_code == 200
    assert code_of(program.get("/cases")) == (403, "web.not_allowed")
    path = f"/keys/{made.json()['prefix']}/revocations"
    assert code_of(as_("@wu").post(path, {})) == (404, "share.key_unknown")
    assert code_of(program.post(path, {})) == (403, "web.not_allowed")
    assert chen.post(path, {}).json()["revoked_at"]
    assert program.get("/receipts").status_code == 401


def test_a_key_gives_no_more_than_its_owner_has(as_: As) -> None:
    chen = as_("@chen")
    for change, code in (
        ({"rights": ["sharing.answer"]}, (403, "share.key_beyond_owner")),
        ({"rights": ["keys.make"]}, (403, "share.key_beyond_owner")),
        ({"rights": []}, (422, "web.bad_words")),
        ({"rights": ["all"]}, (422, "web.bad_words")),
        ({"days": 9_999}, (422, "share.key_too_long")),
        ({"party": "east"}, (403, "web.not_allowed")),
        ({"title": " "}, (422, "share.bad_title")),
    ):
        assert code_of(chen.post("/keys", {**KEY, **change})) == code, change
    assert code_of(as_("chen").post("/keys", KEY)) == (403, "web.not_allowed")


def test_a_session_left_open_makes_no_keys(as_: As, town: Town) -> None:
    chen, clock = as_("@chen"), cast(Any, town.city.clock)
    before = clock.now
    try:
        clock.go(minutes=16)
        assert code_of(chen.post("/keys", KEY)) == (403, "web.sign_in_again")
        assert chen.get("/keys").status_code == 200
    finally:
        clock.now = before


def come_in(town: Town, client: TestClient, name: str) -> Program:
    """Give somebody an account with a password, and return a page at which they signed in."""
    office = town.city.accounts_office
    made = NewAccount(name, PartyId("east"), "Newcomer", frozenset({Role.ANALYST}))
    add_account(office, made, by="tester", password=PASSWORD)
    return Program(client, session=login(office, name, PASSWORD).token.value)


def test_one_changes_ones_own_password(town: Town, client: TestClient) -> None:
    here, office = come_in(town, client, "tang.yi"), town.city.accounts_office
    there = Program(client, session=login(office, "tang.yi", PASSWORD).token.value)
    assert len(here.get("/account").json()["sessions"]) == 2
    before, path = _repeats(town.city), "/account/passwords"
    for given, code in (
        ({"old": OTHER, "new": "third words nobody said"}, (403, "share.password_wrong")),
        ({"old": PASSWORD, "new": PASSWORD}, (422, "share.password_same")),
        ({"old": PASSWORD, "new": "short"}, (422, "share.password_weak")),
    ):
        refused = here.post(path, given)
        assert code_of(refused) == code
        assert given["new"] not in refused.text
    done = here.post(path, {"old": PASSWORD, "new": OTHER})
    assert [each["id"] for each in done.json()["sessions"]] == [done.json()["session"]]
    assert there.get("/account").status_code == 401
    assert login(office, "tang.yi", OTHER)
    # Not even a hash of what was sent is kept: it would tell of passwords.
    assert _repeats(town.city) == before


def _repeats(city: City) -> list[Any]:
    with city.control.transaction() as connection:
        return list(connection.execute(repeat_table.select()).all())


def test_a_password_from_above_is_changed_before_anything_else(
    as_: As, town: Town, client: TestClient
) -> None:
    first = as_("@sun").post("/accounts", new("tang.er")).headers["shuzhi-secret"]
    office = town.city.accounts_office
    tang = Program(client, session=login(office, "tang.er", first).token.value)
    assert code_of(tang.get("/datasets")) == (403, "web.not_allowed")
    assert tang.get("/account").json()["must_change"]
    done = tang.post("/account/passwords", {"old": first, "new": OTHER})
    assert (done.status_code, done.json()["must_change"]) == (200, False)
    assert tang.get("/datasets").status_code == 200


def test_one_ends_ones_own_visits_alone(town: Town, client: TestClient, as_: As) -> None:
    here, office = come_in(town, client, "tang.san"), town.city.accounts_office
    opened = open_session(office, AccountName("tang.san"), LoginWay.OIDC)
    there = Program(client, session=opened.token.value)
    number = there.get("/account").json()["session"]
    refused = as_("@chen").post(f"/account/sessions/{number}/ends", {})
    assert code_of(refused) == (404, "share.session_unknown")
    left = here.post(f"/account/sessions/{number}/ends", {}).json()
    assert [each["id"] for each in left["sessions"]] == [left["session"]]
    assert there.get("/account").status_code == 401


def test_ones_own_account_is_not_opened_by_a_key(as_: As) -> None:
    chen = as_("chen")
    for answer in (
        chen.get("/account"),
        chen.get("/keys"),
        chen.post("/account/passwords", {"old": PASSWORD, "new": OTHER}),
        chen.post("/account/sessions/1/ends", {}),
    ):
        assert code_of(answer) == (403, "web.not_allowed")
        assert "signed in" in answer.json()["detail"]


def test_the_description_says_where_a_secret_is_told(as_: As) -> None:
    document = as_("chen").client.get(f"{ROOT}/openapi.json").json()
    telling = {
        operation["operationId"]
        for operation in operations(document)
        for answer in operation["responses"].values()
        if "Shuzhi-Secret" in answer.get("headers", {})
    }
    assert telling == {"add_account", "act_on_account", "make_key"}
