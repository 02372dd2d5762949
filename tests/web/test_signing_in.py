"""Signing in from the pages: who comes in, who does not, and what a browser keeps."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from shuzhi.act.cases import CaseId, Stage, case
from shuzhi.app import City, open_city
from shuzhi.app.tries import waits_s
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import (
    NewAccount,
    NewKey,
    Right,
    Role,
    account_file,
    add_account,
    disable,
    make_key,
    set_password,
)
from shuzhi.web import listen_of, make_app
from shuzhi.web.limits import neighbourhood
from shuzhi.web.pages.accounts.signing_in import Door
from shuzhi.web.pages.act.case_file import RIGHT_OF

PASSWORD = "four words nobody said"  # noqa: S105  (of these tests)
FILED = 3
_NUMBERS = itertools.count()
HTML = {"Accept": "text/html"}
PEOPLE = {
    "chen": ("hotline_centre", Role.DUTY_OFFICER),
    "li": ("west", Role.FIELD_OFFICER),
    "gao": ("city_government", Role.MANAGER),
    "admin": ("city_government", Role.ADMINISTRATOR),
    "eastern": ("east", Role.ADMINISTRATOR),
    "ana": ("city_government", Role.ANALYST),
    "zhou": ("east", Role.CITIZEN),
    # Locked by a test, and of no use to any other.
    "hasty": ("east", Role.CITIZEN),
    # Whom strangers try to lock out, each in a test of its own.
    "pam": ("east", Role.CITIZEN),
    "tom": ("east", Role.CITIZEN),
}


@pytest.fixture(scope="module")
def town(build: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    """A city of these tests' own, with somebody in each of several roles."""
    city = build(tmp_path_factory.mktemp("signing_in") / "city")
    for name, (party, role) in PEOPLE.items():
        new = NewAccount(name, PartyId(party), name.title(), frozenset({role}))
        add_account(city.accounts_office, new, by="root", password=PASSWORD)
    return city


@pytest.fixture
def browse(town: City) -> Iterator[Callable[..., TestClient]]:
    """Opens a browser at a server that asks who one is."""
    opened: list[TestClient] = []

    def browser(base: str = "http://127.0.0.1", **how: Any) -> TestClient:
        app, at = make_app(town, **({"asks_login": True} | how)), (f"browser-{next(_NUMBERS)}", 1)
        opened.append(TestClient(app, base, headers=HTML, follow_redirects=False, client=at))
        return opened[-1]

    yield browser
    for each in opened:
        each.close()


def hidden(page: httpx.Response, action: str, having: str = "") -> dict[str, str]:
    """Return the hidden fields of a form, as a browser would send them."""
    forms = re.findall(r"<form[^>]*?method=\"post\".*?</form>", page.text, re.DOTALL)
    (form, *_) = [each for each in forms if f'action="{action}"' in each and having in each]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def sign_in(visitor: TestClient, name: str, password: str = PASSWORD, back: str = "/") -> Any:
    form = hidden(visitor.get("/sign-in", params={"back": back}), "/sign-in")
    return visitor.post("/sign-in", data={**form, "name": name, "password": password})


def send(visitor: TestClient, at: str, action: str, having: str = "", **typed: Any) -> Any:
    form = hidden(visitor.get(at), action, having)
    return visitor.post(action, data={**form, **typed})


def test_nothing_is_shown_before_one_signed_in(browse: Any) -> None:
    visitor = browse()
    asked = visitor.get("/cases/1")
    assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?back=/cases/1")
    program = visitor.get("/sensorthings/v1.1", headers={"Accept": "application/json"})
    assert (program.status_code, program.headers["www-authenticate"]) == (401, "Bearer")
    assert visitor.post("/cases/1", data={"verb": "take"}).status_code == 401


def test_one_comes_in_where_one_wanted_and_out_again(browse: Any) -> None:
    visitor = browse()
    entered = sign_in(visitor, "chen", back="/cases/1")
    assert (entered.status_code, entered.headers["location"]) == (303, "/cases/1")
    page = visitor.get("/cases/1")
    assert page.status_code == 200
    assert '<a class="chip strong" href="/account">Chen</a>' in page.text
    token = visitor.cookies["shuzhi_session"]
    left = send(visitor, "/account", "/sign-out")
    assert left.headers["location"] == "/sign-in"
    assert "cache" in left.headers["clear-site-data"]
    visitor.cookies.set("shuzhi_session", token)
    assert visitor.get("/cases/1").status_code == 303


def test_the_cookie_of_a_session_is_kept_from_scripts_and_other_sites(browse: Any) -> None:
    plain = sign_in(browse(), "chen").headers.get_list("set-cookie")[0]
    assert re.search(r"shuzhi_session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax$", plain)
    town = browse("https://localhost")
    form = hidden(town.get("/sign-in"), "/sign-in")
    over_tls = town.post("/sign-in", data={**form, "name": "chen", "password": PASSWORD})
    cookie, mark = over_tls.headers.get_list("set-cookie")
    assert re.search(r"__Host-shuzhi_session=[\w-]{43}; HttpOnly; Path=/; ", cookie)
    assert re.search(r"__Host-shuzhi_browser=[\w.-]+; HttpOnly; Max-Age=\d+; Path=/; ", mark)
    for each in (cookie, mark):
        assert "Secure" in each
        assert "domain" not in each.lower()
    assert over_tls.headers["strict-transport-security"] == "max-age=31536000"


def test_over_tls_a_cookie_that_others_can_set_opens_nothing(browse: Any) -> None:
    plain = browse()
    sign_in(plain, "chen")
    token = plain.cookies["shuzhi_session"]
    private = browse("https://localhost")
    refused = private.get("/cases/1", headers={"Cookie": f"shuzhi_session={token}"})
    assert refused.status_code == 303
    taken = private.get("/cases/1", headers={"Cookie": f"__Host-shuzhi_session={token}"})
    assert taken.status_code == 200


def test_a_wrong_way_in_is_refused_the_same_and_keeps_the_name(browse: Any) -> None:
    visitor = browse()
    told = set()
    for name, password in (("chen", "wrong"), ("nobody<b>", PASSWORD)):
        refused = sign_in(visitor, name, password)
        assert refused.status_code == 401
        assert f'value="{name.replace("<b>", "&lt;b&gt;")}"' in refused.text
        assert password not in refused.text
        told.add(re.findall(r'id="login-error">([^<]*)<', refused.text)[0])
    assert len(told) == 1
    assert visitor.get("/cases").status_code == 303


def test_a_session_that_a_browser_was_given_by_others_is_never_opened(browse: Any) -> None:
    visitor = browse()
    visitor.cookies.set("shuzhi_session", "chosen-by-somebody-else")
    sign_in(visitor, "chen")
    tokens = [c.value for c in visitor.cookies.jar if c.name == "shuzhi_session"]
    assert "chosen-by-somebody-else" not in tokens[-1:]
    fixed = browse()
    fixed.cookies.set("shuzhi_session", "chosen-by-somebody-else")
    assert fixed.get("/cases").status_code == 303


@pytest.mark.parametrize(
    "back",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\t//evil.example",
     "/\t/evil.example", "javascript:alert(1)", "evil.example", "", "/\n/evil.example"],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(browse: Any, back: str) -> None:
    visitor = browse()
    form = hidden(visitor.get("/sign-in"), "/sign-in")
    given = {**form, "name": "chen", "password": PASSWORD, "back": back}
    assert visitor.post("/sign-in", data=given).headers["location"] == "/"


def test_the_form_to_sign_in_comes_from_our_own_page(browse: Any) -> None:
    visitor = browse()
    form = hidden(visitor.get("/sign-in"), "/sign-in")
    given = {**form, "name": "chen", "password": PASSWORD}
    for change, headers in (
        ({"token": "0" * 64}, {}),
        ({}, {"Origin": "https://evil.example"}),
        ({}, {"Sec-Fetch-Site": "cross-site"}),
    ):
        refused = visitor.post("/sign-in", data={**given, **change}, headers=headers)
        assert refused.status_code == 403
        assert "shuzhi_session" not in visitor.cookies


def test_a_password_is_not_taken_in_clear_from_elsewhere(town: City) -> None:
    known = town.settings.city.model_copy(update={"address": "http://city.example"})
    city = City(replace(town.settings, city=known), town.control, town.lake, town.clock)
    with TestClient(make_app(city, asks_login=True), "http://city.example", headers=HTML) as far:
        form = hidden(far.get("/sign-in"), "/sign-in")
        refused = far.post("/sign-in", data={**form, "name": "chen", "password": PASSWORD})
    assert refused.status_code == 403
    assert "https://" in refused.text
    assert "set-cookie" not in refused.headers or "session" not in refused.headers["set-cookie"]


def test_many_tries_have_to_wait_whether_a_name_is_known_or_not(browse: Any) -> None:
    for name in ("hasty", "nobody_at_all"):
        visitor = browse()
        form = hidden(visitor.get("/sign-in"), "/sign-in")
        given = {**form, "name": name, "password": "wrong"}
        answers = [visitor.post("/sign-in", data=given).status_code for _ in range(12)]
        assert answers == [401] * 10 + [429] * 2
    account = account_file(browse().app.state.site.city.accounts_office, "hasty").account
    assert account.locked_until is not None


def tries(visitor: TestClient, name: str, password: str, often: int = 1) -> list[int]:
    return [sign_in(visitor, name, password).status_code for _ in range(often)]


def test_no_stranger_locks_anybody_out_of_their_own_browser(browse: Any) -> None:
    own = browse()
    assert tries(own, "pam", PASSWORD) == [303]
    assert tries(browse(), "pam", "wrong", 12) == [401] * 10 + [429] * 2
    # Who is no stranger at another browser has to wait there.
    assert tries(browse(), "pam", PASSWORD) == [429]
    assert tries(own, "pam", PASSWORD) == [303]
    # And strangers gain nothing by it.
    account = account_file(own.app.state.site.city.accounts_office, "pam").account
    assert account.locked_until is not None
    assert tries(browse(), "pam", "wrong") == [429]


def test_a_browser_that_is_known_has_tries_of_its_own_and_for_one_account(browse: Any) -> None:
    own = browse()
    assert tries(own, "tom", PASSWORD) == [303]
    assert tries(own, "tom", "wrong", 12) == [401] * 10 + [429] * 2
    office = own.app.state.site.city.accounts_office
    assert account_file(office, "tom").account.locked_until is None
    # Its mark is nothing for another account, nor when it is not ours.
    stranger = browse()
    mark = own.cookies["shuzhi_browser"]
    for shown, name in ((mark, "nobody_marked"), (f"x{mark}", "tom"), (".", "tom"), ("é", "tom")):
        stranger.cookies.clear()
        page = stranger.get("/sign-in")
        form = hidden(page, "/sign-in") | {"name": name, "password": "wrong"}
        cookies = f"shuzhi_form={page.cookies['shuzhi_form']}; shuzhi_browser={shown}"
        said = stranger.post("/sign-in", data=form, headers={"Cookie": cookies.encode()})
        assert said.status_code == 401, shown
    city = own.app.state.site.city
    counted = Door("sign-in").of_name("tom")
    left = counted.most - 3
    waits = [waits_s(city.control, city.city_key, [counted], city.clock()) for _ in range(left + 1)]
    assert [wait == 0 for wait in waits] == [True] * left + [False]


def test_the_tries_of_an_address_are_counted_over_all_processes(town: City) -> None:
    folder, at = town.settings.folder, ("192.0.2.7", 1)
    counted = Door("sign-in").of_address("192.0.2.7")
    for _ in range(counted.most - 1):
        assert waits_s(town.control, town.city_key, [counted], town.clock()) == 0
    wrong = {"name": "nobody_there", "password": "wrong"}
    answers = []
    # Two servers of one city, as two processes have them.
    for city in (replace(open_city(folder), clock=town.clock) for _ in range(2)):
        app = make_app(city, asks_login=True)
        with TestClient(app, "http://127.0.0.1", headers=HTML, client=at) as near:
            form = hidden(near.get("/sign-in"), "/sign-in")
            answers.append(near.post("/sign-in", data={**form, **wrong}).status_code)
        with TestClient(app, "http://127.0.0.1", headers=HTML, client=("192.0.2.8", 1)) as other:
            form = hidden(other.get("/sign-in"), "/sign-in")
            assert other.post("/sign-in", data={**form, **wrong}).status_code == 401
    assert answers == [401, 429]


def test_the_tries_of_a_name_are_counted_over_all_processes(town: City) -> None:
    folder, answers = town.settings.folder, []
    wrong = {"name": "another_nobody", "password": "wrong"}
    # Two servers of one city, as two processes have them.
    for address in ("192.0.2.17", "192.0.2.18"):
        app = make_app(replace(open_city(folder), clock=town.clock), asks_login=True)
        with TestClient(app, "http://127.0.0.1", headers=HTML, client=(address, 1)) as near:
            form = hidden(near.get("/sign-in"), "/sign-in")
            tries = [near.post("/sign-in", data={**form, **wrong}) for _ in range(6)]
        answers += [answer.status_code for answer in tries]
    assert answers == [401] * 10 + [429] * 2


def test_all_addresses_of_one_site_are_one_neighbour() -> None:
    assert neighbourhood("2001:db8:1:2::1") == neighbourhood("2001:db8:1:2:ffff::9")
    assert neighbourhood("2001:db8:1:2::1") != neighbourhood("2001:db8:1:3::1")
    assert neighbourhood("192.0.2.1") == "192.0.2.1"
    assert neighbourhood("testclient") == "testclient"


def test_who_signed_in_acts_under_their_own_name_and_in_their_roles_alone(
    browse: Any, town: City
) -> None:
    visitor = browse()
    sign_in(visitor, "li")
    page = visitor.get(f"/cases/{FILED}")
    assert 'value="dispatch"' not in page.text
    officer = browse()
    sign_in(officer, "chen")
    page = officer.get(f"/cases/{FILED}")
    form = hidden(page, f"/cases/{FILED}", 'name="verb" value="dispatch"')
    assert 'name="person"' not in page.text
    typed = {"party": "hotline_centre", "role": "dispatcher", "lead": "east", "person": "li"}
    stolen = officer.post(f"/cases/{FILED}", data={**form, **typed, "party": "east"})
    assert stolen.status_code == 422
    assert 'id="dispatch-party-error"' in stolen.text
    done = officer.post(f"/cases/{FILED}", data={**form, **typed})
    assert done.status_code == 303
    file = case(town.office, CaseId(FILED))
    assert (file.case.stage, file.steps[-1].by) == (Stage.DISPATCHED, "chen")


def test_who_lacks_the_role_cannot_act_even_with_a_form_of_their_own(
    browse: Any, town: City
) -> None:
    visitor = browse()
    sign_in(visitor, "ana")
    before = case(town.office, CaseId(4)).case.version
    form = {**hidden(visitor.get("/account"), "/sign-out"), "verb": "verify", "seen": str(before)}
    for party in PEOPLE.values():
        typed = {"party": party[0], "role": "desk", "person": "chen"}
        assert visitor.post("/cases/4", data={**form, **typed}).status_code in (403, 404, 422)
    assert case(town.office, CaseId(4)).case.version == before


def test_who_may_not_read_sees_their_own_account_alone(browse: Any) -> None:
    visitor = browse()
    entered = sign_in(visitor, "zhou", back="/cases")
    assert entered.headers["location"] == "/my"
    assert visitor.get("/account").status_code == 200
    for path in ("/", "/cases", "/datasets/dust", "/audit", "/accounts", "/sensorthings/v1.1"):
        assert visitor.get(path).status_code == 403, path


def test_a_program_comes_in_by_its_key(browse: Any, town: City) -> None:
    new = NewKey("ana", PartyId("city_government"), "report", frozenset({Right.READ}),
                 timedelta(days=1))  # fmt: skip
    _, secret = make_key(town.accounts_office, new, by="ana")
    program = browse()
    bearing = {"Authorization": f"Bearer {secret.value}"}
    assert program.get("/sensorthings/v1.1", headers=bearing).status_code == 200
    wrong = {"Authorization": f"Bearer {secret.value[:-1]}-"}
    assert program.get("/sensorthings/v1.1", headers=wrong).status_code in (303, 401)
    for name in ("key", "api_key", "access_token", "token"):
        asked = program.get("/sensorthings/v1.1", params={name: secret.value})
        assert asked.status_code in (303, 401), name
        assert secret.value not in asked.headers.get("location", "")
    # A key is for programs: it opens no account page, and so makes no keys.
    assert program.get("/account", headers=bearing).status_code == 303
    asked = program.post("/account/keys", headers=bearing, data={})
    assert asked.status_code == 403


def test_a_session_ends_for_the_pages_when_the_account_is_disabled(browse: Any, town: City) -> None:
    add_account(town.accounts_office, NewAccount("brief", PartyId("west"), "Brief",
                frozenset({Role.ANALYST})), by="root", password=PASSWORD)  # fmt: skip
    visitor = browse()
    sign_in(visitor, "brief")
    assert visitor.get("/cases").status_code == 200
    disable(town.accounts_office, "brief", by="root")
    assert visitor.get("/cases").status_code == 303


def test_a_password_from_above_is_changed_before_anything_else(browse: Any, town: City) -> None:
    add_account(town.accounts_office, NewAccount("fresh", PartyId("west"), "Newcomer",
                frozenset({Role.ANALYST})), by="root", password=PASSWORD)  # fmt: skip
    set_password(town.accounts_office, "fresh", "this came from above", by="root")
    visitor = browse()
    entered = sign_in(visitor, "fresh", "this came from above", back="/cases")
    assert entered.headers["location"] == "/account"
    assert visitor.get("/cases").status_code == 403
    typed = {"old": "this came from above", "new": "short", "again": "short"}
    refused = send(visitor, "/account", "/account/password", **typed)
    assert refused.status_code == 422
    assert 'id="new-error"' in refused.text
    differing = typed | {"new": "words of my own now", "again": "words of mine"}
    assert 'id="again-error"' in send(visitor, "/account", "/account/password", **differing).text
    right = typed | {"new": "words of my own now", "again": "words of my own now"}
    assert send(visitor, "/account", "/account/password", **right).status_code == 303
    assert visitor.get("/cases").status_code == 200


def test_one_makes_and_revokes_keys_and_each_is_shown_once(browse: Any, town: City) -> None:
    visitor = browse()
    sign_in(visitor, "ana")
    typed = {"title": "report", "party": "city_government", "days": "30", "right": "data.query"}
    form = hidden(visitor.get("/account"), "/account/keys")
    made = visitor.post("/account/keys", data={**form, **typed})
    (secret,) = re.findall(r'id="secret">(szk_\w+_[\w-]+)<', made.text)
    assert made.headers["cache-control"] == "private, no-cache"
    again = visitor.post("/account/keys", data={**form, **typed})
    assert again.status_code == 303
    page = visitor.get("/account")
    assert secret not in page.text
    prefix = secret.split("_")[1]
    assert town.standing(key=secret)
    assert send(visitor, "/account", f"/account/keys/{prefix}/revoke").status_code == 303
    assert town.standing(key=secret) is None
    beyond = send(visitor, "/account", "/account/keys", **typed | {"right": "accounts.manage"})
    assert (beyond.status_code, 'id="right-error"' in beyond.text) == (422, True)
    assert send(visitor, "/account", "/account/keys", **typed | {"days": "x"}).status_code == 422


def test_a_session_left_open_makes_no_keys(browse: Any, town: City) -> None:
    visitor = browse()
    sign_in(visitor, "ana")
    clock: Any = town.clock
    clock.go(minutes=16)
    typed = {"title": "report", "party": "city_government", "days": "30", "right": "data.query"}
    assert send(visitor, "/account", "/account/keys", **typed).status_code == 403


def test_one_ends_another_session_of_ones_own(browse: Any, town: City) -> None:
    here, there = browse(), browse()
    sign_in(here, "ana")
    sign_in(there, "ana")
    other = account_file(town.accounts_office, "ana").sessions[0].id
    assert send(here, "/account", f"/account/sessions/{other}/end").status_code == 303
    assert there.get("/cases").status_code == 303
    assert here.get("/cases").status_code == 200


def test_an_administrator_makes_an_account_and_gives_and_takes_roles(
    browse: Any, town: City
) -> None:
    visitor = browse()
    sign_in(visitor, "admin")
    typed = {"name": "wu.min", "title": "Wu", "party": "old_town", "role": "field_officer"}
    made = send(visitor, "/accounts", "/accounts", **typed)
    (password,) = re.findall(r'id="secret">([\w-]+)<', made.text)
    assert sign_in(browse(), "wu.min", password).status_code == 303
    at = "/accounts/wu.min"
    give = {"role": "steward", "party": "old_town"}
    assert send(visitor, at, at, 'value="give"', **give).status_code == 303
    roles = {g.role for g in account_file(town.accounts_office, "wu.min").grants}
    assert roles == {Role.FIELD_OFFICER, Role.STEWARD}
    take = {"role": "steward", "party": "old_town"}
    assert send(visitor, at, at, 'value="take"', **take).status_code == 303
    assert send(visitor, at, at, 'value="disable"').status_code == 303
    assert sign_in(browse(), "wu.min", password).status_code == 401
    assert send(visitor, at, at, 'value="enable"').status_code == 303
    again = send(visitor, at, at, 'value="reset"')
    assert sign_in(browse(), "wu.min", password).status_code == 401
    (fresh,) = re.findall(r'id="secret">([\w-]+)<', again.text)
    assert sign_in(browse(), "wu.min", fresh).status_code == 303
    assert send(visitor, at, at, 'value="end"').status_code == 303
    assert account_file(town.accounts_office, "wu.min").sessions == ()


def test_an_account_is_made_once_however_often_its_form_is_sent(browse: Any) -> None:
    visitor = browse()
    sign_in(visitor, "admin")
    form = hidden(visitor.get("/accounts"), "/accounts")
    form |= {"name": "twice", "title": "Twice", "party": "old_town", "role": "analyst"}
    made, again = (visitor.post("/accounts", data=form) for _ in range(2))
    assert 'id="secret"' in made.text
    assert (again.status_code, again.headers["location"]) == (303, "/accounts/twice")


def test_an_administrator_binds_no_account_to_somebody_in_the_records(
    browse: Any, town: City
) -> None:
    visitor = browse()
    sign_in(visitor, "eastern")
    form = hidden(visitor.get("/account"), "/sign-out")
    typed = {"name": "spy", "title": "Spy", "party": "east", "role": "citizen", "subject": "p1"}
    assert visitor.post("/accounts", data=form | typed).status_code == 200
    assert account_file(town.accounts_office, "spy").account.subject is None


def test_a_refusal_stands_by_its_field_and_keeps_what_was_typed(browse: Any) -> None:
    visitor = browse()
    sign_in(visitor, "admin")
    typed = {"name": "Wu Min", "title": "Wu <b>", "party": "old_town", "role": "analyst"}
    refused = send(visitor, "/accounts", "/accounts", **typed)
    assert refused.status_code == 422
    assert 'aria-describedby="name-error"' in refused.text
    assert 'value="Wu &lt;b&gt;"' in refused.text


@pytest.mark.parametrize("target", ["gao", "admin", "chen"])
def test_an_administrator_does_not_reach_above_or_beside(
    browse: Any, town: City, target: str
) -> None:
    visitor = browse()
    sign_in(visitor, "eastern")
    before = account_file(town.accounts_office, target)
    form = hidden(visitor.get("/account"), "/sign-out")
    assert visitor.get(f"/accounts/{target}").status_code == 403
    for act in ("give", "take", "reset", "disable", "enable", "end"):
        typed = {**form, "act": act, "party": "east", "role": "manager"}
        assert visitor.post(f"/accounts/{target}", data=typed).status_code == 403, act
    assert account_file(town.accounts_office, target) == before
    add = {**form, "name": "mole", "title": "M", "party": "city_government", "role": "manager"}
    assert visitor.post("/accounts", data=add).status_code == 403


def test_an_administrator_gives_no_role_to_himself_or_beyond_his_reach(
    browse: Any, town: City
) -> None:
    visitor = browse()
    sign_in(visitor, "eastern")
    form = hidden(visitor.get("/account"), "/sign-out")
    own = {**form, "act": "give", "party": "east", "role": "steward"}
    assert visitor.post("/accounts/eastern", data=own).status_code == 403
    beyond = own | {"party": "city_government"}
    assert visitor.post("/accounts/zhou", data=beyond).status_code == 403
    grants = account_file(town.accounts_office, "zhou").grants
    assert [g.role for g in grants] == [Role.CITIZEN]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_no_other_role_changes_an_account_or_acts_beyond_its_rights(
    browse: Any, town: City, role: Role
) -> None:
    name = f"role.{role.value.replace('_', '.')}"
    new = NewAccount(name, PartyId("city_government"), "Somebody", frozenset({role}))
    add_account(town.accounts_office, new, by="root", password=PASSWORD)
    visitor = browse()
    sign_in(visitor, name)
    before, version = account_file(town.accounts_office, "zhou"), case(town.office, CaseId(4))
    form = hidden(visitor.get("/account"), "/sign-out")
    for act in ("give", "take", "reset", "disable", "enable", "end"):
        typed = {**form, "act": act, "party": "east", "role": "citizen"}
        assert visitor.post("/accounts/zhou", data=typed).status_code == 403, act
    for case_role in RIGHT_OF:
        typed = {"verb": "verify", "role": case_role.value, "party": "hotline_centre"}
        seen = {"seen": str(version.case.version), "person": "chen"}
        answer = visitor.post("/cases/4", data={**form, **typed, **seen})
        assert answer.status_code in (403, 404, 422)
    assert account_file(town.accounts_office, "zhou") == before
    assert case(town.office, CaseId(4)).case.version == version.case.version


def test_managers_see_accounts_and_change_none(browse: Any) -> None:
    visitor = browse()
    sign_in(visitor, "gao")
    assert "zhou" in visitor.get("/accounts").text
    page = visitor.get("/accounts/zhou")
    assert page.status_code == 200
    assert "<form" not in page.text.partition("<main")[2]
    assert "市政府" in visitor.get("/parties").text
    officer = browse()
    sign_in(officer, "chen")
    assert officer.get("/accounts").status_code == 403
    assert officer.get("/parties").status_code == 200


@pytest.mark.parametrize("path", ["/account", "/accounts", "/accounts/zhou", "/parties"])
def test_pages_of_accounts_are_there_in_both_languages(browse: Any, path: str) -> None:
    visitor = browse()
    sign_in(visitor, "admin")
    for language, other in (("en", "[一-鿿]{6,}"), ("zh", "Sessions|Password")):
        text = visitor.get(path, headers={"Accept-Language": language}).text
        assert not re.search(other, text.partition("<main")[2].partition("</main")[0])


def test_a_server_that_asks_who_one_is_may_be_reached_by_others() -> None:
    assert listen_of("0.0.0.0:8000", has_token=False, asks_login=True).host
    with pytest.raises(RefusedError, match=r"web\.acting_from_elsewhere"):
        listen_of("127.0.0.1:8000", has_token=False, is_acting=True, asks_login=True)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", ""])
def test_a_request_by_another_name_is_turned_away(browse: Any, host: str) -> None:
    assert browse().get("/sign-in", headers={"Host": host}).status_code == 421


_HEADER = st.text(st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n"))


@given(cookie=_HEADER, bearer=_HEADER)
@settings(max_examples=60, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
def test_no_cookie_and_no_bearer_breaks_anything(browse: Any, cookie: str, bearer: str) -> None:
    visitor = browse()
    for given_cookie in (cookie, f"shuzhi_session={cookie}", f"shuzhi_token={cookie}"):
        headers = [(b"accept", b"application/json"), (b"cookie", given_cookie.encode("latin-1")),
                   (b"authorization", f"Bearer {bearer}".encode("latin-1"))]  # fmt: skip
        assert visitor.get("/cases", headers=headers).status_code == 401
