"""One exchange with a station: a request, its answer, data, and the result (HJ 212-2017, 6.7).

The request is repeated until the station answers it; what it sends then is stored and acknowledged
like everything else, and the exchange only looks on.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import NamedTuple

from shuzhi.gather.sensors.commands import Order, Outcome
from shuzhi.gather.sensors.commands.model import described, request_area
from shuzhi.gather.sensors.gateway.admission import Admitted
from shuzhi.gather.sensors.gateway.connection import Connection
from shuzhi.gather.sensors.hj212 import (
    Edition,
    Head,
    Message,
    answered_qn,
    parameters,
    write,
)
from shuzhi.gather.sensors.hj212.tables import parameters as known_parameters

_ANSWER, _RESULT, _NOTED = "9011", "9012", "9013"
_READY = _DONE = 1
_VERSION_BITS = 2
_WANTS_ANSWER = 1


class _Heard(NamedTuple):
    head: Head
    said: dict[str, str]


class Exchange:
    """A command under way on a connection."""

    def __init__(
        self, order: Order, connection: Connection, password: str, admitted: Admitted
    ) -> None:
        self._order = order
        self._connection = connection
        self._password = password
        self._st = admitted.station.st
        self._dialect = admitted.dialect
        self._heard: asyncio.Queue[_Heard] = asyncio.Queue()
        self._found = Outcome()
        self._qn = ""

    async def run(self, qn: str) -> Outcome:
        """Send the request under this number and return what came of it.

        Raises:
            RefusedError: `gather.bad_command`, `hj212.not_writable`; nothing was sent then.
        """
        self._qn = qn
        self._found = Outcome(qn=qn)
        self._connection.listen(self._hear)
        try:
            why = await self._run(self._request(qn))
        finally:
            self._connection.listen(None)
        return replace(self._found, why=why)

    def _request(self, qn: str) -> bytes:
        order, edition = self._order, self._dialect.edition
        area = request_area(order.cn, edition, order.parameters)
        flag = int(edition) << _VERSION_BITS | _WANTS_ANSWER
        message = Message(self._st, order.cn, area, qn, self._password, order.mn, flag)
        return write(message, self._dialect)

    async def _run(self, request: bytes) -> str:
        is_notice = described(self._order.cn).kind == "notice"
        answer = _NOTED if is_notice else _ANSWER
        for attempt in range(1, self._order.repeats + 2):
            if self._connection.is_gone:
                return "connection_lost"
            self._connection.answer(request)
            self._found = replace(self._found, attempts=attempt)
            if await self._wait_for(answer):
                break
        else:
            return "no_answer"
        if is_notice:
            return ""
        if self._found.qn_return != _READY:
            return "refused"
        # Some of 2005 send data in place of a result; those that send neither have failed.
        if not await self._wait_for(_RESULT):
            return "no_result"
        return "" if self._found.exe_return == _DONE else "not_done"

    async def _wait_for(self, cn: str) -> bool:
        """Wait until this answer has come; every frame of the exchange gives it more time."""
        while True:
            try:
                head, said = await asyncio.wait_for(self._heard.get(), self._order.over_time)
            except TimeoutError:
                return False
            if head.cn == self._order.cn:
                self._note(said)
            elif answered_qn(head, said) == self._qn:
                self._note_result(head.cn, said)
                if head.cn == cn:
                    return True

    def _note(self, said: dict[str, str]) -> None:
        """Take a data frame: it counts, and what it says of the station itself is kept."""
        about = {k: v for k, v in said.items() if k.lower() in known_parameters()}
        answer = {**self._found.answer, **about}
        self._found = replace(self._found, frames=self._found.frames + 1, answer=answer)

    def _note_result(self, cn: str, said: dict[str, str]) -> None:
        if cn == _ANSWER:
            self._found = replace(self._found, qn_return=_number(said.get("QnRtn")))
        elif cn == _RESULT:
            self._found = replace(self._found, exe_return=_number(said.get("ExeRtn")))

    def _hear(self, head: Head, segment: bytes) -> None:
        if head.mn == self._order.mn or self._is_unnamed(head):
            self._heard.put_nowait(_Heard(head, parameters(segment[head.area : -2])))

    def _is_unnamed(self, head: Head) -> bool:
        return not head.mn and self._dialect.edition is Edition.HJT212_2005


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
