"""How short requests of one path are read and answered, without all that HTTP allows.

A request that came whole and is written as nearly all clients write it needs no state machine; to
read it by one takes longer than to answer it. Whatever is not exactly so goes the way of uvicorn
and h11 (RFC 9112), which also say what is wrong with it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any, NamedTuple

import h11
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol, RequestResponseCycle

_MOST_BYTES = 8_192
_GAP, _END = b"\r\n\r\n", b"\r\n"
# Field lines (RFC 9112, section 5) of visible ASCII: no value can end a line or hide another.
_FIELDS = re.compile(rb"(?:[-!#$%&'*+.^_`|~0-9A-Za-z]+:[\t -~]*\r\n){1,60}")
_LENGTH, _CONNECTION = b"content-length", b"connection"
# They change how a request is read, or what is done beside answering it.
_OF_H11 = frozenset({b"transfer-encoding", b"upgrade", b"expect", b"te", b"trailer"})
_CLOSE = (b"connection", b"close")
# How long a connection may take to bring the head of its next request.
_HEAD_S = 30.0


class Read(NamedTuple):
    """A request that was read: its headers with names in small letters, and its body."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


def read_whole(data: bytes, start: bytes) -> Read | None:
    """Return the request that `data` is, all of it and nothing else; None for h11 to read.

    `start` is its first line. Each name is there once, a host is named, and the length is told.
    """
    if len(data) > _MOST_BYTES or not data.startswith(start):
        return None
    head, gap, body = data[len(start) :].partition(_GAP)
    if not gap or not _FIELDS.fullmatch(head + _END):
        return None
    headers = []
    for line in head.split(_END):
        name, _, value = line.partition(b":")
        headers.append((name.lower(), value.strip(b" \t")))
    held = dict(headers)
    if len(held) < len(headers) or b"host" not in held or not _OF_H11.isdisjoint(held):
        return None
    if held.get(_CONNECTION, b"keep-alive").lower() != b"keep-alive":
        return None
    # The plainest way to write a length is the only one here.
    return Read(headers, body) if held.get(_LENGTH) == b"%d" % len(body) else None


class _Cycle(RequestResponseCycle):
    """One short request and its answer, which leaves in one piece."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._head: Any = None
        self._pieces: list[bytes] = []

    async def send(self, message: Any) -> None:
        """Take a message of the application (ASGI); write the answer when it is whole."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start" and not self.response_started:
            self.response_started, self._head = True, message
        elif message["type"] == "http.response.body" and self._head and not self.response_complete:
            self._pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                self._answer()
        else:
            raise RuntimeError(f"{message['type']} is not awaited now.")

    def _answer(self) -> None:
        body, status = b"".join(self._pieces), self._head["status"]
        headers = [*self.default_headers, *self._head.get("headers", ())]
        if not any(name.lower() == _LENGTH for name, _ in headers):
            headers.append((_LENGTH, b"%d" % len(body)))
        fields = b"".join([b"%b: %b\r\n" % pair for pair in headers])
        if not _FIELDS.fullmatch(fields) or fields.count(_END) > len(headers):
            raise RuntimeError("A header of an answer is none.")
        self.transport.write(
            b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (status, STATUS_PHRASES[status], fields, body)
        )
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive or _CLOSE in headers:
            self.transport.close()
        self.on_response()


def reader_of(path: str, head_s: float = _HEAD_S) -> type[H11Protocol]:
    """Return uvicorn's protocol, but for short POST requests to a path.

    A connection that asks for nothing whole within `head_s` is closed, however it drips.
    """
    start = f"POST {path} HTTP/1.1\r\n".encode()

    class ShortRequests(_ShortRequests):
        _path, _start, _head_s = path, start, head_s

    return ShortRequests


class _ShortRequests(H11Protocol):
    _path: str
    _start: bytes
    _head_s: float

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._held = b""
        tells = self.access_log and self.access_logger.isEnabledFor(logging.INFO)
        self._is_plain = not (self.root_path or self.config.reset_contextvars or tells)

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._look = self.loop.call_later(self._head_s, self._looked)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._look.cancel()
        super().connection_lost(exc)

    def _looked(self) -> None:
        """Close the connection if it waited in vain, else look again in time."""
        if self.transport.is_closing():
            return
        is_answering = self.cycle is not None and not self.cycle.response_complete
        left_s = self._head_s if is_answering else self._since + self._head_s - self.loop.time()
        if left_s <= 0:
            self.transport.close()
            return
        self._look = self.loop.call_later(left_s, self._looked)

    def data_received(self, data: bytes) -> None:
        """Take what came: answer it at once, keep it until its turn, or leave it to h11."""
        if isinstance(self.cycle, _Cycle) and not self.cycle.response_complete:
            self._held += data
            if len(self._held) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            return
        found = read_whole(data, self._start) if self._is_free() else None
        if found is None:
            super().data_received(data)
            return
        self._unset_keepalive_if_required()
        self._begin(found)

    def on_response_complete(self) -> None:
        """Go on with what came while the answer was made."""
        super().on_response_complete()
        self._since = self.loop.time()
        held, self._held = self._held, b""
        if held and not self.transport.is_closing():
            self.data_received(held)

    def _is_free(self) -> bool:
        """Tell whether the next request is the first thing that is read, and may come."""
        most, conn = self.limit_concurrency, self.conn
        return (
            self._is_plain
            and conn.their_state is h11.IDLE
            and conn.our_state is h11.IDLE
            and not conn.trailing_data[0]
            and (most is None or max(len(self.connections), len(self.tasks)) < most)
        )

    def _begin(self, found: Read) -> None:
        scope: Any = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": "POST",
            "root_path": "",
            "path": self._path,
            "raw_path": self._path.encode(),
            "query_string": b"",
            "headers": found.headers,
            "state": self.app_state.copy(),
            "is_whole": True,
        }
        self.scope, self.headers = scope, found.headers
        self.cycle = cycle = _Cycle(
            scope=scope,
            conn=self.conn,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            on_response=self.on_response_complete,
        )
        cycle.body, cycle.more_body = bytearray(found.body), False
        cycle.message_event.set()
        task = self.loop.create_task(cycle.run_asgi(self.app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)
