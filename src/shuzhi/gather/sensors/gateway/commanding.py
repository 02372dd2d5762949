"""Sends the commands that wait in the control store, one at a time to a station."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from shuzhi.gather.sensors.commands import (
    Asked,
    Outcome,
    Wish,
    ask,
    end,
    end_all_sent,
    take,
)
from shuzhi.gather.sensors.commands.model import NOW, SECRET
from shuzhi.gather.sensors.gateway.exchange import Exchange
from shuzhi.gather.sensors.gateway.server import Gateway
from shuzhi.gather.sensors.hj212.times import request_number, written
from shuzhi.gather.sensors.stations import Secret
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError, ShuzhiError
from shuzhi.kernel.instant import Clock, Instant

_LOOK_SECONDS = 0.5
_SET_TIME = "1012"
_logger = logging.getLogger("shuzhi.gateway")


class Commanding:
    """Looks for commands and runs their exchanges, as long as `run` runs."""

    def __init__(self, gateway: Gateway, control: Control, secret: Secret, clock: Clock) -> None:
        self._gateway = gateway
        self._control = control
        self._secret = secret
        self._clock = clock
        self._last = clock()
        self._locks: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send commands until it is cancelled; those under way are then left to the next start."""
        await asyncio.to_thread(end_all_sent, self._control, self._clock())
        while True:
            try:
                due = await asyncio.to_thread(self._take, frozenset(self._gateway.speaking))
            except ShuzhiError as error:
                _logger.error("commands cannot be read: %s", error)
                due = ()
            for asked in due:
                task = asyncio.create_task(self._send(asked))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(_LOOK_SECONDS)

    def _take(self, there: frozenset[str]) -> tuple[Asked, ...]:
        """Return what is to be sent now, and what stations themselves have asked for."""
        now = self._clock()
        wanted, self._gateway.clocks_to_set = self._gateway.clocks_to_set, set()
        for mn in wanted:
            ask(self._control, Wish(mn, _SET_TIME, {"SystemTime": NOW}), by=mn, now=now)
        return take(self._control, there, now)

    async def _send(self, asked: Asked) -> None:
        lock = self._locks.setdefault(asked.mn, asyncio.Lock())
        async with lock:
            outcome = await self._exchange(asked)
        came = outcome.why or "done"
        _logger.info("command %s (%s) to %s: %s", asked.id, asked.cn, asked.mn, came)
        await asyncio.to_thread(end, self._control, asked.id, outcome, self._clock())

    async def _exchange(self, asked: Asked) -> Outcome:
        connection = self._gateway.speaking.get(asked.mn)
        if connection is None:
            return Outcome("connection_lost")
        admitted = connection.speaks_for(asked.mn)
        if admitted is None:
            return Outcome("connection_lost")
        first = await self._stored()
        exchange = Exchange(asked, connection, admitted.station.st, admitted.dialect)
        try:
            outcome = await exchange.run(self._qn(), self._filled(asked.parameters))
        except RefusedError as error:
            _logger.error("command %s: %s", asked.id, error)
            return Outcome(error.code.rpartition(".")[2][:20])
        return replace(outcome, first_record=first, last_record=await self._stored())

    async def _stored(self) -> int:
        return await asyncio.wrap_future(self._gateway.committer.stored())

    def _qn(self) -> str:
        """Return a number that no other request of this gateway has."""
        now = self._clock()
        self._last = max(now, Instant(self._last + timedelta(milliseconds=1)))
        return request_number(self._last)

    def _filled(self, given: Mapping[str, str]) -> dict[str, str]:
        """Put in what is only known when a command is sent: secrets, and what time it is."""
        return {name: self._value(text) for name, text in given.items()}

    def _value(self, text: str) -> str:
        if text == NOW:
            return written(self._clock())
        return self._secret(text.removeprefix(SECRET)) if text.startswith(SECRET) else text
