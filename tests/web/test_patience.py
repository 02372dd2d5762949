"""Who drips: a request that does not come, or comes too slowly, holds no place for long."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from shuzhi.web.patience import Patience
from shuzhi.web.reading import reader_of

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
_MOST_STEPS = 1_000


async def counted(scope: Any, receive: Any, send: Any) -> None:
    """Answer with how long the body was."""
    body = await Request(scope, receive).body()
    await PlainTextResponse(f"{len(body)}")(scope, receive, send)


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[str, int]]]:
    """Serves `counted` on this machine with little patience."""
    started: list[tuple[uvicorn.Server, Thread]] = []

    def served(head_s: float = 30.0, **patience: float) -> tuple[str, int]:
        app, kind = Patience(counted, **patience), reader_of("/short", head_s)
        config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off", http=kind)
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, daemon=True)
        thread.start()
        started.append((server, thread))
        for _ in range(_MOST_STEPS):
            if server.started:
                break
            time.sleep(0.01)
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        return host, port

    yield served
    for server, thread in started:
        server.should_exit = True
        thread.join(10)


def dripped(at: tuple[str, int], head: bytes, piece: bytes, *, every_s: float = 0.02) -> bytes:
    """Send a piece again and again until the server hangs up; return what it said."""
    said = b""
    with socket.create_connection(at, timeout=every_s) as line:
        line.sendall(head)
        for _ in range(_MOST_STEPS):
            try:
                line.sendall(piece)
                taken = line.recv(10_000)
            except TimeoutError:
                continue
            except OSError:
                return said
            if not taken:
                return said
            said += taken
    raise AssertionError("The server never hung up.")


def test_a_body_that_drips_is_refused_and_hung_up_on(serve: Any) -> None:
    said = dripped(serve(first_s=0.2), HEAD % 1_000, b"x")
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in said.lower()
    assert b"web.too_slow" in said


def test_who_sends_much_is_given_the_time_that_it_takes(serve: Any) -> None:
    at = serve(first_s=0.3, bytes_s=10.0)
    with socket.create_connection(at, timeout=20) as line:
        line.sendall(HEAD % 110 + b"x" * 100)
        # Longer than anybody is waited for who sent nothing.
        time.sleep(0.5)
        line.sendall(b"x" * 10)
        assert line.recv(10_000).endswith(b"110")


def test_what_came_whole_waits_for_nothing(serve: Any) -> None:
    short = b"POST /short HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    at = serve(first_s=0.0)
    with socket.create_connection(at, timeout=20) as line:
        line.sendall(short % 2 + b"{}")
        assert line.recv(10_000).endswith(b"2")
    # The same path in pieces is waited for as any other.
    assert dripped(at, short % 1_000, b"x").startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("head", [b"", b"POST / HTTP/1.1\r\nHost: a\r\nX-A: "])
def test_a_connection_that_asks_for_nothing_whole_is_closed(serve: Any, head: bytes) -> None:
    assert dripped(serve(head_s=0.2), head, b"" if not head else b"x") == b""


def test_after_an_answer_the_next_request_may_take_as_long_again(serve: Any) -> None:
    at = serve(head_s=1.5)
    with socket.create_connection(at, timeout=20) as line:
        for _ in range(4):
            time.sleep(0.5)
            line.sendall(HEAD % 2 + b"{}")
            assert line.recv(10_000).endswith(b"2")
        assert line.recv(10_000) == b""
