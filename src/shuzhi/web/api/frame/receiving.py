"""Takes in requests that change something: bounded in size, and counted once by their key.

What was answered is kept with the key (`app.repeats`); what was refused changed nothing, and is
not kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shuzhi.act.cases.evidence import MOST_BYTES
from shuzhi.app import City
from shuzhi.app.repeats import MOST_KEY, Answered, Named, keep_answer, let_go, take_up
from shuzhi.kernel.errors import ShuzhiError
from shuzhi.web.api.frame.asking import KEY_HEADER
from shuzhi.web.api.frame.problems import problem
from shuzhi.web.problems import WebError
from shuzhi.web.visitors import visitor_of

MOST_JSON_BYTES = 1_000_000
_KEPT_HEADERS = ("content-type", "etag", "location", "content-language")
# How the paths of questions end that have a body; see `asking.asks`.
DELIVERIES = "/deliveries"
ASKED = (
    DELIVERIES, "/blanks", "/passwords", "/explanations", "/subject-files", "/rehearsals/rules",
    "/rehearsals/staffing",
)  # fmt: skip
_READING = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Receiving:
    """Lets requests in whose bodies are bounded, each that changes something once (ASGI)."""

    def __init__(self, app: ASGIApp, city: City) -> None:
        self._app = app
        self._city = city

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] in _READING:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            body = await _whole(request)
            if scope["path"].endswith(ASKED):
                # It may be long or personal, and nothing of it is kept, not even a hash.
                await self._app(scope, _again(body, receive), send)
                return
            answer = await self._answered(request, body)
        except ShuzhiError as error:
            answer = problem(request, error)
        await answer(scope, receive, send)

    async def _answered(self, request: Request, body: bytes) -> Response:
        named = _named(request, body)
        if named is None:
            return (await self._asked(request, body)).response()
        city = self._city
        known = await run_in_threadpool(take_up, city.control, named, city.clock())
        if known is not None:
            return _shown(known, {"Idempotency-Replayed": "true"})
        return await self._first(request, body, named)

    async def _first(self, request: Request, body: bytes, named: Named) -> Response:
        city, taken = self._city, _Taken()
        try:
            taken = await self._asked(request, body)
        finally:
            if not taken.is_done:
                await run_in_threadpool(let_go, city.control, named)
        if taken.is_done:
            await run_in_threadpool(keep_answer, city.control, named, taken.answered())
            await run_in_threadpool(city.record)
        return taken.response()

    async def _asked(self, request: Request, body: bytes) -> _Taken:
        """Hand a request on, and take its answer."""
        taken = _Taken()
        await self._app(request.scope, _again(body, _gone), taken.send)
        return taken


@dataclass
class _Taken:
    """An answer as it comes, piece by piece."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether what was asked for was done."""
        return 200 <= self.status < 300

    async def send(self, message: Message) -> None:
        """Take a piece."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body":
            self.pieces.append(message.get("body", b""))

    def answered(self) -> Answered:
        """Return what is worth keeping of it."""
        headers = Headers(raw=self.headers)
        kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
        return Answered(self.status, kept, b"".join(self.pieces))

    def response(self) -> Response:
        """Return it as it came."""
        made = Response(b"".join(self.pieces), self.status)
        made.raw_headers = self.headers
        return made


def _again(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read, and then whatever comes."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return left.pop() if left else await receive()

    return received


async def _gone() -> Message:
    return {"type": "http.disconnect"}


def _shown(answered: Answered, more: dict[str, str]) -> Response:
    return Response(answered.body, answered.status, {**answered.headers, **more})


def _named(request: Request, body: bytes) -> Named | None:
    """Return a request by its key; None for one that can change nothing."""
    visitor, key = visitor_of(request), request.headers.get(KEY_HEADER, "")
    if request.method != "POST" or not (
        0 < len(key) <= MOST_KEY and key.isascii() and key.isprintable()
    ):
        return None
    if visitor.standing is None and not visitor.acts_unnamed:
        return None
    path, query = request.scope["path"], request.scope["query_string"]
    seen = request.headers.get("if-match", "")
    head = "\n".join((request.method, path, seen)).encode(errors="replace")
    asked = hashlib.sha256(b"\n".join((head, query, body)))
    return Named(visitor.account or "", key, asked.hexdigest())


async def _whole(request: Request) -> bytes:
    most = MOST_BYTES if request.scope["path"].endswith("/evidence") else MOST_JSON_BYTES
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise WebError(
                "web.too_large",
                f"A body has at most {most:,} bytes here.",
                next_step="Send less at once.",
            )
        pieces.append(piece)
    return b"".join(pieces)
