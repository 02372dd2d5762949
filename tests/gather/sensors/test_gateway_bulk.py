"""Many sockets with one system call: nothing is cut, nothing is mixed up, nobody hears another's.

An answer may find its socket full, gone, or given to somebody else; the records it speaks of are on
the disk all the same.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from frames import frame
from running import Device, Running, eventually, running, stations

from shuzhi.gather.sensors.gateway import reading, sending
from shuzhi.gather.sensors.gateway.bulk import AT_ONCE, BulkReader, BulkWriter
from shuzhi.gather.sensors.gateway.committer import Write
from shuzhi.gather.sensors.gateway.sending import NONE, Asker, Sending
from shuzhi.gather.sensors.spool import Record, SpoolWriter

Pair = tuple[socket.socket, socket.socket]
BIG = 4 * 1024 * 1024


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    """Sockets of ours, which do not block, and their other ends."""
    with ExitStack() as stack:
        found = [socket.socketpair() for _ in range(40)]
        for ours, theirs in found:
            stack.enter_context(ours)
            stack.enter_context(theirs)
            ours.setblocking(False)
            theirs.settimeout(10)
        yield found


def heard(theirs: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        got += theirs.recv(size - len(got))
    return got


def test_each_socket_is_read(pairs: list[Pair]) -> None:
    bulk = BulkReader()
    for n, (_, theirs) in enumerate(pairs[:-2]):
        theirs.sendall(b"%d" % n)
    pairs[-1][1].close()
    found = bulk.read([ours.fileno() for ours, _ in pairs])
    assert found == [*[b"%d" % n for n in range(len(pairs) - 2)], None, b""]
    assert bulk.read([]) == []
    bulk.close()


def test_each_socket_is_written_and_what_it_does_not_take_is_told(pairs: list[Pair]) -> None:
    bulk = BulkWriter()
    bodies = [b"%d" % n for n in range(len(pairs))]
    bodies[3] = b"x" * BIG
    pairs[5][1].close()
    found = dict(bulk.write([ours.fileno() for ours, _ in pairs], bodies))
    assert found.keys() == {3, 5}
    assert 0 < found[3] < BIG
    assert found[5] == 0
    for n, (_, theirs) in enumerate(pairs):
        if n not in found:
            assert theirs.recv(100) == bodies[n]
    bulk.close()


class Told(Asker):
    """Somebody with a socket, who keeps what was held up."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.rest = b""

    def answer(self, raw: bytes) -> None:
        raise AssertionError(raw)

    def held_up(self, rest: bytes) -> None:
        self.descriptor = NONE
        self.rest = rest


def test_an_answer_that_is_cut_goes_on_where_it_was_cut(pairs: list[Pair]) -> None:
    (ours, theirs), *_ = pairs
    told, sends = Told(ours.fileno()), Sending()
    body = os.urandom(BIG)
    assert sends.send([(told, body)]) == [(told, b"")]
    # Nothing more goes to the socket until what was cut is told.
    assert sends.send([(told, b"next")]) == [(told, b"next")]
    got = heard(theirs, BIG - len(told.rest))
    ours.setblocking(True)
    threading.Thread(target=ours.sendall, args=(told.rest,), daemon=True).start()
    assert got + heard(theirs, len(told.rest)) == body
    sends.close()


def test_several_answers_to_one_are_one(pairs: list[Pair]) -> None:
    sends = Sending()
    (first, at_first), (second, at_second), *_ = pairs
    one, two, nobody = Told(first.fileno()), Told(second.fileno()), Told(NONE)
    left = sends.send([(one, b"a"), (two, b"b"), (nobody, b"c"), (one, b"d")])
    assert left == [(nobody, b"c")]
    assert (at_first.recv(9), at_second.recv(9)) == (b"ad", b"b")
    sends.close()


def test_more_answers_than_one_call_takes(pairs: list[Pair]) -> None:
    sends = Sending()
    (ours, theirs), *_ = pairs
    told = Told(ours.fileno())
    wanted = [b"%05d" % n for n in range(AT_ONCE * 2 + 1)]
    assert sends.send([(told, raw) for raw in wanted]) == []
    assert heard(theirs, 5 * len(wanted)) == b"".join(wanted)
    sends.close()


class Held:
    """A disk that writes when it is let."""

    def __init__(self) -> None:
        self.may_write = threading.Event()
        self.may_write.set()
        self.waits = threading.Event()

    def __call__(self, writer: SpoolWriter) -> Write:
        def write(records: Sequence[Record]) -> int:
            self.waits.set()
            assert self.may_write.wait(10)
            return writer.write(records)

        return write


def _files(place: Running) -> set[int]:
    return {connection.descriptor for connection in place.gateway._connections}


def _with_number(place: Running, file: int, made: list[socket.socket]) -> Device:
    """Return the first station whose socket at the gateway has that number.

    Numbers below that are free are given first, and what is `made` only now might get it itself.
    """
    for count, each in enumerate(made, 1):
        device = Device(place.port, "ST0002", each)
        eventually(lambda count=count: place.gateway.connections == count)
        if file in _files(place):
            return device
    raise AssertionError(f"something else has number {file}")


def test_whoever_gets_the_socket_of_one_that_left_hears_nothing_of_it(tmp_path: Path) -> None:
    """The station leaves while its frame is being written, and another comes and has its number."""
    disk = Held()
    stations_of_both = stations("ST0001", "ST0002")
    with ExitStack() as open_, running(tmp_path, stations_of_both, write=disk) as place:
        made = [open_.enter_context(socket.socket()) for _ in range(100)]
        leaving = Device(place.port)
        leaving.tell(qn="20240301080000000")
        leaving.hear()
        (file,) = _files(place)
        disk.may_write.clear()
        disk.waits.clear()
        leaving.tell(qn="20240301080001000")
        assert disk.waits.wait(10)
        leaving.socket.close()
        eventually(lambda: place.gateway.connections == 0)
        other = _with_number(place, file, made)
        disk.may_write.set()
        other.tell(qn="20240301080002000")
        assert other.hear_head().qn == "20240301080002000"
        frames = [frame(qn=f"2024030108000{n}000")[:-2] for n in range(2)]
        assert place.frames()[:2] == frames


def test_a_socket_is_not_closed_while_answers_are_sent(tmp_path: Path) -> None:
    with running(tmp_path, stations("ST0001")) as place:
        device = Device(place.port)
        device.tell()
        device.hear()
        (connection,) = place.gateway._connections
        file = connection.descriptor
        with place.gateway.committer.sending.lock:
            device.socket.close()
            # The loop has come to it, and waits.
            eventually(lambda: not place.gateway.reading.reads(file))
            assert connection.descriptor == file
            os.fstat(file)
        eventually(lambda: place.gateway.connections == 0)
        assert connection.descriptor == NONE


def test_what_was_held_up_goes_before_what_is_said_next(tmp_path: Path) -> None:
    with running(tmp_path, stations("ST0001")) as place, Device(place.port) as device:
        device.tell()
        device.hear()
        (connection,) = place.gateway._connections
        held = frame(qn="20240301080001000", cn="9014")

        def speak() -> None:
            device.socket.settimeout(10)
            connection.held_up(held)
            assert connection.descriptor == NONE
            connection.answer(frame(qn="20240301080002000", cn="9014"))
            connection.answer(b"")

        place.call(speak)
        assert [device.hear_head().qn for _ in range(2)] == [
            "20240301080001000",
            "20240301080002000",
        ]
        # It is looked after once a second, and lends its socket again.
        eventually(lambda: connection.descriptor != NONE)
        device.tell(qn="20240301080003000")
        assert device.hear_head().qn == "20240301080003000"


def test_a_connection_that_is_held_is_not_read(tmp_path: Path) -> None:
    with running(tmp_path, stations("ST0001")) as place, Device(place.port) as device:
        device.tell()
        device.hear()
        (connection,) = place.gateway._connections
        place.call(lambda: connection.hold("test"))
        device.tell(qn="20240301080001000")
        assert device.hears_nothing()
        place.call(lambda: connection.release("another"))
        assert device.hears_nothing()
        place.call(lambda: connection.release("test"))
        assert device.hear_head().qn == "20240301080001000"


def test_where_the_system_has_no_such_call_the_loop_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: Any) -> None:
        raise OSError("no io_submit")

    monkeypatch.setattr(sending, "BulkWriter", none)
    monkeypatch.setattr(reading, "BulkReader", none)
    with running(tmp_path, stations("ST0001")) as place:
        devices = [Device(place.port) for _ in range(3)]
        for n in range(5):
            for device in devices:
                device.tell(qn=f"2024030108000{n}000")
            for device in devices:
                assert device.hear_head().qn == f"2024030108000{n}000"
        assert _files(place) == {NONE}
        for device in devices:
            device.socket.close()
        eventually(lambda: place.gateway.connections == 0)
