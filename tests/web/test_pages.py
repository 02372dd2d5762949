"""Every page: it is there, in both languages, well formed, leads somewhere, and runs no stranger's
script. The pages are found by following links from the first one, as a visitor would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient

from shuzhi.app import City
from shuzhi.web import make_app

BASE = "http://127.0.0.1"
_VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "wbr",
}
_MOST_BYTES = {"page": 100_000, "operations": 600_000}
_EXPECTED = {
    "/", "/catalogue", "/datasets/dust", "/worst-rows/dust", "/cases", "/cases/board", "/cases/1",
    "/warnings", "/rules", "/rules/dust_high", "/indicators", "/indicators/case_loop.closing_rate",
    "/evaluation", "/audit", "/audit/verify", "/audit/entries/0", "/sources", "/sources/dust_files",
    "/packs", "/packs/hotline", "/operations", "/operations/west",
    "/applications", "/applications/1", "/agreements", "/agreements/1",
    "/objections", "/doubts", "/forms", "/duties",
    "/tracings", "/tracings/1", "/tracings/2", "/tracings/2/layer.geojson",
}  # fmt: skip


@dataclass
class Page:
    """A page as a strict reader sees it."""

    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page, self.open = page, list[str]()
        self.is_named = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        page = self.page
        page.tags.append(tag)
        if len(given) < len(attrs):
            page.faults.append(f"an attribute twice: {tag} {attrs}")
        page.faults += [f"{tag} {name}" for name in given if name.startswith("on")]
        page.faults += [f"{tag} has a style" for name in given if name == "style"]
        if tag == "script" and not given.get("src"):
            page.faults.append("an inline script")
        if tag == "style":
            page.faults.append("an inline style sheet")
        page.ids += [given["id"] or ""] if "id" in given else []
        page.links += [v for n in ("href", "src", "action") if (v := given.get(n))]
        named = ("aria-labelledby", "aria-describedby", "for")
        page.references += [r for n in named if (v := given.get(n)) for r in v.split()]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.page.faults.append(f"</{tag}> closes nothing")

    def close(self) -> None:
        super().close()
        self.page.faults += [f"<{tag}> is never closed" for tag in self.open]


def read(text: str) -> Page:
    page = Page()
    reader = _Reader(page)
    reader.feed(text)
    reader.close()
    return page


@pytest.fixture(scope="module")
def client(city: City) -> Iterator[TestClient]:
    with TestClient(make_app(city), BASE, headers={"Accept": "text/html"}) as made:
        yield made


@dataclass(frozen=True)
class Walked:
    """What following every link from the first page led to, by path."""

    answers: dict[str, httpx.Response]


@pytest.fixture(scope="module")
def walked(client: TestClient) -> Walked:
    answers: dict[str, httpx.Response] = {}
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        if path in answers:
            continue
        answer = answers[path] = client.get(path, follow_redirects=False)
        if answer.headers.get("content-type", "").startswith("text/html"):
            waiting += _within(path, parsed(answer.text).links)
    return Walked(answers)


parsed = cache(read)


def _within(path: str, links: list[str]) -> Iterator[str]:
    for link in links:
        whole = urldefrag(urljoin(BASE + path, link))[0]
        parts = urlsplit(whole)
        if whole.startswith(BASE) and not parts.path.startswith("/language/"):
            yield parts.path + (f"?{parts.query}" if parts.query else "")


def _pages(walked: Walked) -> dict[str, str]:
    return {
        path: answer.text
        for path, answer in walked.answers.items()
        if answer.headers.get("content-type", "").startswith("text/html")
    }


def _is_there(answer: httpx.Response) -> bool:
    """Whether there is a page, or one for those who sign in."""
    leads_on = answer.headers.get("location", "").startswith("/sign-in?")
    return answer.status_code == (303 if leads_on else 200)


def test_every_link_leads_somewhere(walked: Walked) -> None:
    assert {p: a.status_code for p, a in walked.answers.items() if not _is_there(a)} == {}
    assert {path.partition("?")[0] for path in walked.answers} >= _EXPECTED


def test_every_page_is_well_formed_and_runs_only_our_files(walked: Walked) -> None:
    assert {p: parsed(t).faults for p, t in _pages(walked).items() if parsed(t).faults} == {}


def test_every_label_names_something_and_no_id_is_twice(walked: Walked) -> None:
    for path, text in _pages(walked).items():
        page = parsed(text)
        assert sorted(set(page.ids)) == sorted(page.ids), path
        assert set(page.references) <= set(page.ids), path


def test_every_page_has_landmarks_one_heading_and_its_language(walked: Walked) -> None:
    for path, text in _pages(walked).items():
        tags = parsed(text).tags
        assert (tags.count("h1"), tags.count("main"), tags.count("header")) == (1, 1, 1), path
        assert "nav" in tags, path
        assert '<html lang="zh-CN">' in text, path


def test_every_answer_bears_a_strict_policy(walked: Walked) -> None:
    for path, answer in walked.answers.items():
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'"), path
        assert "unsafe" not in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"


def test_what_breaks_bears_it_too_and_says_nothing_of_why(city: City) -> None:
    app = make_app(city)

    @app.get("/breaks")
    def broken() -> None:
        raise RuntimeError("what nobody may know")

    with TestClient(app, "https://localhost", raise_server_exceptions=False) as visitor:
        answer = visitor.get("/breaks")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "nobody" not in answer.text


def test_over_tls_no_cookie_is_ever_sent_in_clear(city: City) -> None:
    for base, is_secure in (("https://localhost", True), ("http://localhost", False)):
        with TestClient(make_app(city), base, follow_redirects=False) as visitor:
            answers = [visitor.get("/sign-in"), visitor.get("/language/en", params={"back": "/"})]
        given = [each for a in answers for each in a.headers.get_list("set-cookie")]
        assert len(given) == 2
        assert [each.lower().count("; secure") for each in given] == [int(is_secure)] * 2


def test_pages_are_light(walked: Walked) -> None:
    for path, text in _pages(walked).items():
        kind = "operations" if path.startswith("/operations") else "page"
        files = {link for link in parsed(text).links if link.startswith("/static/")}
        weight = len(text.encode()) + sum(len(walked.answers[f].content) for f in files)
        assert weight <= _MOST_BYTES[kind], (path, weight)


def test_every_page_is_there_in_english(client: TestClient, walked: Walked) -> None:
    for path in _pages(walked):
        answer = client.get(path, headers={"Accept-Language": "en-GB,en;q=0.9"})
        assert answer.status_code == 200, path
        assert '<html lang="en">' in answer.text
        assert "Skip to content" in answer.text


def test_files_are_kept_for_good_under_the_hash_of_their_content(client: TestClient) -> None:
    (style,) = re.findall(r'href="(/static/\w{16}/page\.css)"', client.get("/").text)
    assert client.get(style).headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get("/static/0123456789abcdef/page.css").status_code == 404


def test_the_language_that_was_chosen_counts_over_the_browsers(client: TestClient) -> None:
    answer = client.get("/language/en?back=/cases%3Fstate%3Dall", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases?state=all")
    headers = {"Accept-Language": "zh", "Cookie": "shuzhi_language=en"}
    assert '<html lang="en">' in client.get("/cases", headers=headers).text
    elsewhere = client.get("/language/en?back=//evil.example/", follow_redirects=False)
    assert elsewhere.headers["location"] == "/"


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/cases/99999", "/cases/x", "/cases/99999999999999999999999", "/datasets/none",
     "/rules/none", "/indicators/none", "/evaluation/none/2026-03", "/audit/entries/999999",
     "/sources/none", "/packs/none", "/applications/9", "/agreements/9", "/doubts/9",
     "/forms/none", "/duties?duty=none", "/applications?state=odd",
     "/agreements?state=odd", "/operations/none", "/cases?state=odd", "/cases/1/evidence/00",
     "/evaluation/case_handling/2026-03/none/closing_rate"],
)  # fmt: skip
def test_what_is_not_there_is_said_on_a_page(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (400, 404)
    assert 'role="alert"' in answer.text
    assert parsed(answer.text).faults == []


def test_programs_get_a_problem_where_people_get_a_page(client: TestClient) -> None:
    answer = client.get("/cases/99999", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_request_by_a_strangers_name_is_turned_away(client: TestClient) -> None:
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 421
    assert client.get("/", headers={"Host": "localhost:8000"}).status_code == 200


def test_with_a_token_pages_ask_for_it_once_and_stay_read_only(city: City) -> None:
    app = make_app(city, token="long-enough", is_acting=True)  # noqa: S106
    with TestClient(app, "https://city.example", headers={"Accept": "text/html"}) as visitor:
        asked = visitor.get("/cases", follow_redirects=False)
        assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?back=/cases")
        assert visitor.post("/sign-in", data={"given": "wrong"}).status_code == 401
        entered = visitor.post("/sign-in", data={"given": "long-enough", "back": "/cases/1"})
        assert entered.url.path == "/cases/1"
        assert '<form method="post"' not in entered.text
        assert visitor.post("/cases/1", data={"verb": "take"}).status_code == 403
        assert "long-enough" not in str(visitor.cookies)
