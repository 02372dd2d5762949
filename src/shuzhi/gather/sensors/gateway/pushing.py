"""The other ways in: messages that are pushed over HTTP and MQTT, through the same spool."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from shuzhi.gather.sensors.gateway.committer import Committer


class Pushing:
    """Takes pushed messages; `numbers` has one for each of the senders."""

    def __init__(self, committer: Committer, numbers: Iterator[int]) -> None:
        self._committer = committer
        self._numbers = numbers
        self._tasks: list[asyncio.Task[None]] = []

    async def open(
        self, http: Mapping[str, Any] | None, mqtt: Mapping[str, Any] | None
    ) -> list[tuple[str, int]]:
        """Take messages as told; return the addresses."""
        if mqtt is not None:
            self._over_mqtt(mqtt)
        return [] if http is None else [await self._over_http(http)]

    async def close(self) -> None:
        """Take no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _over_http(self, told: Mapping[str, Any]) -> tuple[str, int]:
        from shuzhi.gather.sensors.push.http import PushApp, serve_http

        host, port = told["listen"]
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        app = PushApp(told, self._committer, next(self._numbers))
        serving = asyncio.create_task(serve_http(app, host, port, ready))
        self._tasks.append(serving)
        while not ready.done():
            if serving.done():
                serving.result()
            await asyncio.sleep(0.01)
        return host, ready.result()

    def _over_mqtt(self, told: Mapping[str, Any]) -> None:
        from shuzhi.gather.sensors.push.mqtt import Subscriber

        subscriber = Subscriber(told, self._committer, next(self._numbers))
        self._tasks.append(asyncio.create_task(subscriber.run()))
