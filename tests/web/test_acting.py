"""Acting on a case from its page: who may, what is refused and how, what counts once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient

from shuzhi.act.cases import CaseId, Stage, case
from shuzhi.app import City
from shuzhi.kernel.errors import RefusedError
from shuzhi.web import listen_of, make_app

# In the city of these tests: in hand with `west`; filed; and new.
IN_HAND, FILED, NEW = 2, 3, 4


@pytest.fixture(scope="module")
def mine(build: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    """A city of these tests' own: they change it."""
    return build(tmp_path_factory.mktemp("acting") / "city")


@pytest.fixture
def visitor(mine: City) -> Iterator[TestClient]:
    app = make_app(mine, is_acting=True)
    with TestClient(app, "http://127.0.0.1", headers={"Accept": "text/html"}) as made:
        yield made


def form_of(page: httpx.Response, verb: str) -> dict[str, str]:
    """Return the hidden fields of the form for a verb, as a browser would send them."""
    found = re.findall(r"<form method=\"post\".*?</form>", page.text, re.DOTALL)
    (form,) = [each for each in found if f'name="verb" value="{verb}"' in each]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def send(visitor: TestClient, number: int, verb: str, **typed: str) -> httpx.Response:
    form = form_of(visitor.get(f"/cases/{number}"), verb)
    return post(visitor, number, {**form, **typed})


def post(visitor: TestClient, number: int, form: dict[str, Any], **more: Any) -> httpx.Response:
    return visitor.post(f"/cases/{number}", data=form, follow_redirects=False, **more)


def stage(city: City, number: int) -> Stage:
    return case(city.office, CaseId(number)).case.stage


def version(city: City, number: int) -> int:
    return case(city.office, CaseId(number)).case.version


def test_an_act_is_done_once_however_often_its_form_is_sent(
    mine: City, visitor: TestClient
) -> None:
    form = form_of(visitor.get(f"/cases/{FILED}"), "dispatch")
    form |= {"person": "chen", "party": "hotline_centre", "role": "dispatcher", "lead": "east"}
    first = post(visitor, FILED, form)
    after = version(mine, FILED)
    assert (first.status_code, first.headers["location"]) == (303, f"/cases/{FILED}#step-{after}")
    again = post(visitor, FILED, form)
    assert again.headers["location"] == first.headers["location"]
    assert (stage(mine, FILED), version(mine, FILED)) == (Stage.DISPATCHED, after)


def test_what_was_done_stands_in_the_audit_log_with_its_proof(visitor: TestClient) -> None:
    page = visitor.get(f"/cases/{FILED}")
    index = re.findall(r'href="/audit/entries/(\d+)"', page.text)[-1]
    entry = visitor.get(f"/audit/entries/{index}")
    assert "case.dispatched" in entry.text
    assert visitor.get(f"/audit/entries/{index}/proof").text.startswith("c2sp.org/tlog-proof@v1")


def test_whoever_saw_an_older_version_is_told_what_happened_and_keeps_what_was_typed(
    mine: City, visitor: TestClient
) -> None:
    stale = form_of(visitor.get(f"/cases/{NEW}"), "verify")
    typed = {"person": "wang", "party": "hotline_centre", "role": "desk"}
    assert send(visitor, NEW, "verify", **typed, text="first").status_code == 303
    before = version(mine, NEW)
    late = post(visitor, NEW, {**stale, **typed, "person": "liu", "text": "a long note <b>"})
    assert late.status_code == 409
    assert 'role="alert"' in late.text
    assert "wang" in late.text
    assert "a long note &lt;b&gt;" in late.text
    assert version(mine, NEW) == before


def test_after_a_conflict_a_form_that_is_still_possible_can_be_sent_again(
    mine: City, visitor: TestClient
) -> None:
    stale = form_of(visitor.get(f"/cases/{NEW}"), "file")
    stale["seen"] = "1"
    typed = {"person": "liu", "party": "hotline_centre", "role": "desk", "text": "kept <b>note"}
    late = post(visitor, NEW, {**stale, **typed})
    assert late.status_code == 409
    assert "kept &lt;b&gt;note" in late.text
    fresh = form_of(late, "file")
    assert fresh["key"] != stale["key"]
    assert post(visitor, NEW, {**fresh, **typed}).status_code == 303
    assert stage(mine, NEW) is Stage.FILED


def test_a_refusal_stands_by_its_field(visitor: TestClient) -> None:
    typed = {"person": "li", "party": "east", "role": "handler"}
    refused = send(visitor, IN_HAND, "feed_back", **typed)
    assert refused.status_code == 422
    assert 'id="feed_back-party-error"' in refused.text
    assert 'aria-describedby="feed_back-party-error"' in refused.text
    assert 'value="li"' in refused.text


def test_evidence_is_kept_under_its_hash_and_handed_out_as_a_file(
    mine: City, visitor: TestClient
) -> None:
    typed = {"person": "li", "party": "west", "role": "handler", "text": "mended"}
    lacking = send(visitor, IN_HAND, "feed_back", **typed)
    assert (lacking.status_code, 'id="feed_back-evidence-error"' in lacking.text) == (422, True)
    form = form_of(visitor.get(f"/cases/{IN_HAND}"), "feed_back") | typed
    false_name = [("evidence", ("a.png", b"<script>alert(1)</script>", "image/png"))]
    assert post(visitor, IN_HAND, form, files=false_name).status_code == 422
    photo = [("evidence", ("a.png", b"\x89PNG\r\n\x1a\nnew", "image/png"))]
    assert post(visitor, IN_HAND, form, files=photo).status_code == 303
    assert stage(mine, IN_HAND) is Stage.FED_BACK
    page = visitor.get(f"/cases/{IN_HAND}")
    (link,) = re.findall(rf'href="(/cases/{IN_HAND}/evidence/\w+)"', page.text)
    file = visitor.get(link)
    assert file.content == b"\x89PNG\r\n\x1a\nnew"
    assert file.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("change", "headers"),
    [
        ({"token": "0" * 64}, {}),
        ({"token": ""}, {}),
        ({}, {"Origin": "http://evil.example"}),
        ({}, {"Sec-Fetch-Site": "cross-site"}),
        ({}, {"Cookie": "shuzhi_form=another"}),
    ],
)
def test_a_form_that_is_not_from_our_page_does_nothing(
    mine: City, visitor: TestClient, change: dict[str, str], headers: dict[str, str]
) -> None:
    before = version(mine, NEW)
    typed = {"person": "chen", "party": "hotline_centre", "role": "dispatcher", "lead": "east"}
    form = form_of(visitor.get(f"/cases/{NEW}"), "dispatch")
    if "Cookie" in headers:
        visitor.cookies.clear()
    refused = post(visitor, NEW, {**form, **typed, **change}, headers=headers)
    assert refused.status_code == 403
    assert version(mine, NEW) == before


@pytest.mark.parametrize(
    "typed",
    [{"verb": "fly"}, {"role": "king"}, {"seen": "x" * 99}, {"seen": "9" * 40}, {"stars": "-1"}],
)
def test_a_form_of_nonsense_is_refused_and_breaks_nothing(
    visitor: TestClient, typed: dict[str, str]
) -> None:
    whole = {"person": "chen", "party": "hotline_centre", "role": "checker"} | typed
    form = form_of(visitor.get(f"/cases/{NEW}"), "dispatch")
    assert post(visitor, NEW, {**form, **whole}).status_code in (400, 422)


def test_a_page_that_is_read_only_offers_no_form_and_takes_none(mine: City) -> None:
    with TestClient(make_app(mine), "http://127.0.0.1", headers={"Accept": "text/html"}) as reader:
        assert '<form method="post"' not in reader.get(f"/cases/{NEW}").text
        assert post(reader, NEW, {"verb": "file"}).status_code == 403


def test_acting_is_for_this_machine_alone() -> None:
    assert listen_of("127.0.0.1:8000", has_token=False, is_acting=True).port == 8000
    with pytest.raises(RefusedError, match="no accounts"):
        listen_of("127.0.0.1:8000", has_token=True, is_acting=True)
    with pytest.raises(RefusedError, match="nothing would ask"):
        listen_of("0.0.0.0:8000", has_token=False, is_acting=True)
