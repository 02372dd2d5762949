"""Commands reach a station through the gateway that runs, and what came of them is written down.

The whole way: a city, its gateway's process, its landing, and a station with a real socket.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from frames import frame
from kept import gateway
from running import Device, eventually
from sqlalchemy import select

from shuzhi.app import City, create_city
from shuzhi.audit.outbox import outbox_table
from shuzhi.gather.sensors.commands import CommandError, State, Wish
from shuzhi.gather.sensors.commands.model import request_area
from shuzhi.gather.sensors.hj212 import (
    Dialect,
    Edition,
    Head,
    execution_answer,
    framed,
    head,
    request_answer,
)
from shuzhi.gather.sensors.stations import Station, StationError
from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.instant import Instant

DIALECT = Dialect()
EIGHT = Instant(datetime(2024, 3, 1, 0, tzinfo=UTC))
TEN = Instant(datetime(2024, 3, 1, 2, tzinfo=UTC))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("city")
    (folder / "city.yaml").write_text(
        "name: sensing\ntitle_zh: 感知\ntitle_en: Sensing\ngateway:\n  land_every_seconds: 0.1\n"
    )
    place = create_city(folder)
    for mn in ("ST0001", "ST0002"):
        place.add_station(Station(mn, "31"), "123456", by="tester")
    return place


@pytest.fixture(scope="module")
def port(city: City) -> Iterator[int]:
    with gateway(city) as port:
        yield port


@pytest.fixture
def device(port: int) -> Iterator[Device]:
    """A station that has made itself known."""
    with Device(port) as device:
        device.tell(at="20240229000000", qn="20240229000000000")
        assert device.hear_head().cn == "9014"
        yield device


def requested(device: Device) -> tuple[Head, bytes]:
    """Hear a request; return its head and its data area."""
    segment = device.hear()[6:-4]
    found = head(segment)
    assert isinstance(found, Head)
    return found, segment[found.area : -2]


def answer(device: Device, request: Head, qn_return: int = 1, exe_return: int | None = 1) -> None:
    device.send(request_answer(request, DIALECT, qn_return))
    if exe_return is not None:
        device.send(execution_answer(request, DIALECT, exe_return))


def rows(city: City, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = city.lake.reader(table).read_all().to_pylist()
    return found


def wish(cn: str, mn: str = "ST0001", **more: Any) -> Wish:
    return Wish(mn, cn, **{"over_time": 1, "repeats": 2, "wait_seconds": 2, **more})


def test_the_time_of_a_station_is_set(city: City, device: Device) -> None:
    number = city.command(wish("1012", parameters={"SystemTime": "now"}), by="d.chen")
    request, area = requested(device)
    assert (request.cn, request.st, request.pw, request.flag) == ("1012", "31", "123456", 5)
    sent = datetime.strptime(area.decode()[-14:], "%Y%m%d%H%M%S")  # noqa: DTZ007
    assert abs((sent - datetime.now(UTC).replace(tzinfo=None)).total_seconds() - 8 * 3600) < 60
    answer(device, request)
    asked = city.outcome(number)
    assert (asked.state, asked.outcome.why, asked.outcome.attempts) == (State.DONE, "", 1)
    assert (asked.outcome.qn_return, asked.outcome.exe_return) == (1, 1)
    assert (asked.asked_by, asked.outcome.qn) == ("d.chen", request.qn)


def test_what_a_station_says_of_itself_is_in_the_answer(city: City, device: Device) -> None:
    number = city.command(wish("1061"), by="d.chen")
    request, area = requested(device)
    assert area == b""
    answer(device, request, exe_return=None)
    device.tell(cn="1061", st="31", area="RtdInterval=30", qn=request.qn, flag=4)
    device.send(execution_answer(request, DIALECT, 1))
    asked = city.outcome(number)
    assert (asked.outcome.answer, asked.outcome.frames) == ({"RtdInterval": "30"}, 1)


def test_a_request_is_repeated_until_it_is_answered(city: City, device: Device) -> None:
    number = city.command(wish("3012", parameters={"PolId": "w01018"}), by="d.chen")
    first, _ = requested(device)
    second, _ = requested(device)
    assert first.qn == second.qn
    answer(device, second)
    assert city.outcome(number).outcome.attempts == 2


def test_who_does_not_answer_is_given_up(city: City, device: Device) -> None:
    number = city.command(wish("3012", parameters={"PolId": "w01018"}), by="d.chen")
    assert len({requested(device)[0].qn for _ in range(3)}) == 1
    asked = city.outcome(number)
    assert (asked.state, asked.outcome.why, asked.outcome.attempts) == (
        State.FAILED,
        "no_answer",
        3,
    )
    assert device.hears_nothing()


@pytest.mark.parametrize(
    ("qn_return", "exe_return", "why"),
    [(3, None, "refused"), (1, 5, "not_done"), (1, None, "no_result")],
)
def test_a_failure_has_its_reason(
    city: City, device: Device, qn_return: int, exe_return: int | None, why: str
) -> None:
    number = city.command(wish("1062", parameters={"RtdInterval": "60"}), by="d.chen")
    answer(device, requested(device)[0], qn_return, exe_return)
    outcome = city.outcome(number).outcome
    assert (outcome.why, outcome.qn_return, outcome.exe_return) == (why, qn_return, exe_return)


def test_stations_behind_one_connection_are_each_reached(city: City, port: int) -> None:
    with Device(port) as front:
        for mn in ("ST0001", "ST0002"):
            front.send(frame(mn, at="20240228000000", qn="20240228000000000"))
            front.hear()
        numbers = [city.command(wish("1061", mn), by="d.chen") for mn in ("ST0001", "ST0002")]
        asked = []
        for _ in numbers:
            request, _ = requested(front)
            answer(front, request)
            asked.append(request.mn)
        assert sorted(asked) == ["ST0001", "ST0002"]
        assert {city.outcome(number).state for number in numbers} == {State.DONE}


def test_an_answer_to_something_else_is_none(city: City, device: Device) -> None:
    number = city.command(wish("1062", parameters={"RtdInterval": "60"}), by="d.chen")
    request, _ = requested(device)
    answer(device, request._replace(qn="20240101000000000"))
    requested(device)
    answer(device, request)
    assert city.outcome(number).outcome.attempts == 2


def test_a_station_that_is_not_there_is_waited_for(city: City, port: int) -> None:
    away = city.command(wish("1061", "ST0002", wait_seconds=1), by="d.chen")
    assert city.outcome(away).outcome.why == "station_away"
    late = city.command(wish("1061", "ST0002", wait_seconds=30), by="d.chen")
    with Device(port, "ST0002") as device:
        device.tell()
        assert device.hear_head().cn == "9014"
        answer(device, requested(device)[0])
        assert city.outcome(late).state is State.DONE


def test_a_station_that_leaves_ends_its_command(city: City, port: int) -> None:
    with Device(port, "ST0002") as device:
        device.tell()
        device.hear()
        number = city.command(wish("1061", "ST0002"), by="d.chen")
        requested(device)
    assert city.outcome(number).outcome.why == "connection_lost"


def test_a_station_that_asks_for_the_time_gets_it(city: City, device: Device) -> None:
    device.tell(cn="1013", area="")
    assert device.hear_head().cn == "9013"
    request, area = requested(device)
    assert (request.cn, area[:11]) == ("1012", b"SystemTime=")
    answer(device, request)
    eventually(lambda: city.commands_to("ST0001")[0].state is State.DONE)


def test_records_are_read_again_and_compared(city: City, device: Device) -> None:
    """One hour is told as it was, one otherwise, one was never uploaded and one is gone."""
    for hour, value in (("08", 1), ("09", 2), ("10", 3)):
        told = f"DataTime=20240301{hour}0000;a21026-Avg={value}"
        device.tell(cn="2061", area=told, qn=f"20240301{hour}0000000")
        assert device.hear_head().cn == "9014"
    found: Queue[Any] = Queue()
    asking = threading.Thread(
        target=lambda: found.put(city.reread("ST0001", "2061", EIGHT, TEN, by="d.chen"))
    )
    asking.start()
    request, area = requested(device)
    assert area == b"BeginTime=20240301080000;EndTime=20240301100000"
    answer(device, request, exe_return=None)
    for at, value in (("08", 1), ("0830", 7), ("09", 9)):
        told = f"DataTime=20240301{at.ljust(6, '0')};a21026-Avg={value}"
        device.tell(cn="2061", area=told, qn=f"20240305{at.ljust(9, '0')}")
        assert device.hear_head().cn == "9014"
    device.send(execution_answer(request, DIALECT, 1))
    asking.join(60)
    asked, comparison = found.get(timeout=1)
    assert (asked.outcome.why, asked.outcome.frames) == ("", 3)
    assert (comparison.frames, comparison.new) == (3, 1)
    assert [(d.before, d.text) for d in comparison.differing] == [("2", "9")]
    assert comparison.not_kept == (TEN,)
    assert not comparison.is_same
    (kept,) = rows(city, "rereadings")
    assert (kept["command"], kept["frames"], kept["begin_at"]) == (asked.id, 3, EIGHT)
    assert (kept["values_new"], kept["values_differing"], kept["times_not_kept"]) == (1, 1, 1)


def test_a_station_that_has_no_data_keeps_none_of_what_it_sent(city: City, port: int) -> None:
    found: Queue[Any] = Queue()
    with Device(port, "ST0002") as device:
        device.tell(cn="2061", area="DataTime=20240301080000;a21026-Avg=1")
        assert device.hear_head().cn == "9014"
        eventually(lambda: any(row["mn"] == "ST0002" for row in rows(city, "observations")))
        asking = threading.Thread(
            target=lambda: found.put(city.reread("ST0002", "2061", EIGHT, TEN, by="d.chen"))
        )
        asking.start()
        request, _ = requested(device)
        answer(device, request, exe_return=100)
        asking.join(60)
    asked, comparison = found.get(timeout=1)
    assert (asked.outcome.why, asked.outcome.exe_return) == ("not_done", 100)
    assert (comparison.frames, comparison.not_kept) == (0, (EIGHT,))
    (kept,) = (row for row in rows(city, "rereadings") if row["mn"] == "ST0002")
    assert (kept["exe_return"], kept["times_not_kept"]) == (100, 1)


def test_a_station_that_is_registered_while_the_gateway_runs_may_send(
    city: City, port: int
) -> None:
    city.add_station(Station("ST0777", "31"), "123456", by="tester")

    def is_taken() -> bool:
        with Device(port, "ST0777") as device:
            device.tell()
            return not device.hears_nothing(0.3)

    eventually(is_taken)


def test_a_dead_gateway_is_started_again(tmp_path: Path) -> None:
    place = create_city(tmp_path)
    place.add_station(Station("ST0001", "31"), "123456", by="tester")
    before = _children()
    ready = Queue[Any]()
    with gateway(place, ready):
        (process,) = _children() - before
        os.kill(process, signal.SIGKILL)
        ((_, port),) = ready.get(timeout=60)
        with Device(port) as device:
            device.tell()
            assert device.hear_head().cn == "9014"


def _children() -> set[int]:
    found = (path.read_text() for path in Path("/proc/self/task").glob("*/children"))
    return {int(number) for text in found for number in text.split()}


def test_commands_are_in_the_audit_log(city: City) -> None:
    with city.control.transaction() as connection:
        contents = b"\n".join(connection.scalars(select(outbox_table.c.content)))
    assert b'"kind":"station.commanded"' in contents
    assert b'"kind":"station.registered"' in contents
    assert b"123456" not in contents


def test_what_no_device_understands_is_refused(city: City) -> None:
    cases = {
        "9999": {},
        "1012": {},
        "1062": {"RtdInterval": "30;CN=1"},
        "1061": {"PolId": "x"},
        "3014": {"PolId": "a21026", "More": "1"},
        "1072": {"NewPW": "654321"},
    }
    for cn, parameters in cases.items():
        with pytest.raises(CommandError, match=r"gather\.bad_command"):
            city.command(wish(cn, parameters=parameters), by="d.chen")
    with pytest.raises(StationError, match=r"gather\.no_such_station"):
        city.command(wish("1061", "NOBODY"), by="d.chen")


def test_without_a_gateway_a_command_says_so(tmp_path: Path) -> None:
    alone = create_city(tmp_path)
    alone.add_station(Station("ST0001", "31"), "123456", by="tester")
    number = alone.command(wish("1061", wait_seconds=-6), by="d.chen")
    with pytest.raises(BrokenError, match=r"gather\.no_gateway: No gateway has taken up"):
        alone.outcome(number)


@pytest.mark.parametrize(
    ("cn", "edition", "given", "area"),
    [
        ("2051", Edition.HJ212_2017, {"EndTime": "2", "BeginTime": "1"}, "BeginTime=1;EndTime=2"),
        ("2051", Edition.HJT212_2005, {"EndTime": "2", "BeginTime": "1"}, "BeginTime=1,EndTime=2"),
        ("1012", Edition.HJ212_2017, {"SystemTime": "1"}, "SystemTime=1"),
        (
            "1012",
            Edition.HJ212_2017,
            {"SystemTime": "1", "PolId": "w01018"},
            "PolId=w01018;SystemTime=1",
        ),
        (
            "3021",
            Edition.HJ212_2017,
            {"PolId": "a21026", "InfoId": "i13008", "i13008-Info": "1.0"},
            "PolId=a21026;InfoId=i13008;i13008-Info=1.0",
        ),
        ("1072", Edition.HJ212_2017, {"NewPW": "654321"}, "NewPW=654321"),
    ],
)
def test_a_request_is_written_as_its_edition_has_it(
    cn: str, edition: Edition, given: dict[str, str], area: str
) -> None:
    assert request_area(cn, edition, given) == area
    assert framed(area.encode())
