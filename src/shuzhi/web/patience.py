"""How long a body may take to come: who drips it would hold a place that others wait for."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shuzhi.web.problems import WebError, problem

_WITHOUT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Patience:
    """Waits for a body `first_s`, and as much longer as `bytes_s` take of what came (ASGI).

    Who is slower is refused (`web.too_slow`) and hung up on. What `reading` found whole is let by.
    """

    def __init__(self, app: ASGIApp, *, first_s: float = 30.0, bytes_s: float = 10_000.0) -> None:
        self._app = app
        self._first_s = first_s
        self._bytes_s = bytes_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] in _WITHOUT or scope.get("is_whole"):
            await self._app(scope, receive, send)
            return
        until = asyncio.get_running_loop().time() + self._first_s
        coming = _Coming(receive, send, until, self._bytes_s)
        try:
            await self._app(scope, coming.receive, coming.send)
        except WebError as error:
            if error is not coming.late or coming.is_answered:
                raise
            await problem(error)(scope, receive, coming.send)


@dataclass
class _Coming:
    """A body on its way, which has to be whole by `until`."""

    given: Receive
    taken: Send
    until: float
    bytes_s: float
    is_whole: bool = False
    is_answered: bool = False
    late: WebError | None = None

    async def receive(self) -> Message:
        """Return the next part of it. Raises WebError `web.too_slow`."""
        if self.is_whole:
            return await self.given()
        try:
            async with asyncio.timeout_at(self.until):
                message: MutableMapping[str, Any] = await self.given()
        except TimeoutError:
            self.late = WebError(
                "web.too_slow",
                "This request came too slowly.",
                next_step="Send it again, in smaller parts or over a better line.",
            )
            raise self.late from None
        self.until += len(message.get("body", b"")) / self.bytes_s
        self.is_whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Hand an answer on; after one to who was late nothing more is read."""
        if message["type"] == "http.response.start":
            self.is_answered = True
            if self.late is not None:
                MutableHeaders(scope=message)["Connection"] = "close"
        await self.taken(message)
