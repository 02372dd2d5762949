"""Push over MQTT: takes messages from a broker and acknowledges those that are on the disk.

With QoS 1 and a session that the broker keeps, what was not acknowledged comes again; so a message
may come twice, and a contract with a key stores it once. A message with QoS 0 has no such promise.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from typing import Any

import aiomqtt

from shuzhi.gather.sensors.gateway.committer import Committer
from shuzhi.gather.sensors.push.messages import Pushed, keep

_AGAIN_SECONDS = 2.0
_AT_LEAST_ONCE = 1
_MOST_UNDER_WAY = 1_000
_logger = logging.getLogger("shuzhi.gateway")


class Subscriber:
    """Takes what a broker has; `told` is what `told_mqtt` returned, `number` this sender's."""

    def __init__(self, told: Mapping[str, Any], committer: Committer, number: int) -> None:
        self._told = told
        self._committer = committer
        self._number = number
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Take messages until cancelled; after a broken connection, connect again."""
        where = f"{self._told['host']}:{self._told['port']}"
        while True:
            try:
                async with self._client() as client:
                    # Not before it is stored: the library would acknowledge what it has read.
                    client._client.manual_ack_set(True)
                    for topic in self._told["topics"]:
                        await client.subscribe(topic, qos=_AT_LEAST_ONCE)
                    _logger.info("taking messages from the broker at %s", where)
                    await self._take_all(client)
            except aiomqtt.MqttError as error:
                _logger.error("the broker at %s cannot be reached: %s", where, error)
            await asyncio.sleep(_AGAIN_SECONDS)

    def _client(self) -> aiomqtt.Client:
        told = self._told
        return aiomqtt.Client(
            told["host"],
            told["port"],
            username=told["username"],
            password=told["password"],
            identifier=told["identifier"],
            clean_session=False,
            tls_context=ssl.create_default_context() if told["tls"] else None,
        )

    async def _take_all(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            while len(self._under_way) >= _MOST_UNDER_WAY:
                await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            task = asyncio.create_task(self._take(client, message))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _take(self, client: aiomqtt.Client, message: aiomqtt.Message) -> None:
        raw = message.payload if isinstance(message.payload, bytes) else b""
        dataset = next((d for t, d in self._told["topics"].items() if message.topic.matches(t)), "")
        if not dataset or len(raw) > self._told["message_bytes"]:
            why = "too large" if dataset else "of a topic that is not ours"
            _logger.warning("a message on %s is dropped: it is %s", message.topic, why)
        else:
            pushed = Pushed(dataset, f"mqtt:{message.topic.value}", raw)
            await keep(self._committer, pushed, self._number)
        client._client.ack(message.mid, message.qos)
