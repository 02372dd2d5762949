"""Short requests that are read without h11: what the application and the client see is the same."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from shuzhi.web.reading import read_whole, reader_of

PATH = "/api/v1/verifications"
START = f"POST {PATH} HTTP/1.1\r\n".encode()
SHORT = reader_of(PATH)
SCOPE = ("type", "http_version", "method", "path", "raw_path", "query_string", "headers")


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.is_closed = b"", False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 5), "sockname": ("127.0.0.1", 6)}.get(name, default)

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with what came."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await asyncio.sleep(0)
    seen = {name: repr(scope[name]) for name in SCOPE} | {"body": body.hex()}
    content = json.dumps(seen).encode()
    headers = [(b"content-type", b"x/y"), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def answered(
    kind: type[H11Protocol], pieces: list[bytes], app: Any = echo, **settings_: Any
) -> tuple[bytes, bool]:
    """Return what a server of a kind writes when these pieces come, and whether it hangs up."""

    async def run() -> tuple[bytes, bool]:
        config = Config(app, log_config=None, access_log=False, **settings_)
        config.load()
        wire = Wire()
        server = kind(config, ServerState(), {}, asyncio.get_running_loop())
        server.connection_made(wire)
        for piece in pieces:
            if not wire.is_closed:
                server.data_received(piece)
            for _ in range(12):
                await asyncio.sleep(0)
        server.connection_lost(None)
        return wire.written, wire.is_closed

    return asyncio.run(run())


def asked(body: bytes = b"{}", *more: bytes, length: bytes | None = None) -> bytes:
    """Return a request as clients write it."""
    told = b"%d" % len(body) if length is None else length
    fields = (b"Host: a.b:1", b"Content-Type: application/json", *more, b"Content-Length: " + told)
    return START + b"\r\n".join((*fields, b"", body))


@pytest.mark.parametrize(
    "more",
    [(), (b"Connection: keep-alive",), (b"authorization:\tBearer a b ", b"X-Empty:")],
)
def test_a_plain_request_is_read_without_h11_and_seen_alike(more: tuple[bytes, ...]) -> None:
    request = asked(b'{"a": "\xe4\xbd\xa0"}', *more)
    assert read_whole(request, START)
    assert answered(SHORT, [request] * 2) == answered(H11Protocol, [request] * 2)


@pytest.mark.parametrize(
    "request_",
    [
        asked(b"{}", b"Transfer-Encoding: chunked"),
        asked(b"{}", b"Host: other"),
        asked(b"{}", b"Content-Length: 2"),
        asked(b"{}", b"Connection: close"),
        asked(b"{}", b"Connection: upgrade", b"Upgrade: websocket"),
        asked(b"{}", b"Expect: 100-continue"),
        asked(b"{}", b"X-Name : 1"),
        asked(b"{}", b"X-Name: a\x00b"),
        asked(b"{}", b"X-Name: a\rb"),
        asked(b"{}", b"X-Name: a\nb: c"),
        asked(b"{}", b" folded: 1"),
        asked(b"{}", b": nothing"),
        asked(b"{}", b"X-Name: \xff"),
        asked(length=b"+2"),
        asked(length=b"02"),
        asked(length=b"1"),
        asked(length=b"3"),
        asked(length=b"-1"),
        asked().replace(b"Host: a.b:1\r\n", b""),
        asked().replace(b"HTTP/1.1", b"HTTP/1.0"),
        asked().replace(b"POST", b"PUT"),
        asked().replace(b" HTTP", b"?a=1 HTTP"),
        asked().replace(b"\r\n", b"\n"),
        asked(b"x" * 9_000),
    ],
)
def test_whatever_is_not_plain_is_left_to_h11(request_: bytes) -> None:
    assert read_whole(request_, START) is None
    assert answered(SHORT, [request_]) == answered(H11Protocol, [request_])


@settings(max_examples=60)
@given(st.lists(st.integers(0, 400), max_size=3), st.binary(max_size=40))
def test_pieces_are_answered_as_h11_answers_them(cuts: list[int], body: bytes) -> None:
    whole = asked(body) + asked(body + b"!") + asked(b"last")
    ends = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    pieces = [whole[a:b] for a, b in pairwise(ends)]
    assert answered(SHORT, pieces) == answered(H11Protocol, pieces)


@settings(max_examples=150)
@given(st.integers(0, 150), st.sampled_from(b"\x00\t\r\n :,;0aA\x7f\xff"), st.booleans())
def test_one_wrong_byte_is_taken_as_h11_takes_it(at: int, byte: int, is_more: bool) -> None:
    good = asked(b"{}", b"Connection: keep-alive")
    rest = good[at:] if is_more else good[at + 1 :]
    request = good[:at] + bytes([byte]) + rest
    assert answered(SHORT, [request]) == answered(H11Protocol, [request])


def test_a_server_that_is_full_says_so() -> None:
    written, _ = answered(SHORT, [asked()], limit_concurrency=1)
    assert written.startswith(b"HTTP/1.1 503")


def test_what_comes_before_the_answer_waits_for_it() -> None:
    written, _ = answered(SHORT, [asked(b"1"), asked(b"2")[:30], asked(b"2")[30:] + asked(b"3")])
    bodies = [part.partition(b'"body": "')[2][:2] for part in written.split(b"HTTP/1.1 200")]
    assert bodies == [b"", b"31", b"32", b"33"]


def test_an_application_that_fails_is_a_500_and_hangs_up() -> None:
    async def fails(_scope: Any, _receive: Any, _send: Any) -> None:
        raise ValueError

    written, is_closed = answered(SHORT, [asked()], fails)
    assert written.startswith(b"HTTP/1.1 500") and is_closed


def test_an_answer_cannot_be_split() -> None:
    async def splits(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"x-name", b"a\r\nset-cookie: b")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    written, is_closed = answered(SHORT, [asked()], splits)
    assert (written, is_closed) == (b"", True)
