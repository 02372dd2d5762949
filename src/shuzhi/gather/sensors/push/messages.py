"""A pushed message as a record of the spool, and the wait until it is on the disk."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from time import time_ns

from shuzhi.gather.sensors.gateway.committer import Committer
from shuzhi.gather.sensors.gateway.sending import Asker
from shuzhi.gather.sensors.records import Kind


@dataclass(frozen=True)
class Pushed:
    """What came: for which data set, from whom, and its bytes."""

    dataset: str
    source: str
    raw: bytes

    def body(self) -> bytes:
        """Return it as the bytes of a record."""
        head = json.dumps({"dataset": self.dataset, "source": self.source}, ensure_ascii=False)
        return head.encode() + b"\n" + self.raw


def read_pushed(body: bytes) -> Pushed:
    """Read what `Pushed.body` wrote."""
    head, _, raw = body.partition(b"\n")
    told = json.loads(head)
    return Pushed(told["dataset"], told["source"], raw)


async def keep(committer: Committer, pushed: Pushed, number: int) -> None:
    """Return when the message is on the disk; `number` is that of its sender."""
    waiting = _Waiting(asyncio.get_running_loop().create_future())
    record = (time_ns() // 1000, number, int(Kind.MESSAGE), pushed.body())
    committer.add(record, waiting, b"stored")
    await waiting.done


class _Waiting(Asker):
    """Waits for the answer that the committer gives when a record is stored."""

    def __init__(self, done: asyncio.Future[None]) -> None:
        self.done = done

    def answer(self, raw: bytes) -> None:
        del raw
        if not self.done.done():
            self.done.set_result(None)
