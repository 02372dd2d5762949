"""Misuse of verification on its page: who sees it, what was done, and lifting it once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shuzhi.act.cases import case
from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import NewAccount, Role, add_account
from shuzhi.share.verification import Action, Kind, findings

from .entering import PASSWORD, Enter, entering, hidden
from .overseeing import suspect


@pytest.fixture(scope="module")
def town(serve: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("misuse") / "city"
    city = serve(folder)
    (folder / "verification.yaml").write_text(
        "datasets: {}\nlimits: {most_a_day: 4321}\nagreements: {1: {limits: {slow_to: 0.25}}}\n"
    )
    for name, party, role in (
        ("guo", "hotline_centre", Role.MANAGER),
        ("east.boss", "east", Role.MANAGER),
    ):
        new = NewAccount(name, PartyId(party), name.title(), frozenset({role}))
        add_account(city.accounts_office, new, by="root", password=PASSWORD)
    suspect(city, Kind.GUESSING, Action.SUSPEND, subject=(1, 2))
    suspect(city, Kind.ENUMERATION, Action.SLOW)
    return city


@pytest.fixture(scope="module")
def enter(town: City) -> Iterator[Enter]:
    with entering(town) as visitor:
        yield visitor


def test_only_who_manages_sharing_sees_it(enter: Enter) -> None:
    for name in ("clerk", "east.boss"):
        assert enter(name).get("/verification").status_code == 403
        assert 'href="/verification"' not in enter(name).get("/receipts").text
    assert 'href="/verification"' in enter("guo").get("/receipts").text


def test_findings_stand_with_what_was_done_and_their_case(town: City, enter: Enter) -> None:
    page = enter("guo").get("/verification").text
    assert "guessing at one subject" in page
    assert "6 &lt;b&gt;claims&lt;/b&gt; · about one subject" in page
    assert "West District" in page
    [first, second] = [int(n) for n in re.findall(r'<td><a href="/cases/(\d+)">', page)]
    kinds = {case(town.office, n).case.kind for n in (first, second)}  # type: ignore[arg-type]
    assert kinds == {"verification_misuse"}
    assert page.count('<span class="chip orange">slowed</span>') == 1
    # What the platform itself reports is called so in the reader's language.
    english = enter("guo").get(f"/cases/{first}").text
    chinese = enter("guo").get(f"/cases/{first}", headers={"Accept-Language": "zh"}).text
    assert "<h1>Verification looks like fishing: agreement:1 <" in english
    assert "<h1>核验疑似套取: agreement:1 <" in chinese


def test_the_limits_in_force_are_the_citys_own_and_say_what_nobody_verified(enter: Enter) -> None:
    page = enter("guo").get("/verification").text
    assert "4,321" in page
    assert "Nobody has verified" in page
    own = page.partition("Limits of agreement 1")[2]
    assert "to 25 % of the rate" in own
    assert "to 10 % of the rate" not in own


def test_what_cannot_be_asked_is_refused_at_its_field(enter: Enter) -> None:
    bad = enter("guo").get("/verification?agreement=%3Ci%3E")
    assert bad.status_code == 422
    assert 'aria-describedby="agreement-error"' in bad.text
    assert 'value="&lt;i&gt;"' in bad.text
    assert enter("guo").get("/verification?state=some").status_code == 404
    assert "There is no such finding." in enter("guo").get("/verification?agreement=7").text


def test_a_manager_lifts_a_finding_once_and_nobody_else_does(town: City, enter: Enter) -> None:
    manager, stranger = enter("guo"), enter("east.boss")
    page = manager.get("/verification")
    form = hidden(page, "lift-2")
    theirs = form | {"token": hidden(stranger.get("/account"))["token"]}
    assert stranger.post("/verification/2/lift", data=theirs).status_code == 403
    for _ in range(2):
        sent = manager.post("/verification/2/lift", data=form, follow_redirects=False)
        assert sent.status_code == 303
    lifted, held = findings(town.verification_desk.office)
    assert (lifted.lifted_by, held.lifted_by) == ("guo", None)
    after = manager.get("/verification?state=all").text
    assert "lifted" in after
    assert 'action="/verification/2/lift"' not in after
    assert 'id="finding-2"' not in manager.get("/verification").text
    assert manager.post("/verification/9/lift", data=form | {"key": "k9"}).status_code == 404
