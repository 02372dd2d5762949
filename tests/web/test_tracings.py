"""Pages of tracing: what was sought, a search begun by hand, one search with its map."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

from shuzhi.act.cases import CaseId
from shuzhi.app import City
from shuzhi.app.decide.cause_store import Sought, save_sought
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import NewAccount, Role, add_account
from shuzhi.web import make_app

from .causes import exceeded
from .entering import HTML, PASSWORD, Enter, entering, hidden

RIVER = {
    "tracing": "rivers", "reach": "out", "above": "0.5", "factor": "w21003", "value": "2.6",
    "limit": "1.0", "at": "2026-03-02T08:00",
}  # fmt: skip
AIR = {
    "tracing": "winds", "station": "1001A", "since": "2026-01-01T00:00",
    "until": "2026-12-31T00:00", "threshold": "150", "factor": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def town(serve: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    city = serve(tmp_path_factory.mktemp("tracings") / "city")
    add_account(
        city.accounts_office,
        NewAccount("west", PartyId("west"), "West", frozenset({Role.FIELD_OFFICER})),
        by="root",
        password=PASSWORD,
    )
    steward = NewAccount("steward", PartyId("hills"), "Steward", frozenset({Role.STEWARD}))
    add_account(city.accounts_office, steward, by="root", password=PASSWORD)
    return city


@pytest.fixture(scope="module")
def enter(town: City) -> Iterator[Enter]:
    with entering(town) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def unnamed(town: City) -> Iterator[TestClient]:
    with TestClient(make_app(town), "http://127.0.0.1", headers=HTML) as made:
        yield made


def drawings(page: str) -> list[ElementTree.Element]:
    found = re.findall(r'<svg class="drawing .*?</svg>', page, re.S)
    return [ElementTree.fromstring(each) for each in found]  # noqa: S314  (our own)


def send(client: TestClient, verb: str, typed: dict[str, str], **changed: str) -> tuple[int, str]:
    """Send the form of a page; return the status and where it led, or the page."""
    form = hidden(client.get("/tracings"), verb) | typed | changed
    answer = client.post("/tracings", data=form, follow_redirects=False)
    return answer.status_code, answer.headers.get("location") or answer.text


def test_the_list_names_the_newest_with_their_first_candidate(unnamed: TestClient) -> None:
    page = unnamed.get("/tracings").text
    numbers = [int(n) for n in re.findall(r'href="/tracings/(\d+)"', page)]
    assert numbers == sorted(numbers, reverse=True)
    assert {1, 2} <= set(numbers)
    for said in ("污水处理厂", "热电厂", "reach out", "1001A", "no verdict", "by hand alone"):
        assert said in page
    assert '<form method="post"' not in page


def test_each_candidate_has_a_row_a_mark_and_its_reasons(unnamed: TestClient) -> None:
    page = unnamed.get("/tracings/1").text
    (drawn,) = drawings(page)
    marks = [each.get("id") for each in drawn.iter("a")]
    assert marks == ["mark-1", "mark-2", "mark-3", "mark-4"]
    for rank in (1, 2, 3, 4):
        assert f'<tr id="candidate-{rank}">' in page
        assert f'href="#mark-{rank}"' in page
    assert "its usual load could make up 133% of the excess" in page
    assert "weight 0.95" in page
    assert "They are no verdict" in page


def test_the_drawing_of_a_river_says_all_that_it_shows(unnamed: TestClient) -> None:
    page = unnamed.get("/tracings/1").text
    (drawn,) = drawings(page)
    assert (drawn.get("role"), drawn.get("aria-label")) == (
        "group",
        "Reaches and candidates above reach out",
    )
    assert drawn.findtext("desc")
    said = [each.findtext("title") or "" for each in drawn.iter("g")]
    for reach in ("main-1", "main-2", "main-3", "brook", "mill", "out"):
        assert any(text.startswith(f"Reach {reach}: ") for text in said)
        assert f'<th scope="row">{reach}' in page
    assert sum(each.get("class") == "water assumed" for each in drawn.iter("path")) == 1
    assert sum("simulated" in (each.get("class") or "") for each in drawn.iter("a")) == 1
    assert "Assumed: 0.4 m/s where nobody knows the speed; reaches of which that is so: 1." in page
    assert "Assumed: first-order decay of 0.01 per hour." in page
    assert "Reaches that are simulated: 1." in page


def test_what_somebody_called_an_outfall_is_text(unnamed: TestClient) -> None:
    page = unnamed.get("/tracings/1").text
    assert "<b>东化工厂" not in page
    assert "2. <b>东化工厂</b>" in unescape(page)


def test_the_drawings_of_the_air_show_sources_and_the_rose(unnamed: TestClient) -> None:
    page = unnamed.get("/tracings/2").text
    around, rose = drawings(page)
    assert [each.get("id") for each in around.iter("a")] == ["mark-1", "mark-2", "mark-3"]
    wedges = [each for each in rose.iter("path") if "wedge" in (each.get("class") or "")]
    assert [each.get("class") for each in wedges].count("wedge") == 1
    assert wedges[0].findtext("title") == "E: 30 of 30 hours were bad (100 %)"
    (table,) = re.findall(r'id="h-table".*?</table>', page, re.S)
    assert table.count('<th scope="row">') == 16
    assert "96 hours, of which 6 were calm or without a direction." in page
    assert "Hours that are simulated: 96 of 96." in page


def test_a_search_is_handed_out_as_a_layer(unnamed: TestClient) -> None:
    answer = unnamed.get("/tracings/2/layer.geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    assert "attachment" in answer.headers["content-disposition"]
    kinds = [each["properties"]["kind"] for each in answer.json()["features"]]
    assert kinds == ["station", *["candidate"] * 3]


def test_somebody_begins_a_search_once(town: City, enter: Enter) -> None:
    clerk = enter("clerk")
    form = hidden(clerk.get("/tracings"), "river") | RIVER
    first = clerk.post("/tracings", data=form, follow_redirects=False)
    again = clerk.post("/tracings", data=form, follow_redirects=False)
    assert first.status_code == again.status_code == 303
    assert first.headers["location"] == again.headers["location"]
    page = clerk.get(first.headers["location"]).text
    assert "2 Mar 2026 08:00" in page
    newest = town.searches(limit=1)[0]
    assert (f"/tracings/{newest.id}", newest.by) == (first.headers["location"], "clerk")


def test_a_search_of_the_air_begins_too_and_can_be_asked_again(enter: Enter) -> None:
    clerk = enter("clerk")
    status, led_to = send(clerk, "air", AIR)
    assert (status, bool(re.fullmatch(r"/tracings/\d+", led_to))) == (303, True)
    again = clerk.get(f"/tracings?again={led_to.rpartition('/')[2]}").text
    assert 'name="threshold" type="text" value="150"' in again
    assert 'name="since" type="datetime-local" value="2026-01-01T00:00"' in again
    assert re.search(r"<details[^>]* open><summary>Against the wind", again)


@pytest.mark.parametrize(
    ("verb", "field", "typed", "says"),
    [
        ("river", "reach", "zzz", "no such reach"),
        ("river", "value", "0.5", "not above its limit"),
        ("river", "limit", "1,0", "Write a number"),
        ("river", "limit", "1e999", "Write a number"),
        ("river", "above", "-3", "Write a number"),
        ("river", "factor", " ", "Fill this in"),
        ("river", "at", "yesterday", "Write a date and time"),
        ("river", "tracing", "none", "no such tracing"),
        ("river", "tracing", "winds", "of the other kind"),
        ("air", "station", "9999Z", "no such station"),
        ("air", "until", "2025-01-01T00:00", "must lie after"),
        ("air", "since", "2026-12-30T00:00", "No hour of this time"),
        ("air", "threshold", "<b>", "Write a number"),
    ],
)
def test_what_cannot_be_sought_is_said_by_its_field_and_kept(
    town: City, enter: Enter, verb: str, field: str, typed: str, says: str
) -> None:
    before = len(town.searches(limit=100))
    status, page = send(enter("clerk"), verb, RIVER if verb == "river" else AIR, **{field: typed})
    assert status == 422
    (error,) = re.findall(rf'id="{verb}-{field}-error">(.*?)</span>', page)
    assert says in unescape(error)
    kept = (RIVER if verb == "river" else AIR) | {field: typed}
    shown = dict(re.findall(r'name="(\w+)" type="[\w-]+" value="([^"]*)"', _form(page, verb)))
    assert {k: unescape(v) for k, v in shown.items()} == {
        k: v for k, v in kept.items() if k != "tracing"
    }
    assert len(town.searches(limit=100)) == before


def _form(page: str, verb: str) -> str:
    forms = re.findall(r"<form.*?</form>", page, re.S)
    return next(form for form in forms if f'name="verb" value="{verb}"' in form)


def test_a_form_of_nobodys_begins_nothing(enter: Enter) -> None:
    form = hidden(enter("clerk").get("/tracings"), "river") | RIVER | {"token": "0" * 64}
    assert enter("clerk").post("/tracings", data=form).status_code == 403


def test_who_may_not_search_finds_no_form_and_is_refused(unnamed: TestClient, enter: Enter) -> None:
    for visitor in (unnamed, enter("steward"), enter("li.na")):
        assert '<form method="post" action="/tracings' not in visitor.get("/tracings").text
        assert visitor.post("/tracings", data=RIVER).status_code == 403


def test_searches_by_hand_are_for_who_searches(enter: Enter) -> None:
    assert enter("clerk").get("/tracings/1").status_code == 200
    for path in ("/tracings/1", "/tracings/1/layer.geojson"):
        hidden_one = enter("steward").get(path)
        assert hidden_one.status_code == 404
        assert "There is no search 1." in hidden_one.text
    assert "None of the searches here is yours to see" in enter("steward").get("/tracings").text


@pytest.fixture(scope="module")
def of_case(town: City) -> int:
    """A search that a warning began, for a case of the western district."""
    question = exceeded(town)
    found = town.trace_river("rivers", question)
    sought = Sought("rivers", town.clock(), question, CaseId(2), candidates=found.candidates)
    return save_sought(town.control, sought)


def test_a_case_and_its_search_lead_to_each_other(unnamed: TestClient, of_case: int) -> None:
    assert f'href="/tracings/{of_case}"' in unnamed.get("/cases/2").text
    page = unnamed.get(f"/tracings/{of_case}").text
    assert 'href="/cases/2"' in page
    # It was kept without what it stood on, as those of old.
    assert "there is no map" in page


def test_the_search_of_a_case_is_for_those_whom_the_case_concerns(
    enter: Enter, of_case: int
) -> None:
    seen = {who: enter(who).get(f"/tracings/{of_case}").status_code for who in ("west", "steward")}
    assert seen == {"west": 200, "steward": 404}
    assert "None of the searches here is yours to see" in enter("west").get("/tracings").text


def test_a_search_without_an_answer_says_why(town: City, unnamed: TestClient) -> None:
    failed = Sought("winds", town.clock(), case_id=CaseId(2), failure="decide.no_wind: calm")
    number = save_sought(town.control, failed)
    page = unnamed.get(f"/tracings/{number}").text
    assert "decide.no_wind: calm" in page
    assert drawings(page) == []
    assert unnamed.get(f"/tracings/{number}/layer.geojson").status_code == 404
    assert "no answer" in unnamed.get("/tracings").text
