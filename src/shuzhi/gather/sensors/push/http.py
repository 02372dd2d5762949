"""Push over HTTP: POST a record or a list of records as JSON; 200 when it is on the disk.

`POST /push/NAME` with `Authorization: Bearer TOKEN`. Answers: 400 what is no JSON, 401 a wrong
token or name (not told apart), 405, 413 too large, 503 with Retry-After while the disk is full.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import contextmanager
from hmac import compare_digest
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from shuzhi.gather.sensors.gateway.budget import Tally
from shuzhi.gather.sensors.push.messages import Pushed, keep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shuzhi.gather.sensors.gateway.committer import Committer

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_PATH = "/push/"
_RETRY_SECONDS = b"5"
_MOST_TOLD = 10_000
_logger = logging.getLogger("shuzhi.gateway")


class _Refused(Exception):  # noqa: N818
    """A request that is not taken: its status, a code and what to do."""

    def __init__(self, status: int, code: str, why: str) -> None:
        super().__init__(why)
        self.status, self.code, self.why = status, code, why


class PushApp:
    """The ASGI application; `told` is what `told_http` returned, `number` this sender's."""

    def __init__(self, told: Mapping[str, Any], committer: Committer, number: int) -> None:
        self._sources: Mapping[str, Mapping[str, str]] = told["sources"]
        self._most: int = told["message_bytes"]
        self._committer = committer
        self._number = number
        self._tally = Tally(_MOST_TOLD)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            name, source = self._allowed(scope)
            raw = await self._body(receive)
            records = _records(raw)
            await keep(self._committer, Pushed(source["dataset"], name, raw), self._number)
            await _answer(send, 200, {"stored": records})
        except _Refused as refused:
            self._tell(scope, refused)
            await _answer(send, refused.status, {"code": refused.code, "message": refused.why})

    def _allowed(self, scope: dict[str, Any]) -> tuple[str, Mapping[str, str]]:
        if scope["method"] != "POST":
            raise _Refused(405, "push.not_a_post", "Send records with POST.")
        name = str(scope["path"]).removeprefix(_PATH)
        given = dict(scope["headers"]).get(b"authorization", b"")
        source = self._sources.get(name)
        # The same work for names that are not known, so that time tells nothing of them.
        wanted = f"Bearer {source['token'] if source else ''}".encode()
        if (
            not compare_digest(given, wanted)
            or source is None
            or not scope["path"].startswith(_PATH)
        ):
            raise _Refused(401, "push.not_allowed", "The name or the token is wrong.")
        if self._committer.is_pressed:
            raise _Refused(503, "push.disk_full", "Nothing can be stored now. Send it again later.")
        return name, source

    async def _body(self, receive: Receive) -> bytes:
        raw = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Refused(400, "push.cut_off", "The request was cut off.")
            raw += cast("bytes", message.get("body", b""))
            if len(raw) > self._most:
                raise _Refused(413, "push.too_large", f"A message has at most {self._most} bytes.")
            if not message.get("more_body"):
                return raw

    def _tell(self, scope: dict[str, Any], refused: _Refused) -> None:
        peer = str((scope.get("client") or ("",))[0])
        if self._tally.count(peer, refused.code, monotonic()) == 1:
            _logger.warning("%s: %s %s", peer, refused.code, str(scope["path"])[:60])


def _records(raw: bytes) -> int:
    """Return how many records a body has; refuse what is no JSON."""
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        raise _Refused(400, "push.not_json", "The body is no JSON in UTF-8.") from None
    if isinstance(content, dict):
        return 1
    if isinstance(content, list):
        return len(content)
    raise _Refused(400, "push.no_records", "Send an object, or a list of objects.")


async def _answer(send: Send, status: int, content: Mapping[str, Any]) -> None:
    headers = [(b"content-type", b"application/json; charset=utf-8")]
    if status == 503:
        headers.append((b"retry-after", _RETRY_SECONDS))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(content).encode()})


async def serve_http(app: PushApp, host: str, port: int, ready: asyncio.Future[int]) -> None:
    """Serve until cancelled; `ready` is told the port."""
    # Imported here for only a gateway that is pushed to needs it.
    import uvicorn

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Leave signals to the gateway."""
            yield

    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        lifespan="off",
        log_config=None,
        access_log=False,
        limit_concurrency=1_000,
        timeout_keep_alive=30,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if serving.done():
                raise OSError(f"cannot listen on {host}:{port}")
            await asyncio.sleep(0.01)
        ready.set_result(server.servers[0].sockets[0].getsockname()[1])
        await serving
    finally:
        server.should_exit = True
        await asyncio.wait([serving])
