"""Streams of what is new (server-sent events): looked for once a second, told to all who look on.

A channel has a state of texts by name. Who comes is told all of it, later only what changed; with
nobody there, nothing is looked for.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from time import monotonic

from starlette.concurrency import run_in_threadpool

from shuzhi.app import City
from shuzhi.share.accounts import EVERYTHING, Sight
from shuzhi.web.pulse import Pulse

State = Mapping[str, str]
_EVERY_SECONDS = 1.0
_QUIET_SECONDS = 15.0
_MOST_WAITING = 8
_HALF_AN_HOUR = timedelta(minutes=30)
_log = logging.getLogger(__name__)


class Live:
    """The channels of a server; each stream ends after `lasts`, and a browser asks for the next.

    So who looks on is recognised anew, and sees nothing for good by a session that is over.
    """

    def __init__(self, city: City, lasts: timedelta = _HALF_AN_HOUR) -> None:
        self._city = city
        self._lasts_s = lasts.total_seconds()
        self._channels: dict[str, _Channel] = {}

    def pulse(
        self,
        cases: Sight = EVERYTHING,
        sharing: Sight = EVERYTHING,
        *,
        manages_sharing: bool = False,
    ) -> AsyncIterator[bytes]:
        """Tell which wings have something new for those who see so much."""
        pulse = Pulse(self._city, cases, sharing, manages_sharing)
        return self.channel(pulse.name, pulse)

    def channel(self, name: str, look: Callable[[], State]) -> AsyncIterator[bytes]:
        """Tell what `look` returns, now and whenever it changes; one look for all listeners."""
        channel = self._channels.setdefault(name, _Channel(look))
        return channel.listen(self._lasts_s, lambda: self._channels.pop(name, None))

    async def close(self) -> None:
        """End every stream."""
        for channel in tuple(self._channels.values()):
            channel.close()


class _Channel:
    def __init__(self, look: Callable[[], State]) -> None:
        self._look = look
        self._seen: dict[str, str] = {}
        self._listeners: set[asyncio.Queue[bytes | None]] = set()
        self._task: asyncio.Task[None] | None = None

    async def listen(self, lasts_s: float, forget: Callable[[], object]) -> AsyncIterator[bytes]:
        until_s = monotonic() + lasts_s
        mine: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_WAITING)
        self._listeners.add(mine)
        if self._task is None:
            self._task = asyncio.create_task(self._look_on())
        try:
            yield b"retry: 3000\n\n" + (_told(self._seen) if self._seen else b"")
            while monotonic() < until_s and (news := await _next(mine)) is not None:
                yield news
        finally:
            self._listeners.discard(mine)
            if not self._listeners:
                self.close()
                forget()

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        for queue in self._listeners:
            _put(queue, None)

    async def _look_on(self) -> None:
        while True:
            try:
                found = await run_in_threadpool(self._look)
            except Exception:  # noqa: BLE001  (whoever looks on waits until it can be seen again)
                _log.exception("what pages show could not be read")
            else:
                self._tell(found)
            await asyncio.sleep(_EVERY_SECONDS)

    def _tell(self, found: State) -> None:
        changed = {name: text for name, text in found.items() if self._seen.get(name) != text}
        self._seen = dict(found)
        if not changed:
            return
        news = _told(changed)
        for queue in self._listeners:
            if queue.full():
                # Who cannot keep up is told where things stand, not each step on the way.
                _put(queue, _told(self._seen))
            else:
                queue.put_nowait(news)


async def _next(queue: asyncio.Queue[bytes | None]) -> bytes | None:
    try:
        async with asyncio.timeout(_QUIET_SECONDS):
            return await queue.get()
    except TimeoutError:
        return b": still here\n\n"


def _put(queue: asyncio.Queue[bytes | None], news: bytes | None) -> None:
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(news)


def _told(state: State) -> bytes:
    return f"event: news\ndata: {json.dumps(state, ensure_ascii=False)}\n\n".encode()
