"""Power cuts under load: no acknowledged frame is lost, and none is in the lake twice.

The same test, with a gateway that acknowledges first and with one that never syncs, must fail.
`make test-gateway` cuts the power a hundred times.
"""

from __future__ import annotations

import multiprocessing
import random
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import killable
import pytest
from frames import frame

from shuzhi.gather.lake import open_lake
from shuzhi.gather.sensors.landing import Landing, landed_until
from shuzhi.gather.sensors.spool import SpoolWriter

MNS = [f"ST{n:04d}" for n in range(8)]
OUTSTANDING = 20
Key = tuple[str, int]


@dataclass
class Sender:
    """A station that keeps frames outstanding, and sends what was not acknowledged again."""

    mn: str
    next: int = 0
    unacknowledged: dict[int, bytes] = field(default_factory=dict)
    acknowledged: set[int] = field(default_factory=set)
    left: bytes = b""

    def refill(self) -> bytes:
        """Return new frames; each has its own QN, second and value."""
        fresh = []
        while len(self.unacknowledged) < OUTSTANDING:
            self.unacknowledged[self.next] = raw = self._frame(self.next)
            fresh.append(raw)
            self.next += 1
        return b"".join(fresh)

    def hear(self, chunk: bytes) -> None:
        """Take note of acknowledgements: the number stands in the QN."""
        *whole, self.left = (self.left + chunk).split(b"\r\n")
        for raw in whole:
            number = int(raw[9:26]) - 20240101000000000
            self.acknowledged.add(number)
            self.unacknowledged.pop(number, None)

    def _frame(self, number: int) -> bytes:
        at = time.strftime("%Y%m%d%H%M%S", time.gmtime(1_704_067_200 + number))
        qn = str(20240101000000000 + number)
        return frame(self.mn, qn=qn, at=at, values={"a21026": number})


@pytest.fixture(scope="module")
def processes() -> multiprocessing.context.ForkServerContext:
    """Makes processes that have everything imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killable"])
    return context


def lives(
    folder: Path,
    variant: str,
    kills: int,
    processes: multiprocessing.context.ForkServerContext,
    senders: list[Sender],
) -> Iterator[int]:
    """Run gateways one after the other, each until it is killed under load; yield the number."""
    chance = random.Random(20240301)  # noqa: S311
    for number in range(kills):
        ours, theirs = processes.Pipe()
        process = processes.Process(target=killable.live, args=(folder, variant, MNS, theirs))
        process.start()
        try:
            assert ours.poll(60), "the gateway does not start"
            _send(ours.recv(), senders, chance.randrange(100, 800), process.kill)
        finally:
            process.kill()
            process.join(30)
        yield number


def _send(port: int, senders: list[Sender], wanted: int, kill: Callable[[], None]) -> None:
    """Send until so many more frames are acknowledged, kill, and hear what had been said before."""
    wanted += _acknowledged(senders)
    with selectors.DefaultSelector() as selector:
        for sender in senders:
            end = socket.create_connection(("127.0.0.1", port), 10)
            sender.left = b""
            end.sendall(b"".join(sender.unacknowledged.values()) + sender.refill())
            selector.register(end, selectors.EVENT_READ, sender)
        give_up_at = time.monotonic() + 30
        while _acknowledged(senders) < wanted:
            assert time.monotonic() < give_up_at, "the gateway does not answer"
            for key, _ in selector.select(0.05):
                key.data.hear(key.fileobj.recv(65_536))  # type: ignore[union-attr]
                key.fileobj.sendall(key.data.refill())  # type: ignore[union-attr]
        kill()
        for key in list(selector.get_map().values()):
            with suppress(ConnectionResetError), key.fileobj as end:  # type: ignore[union-attr]
                while chunk := end.recv(65_536):
                    key.data.hear(chunk)


def _acknowledged(senders: list[Sender]) -> int:
    return sum(len(sender.acknowledged) for sender in senders)


def in_lake(folder: Path) -> list[Key]:
    """Land what is left, and return station and value of every observation."""
    lake = open_lake(folder / "lake")
    SpoolWriter(folder / "spool", killable.SMALL, floor=landed_until(lake)).close()
    landing = Landing(lake, folder / "spool", dict)
    while landing.land():
        pass
    if not lake.exists("observations"):
        return []
    with lake.duck(only=["observations"]) as connection:
        found = connection.sql("SELECT mn, number::BIGINT FROM observations ORDER BY ALL")
        return found.fetchall()


def cut(
    folder: Path, variant: str, kills: int, processes: multiprocessing.context.ForkServerContext
) -> tuple[list[Key], list[Key], list[Key]]:
    """Cut the power under load; return what was acknowledged, what is lost, what is doubled."""
    senders = [Sender(mn) for mn in MNS]
    assert list(lives(folder, variant, kills, processes, senders)) == list(range(kills))
    stored = in_lake(folder)
    acknowledged = [(s.mn, number) for s in senders for number in sorted(s.acknowledged)]
    lost = sorted(set(acknowledged) - set(stored))
    doubled = [one for one, other in pairwise(stored) if one == other]
    return acknowledged, lost, doubled


@pytest.mark.slow
@pytest.mark.parametrize("variant", [killable.PROPER, killable.WITH_RECEIVERS])
def test_power_cuts_lose_and_double_nothing(
    tmp_path: Path,
    variant: str,
    kills: int,
    processes: multiprocessing.context.ForkServerContext,
) -> None:
    acknowledged, lost, doubled = cut(tmp_path, variant, kills, processes)
    assert len(acknowledged) > 100 * kills
    assert (lost, doubled) == ([], [])


@pytest.mark.slow
@pytest.mark.parametrize("variant", [killable.ACKNOWLEDGES_FIRST, killable.NEVER_SYNCS])
def test_the_same_cuts_find_out_a_wrong_gateway(
    tmp_path: Path, variant: str, processes: multiprocessing.context.ForkServerContext
) -> None:
    _, lost, _ = cut(tmp_path, variant, 4, processes)
    assert lost
