"""Whoever floods, stalls or talks garbage is contained, and a good station never notices.

Each fault comes over real sockets while a good station goes on; every one of its frames must be
acknowledged in time.
"""

from __future__ import annotations

import errno
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from frames import frame
from running import Device, Running, eventually, running, stations

from shuzhi.gather.sensors.gateway.committer import Write
from shuzhi.gather.sensors.gateway.limits import Limits
from shuzhi.gather.sensors.spool import Record, SpoolWriter
from shuzhi.kernel.errors import BrokenError

TIGHT = Limits(
    connections=40,
    connections_per_address=30,
    bytes_per_second=20_000,
    frames_per_second=50,
    burst_seconds=1.0,
    hello_seconds=4.0,
    idle_seconds=5.0,
    half_frame_seconds=1.0,
    stalled_seconds=1.0,
    refusals_per_minute=20,
    quarantined_per_minute=10,
)


class Good(threading.Thread):
    """A station that sends a frame every twentieth second and waits for its acknowledgement."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._ended = threading.Event()
        self.acknowledged = 0
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            with Device(self._port, "GOOD01") as device:
                while not self._ended.wait(0.05):
                    device.tell(qn=f"20240301{self.acknowledged:09d}")
                    device.hear()
                    self.acknowledged += 1
        except (OSError, AssertionError) as error:
            self.error = error

    def end(self) -> None:
        self._ended.set()
        self.join(10)


@contextmanager
def beside_a_good_station(folder: Path, limits: Limits = TIGHT, **more: Any) -> Iterator[Running]:
    """Run a gateway with a good station, which must never have noticed anything."""
    with running(folder, stations("GOOD01", "ST0001"), limits, **more) as place:
        good = Good(place.port)
        good.start()
        eventually(lambda: good.acknowledged > 2)
        try:
            yield place
            before = good.acknowledged
            eventually(lambda: good.acknowledged > before + 5)
        finally:
            good.end()
        assert good.error is None


def test_a_half_frame_is_given_up_and_the_connection_goes_on(tmp_path: Path) -> None:
    with beside_a_good_station(tmp_path) as place, Device(place.port) as device:
        device.tell()
        device.hear()
        device.send(frame()[:60])
        eventually(lambda: [r.code for r in place.refused()] == ["half_frame"])
        device.tell()
        assert device.hear_head().cn == "9014"


def test_a_slow_loris_is_dropped(tmp_path: Path) -> None:
    with beside_a_good_station(tmp_path) as place:
        lorises = [Device(place.port) for _ in range(20)]
        give_up_at = time.monotonic() + 30
        left = len(lorises)
        while left > 0 and time.monotonic() < give_up_at:
            for loris in lorises:
                with suppress(OSError):
                    loris.send(b"#")
            time.sleep(0.1)
            left = place.gateway.connections - 1
        assert left == 0


def test_who_says_nothing_is_dropped(tmp_path: Path) -> None:
    with beside_a_good_station(tmp_path) as place, Device(place.port) as silent:
        assert silent.is_closed()


def test_who_falls_silent_is_dropped(tmp_path: Path) -> None:
    with beside_a_good_station(tmp_path) as place, Device(place.port) as device:
        device.tell()
        device.hear()
        begun = time.monotonic()
        assert device.is_closed()
        assert time.monotonic() - begun > TIGHT.idle_seconds - 1


def test_a_flood_of_frames_is_slowed_down_and_none_is_lost(tmp_path: Path) -> None:
    with beside_a_good_station(tmp_path) as place, Device(place.port) as device:
        begun = time.monotonic()
        device.send(b"".join(frame(qn=f"20240301080{n:03d}000") for n in range(150)))
        for _ in range(150):
            device.hear()
        device.tell(qn="20240301081000000")
        assert device.hear_head().qn == "20240301081000000"
        # Fifty at once, and fifty a second after that; one delivery is not cut.
        assert time.monotonic() - begun > 1.5


def test_a_flood_of_bytes_is_read_no_faster_than_it_may(tmp_path: Path) -> None:
    with beside_a_good_station(tmp_path) as place, Device(place.port) as device:
        device.socket.settimeout(3)
        sent = 0
        with suppress(TimeoutError, OSError):
            while sent < 50_000_000:
                sent += device.socket.send(b"x" * 100_000)
        assert sent < 50_000_000


def test_garbage_is_kept_in_part_and_its_sender_dropped(tmp_path: Path) -> None:
    with beside_a_good_station(tmp_path) as place, Device(place.port) as device:
        with suppress(OSError):
            for _ in range(200):
                device.send(b"\x00\xff not a frame ##12 &&\r\n" * 3 + frame("NOBODY"))
        assert device.is_closed()
        assert 0 < len(place.refused()) <= TIGHT.quarantined_per_minute
        assert sum(place.gateway.refusals.values()) >= TIGHT.refusals_per_minute


def test_guessing_passwords_ends_soon(tmp_path: Path) -> None:
    with beside_a_good_station(tmp_path) as place, Device(place.port) as device:
        with suppress(OSError):
            for guess in range(200):
                device.tell(pw=f"{guess:06d}")
        assert device.is_closed()
        assert place.gateway.refusals["password_wrong"] <= TIGHT.refusals_per_minute + 1


def test_one_address_gets_only_so_many_connections(tmp_path: Path) -> None:
    with beside_a_good_station(tmp_path) as place:
        crowd = [Device(place.port) for _ in range(60)]
        eventually(lambda: place.gateway.connections <= TIGHT.connections_per_address)
        assert sum(1 for device in crowd if _is_open(device)) < TIGHT.connections_per_address


def test_other_addresses_have_room_beside_a_crowd(tmp_path: Path) -> None:
    with beside_a_good_station(tmp_path) as place:
        crowd = [Device(place.port) for _ in range(60)]
        other = socket.create_connection(("127.0.0.1", place.port), 10, ("127.0.0.2", 0))
        other.settimeout(10)
        other.sendall(frame())
        assert b"CN=9014" in other.recv(1000)
        assert crowd


def test_who_does_not_read_its_answers_is_dropped(tmp_path: Path) -> None:
    loose = Limits(stalled_seconds=1.0, frames_per_second=2000, bytes_per_second=10**9)
    with beside_a_good_station(tmp_path, loose) as place, Device(place.port) as device:
        device.socket.settimeout(0.5)
        many = b"".join(frame(qn=f"20240301{n:09d}") for n in range(500))
        eventually(lambda: _refuses(device, many), 30)
        assert place.gateway.connections == 1


def test_connections_that_break_off_take_nobody_along(tmp_path: Path) -> None:
    """A device that is reset while others wait for the same commit must not silence them."""
    with beside_a_good_station(tmp_path) as place:
        for _ in range(30):
            broken = Device(place.port)
            broken.tell()
            broken.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            broken.socket.close()
        eventually(lambda: place.gateway.connections == 1)
        assert place.gateway.speaking.keys() == {"GOOD01"}


def _is_open(device: Device) -> bool:
    device.socket.settimeout(0.01)
    try:
        return device.socket.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def _refuses(device: Device, raw: bytes) -> bool:
    try:
        device.socket.send(raw)
    except TimeoutError:
        return False
    except OSError:
        return True
    return False


class Faulty:
    """Writes like a spool, but slowly, or not at all while `error` is set."""

    def __init__(self) -> None:
        self.error: BrokenError | None = None
        self.wait = threading.Event()
        self.wait.set()

    def __call__(self, writer: SpoolWriter) -> Write:
        def write(records: Sequence[Record]) -> int:
            self.wait.wait(20)
            if self.error is not None:
                raise self.error
            return writer.write(records)

        return write


def test_a_full_disk_stops_acknowledgements_and_nothing_is_lost(tmp_path: Path) -> None:
    disk = Faulty()
    with running(tmp_path, stations("ST0001"), write=disk) as place, Device(place.port) as device:
        device.tell(qn="20240301080000000")
        device.hear()
        disk.error = BrokenError("gather.spool_full", "There is no room.")
        for number in range(1, 40):
            device.tell(qn=f"202403010800{number:02d}000")
        assert device.hears_nothing(1.2)
        assert place.gateway.committer.is_pressed
        assert len(place.frames()) == 1
        disk.error = None
        heard = [device.hear_head().qn for _ in range(39)]
        assert heard == [f"202403010800{n:02d}000" for n in range(1, 40)]
        assert len(place.frames()) == 40
        device.tell(qn="20240301080100000")
        assert device.hear_head().qn == "20240301080100000"


def test_a_slow_disk_stops_the_reading_before_memory_fills(tmp_path: Path) -> None:
    disk = Faulty()
    limits = Limits(waiting_bytes=100_000, frames_per_second=10**6, bytes_per_second=10**9)
    with running(tmp_path, stations("ST0001"), limits, disk) as place:
        device = Device(place.port)
        device.tell()
        device.hear()
        disk.wait.clear()
        device.socket.settimeout(1)
        many = [frame(qn=f"20240301{n:09d}") for n in range(40_000)]
        sent = _send_until_it_stops(device, b"".join(many))
        assert sent < len(many[0]) * len(many)
        assert place.gateway.committer.is_pressed
        disk.wait.set()
        eventually(lambda: not place.gateway.committer.is_pressed)
        whole = sent // len(many[0])
        for number in range(whole):
            assert device.hear_head().qn == f"20240301{number:09d}"


def _send_until_it_stops(device: Device, raw: bytes) -> int:
    sent = 0
    with suppress(TimeoutError):
        while sent < len(raw):
            sent += device.socket.send(raw[sent : sent + 65_536])
    device.socket.settimeout(10)
    return sent


def test_a_failing_disk_really_fails(tmp_path: Path) -> None:
    """The whole way from an error of the disk to a station that waits and is served in the end."""
    from losing_disk import LosingDisk

    disk = LosingDisk()
    writer = SpoolWriter(tmp_path / "spool", storage=disk)
    known = stations("ST0001")
    with (
        running(tmp_path / "other", known, write=lambda _: writer.write) as place,
        Device(place.port) as device,
    ):
        device.tell(qn="20240301080000000")
        device.hear()
        disk.fails += [OSError(errno.ENOSPC, "No space left on device")] * 2
        device.tell(qn="20240301080001000")
        assert device.hears_nothing(0.6)
        assert device.hear_head().qn == "20240301080001000"
    writer.close()


@pytest.mark.parametrize("count", [1, 30])
def test_a_fault_of_ours_is_not_hidden(tmp_path: Path, count: int) -> None:
    def broken(_: SpoolWriter) -> Write:
        def write(records: Sequence[Record]) -> int:
            raise ZeroDivisionError(len(records))

        return write

    place = Running(tmp_path, stations("ST0001"), write=broken)
    with Device(place.port) as device:
        for _ in range(count):
            device.tell()
        eventually(lambda: place.faults)
        assert device.hears_nothing()
    assert isinstance(place.faults[0]["exception"], ZeroDivisionError)
    assert "transport" not in place.faults[0]
