"""What stations send is taken, stored, then acknowledged as their edition has it; or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from frames import frame
from hypothesis import given, settings
from hypothesis import strategies as st
from running import Device, eventually, registry, running, stations

from shuzhi.gather.sensors.gateway import express
from shuzhi.gather.sensors.gateway.answers import answer_to, familiar_head
from shuzhi.gather.sensors.gateway.limits import Limits
from shuzhi.gather.sensors.hj212 import (
    Checksum,
    Dialect,
    Edition,
    Head,
    data_answer,
    framed,
    head,
)
from shuzhi.gather.sensors.stations import Mode


def test_a_frame_is_stored_and_acknowledged(tmp_path: Path) -> None:
    with running(tmp_path, stations("ST0001")) as place, Device(place.port) as device:
        sent = device.tell()
        acknowledgement = b"QN=20240301080000123;ST=91;CN=9014;PW=123456;MN=ST0001;Flag=4;CP=&&&&"
        assert device.hear() + b"\r\n" == framed(acknowledgement)
        assert place.frames() == [sent.removesuffix(b"\r\n")]


def test_only_who_asks_is_answered(tmp_path: Path) -> None:
    with running(tmp_path, stations("ST0001")) as place, Device(place.port) as device:
        for number in range(3):
            device.tell(flag=4, qn=f"2024030108000{number}000")
        device.tell(qn="20240301080009000")
        assert device.hear_head().qn == "20240301080009000"
        assert len(place.frames()) == 4


def test_what_is_sent_again_is_acknowledged_again(tmp_path: Path) -> None:
    with running(tmp_path, stations("ST0001")) as place, Device(place.port) as device:
        for _ in range(3):
            device.tell()
            assert device.hear_head().cn == "9014"


def test_frames_in_pieces_and_in_one_piece_are_the_same(tmp_path: Path) -> None:
    sent = [frame(qn=f"202403010800{n:02d}000") for n in range(8)]
    with running(tmp_path, stations("ST0001")) as place, Device(place.port) as device:
        stream = b"".join(sent)
        for cut in range(0, len(stream), 37):
            device.send(stream[cut : cut + 37])
        device.send(stream)
        heard = [device.hear_head().qn for _ in range(16)]
        assert heard == [f"202403010800{n:02d}000" for n in range(8)] * 2
        assert place.frames() == [raw.removesuffix(b"\r\n") for raw in sent] * 2


@pytest.mark.parametrize(("cn", "answer"), [("1013", "9013"), ("9015", "9013"), ("2051", "9014")])
def test_notices_are_answered_as_notices(tmp_path: Path, cn: str, answer: str) -> None:
    with running(tmp_path, stations("ST0001")) as place, Device(place.port) as device:
        device.tell(cn=cn, area="")
        assert device.hear_head().cn == answer


def test_a_station_of_2005_is_answered_in_the_data_area(tmp_path: Path) -> None:
    known = stations("ST0001", edition=Edition.HJT212_2005)
    with running(tmp_path, known) as place, Device(place.port) as device:
        device.tell(flag=1)
        assert b"ST=91;CN=9014;CP=&&QN=20240301080000123;CN=2011&&" in device.hear()


@pytest.mark.parametrize("checksum", list(Checksum))
def test_each_station_has_its_own_checksum(tmp_path: Path, checksum: Checksum) -> None:
    known = stations("ST0001", checksum=checksum)
    dialect = Dialect(checksum=checksum)
    with running(tmp_path, known) as place, Device(place.port) as device:
        for number in range(3):
            device.tell(dialect=dialect, qn=f"2024030108000{number}000")
            assert device.hear_head().cn == "9014"


def test_an_encrypted_frame_is_acknowledged_in_the_clear(tmp_path: Path) -> None:
    known = stations("ST0001", edition=Edition.HJ212_2025, key_secret="STATION_KEY")  # noqa: S106
    dialect = Dialect(Edition.HJ212_2025, key=b"0" * 16)
    with running(tmp_path, known) as place, Device(place.port) as device:
        sent = device.tell(dialect=dialect, flag=9)
        assert b"DataTime" not in sent
        assert (device.hear_head().cn, place.frames()) == ("9014", [sent[:-2]])


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame("ST0404"), "station_unknown"),
        (frame(pw="654321"), "password_wrong"),
        (frame("ST0002"), "station_disabled"),
        (frame().replace(b"12.5", b"12.6"), "checksum_wrong"),
        (b"GET / HTTP/1.0\r\n\r\n##", "not_a_frame"),
        (framed(b"QN=20240301080000123;ST=31;CN=2011") + b"-" * 40, "frame_not_closed"),
        (framed(b"QN=20240301080000123;ST=31;MN=ST0001;CP=&&&&"), "field_missing"),
    ],
)
def test_what_is_refused_is_kept_with_its_reason_and_not_acknowledged(
    tmp_path: Path, sent: bytes, code: str
) -> None:
    off = stations("ST0002", is_enabled=False)
    with running(tmp_path, stations("ST0001") + off) as place, Device(place.port) as device:
        device.send(sent)
        eventually(place.refused)
        (refused,) = place.refused()
        assert (refused.code, refused.peer) == (code, "127.0.0.1")
        assert sent.strip(b"#\r\n")[:16] in refused.raw
        assert device.hears_nothing()
        assert place.frames() == []


def test_a_wrong_checksum_on_a_familiar_head_is_refused(tmp_path: Path) -> None:
    with running(tmp_path, stations("ST0001")) as place, Device(place.port) as device:
        device.tell()
        device.hear()
        device.send(frame(qn="20240301080001000").replace(b"12.5", b"12.6"))
        device.tell(qn="20240301080002000")
        assert device.hear_head().qn == "20240301080002000"
        eventually(place.refused)
        assert [r.code for r in place.refused()] == ["checksum_wrong"]
        assert len(place.frames()) == 2


def test_a_strict_station_is_held_to_the_standard(tmp_path: Path) -> None:
    known = stations("ST0001", mode=Mode.STRICT)
    with running(tmp_path, known) as place, Device(place.port) as device:
        device.tell(qn="20240301080001000")
        assert device.hear_head().cn == "9014"
        usual, unusual = b"QN=20240301080000123;ST=31;", b"ST=31;QN=20240301080000123;"
        device.send(framed(frame()[6:-6].replace(usual, unusual)))
        device.tell(st="32")
        eventually(lambda: len(place.refused()) == 2)
        assert [r.code for r in place.refused()] == ["not_strict", "system_not_registered"]


def test_a_change_of_the_registry_holds_from_the_next_frame_on(tmp_path: Path) -> None:
    (known,) = stations("ST0001")
    with running(tmp_path, [known]) as place, Device(place.port) as device:
        device.tell()
        assert device.hear_head().cn == "9014"
        off = registry([replace(known, is_enabled=False)])
        place.call(lambda: setattr(place.gateway, "registry", off))
        device.tell()
        eventually(place.refused)
        assert (place.refused()[0].code, len(place.frames())) == ("station_disabled", 1)


def test_one_connection_may_speak_for_several_stations(tmp_path: Path) -> None:
    with running(tmp_path, stations("ST0001", "ST0002")) as place, Device(place.port) as device:
        for mn in ("ST0001", "ST0002", "ST0001"):
            device.send(frame(mn))
            assert device.hear_head().mn == mn


def test_the_end_of_the_gateway_loses_nothing_that_it_took(tmp_path: Path) -> None:
    with running(tmp_path, stations("ST0001")) as place, Device(place.port) as device:
        for number in range(200):
            device.tell(qn=f"20240301080{number:03d}000")
        assert device.hear_head().cn == "9014"
    assert len(place.frames()) >= 1
    acknowledged = 1 + sum(1 for _ in _rest(device))
    assert acknowledged <= len(place.frames())


def _rest(device: Device) -> list[bytes]:
    return device._heard


@settings(max_examples=200, deadline=None)
@given(garbage=st.binary(max_size=300), cut=st.integers(0, 400))
def test_any_bytes_leave_the_next_frame_alone(garbage: bytes, cut: int) -> None:
    """Fed without sockets, for it is done often: see the floods for those."""
    from fed import Fed

    fed = Fed(stations("ST0001"), Limits(refusals_per_minute=100_000))
    stream = garbage + b"\n" + frame(qn="20240301080001000") + frame(qn="20240301080002000")
    fed.connection.data_received(stream[:cut])
    fed.connection.data_received(stream[cut:])
    fed.connection.data_received(frame(qn="20240301080003000"))
    assert fed.taken()[-1] == frame(qn="20240301080003000")[:-2]


HEADS = st.builds(
    Head,
    qn=st.from_regex(r"[0-9]{17}", fullmatch=True),
    st=st.sampled_from(["31", "32"]),
    cn=st.sampled_from(["2011", "2051", "9015", "1013", "9012"]),
    pw=st.from_regex(r"[0-9a-zA-Z]{0,8}", fullmatch=True),
    mn=st.from_regex(r"[0-9A-Z]{1,24}", fullmatch=True),
    flag=st.sampled_from([4, 5, 9, 1]),
    pnum=st.none() | st.just(3),
    pno=st.none() | st.just(2),
    is_resent=st.booleans(),
    area=st.just(80),
)
DIALECTS = st.builds(Dialect, edition=st.sampled_from(list(Edition)))


@given(said=HEADS, dialect=DIALECTS, other=st.from_regex(r"[0-9]{17}", fullmatch=True))
def test_the_quick_answer_is_the_slow_one(said: Head, dialect: Dialect, other: str) -> None:
    quick = familiar_head(said, dialect)
    slow = answer_to(said._replace(qn=other), dialect)
    raw = b"##0000QN=" + other.encode() + b";"
    made = express.answers([raw], [quick]) if quick and quick.before else [b""]
    assert quick is None or made == [slow]


@given(rests=st.lists(st.binary(max_size=200), min_size=1, max_size=20))
def test_the_quick_checksum_is_the_slow_one(rests: list[bytes]) -> None:
    raws = [framed(b"QN=20240301080000123;" + rest).removesuffix(b"\r\n") for rest in rests]
    assert express.wrong(raws) == []
    broken = [raw[:26] + bytes([raw[26] ^ 1]) + raw[27:] for raw in raws]
    slow = [n for n, raw in enumerate(broken) if framed(raw[6:-4])[-6:-2] != raw[-4:]]
    assert express.wrong(broken) == slow
    no_digits = [raw.replace(b"2024", b"20x4", 1) for raw in raws]
    assert express.wrong([framed(raw[6:-4])[:-2] for raw in no_digits]) == list(range(len(raws)))


def test_an_answer_repeats_what_the_frame_said() -> None:
    said = head(frame()[6:-6])
    assert isinstance(said, Head)
    assert answer_to(said, Dialect()) == data_answer(said, Dialect())
