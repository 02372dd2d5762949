"""Carries out orders to stations, one at a time on each connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from shuzhi.gather.sensors.commands import Order, Outcome
from shuzhi.gather.sensors.commands.model import NOW
from shuzhi.gather.sensors.gateway.exchange import Exchange
from shuzhi.gather.sensors.gateway.server import Gateway, Voice
from shuzhi.gather.sensors.hj212 import Refusal
from shuzhi.gather.sensors.hj212.times import request_number, written
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Clock, Instant

_logger = logging.getLogger("shuzhi.gateway")


class Orders:
    """Runs exchanges on the gateway's connections; `tell` is told what came of each order."""

    def __init__(
        self, gateway: Gateway, tell: Callable[[int, Outcome], None], clock: Clock
    ) -> None:
        self._gateway = gateway
        self._tell = tell
        self._clock = clock
        self._last = clock()
        self._locks: dict[int, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, order: Order) -> bool:
        """Carry out an order; False when its station is not there."""
        if order.mn not in self._gateway.speaking:
            return False
        task = asyncio.get_running_loop().create_task(self._carry_out(order))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _carry_out(self, order: Order) -> None:
        voice = self._gateway.speaking.get(order.mn)
        if voice is None:
            outcome = Outcome("connection_lost")
        else:
            async with self._locks.setdefault(voice.connection.number, asyncio.Lock()):
                outcome = await self._exchange(order, voice)
        came = outcome.why or "done"
        _logger.info("command %s (CN %s) to %s: %s", order.id, order.cn, order.mn, came)
        self._tell(order.id, outcome)

    async def _exchange(self, order: Order, voice: Voice) -> Outcome:
        admitted = self._gateway.registry.named(order.mn, voice.password)
        if isinstance(admitted, Refusal):
            return Outcome(admitted.code[:20])
        first = await self._stored()
        values = {n: self._now() if v == NOW else v for n, v in order.parameters.items()}
        exchange = Exchange(replace(order, parameters=values), *voice, admitted)
        try:
            outcome = await exchange.run(self._qn())
        except RefusedError as error:
            _logger.error("command %s: %s", order.id, error)
            return Outcome(error.code.rpartition(".")[2][:20])
        return replace(outcome, first_record=first, last_record=await self._stored())

    async def _stored(self) -> int:
        return await asyncio.wrap_future(self._gateway.committer.stored())

    def _now(self) -> str:
        return written(self._clock())

    def _qn(self) -> str:
        """Return a number that no other request of this gateway has."""
        self._last = max(self._clock(), Instant(self._last + timedelta(milliseconds=1)))
        return request_number(self._last)
