"""HJ 212 frames: checksums, cutting a stream, heads; with the vectors of every edition."""

from __future__ import annotations

import numpy as np
import pytest

from shuzhi.gather.sensors.hj212 import (
    Checksum,
    Dialect,
    Frame,
    Framer,
    Head,
    Limits,
    Opened,
    Refusal,
    head,
    opened,
)
from shuzhi.gather.sensors.hj212 import crc as checksums
from shuzhi.gather.sensors.hj212.framing import whole

OFFICIAL = (
    b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
    b"CP=&&RtdInterval=30&&1C80"
)
LEGACY = (
    b"##0139ST=32;CN=2011;PW=123456;MN=LD130133000015;CP=&&DataTime=20160824003817000;"
    b"B01-Rtd=36.91;011-Rtd=231.0,011-Flag=N;060-Rtd=1.803,060-Flag=N&&4980"
)
VECTORS = (
    OFFICIAL,
    b"##0087QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;"
    b"CP=&&&&2200",
    LEGACY,
    b"##0124QN=20040516010101001;ST=32;CN=2051;PW=123456;MN=88888880000001;Flag=3;"
    b"CP=&&BeginTime=20040506111000,EndTime=20040506151000&&6B80",
    b"##0121QN=20250131202809340;ST=39;CN=2011;PW=123456;MN=0507A010003242;Flag=4;"
    b"CP=&&DataTime=20250131202809;a34001-Rtd=92;Flag=N&&BF41",
    b"##0087QN=20160801085857223;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;"
    b"CP=&&&&3240",
)


def by_bits(segment: bytes) -> int:
    """The standard's CRC as Annex A describes it."""
    register = 0xFFFF
    for byte in segment:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register = (register >> 1) ^ (0xA001 if register & 1 else 0)
    return register


def cut(stream: bytes, limits: Limits | None = None) -> list[Frame | Refusal]:
    return Framer(limits or Limits()).feed(stream, 0.0)


@pytest.mark.parametrize("raw", VECTORS)
def test_every_vector_is_one_frame_with_a_right_checksum(raw: bytes) -> None:
    (frame,) = cut(raw + b"\r\n")
    assert isinstance(frame, Frame)
    assert frame.raw == raw
    assert frame == whole(raw + b"\r\n")
    found = head(frame.segment)
    assert isinstance(found, Head)
    assert opened(frame, found, Dialect()) == Opened(frame.segment)


def test_check_values_of_the_standard() -> None:
    assert checksums.standard(b"123456789") == 0x2F80
    assert checksums.standard(b"") == 0xFFFF
    assert checksums.digits(b"") == b"FFFF"


@pytest.mark.parametrize("length", [*range(1, 70), 127, 128, 129, 1023, 1024, 1025, 9999, 70_000])
def test_the_folded_checksum_is_that_of_the_bits(length: int) -> None:
    segment = np.random.default_rng(length).bytes(length)
    assert checksums.standard(segment) == by_bits(segment)


def test_checksums_of_many_slices_are_those_of_each() -> None:
    random = np.random.default_rng(7)
    lengths = random.integers(1, 300, 500)
    ends = np.cumsum(lengths + 3)
    starts = ends - lengths
    buffer = random.bytes(int(ends[-1])) + bytes(16)
    found = checksums.standard_of_slices(buffer, starts, ends)
    assert found.tolist() == [
        by_bits(buffer[start:end]) for start, end in zip(starts, ends, strict=True)
    ]


def test_only_256_checksums_exist() -> None:
    values = {checksums.standard(bytes([byte])) for byte in range(256)}
    assert len(values) == 256
    assert {value & 0xFF for value in values} == {0x00, 0x01, 0x40, 0x41, 0x80, 0x81, 0xC0, 0xC1}


def test_modbus_and_its_swapped_digits() -> None:
    # The check value of CRC-16/MODBUS.
    assert checksums.modbus(b"123456789") == 0x4B37
    assert checksums.digits(b"123456789", Checksum.MODBUS_SWAPPED) == b"374B"
    assert checksums.kinds_of(b"123456789", b"4b37") == (Checksum.MODBUS,)


def test_a_wrong_checksum_says_for_what_it_would_be_right() -> None:
    segment = OFFICIAL[6:-4]
    frame = Frame(b"", segment, checksums.digits(segment, Checksum.MODBUS))
    found = head(segment)
    assert isinstance(found, Head)
    refused = opened(frame, found, Dialect())
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.detail) == ("checksum_wrong", "right for modbus")
    assert opened(frame, found, Dialect(checksum=Checksum.MODBUS)) == Opened(segment)


def test_small_letters_in_a_checksum_count_as_capital_ones() -> None:
    (frame,) = cut(OFFICIAL[:-4] + b"1c80")
    assert isinstance(frame, Frame)
    assert checksums.is_right(frame.segment, frame.checksum)


def test_frames_are_found_between_garbage() -> None:
    stream = b"noise\r\n#" + OFFICIAL + b"\r\n##12x4##" + LEGACY + b"#"
    found = cut(stream)
    assert [x.raw for x in found if isinstance(x, Frame)] == [OFFICIAL, LEGACY]
    assert [x.code for x in found if isinstance(x, Refusal)] == ["not_a_frame", "not_a_frame"]


@pytest.mark.parametrize("tail", [b"\r\n", b"\r", b"\n", b"", b"\r\n\r\n"])
def test_any_line_end_will_do(tail: bytes) -> None:
    framer = Framer()
    stream = OFFICIAL + tail + LEGACY + tail
    found = framer.feed(stream, 0.0)
    assert [type(x) for x in found] == [Frame, Frame]
    assert framer.pending == 0


@pytest.mark.parametrize("declared", [b"0093", b"0100", b"0102", b"0117"])
def test_a_length_that_is_off_by_a_few_is_forgiven_if_the_checksum_is_right(
    declared: bytes,
) -> None:
    (frame,) = cut(b"##" + declared + OFFICIAL[6:] + b"\r\n" + LEGACY[:5])
    assert isinstance(frame, Frame)
    assert frame.segment == OFFICIAL[6:-4]
    assert frame.tolerated == ("length_off",)


def test_a_length_that_is_off_by_more_is_refused_and_the_next_frame_taken() -> None:
    found = cut(b"##0150" + OFFICIAL[6:] + b"\r\n" + LEGACY + b"\r\n")
    assert [x.code if isinstance(x, Refusal) else x.raw for x in found] == [
        "frame_not_closed",
        LEGACY,
    ]


def test_an_altered_frame_with_a_wrong_length_is_refused() -> None:
    altered = OFFICIAL.replace(b"MN=01", b"MN=011")
    found = cut(altered + b"\r\n" + LEGACY)
    assert [x.code if isinstance(x, Refusal) else x.raw for x in found] == [
        "frame_not_closed",
        LEGACY,
    ]


def test_a_half_frame_is_given_up_after_its_time() -> None:
    framer = Framer(Limits(half_frame_seconds=30.0))
    assert framer.feed(OFFICIAL[:50], 100.0) == []
    assert framer.expire(129.9) == []
    (refused,) = framer.expire(130.0)
    assert isinstance(refused, Refusal)
    assert refused == Refusal("half_frame", OFFICIAL[:50])
    assert [x.raw for x in framer.feed(LEGACY, 131.0)] == [LEGACY]


def test_a_slow_frame_does_not_take_the_next_one_with_it() -> None:
    framer = Framer()
    framer.feed(b"##9999" + LEGACY, 0.0)
    found = framer.feed(OFFICIAL, 31.0)
    assert [x.code if isinstance(x, Refusal) else x.raw for x in found] == [
        "half_frame",
        LEGACY,
        OFFICIAL,
    ]


def test_each_frame_has_its_own_time() -> None:
    framer = Framer()
    framer.feed(OFFICIAL + LEGACY[:20], 0.0)
    framer.feed(LEGACY[20:] + OFFICIAL[:20], 29.0)
    assert [type(x) for x in framer.feed(OFFICIAL[20:], 58.0)] == [Frame]


def test_no_more_than_one_frame_is_kept_of_a_flood() -> None:
    framer = Framer(Limits(most_bytes=1024))
    for _ in range(100):
        framer.feed(b"##1024" + b"x" * 500, 0.0)
        assert framer.pending <= 1024 + 30
    found = framer.feed(OFFICIAL + b"x" * 2000, 0.0)
    assert [x.raw for x in found if isinstance(x, Frame)] == [OFFICIAL]


def test_a_segment_above_the_standards_length_is_noted() -> None:
    area = b"i21001-Info=//" + b"x" * 1000 + b"//"
    segment = OFFICIAL[6:-4].replace(b"RtdInterval=30", area)
    raw = b"##%04d%b%b" % (len(segment), segment, checksums.digits(segment))
    (frame,) = cut(raw)
    assert isinstance(frame, Frame)
    assert frame.tolerated == ("over_1024",)


def test_a_usual_head() -> None:
    found = head(OFFICIAL[6:-4])
    assert found == Head(
        qn="20160801085857223",
        st="32",
        cn="1062",
        pw="100000",
        mn="010000A8900016F000169DC0",
        flag=5,
        pnum=None,
        pno=None,
        is_resent=False,
        area=OFFICIAL.index(b"RtdInterval") - 6,
    )
    assert found.wants_answer
    assert found.version == 1


def test_a_head_of_2005_without_qn_and_flag() -> None:
    found = head(LEGACY[6:-4])
    assert isinstance(found, Head)
    assert (found.qn, found.flag, found.wants_answer, found.version) == ("", None, False, 0)
    assert found.tolerated == ("no_qn", "no_flag")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("QN=1;ST=32;CN=2011;PW=1;MN=A;Flag=4;", "qn_not_a_time"),
        ("ST=32;QN=20160801085857223;CN=2011;PW=1;MN=A;Flag=4;", "order_unusual"),
        ("QN=20160801085857223;ST=32;CN=2011;MN=A;PW=1;Flag=4;", "order_unusual"),
        ("QN=20160801085857223,ST=32;CN=2011;PW=1;MN=A;Flag=4;", "comma_for_semicolon"),
        ("QN=20160801085857223;ST=32;CN=2011;PW=1;MN=A;Flag=5", "separator_missing"),
        ("QN=20160801085857223;ST=32;CN=2011;PW=1;MN=A ;Flag=5;", "blanks"),
        ("QN=20160801085857223;ST=32;CN=2011;PW=1;MN=A;MN=B;Flag=5;", "field_repeated"),
        ("QN=20160801085857223;ST=32;CN=2011;PW=1;MN=A;Flag=5;Foo=1;", "field_unknown"),
        ("QN=20160801085857223;ST=32;CN=2011;PW=1;MN=A;;Flag=5;", "text_between_fields"),
        ("QN=20160801085857223;ST=32;CN=2011;PW=1;MN=A;Flag=256;", "flag_unreadable"),
        ("QN=20160801085857223;ST=32;CN=2011;PW=1;MN=A;Flag=7;", "parts_against_flag"),
        ("QN=20160801085857223;ST=32;CN=2011;PW=1;MN=A;Flag=5;PNUM=2;PNO=1;", "parts_against_flag"),
        (
            "QN=20160801085857223;ST=32;CN=2011;PW=1;MN=A;Flag=7;PNUM=2;PNO=3;",
            "part_number_impossible",
        ),
        ("QN=20160801085857223;ST=32;CN=2011;PW=1;MN=;Flag=5;", "no_mn"),
        ("QN=20160801085857223;ST=32;CN=2011;MN=A;Flag=5;", "no_pw"),
    ],
)
def test_an_unusual_head_is_read_and_noted(text: str, code: str) -> None:
    found = head(text.encode() + b"CP=&&&&")
    assert isinstance(found, Head)
    assert code in found.tolerated
    assert (found.st, found.cn, found.area) == ("32", "2011", len(text) + 5)


def test_parts_are_read_in_either_order() -> None:
    heads = [
        head(f"QN=20160801085857223;ST=32;CN=2011;PW=1;MN=A;Flag=7;{parts};CP=&&&&".encode())
        for parts in ("PNUM=0012;PNO=0003", "PNO=3;PNUM=12")
    ]
    assert [(h.pnum, h.pno) for h in heads if isinstance(h, Head)] == [(12, 3), (12, 3)]


def test_a_resent_frame_of_2025_says_so() -> None:
    found = head(b"QN=20260801085857223;ST=32;CN=2011;PW=1;MN=A;Flag=9;RF=1;CP=&&&&")
    assert isinstance(found, Head)
    assert (found.is_resent, found.version, found.tolerated) == (True, 2, ())


@pytest.mark.parametrize(
    ("segment", "code"),
    [
        (b"", "no_data_area"),
        (b"QN=20160801085857223;ST=32;CN=2011;PW=1;MN=A;Flag=4", "no_data_area"),
        ("ST=32;CN=2011;MN=站;CP=&&&&".encode(), "head_not_ascii"),
        (b"CN=2011;MN=A;CP=&&&&", "field_missing"),
        (b"ST=32;CN=20x1;MN=A;CP=&&&&", "command_not_a_number"),
    ],
)
def test_a_head_that_cannot_be_read_is_refused(segment: bytes, code: str) -> None:
    found = head(segment)
    assert isinstance(found, Refusal)
    assert found.code == code
