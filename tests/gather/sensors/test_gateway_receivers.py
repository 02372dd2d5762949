"""A gateway with two receivers keeps every promise of one: the same spool, limits and commands."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from kept import gateway
from running import PATIENCE, Device, eventually

from shuzhi.app import City, create_city
from shuzhi.gather.sensors.commands import Outcome, State, Wish
from shuzhi.gather.sensors.hj212 import Dialect, Head, execution_answer, head, request_answer
from shuzhi.gather.sensors.stations import Station

MNS = [f"ST{n:04d}" for n in range(6)]
AT_MOST = 8
SETTINGS = f"""
name: sensing
title_zh: 感知
title_en: Sensing
gateway:
  receivers: 2
  land_every_seconds: 0.1
  limits: {{connections_per_address: {AT_MOST}}}
"""


@pytest.fixture
def city(tmp_path: Path) -> City:
    (tmp_path / "city.yaml").write_text(SETTINGS, encoding="utf-8")
    place = create_city(tmp_path)
    for mn in MNS:
        place.add_station(Station(mn, "31"), "123456", by="tester")
    return place


@pytest.fixture
def port(city: City) -> Iterator[int]:
    with gateway(city) as port:
        yield port


def told(device: Device, number: int) -> bool:
    """Send a value; return whether it is acknowledged."""
    device.tell(qn=f"20240301{number:09d}", at=f"2024030108{number:04d}", values={"a21026": number})
    return device.hear_head().cn == "9014"


def children(of: str) -> list[int]:
    found = (path.read_text() for path in Path(f"/proc/{of}/task").glob("*/children"))
    return [int(number) for text in found for number in text.split()]


def receivers(before: list[int]) -> list[int]:
    (reception,) = set(children("self")) - set(before)
    return children(str(reception))


def test_each_record_is_landed_once_under_one_numbering(city: City, port: int) -> None:
    devices = [Device(port, mn) for mn in MNS]
    assert all(told(device, number) for number in range(20) for device in devices)

    def landed() -> list[Any]:
        with city.lake.duck(only=["observations"]) as connection:
            return connection.sql("SELECT mn, number::INT, record FROM observations").fetchall()

    eventually(lambda: city.lake.exists("observations") and len(landed()) == 20 * len(MNS))
    found = landed()
    assert {(mn, number) for mn, number, _ in found} == {(mn, n) for mn in MNS for n in range(20)}
    assert {record for _, _, record in found} == set(range(20 * len(MNS)))


def test_a_limit_counts_the_connections_of_all_receivers(port: int) -> None:
    devices = [Device(port, MNS[0]) for _ in range(AT_MOST)]
    assert all(told(device, 1) for device in devices)
    with Device(port) as late:
        assert late.is_closed()
    devices.pop().socket.close()

    def has_room() -> bool:
        with Device(port, MNS[0]) as device, suppress(ConnectionResetError):
            device.tell()
            return bool(device.socket.recv(1000))
        return False

    eventually(has_room)


def test_a_command_goes_to_the_newest_connection(city: City, port: int) -> None:
    old, new = Device(port, MNS[0]), Device(port, MNS[0])
    assert told(old, 1)
    assert told(new, 2)
    number = city.command(Wish(MNS[0], "3012", {"PolId": "a21026"}), by="tester")
    request = head(new.hear()[6:-4])
    assert isinstance(request, Head)
    new.send(request_answer(request, Dialect(), 1))
    new.send(execution_answer(request, Dialect(), 1))
    assert city.outcome(number).state is State.DONE
    assert old.hears_nothing()


def test_a_receiver_that_dies_takes_nobody_else_with_it(city: City) -> None:
    before = children("self")
    with gateway(city) as port:
        mine, other = Device(port, MNS[0]), Device(port, MNS[1])
        assert told(mine, 1)
        assert told(other, 1)
        first, _ = receivers(before)
        os.kill(first, signal.SIGKILL)
        ends = {device.socket: device for device in (mine, other)}
        ((end,), _, _) = select.select(ends, [], [], PATIENCE)
        gone = ends.pop(end)
        assert gone.is_closed()
        (here,) = ends.values()
        assert told(here, 2)
        eventually(lambda: len(set(receivers(before)) - {first}) == 2)
        with Device(port, gone.mn) as again, Device(port, gone.mn) as once_more:
            assert told(again, 3)
            assert told(once_more, 4)


def test_what_was_told_to_a_receiver_that_dies_has_an_outcome(city: City) -> None:
    before = children("self")
    with gateway(city) as port, Device(port, MNS[0]) as device:
        assert told(device, 1)
        number = city.command(Wish(MNS[0], "3012", {"PolId": "a21026"}), by="tester")
        device.hear()
        eventually(lambda: city.commanded(number).state is State.SENT)
        for receiver in receivers(before):
            os.kill(receiver, signal.SIGKILL)
        assert city.outcome(number).outcome == Outcome("connection_lost")


def test_receivers_end_with_the_reception_and_all_start_again(city: City) -> None:
    before = children("self")
    ready = Queue[Any]()
    with gateway(city, ready) as port, Device(port, MNS[0]) as device:
        assert told(device, 1)
        (reception,) = set(children("self")) - set(before)
        orphans = children(str(reception))
        assert len(orphans) == 2
        os.kill(reception, signal.SIGKILL)
        assert device.is_closed()
        eventually(lambda: not any(Path(f"/proc/{pid}/cwd").exists() for pid in orphans))
        ((_, new_port),) = ready.get(timeout=60)
        with Device(new_port, MNS[0]) as again:
            assert told(again, 2)
