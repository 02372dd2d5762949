"""The HTTP reader against real servers on this machine that fail as servers do."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from shuzhi.gather.sources.http import HttpReader
from shuzhi.gather.sources.http_fetch import World
from shuzhi.gather.sources.model import HttpSource, Part
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

JSON = {"Content-Type": "application/json"}
NOON = Instant(datetime(2026, 3, 2, 12, tzinfo=UTC))


@dataclass
class Reply:
    """What the server answers to one request; a `body` that is no bytes is written as JSON."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON))
    claims_more: int = 0


@dataclass
class Asked:
    """One request as the server saw it."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Server:
    """A server on 127.0.0.1 that runs `answer`; `asked` keeps its requests in order."""

    url: str
    asked: list[Asked] = field(default_factory=list)


Answer = Callable[[Asked], Reply]
Serve = Callable[[Answer], Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    running: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> Server:
        server = Server("")

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                asked = Asked(parts.path, query, dict(self.headers.items()))
                server.asked.append(asked)
                reply = answer(asked)
                raw = reply.body
                body = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
                self.send_response(reply.status)
                self.send_header("Content-Length", str(len(body) + reply.claims_more))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(ConnectionError):  # the reader may have gone
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        running.append(listening)
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        server.url = f"http://127.0.0.1:{listening.server_port}"
        return server

    yield start
    for listening in running:
        listening.shutdown()
        listening.server_close()


@dataclass
class Slept:
    """A world in which no time passes, and how long the reader meant to sleep in it."""

    seconds: list[float] = field(default_factory=list)

    def world(self) -> World:
        return World(sleep=self.seconds.append, jitter=lambda: 0.5, clock=lambda: NOON)


def source(url: str, **said: Any) -> HttpSource:
    common = {"name": "permits_api", "dataset": "permits", "provider": "housing", "kind": "http"}
    return HttpSource.model_validate({**common, "url": f"{url}/permits", **said})


def no_secret(name: str) -> str:
    raise AssertionError(f"nobody should ask for {name}")


def read(
    src: HttpSource,
    since: str | None = None,
    *,
    slept: Slept | None = None,
    secret: Callable[[str], str] = no_secret,
) -> list[tuple[Part, list[dict[str, Any]]]]:
    reader = HttpReader(src, secret, world=(slept or Slept()).world())
    return [(part, part.rows.read_all().to_pylist()) for part in reader.parts(since)]


def rows(read_parts: list[tuple[Part, list[dict[str, Any]]]]) -> list[dict[str, Any]]:
    return [row for _, part_rows in read_parts for row in part_rows]


def refused(src: HttpSource, **how: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        read(src, **how)
    return caught.value


def numbered(asked: Asked, *, parameter: str = "page", size: int = 2, total: int = 5) -> Reply:
    """Serve the ids 1 to `total` in pages of `size`, numbered from 1."""
    first = (int(asked.query.get(parameter, "1")) - 1) * size + 1
    ids = range(first, min(first + size, total + 1))
    return Reply({"data": {"items": [{"id": i} for i in ids]}, "total": total})


# -- paging ---------------------------------------------------------------------------------------


def test_a_body_that_is_a_list_is_one_page(serve: Serve) -> None:
    server = serve(lambda _: Reply([{"id": 1}, {"id": 2}]))
    [(part, found)] = read(source(server.url))
    assert found == [{"id": "1"}, {"id": "2"}]
    assert part.origin == f"{server.url}/permits pages 1-1"
    assert part.cursor is None


def test_numbered_pages_end_at_an_empty_page(serve: Serve) -> None:
    server = serve(numbered)
    found = rows(read(source(server.url, records="data.items", paging={"style": "page"})))
    assert [row["id"] for row in found] == ["1", "2", "3", "4", "5"]
    assert [asked.query["page"] for asked in server.asked] == ["1", "2", "3", "4"]


def test_a_stated_total_saves_the_empty_page(serve: Serve) -> None:
    server = serve(numbered)
    paging = {"style": "page", "total": "total", "size": 2, "size_parameter": "per_page"}
    found = rows(read(source(server.url, records="data.items", paging=paging)))
    assert len(found) == 5
    assert [asked.query["per_page"] for asked in server.asked] == ["2", "2", "2"]


def test_pages_that_give_less_than_the_total_are_refused(serve: Serve) -> None:
    server = serve(lambda _: Reply({"items": [], "total": 7}))
    error = refused(source(server.url, records="items", paging={"style": "page", "total": "total"}))
    assert str(error) == (
        "gather.http_short: The API says it has 7 records but its pages gave 0. Nothing of the "
        "last pages was stored. Run again; if it stays so, check `paging`, or ask who keeps the "
        "API."
    )


def test_offsets_advance_by_what_came_not_by_what_was_asked(serve: Serve) -> None:
    everything = [{"id": i} for i in range(7)]

    def answer(asked: Asked) -> Reply:
        first = int(asked.query["offset"])
        return Reply(everything[first : first + 3])  # the server caps the limit of 100 at 3

    server = serve(answer)
    paging = {"style": "offset", "size": 100, "size_parameter": "limit"}
    found = rows(read(source(server.url, paging=paging)))
    assert [row["id"] for row in found] == [str(i) for i in range(7)]
    assert [asked.query["offset"] for asked in server.asked] == ["0", "3", "6", "7"]


def test_tokens_are_sent_back_until_there_is_none(serve: Serve) -> None:
    following = {None: "a&b", "a&b": 7, "7": None}

    def answer(asked: Asked) -> Reply:
        token = asked.query.get("after")
        return Reply({"rows": [{"token": token}], "meta": {"next": following[token]}})

    server = serve(answer)
    paging = {"style": "cursor", "parameter": "after", "next": "meta.next"}
    found = rows(read(source(server.url, records="rows", paging=paging)))
    assert [row["token"] for row in found] == [None, "a&b", "7"]


def test_link_headers_are_followed_and_keep_the_query(serve: Serve) -> None:
    def answer(asked: Asked) -> Reply:
        page = int(asked.query.get("p", "1"))
        link = f'<permits?p={page + 1}>; rel="next", </permits?p=1>; rel=first'
        shown = {1: link, 2: link}.get(page, '</permits?p=1>; rel="first"')
        return Reply([{"page": page, "key": asked.query["key"]}], headers={**JSON, "Link": shown})

    server = serve(answer)
    found = rows(read(source(server.url, query={"key": "k"}, paging={"style": "link"})))
    assert [(row["page"], row["key"]) for row in found] == [("1", "k"), ("2", "k"), ("3", "k")]


def test_next_urls_in_the_body_are_followed(serve: Serve) -> None:
    def answer(asked: Asked) -> Reply:
        following = {"/permits": "/more?at=2"}.get(asked.path)
        return Reply({"value": [{"path": asked.path}], "@odata.nextLink": following})

    server = serve(answer)
    paging = {"style": "link", "next": r"@odata\.nextLink"}
    found = rows(read(source(server.url, records="value", paging=paging)))
    assert [row["path"] for row in found] == ["/permits", "/more"]


def test_pages_are_grouped_into_parts(serve: Serve) -> None:
    server = serve(numbered)
    src = source(server.url, records="data.items", paging={"style": "page"}, part_rows=3)
    parts = [part for part, _ in read(src)]
    assert [part.first_row for part in parts] == [1, 5]
    assert [part.origin.partition(" ")[2] for part in parts] == ["pages 1-2", "pages 3-4"]


def test_a_server_that_repeats_its_page_is_refused(serve: Serve) -> None:
    stamp = count()
    server = serve(lambda _: Reply({"at": next(stamp), "items": [{"id": 1}]}))
    error = refused(source(server.url, records="items", paging={"style": "page"}))
    assert str(error) == (
        f"gather.http_endless: Page 2 of {server.url}/permits is the same as a page before it, so "
        "the pages would never end. Check `paging`: the API may not know `parameter`, or needs "
        "`total` to end."
    )
    assert len(server.asked) == 2


def test_pages_without_end_are_refused(serve: Serve) -> None:
    server = serve(lambda asked: Reply([{"id": asked.query["page"]}]))
    error = refused(source(server.url, paging={"style": "page", "most_pages": 3}))
    assert str(error) == (
        f"gather.http_too_many_pages: Page 3 of {server.url}/permits was the last that "
        "`paging.most_pages` allows, and there are more. Raise `paging.most_pages` if the API "
        "really has so many pages."
    )


# -- cursor ---------------------------------------------------------------------------------------


def test_only_the_last_part_moves_the_cursor(serve: Serve) -> None:
    pages = {
        "1": [{"at": "2026-01-03"}, {"at": None}],
        "2": [{"at": "2026-01-02"}, {"id": 1}],
        "3": [],
    }
    server = serve(lambda asked: Reply(pages[asked.query["page"]]))
    src = source(
        server.url,
        paging={"style": "page"},
        cursor_field="at",
        cursor_parameter="since",
        part_rows=1,
    )
    assert [part.cursor for part, _ in read(src, "2026-01-01")] == ["2026-01-01", "2026-01-03"]
    assert {asked.query["since"] for asked in server.asked} == {"2026-01-01"}


def test_the_first_run_sends_no_cursor(serve: Serve) -> None:
    server = serve(lambda _: Reply([{"seq": 9}, {"seq": 10}]))
    [(part, _)] = read(source(server.url, cursor_field="seq", cursor_parameter="since"))
    assert part.cursor == "10"
    assert server.asked[0].query == {}


def test_a_cursor_of_numbers_and_texts_is_refused(serve: Serve) -> None:
    server = serve(lambda _: Reply([{"seq": "monday"}, {"seq": 10}]))
    error = refused(source(server.url, cursor_field="seq", cursor_parameter="since"))
    assert str(error) == (
        f"gather.cursor_unusable: Page 1 of {server.url}/permits has values at `cursor_field` that "
        "are neither all numbers nor all texts. Name another `cursor_field`, or load without one."
    )


# -- rows -----------------------------------------------------------------------------------------


def test_no_digit_and_no_member_is_lost(serve: Serve) -> None:
    body = (
        '[{"n": 12345678901234567890.10, "b": true, "z": null, "s": "北京 \\"x\\"",'
        ' "geo": {"at": [1.50, 1e400, null], "名": "\\u4e2d"}}, {"late": 1}]'
    )
    server = serve(lambda _: Reply(body.encode()))
    assert rows(read(source(server.url))) == [
        {
            "n": "12345678901234567890.10",
            "b": "true",
            "z": None,
            "s": '北京 "x"',
            "geo": '{"at": [1.50, 1e400, null], "名": "中"}',
            "late": None,
        },
        {"n": None, "b": None, "z": None, "s": None, "geo": None, "late": "1"},
    ]


def test_records_that_are_no_rows_are_set_apart_with_their_place(serve: Serve) -> None:
    pages = {"1": b'[{"id": 1}, 7]', "2": b'[{}, {"id": "\\ud800"}, {"id": 4}]', "3": b"[]"}
    server = serve(lambda asked: Reply(pages[asked.query["page"]]))
    [(part, found)] = read(source(server.url, paging={"style": "page"}))
    assert found == [{"id": "1"}, {"id": "4"}]
    apart = [(one.row_number, one.text, one.reason_code) for one in part.unreadable()]
    assert apart == [
        (2, "7", "no_object"),
        (3, "{}", "no_object"),
        (4, '{"id": "\\ud800"}', "half_character"),
    ]
    assert part.unreadable()[0].origin == f"Page 1 of {server.url}/permits"
    assert part.unreadable()[0].reason_en == "The record is no JSON object with members."


def test_the_fingerprint_follows_the_records_not_the_page(serve: Serve) -> None:
    tick = count()
    server = serve(
        lambda asked: Reply({"served": next(tick), "items": [{"id": asked.query["id"]}]})
    )

    def fingerprint(record_id: str) -> str:
        [(part, _)] = read(source(server.url, records="items", query={"id": record_id}))
        return part.fingerprint

    assert fingerprint("1") == fingerprint("1")
    assert fingerprint("1") != fingerprint("2")


def test_a_stated_chinese_charset_is_read(serve: Serve) -> None:
    body = json.dumps([{"区": "渝中"}], ensure_ascii=False).encode("gb18030")
    server = serve(lambda _: Reply(body, headers={"Content-Type": "text/json; charset=GBK"}))
    assert rows(read(source(server.url))) == [{"区": "渝中"}]


def test_packed_pages_are_unpacked(serve: Serve) -> None:
    packed = gzip.compress(b'[{"id": 1}]')
    server = serve(lambda _: Reply(packed, headers={**JSON, "Content-Encoding": "gzip"}))
    assert rows(read(source(server.url))) == [{"id": "1"}]


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"[1, 2", "application/json", "Expecting ',' delimiter at line 1, column 6"),
        (b'[{"a": NaN}]', "application/json", "it writes NaN, which JSON does not know"),
        (b'[{"a": 1, "a": 2}]', "application/json", "an object in it repeats a name"),
        (b'["\xff"]', "application/json", "byte 3 is no utf-8"),
        (b"[" * 200_000, "application/json", "it is nested too deeply"),
        (b"[]", "application/json; charset=ebcdic", "its charset 'ebcdic' is not one of ours"),
        (b"", "application/json", "Expecting value at line 1, column 1"),
    ],
)
def test_what_is_no_json_is_refused(
    serve: Serve, body: bytes, content_type: str, message: str
) -> None:
    server = serve(lambda _: Reply(body, headers={"Content-Type": content_type}))
    assert str(refused(source(server.url))) == (
        f"gather.http_not_json: Page 1 of {server.url}/permits is not JSON: {message}. Tell who "
        "keeps the API; nothing of this page was stored."
    )


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/json"])
def test_a_web_page_is_refused(serve: Serve, content_type: str) -> None:
    page = b"\n<!doctype html><title>Log in</title>"
    server = serve(lambda _: Reply(page, headers={"Content-Type": content_type}))
    assert str(refused(source(server.url))) == (
        f"gather.html_not_table: Page 1 of {server.url}/permits is a web page (HTML), not JSON. "
        "Open the address in a browser: it may be a login or an error page. Check `url` and "
        "`headers`."
    )


@pytest.mark.parametrize("body", [{"rows": []}, {"data": {"items": {"id": 1}}}, [1], 7])
def test_no_list_at_the_path_is_refused(serve: Serve, body: Any) -> None:
    server = serve(lambda _: Reply(body))
    assert str(refused(source(server.url, records="data.items"))) == (
        f"gather.http_no_records: Page 1 of {server.url}/permits has no list of records at "
        "data.items. Correct `records`, the dotted path of the list: data.items."
    )


# -- failures of servers and networks -------------------------------------------------------------


def in_turn(*replies: Reply) -> Answer:
    left = iter(replies)
    return lambda _: next(left)


def test_passing_failures_are_tried_again_with_growing_waits(serve: Serve) -> None:
    server = serve(in_turn(*(Reply(status=s) for s in (500, 503, 429)), Reply([{"id": 1}])))
    slept = Slept()
    assert rows(read(source(server.url), slept=slept)) == [{"id": "1"}]
    assert slept.seconds == [0.375, 0.75, 1.5]


def test_a_broken_off_body_is_fetched_again_whole(serve: Serve) -> None:
    server = serve(in_turn(Reply(b'[{"id": 1}', claims_more=90), Reply([{"id": 1}, {"id": 2}])))
    assert rows(read(source(server.url))) == [{"id": "1"}, {"id": "2"}]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", [7.0]),
        ("Mon, 02 Mar 2026 12:00:30 GMT", [30.0]),
        ("Mon, 02 Mar 2026 11:00:00 GMT", [0.0]),
        ("soon", [0.375]),
        ("-1", [0.375]),
    ],
)
def test_retry_after_is_honoured(serve: Serve, said: str, seconds: list[float]) -> None:
    busy = Reply(status=429, headers={"Retry-After": said})
    server = serve(in_turn(busy, Reply([{"id": 1}])))
    slept = Slept()
    read(source(server.url), slept=slept)
    assert slept.seconds == seconds


def test_too_long_a_wait_is_refused(serve: Serve) -> None:
    server = serve(lambda _: Reply(status=503, headers={"Retry-After": "3600"}))
    assert str(refused(source(server.url))) == (
        f"gather.source_failing: {server.url}/permits asks us to come back in 3600 seconds. Run "
        "again then, or raise `most_wait_seconds`."
    )


def test_a_failure_that_stays_is_refused(serve: Serve) -> None:
    server = serve(lambda _: Reply(status=502))
    assert str(refused(source(server.url, most_tries=3))) == (
        f"gather.source_failing: {server.url}/permits answered HTTP 502 at the last of 3 tries. "
        "Run again later; what was stored stays and the run goes on from there."
    )
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [404, 410])
def test_a_source_that_is_gone_is_refused_at_once(serve: Serve, status: int) -> None:
    server = serve(lambda _: Reply(status=status))
    assert str(refused(source(server.url))) == (
        f"gather.source_gone: {server.url}/permits is not there (HTTP {status}). Check the "
        "address, or ask who keeps the API where it moved."
    )
    assert len(server.asked) == 1


def test_a_closed_port_is_a_source_that_is_gone() -> None:
    closed = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    closed.server_close()
    url = f"http://127.0.0.1:{closed.server_port}"
    slept = Slept()
    error = refused(source(url, most_tries=2), slept=slept)
    assert str(error) == (
        f"gather.source_gone: {url}/permits cannot be reached: [Errno 111] Connection refused. "
        "Check the address and the network, or ask who keeps the API."
    )
    assert len(slept.seconds) == 1


def test_an_unknown_host_is_a_source_that_is_gone() -> None:
    error = refused(source("http://no-such-host.invalid", most_tries=1))
    assert error.code == "gather.source_gone"


def test_a_silent_server_is_too_slow(serve: Serve) -> None:
    hold = threading.Event()

    def answer(_: Asked) -> Reply:
        hold.wait(5)
        return Reply([])

    server = serve(answer)
    error = refused(source(server.url, most_tries=1, timeout_seconds=0.1))
    hold.set()
    assert str(error) == (
        f"gather.source_slow: {server.url}/permits did not answer within 0.1 seconds. Run again "
        "later, ask for smaller pages (`paging.size`), or raise `timeout_seconds` or "
        "`page_seconds`."
    )


def test_a_page_that_drips_is_too_slow(serve: Serve) -> None:
    server = serve(lambda _: Reply([{"id": 1}]))
    hours = count()
    world = World(clock=lambda: Instant(NOON.replace(hour=next(hours))), sleep=lambda _: None)
    reader = HttpReader(source(server.url, most_tries=1), no_secret, world=world)
    with pytest.raises(RefusedError, match="did not answer within 300 seconds"):
        list(reader.parts(None))


def test_a_page_too_large_is_refused_even_when_packed(serve: Serve) -> None:
    bomb = gzip.compress(b" " * 5_000_000)
    server = serve(lambda _: Reply(bomb, headers={**JSON, "Content-Encoding": "gzip"}))
    assert len(bomb) < 10_000
    assert str(refused(source(server.url, most_page_bytes=100_000))) == (
        f"gather.http_too_large: A page of {server.url}/permits is larger than 100000 bytes. Ask "
        "for smaller pages (`paging.size`) or raise `most_page_bytes`."
    )


def test_an_odd_status_is_refused(serve: Serve) -> None:
    server = serve(lambda _: Reply(status=400))
    assert str(refused(source(server.url))) == (
        f"gather.http_status: {server.url}/permits answers with HTTP 400, not with a page. Check "
        "`url`, `query` and `headers` of the source."
    )


# -- redirects, other servers, secrets ------------------------------------------------------------


def test_a_redirect_on_the_same_server_is_followed(serve: Serve) -> None:
    server = serve(in_turn(Reply(status=302, headers={"Location": "/new"}), Reply([{"id": 1}])))
    assert rows(read(source(server.url))) == [{"id": "1"}]
    assert [asked.path for asked in server.asked] == ["/permits", "/new"]


def test_redirects_in_a_circle_are_refused(serve: Serve) -> None:
    server = serve(lambda _: Reply(status=307, headers={"Location": "/permits"}))
    assert str(refused(source(server.url))) == (
        f"gather.http_redirects: {server.url}/permits redirects more than 5 times. Write the "
        "address where the API really is into the source's `url`."
    )


def foreign_pair(serve: Serve, first: Callable[[str], Reply]) -> tuple[Server, Server]:
    other = serve(lambda _: Reply([{"id": 2}]))
    return serve(lambda _: first(f"{other.url}/inside")), other


@pytest.mark.parametrize(
    "first",
    [
        lambda url: Reply(status=302, headers={"Location": url}),
        lambda url: Reply([{"id": 1}], headers={**JSON, "Link": f'<{url}>; rel="next"'}),
    ],
    ids=["redirect", "link"],
)
def test_another_server_gets_nothing(serve: Serve, first: Callable[[str], Reply]) -> None:
    server, other = foreign_pair(serve, first)
    error = refused(source(server.url, paging={"style": "link"}))
    assert str(error) == (
        f"gather.http_foreign_link: {server.url}/permits leads to another server, "
        f"{other.url}/inside. If that server is meant, add its origin to `allow_origins`; it will "
        "receive the source's headers."
    )
    assert other.asked == []


def test_another_server_that_is_allowed_is_read(serve: Serve) -> None:
    server, other = foreign_pair(
        serve, lambda url: Reply([{"id": 1}], headers={**JSON, "Link": f"<{url}>; rel=next"})
    )
    src = source(server.url, paging={"style": "link"}, allow_origins=[other.url])
    assert rows(read(src)) == [{"id": "1"}, {"id": "2"}]


def test_a_link_to_a_file_is_refused(serve: Serve) -> None:
    server = serve(lambda _: Reply([], headers={**JSON, "Link": "<file:///etc/passwd>; rel=next"}))
    error = refused(source(server.url, paging={"style": "link"}))
    assert error.code == "gather.http_foreign_link"


def test_secrets_are_sent_but_never_shown(serve: Serve) -> None:
    server = serve(lambda _: Reply(status=403))
    src = source(
        f"{server.url}/${{TENANT}}",
        headers={"Authorization": "Bearer ${TOKEN}"},
        query={"key": "${KEY}"},
    )
    known = {"TENANT": "t-447", "TOKEN": "tok-9", "KEY": "k-12"}
    error = refused(src, secret=known.__getitem__)
    assert str(error) == (
        f"gather.source_denied: {server.url}/${{TENANT}}/permits does not let us in (HTTP 403). "
        "Check the secret that the source's `headers` or `query` refer to."
    )
    [asked] = server.asked
    assert asked.path == "/t-447/permits"
    assert asked.headers["Authorization"] == "Bearer tok-9"
    assert asked.query == {"key": "k-12"}


def test_a_misspelt_reference_is_refused() -> None:
    error = refused(source("http://127.0.0.1", headers={"X-Key": "${key}"}))
    assert str(error) == (
        "gather.bad_reference: A reference to a secret is misspelt. Write it as ${CITY_ERP_URL}: "
        "capitals, digits and underscores."
    )


@pytest.mark.parametrize("url", ["ftp://host", "file:///etc", "http://me:pw@host", "http:", "\x00"])
def test_what_is_no_web_address_is_refused(url: str) -> None:
    assert str(refused(source(url))) == (
        "gather.bad_url: The source's address is no http or https URL without user name and "
        "password. Write it as https://api.example.gov.cn/permits; put what proves who you are "
        "into `headers` or `query` as a reference: ${PERMITS_TOKEN}."
    )


# -- the YAML -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"records": "data..items"}, "'data..items' is not a dotted path such as data.items"),
        ({"paging": {"style": "cursor"}}, "style cursor needs `next`"),
        ({"paging": {"style": "page", "next": "a"}}, "`next` belongs to the styles cursor and"),
        ({"cursor_field": "at"}, "give `cursor_field` and `cursor_parameter` together"),
        ({"paging": {"style": "pages"}}, "Input should be 'none', 'page', 'offset', 'cursor'"),
    ],
)
def test_a_source_that_contradicts_itself_is_refused(said: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        source("http://127.0.0.1", **said)
    assert message in str(caught.value)
