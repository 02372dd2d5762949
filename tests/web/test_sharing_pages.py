"""Applications and agreements on pages: who may act, errors by their field, conflicts, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import NewAccount, Role, add_account
from shuzhi.share.agreements import Actor, ApplicationId, Asked, agreements, application, submit

from .entering import PASSWORD, Enter, entering, hidden

# The application that `build` leaves incomplete, and the one that was agreed to.
INCOMPLETE, GRANTED = 3, 1


@pytest.fixture(scope="module")
def town(build: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    city = build(tmp_path_factory.mktemp("sharing") / "city")
    for name, party, role in (
        ("zhao", "west", Role.DATA_USER),
        ("han", "harbour", Role.DATA_USER),
        ("li", "east", Role.STEWARD),
        ("gao", "east", Role.ANALYST),
    ):
        new = NewAccount(name, PartyId(party), name.title(), frozenset({role}))
        add_account(city.accounts_office, new, by="root", password=PASSWORD)
    return city


@pytest.fixture(scope="module")
def enter(town: City) -> Iterator[Enter]:
    with entering(town) as visitor:
        yield visitor


def test_who_may_not_act_gets_no_form_and_is_refused(town: City, enter: Enter) -> None:
    analyst = enter("gao")
    page = analyst.get(f"/applications/{INCOMPLETE}")
    assert page.status_code == 200
    assert 'method="post"' not in page.text
    assert analyst.get("/applications/new?dataset=dust").status_code == 403
    assert "/applications/new" not in analyst.get("/datasets/dust").text
    token = hidden(analyst.get("/account"))["token"]
    form = {"token": token, "key": "k", "verb": "withdraw", "seen": "1", "party": "harbour"}
    assert analyst.post(f"/applications/{INCOMPLETE}", data=form).status_code == 403
    assert analyst.post("/applications/new", data=form).status_code == 403
    held = application(town.sharing_office, ApplicationId(INCOMPLETE)).application
    assert held.version == 1


def test_an_application_is_filed_once_and_keeps_what_was_typed(enter: Enter) -> None:
    user = enter("zhao")
    page = user.get("/applications/new?dataset=dust")
    form = hidden(page, "submit") | {"basis": "Law", "ends_on": "soon", "scenario": "<b>x</b>"}
    refused = user.post("/applications/new", data=form)
    assert refused.status_code == 422
    assert 'aria-describedby="submit-ends_on-error"' in refused.text
    assert "&lt;b&gt;x&lt;/b&gt;" in refused.text
    form |= {"ends_on": "2099-01-01", "fields": "station", "rows": "some", "column_1": "pm10_ug_m3",
             "operator_1": "above", "values_1": "150"}  # fmt: skip
    filed = [user.post("/applications/new", data=form, follow_redirects=False) for _ in range(2)]
    assert [each.status_code for each in filed] == [303, 303]
    assert filed[0].headers["location"] == filed[1].headers["location"]
    shown = user.get(filed[0].headers["location"])
    assert "incomplete" in shown.text
    assert "<code>pm10_ug_m3</code> is above 150" in shown.text


def test_a_form_without_its_token_changes_nothing(town: City, enter: Enter) -> None:
    user = enter("han")
    form = hidden(user.get(f"/applications/{INCOMPLETE}"), "withdraw") | {"token": "other"}
    answer = user.post(f"/applications/{INCOMPLETE}", data=form)
    assert answer.status_code == 403
    assert 'id="refusal"' in answer.text
    assert application(town.sharing_office, ApplicationId(INCOMPLETE)).application.version == 1


def test_a_refusal_names_the_law_and_a_late_form_is_a_conflict(enter: Enter) -> None:
    user, provider = enter("han"), enter("li")
    address = f"/applications/{INCOMPLETE}"
    form = hidden(user.get(address), "complete")
    form |= {"basis": "Law", "scenario": "s", "purposes": "p", "roles": "r", "fields": "station",
             "rows": "all", "method": "query", "starts_on": "2099-01-01", "ends_on": "2099-02-01",
             "agreed_by": "wang"}  # fmt: skip
    assert user.post(address, data=form, follow_redirects=False).status_code == 303
    refuse = hidden(provider.get(address), "refuse")
    stale = hidden(provider.get(address), "return")
    refuse |= {"title": "Rule", "article": "1", "rank": "local_rule", "text": "because"}
    answer = provider.post(address, data=refuse)
    assert answer.status_code == 422
    assert 'aria-describedby="refuse-rank-error"' in answer.text
    assert ">\nbecause</textarea>" in answer.text
    refuse |= {"rank": "law", "key": hidden(answer, "refuse")["key"]}
    assert provider.post(address, data=refuse, follow_redirects=False).status_code == 303
    late = provider.post(address, data=stale | {"text": "what I typed"})
    assert late.status_code == 409
    assert "Somebody else was here first" in late.text
    assert "what I typed" in late.text


def test_an_agreement_shows_what_left_to_its_sides_alone(enter: Enter) -> None:
    address = f"/agreements/{GRANTED}"
    user, analyst = enter("zhao"), enter("gao")
    assert "What left by it" in user.get(address).text
    assert "What left by it" not in analyst.get(address).text


def test_a_provider_proposes_an_end_and_the_user_ends_and_disposes(
    town: City, enter: Enter
) -> None:
    address = f"/agreements/{GRANTED}"
    user, provider = enter("zhao"), enter("li")
    form = hidden(provider.get(address), "end") | {"text": "not kept"}
    proposed = provider.post(address, data=form)
    assert "The provider proposes" in proposed.text
    for verb, typed in (("end", {}), ("dispose", {"method": "deleted"})):
        answer = user.post(address, data=hidden(user.get(address), verb) | typed)
        assert answer.status_code == 422
        assert f'aria-describedby="{verb}-text-error"' in answer.text
        form = hidden(answer, verb) | typed | {"text": "all of it"}
        assert user.post(address, data=form, follow_redirects=False).status_code == 303
    (held,) = agreements(town.sharing_office, dataset="dust", in_force=False)
    assert held.state == "disposed"
    assert held.receipt is not None
    assert (held.receipt.by, held.receipt.method) == ("zhao", "deleted")


def test_a_demand_is_assigned_by_the_authority_alone(town: City, enter: Enter) -> None:
    office = town.sharing_office
    by = Actor("zhao", PartyId("west"))
    made = submit(office, Asked(wanted="noise at night"), by=by).application
    address = f"/applications/{made.id}"
    assert "noise at night" in enter("zhao").get(address).text
    # As long as nobody is asked for them, providers see nothing of it.
    assert enter("li").get(address).status_code == 404
