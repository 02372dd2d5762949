"""What is written: messages, answers and requests in every edition, SM4, parts of split packets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shuzhi.gather.sensors.hj212 import (
    Dialect,
    Edition,
    Frame,
    Framer,
    Head,
    Message,
    Missing,
    Opened,
    Parts,
    Refusal,
    answered_qn,
    data_answer,
    execution_answer,
    framed,
    head,
    interval,
    new_key,
    notice_answer,
    opened,
    parameters,
    request,
    request_answer,
    request_number,
    segment,
    write,
)
from shuzhi.gather.sensors.hj212.cipher import decrypted, encrypted
from shuzhi.gather.sensors.hj212.parts import Packet
from shuzhi.kernel.errors import RefusedError

QN = "20160801085857223"
MN = "010000A8900016F000169DC0"
HEAD = Head(QN, "32", "2051", "123456", MN, 5, None, None, False, 0)
LEGACY = Dialect(Edition.HJT212_2005)
NEW = Dialect(Edition.HJ212_2025)
# The key of the official sample of 2025: sixteen times the digit 0.
KEY = b"0" * 16
AREA = "DataTime=20240529085857;w01018-Rtd=36.5,w01018-Flag=N;w21003-Rtd=1.2,w21003-Flag=N"


def received(octets: bytes) -> tuple[Frame, Head]:
    (frame,) = Framer().feed(octets, 0.0)
    assert isinstance(frame, Frame)
    found = head(frame.segment)
    assert isinstance(found, Head)
    return frame, found


def segment_of(octets: bytes) -> str:
    return received(octets)[0].segment.decode()


def test_the_official_frame_is_written_as_printed() -> None:
    message = Message("32", "1062", "RtdInterval=30", QN, "100000", MN, 5)
    assert write(message) == (
        b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
        b"CP=&&RtdInterval=30&&1C80\r\n"
    )


def test_the_data_answer_of_2017() -> None:
    assert data_answer(HEAD, Dialect()) == (
        b"##0087QN=20160801085857223;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;"
        b"CP=&&&&3240\r\n"
    )


def test_answers_of_2017_and_2025_repeat_the_number_of_the_request() -> None:
    start = f"QN={QN};ST=91;"
    rest = f"PW=123456;MN={MN};"
    assert segment_of(notice_answer(HEAD, Dialect())) == f"{start}CN=9013;{rest}Flag=4;CP=&&&&"
    assert segment_of(data_answer(HEAD, NEW)) == f"{start}CN=9014;{rest}Flag=8;CP=&&&&"
    assert (
        segment_of(request_answer(HEAD, Dialect(), 1))
        == f"{start}CN=9011;{rest}Flag=4;CP=&&QnRtn=1&&"
    )
    assert (
        segment_of(execution_answer(HEAD, NEW, 100))
        == f"{start}CN=9012;{rest}Flag=8;CP=&&ExeRtn=100&&"
    )


def test_answers_of_2005_have_the_number_in_their_data() -> None:
    assert segment_of(data_answer(HEAD, LEGACY)) == f"ST=91;CN=9014;CP=&&QN={QN};CN=2051&&"
    split = HEAD._replace(pnum=3, pno=2)
    assert segment_of(data_answer(split, LEGACY)).endswith("CN=2051;PNO=2;PNUM=3&&")
    assert (
        segment_of(request_answer(HEAD, LEGACY, 1))
        == f"ST=91;CN=9011;PW=123456;MN={MN};Flag=0;CP=&&QN={QN};QnRtn=1&&"
    )


@pytest.mark.parametrize("dialect", [LEGACY, Dialect(), NEW])
def test_an_answer_is_found_to_be_for_its_request(dialect: Dialect) -> None:
    frame, found = received(request_answer(HEAD, dialect, 1))
    said = parameters(frame.segment[found.area : -2])
    assert answered_qn(found, said) == QN
    assert said["QnRtn"] == "1"


def test_a_station_may_expect_answers_of_its_own_kind() -> None:
    odd = Dialect(answer_st="21", answer_flag=5)
    assert segment_of(data_answer(HEAD, odd)).startswith(f"QN={QN};ST=21;CN=9014;")
    assert ";Flag=5;" in segment_of(data_answer(HEAD, odd))


def test_an_answer_to_a_frame_without_number_has_none() -> None:
    assert segment_of(data_answer(HEAD._replace(qn=""), Dialect())).startswith("ST=91;CN=9014;")
    assert segment_of(data_answer(HEAD._replace(qn=""), LEGACY)) == "ST=91;CN=9014;CP=&&CN=2051&&"


@pytest.mark.parametrize(
    ("cn", "given", "dialect", "area"),
    [
        ("1000", {"OverTime": "5", "ReCount": "3"}, Dialect(), "OverTime=5;ReCount=3"),
        ("1012", {"SystemTime": "20160801085857"}, Dialect(), "SystemTime=20160801085857"),
        ("1061", {}, Dialect(), ""),
        (
            "2061",
            {"BeginTime": "20160801080000", "EndTime": "20160801080000"},
            Dialect(),
            "BeginTime=20160801080000;EndTime=20160801080000",
        ),
        (
            "2051",
            {"BeginTime": "20040506111000", "EndTime": "20040506151000"},
            LEGACY,
            "BeginTime=20040506111000,EndTime=20040506151000",
        ),
        ("3011", {"PolId": "101"}, LEGACY, "PolID=101"),
        ("1072", {"PW": "654321"}, LEGACY, "PW=654321"),
        (
            "3011",
            {"PolId": "w01018", "CalibrationType": "0"},
            NEW,
            "PolId=w01018,CalibrationType=0",
        ),
        (
            "3021",
            {"PolId": "w01018", "InfoId": "i13004", "i13004-Info": "168.0"},
            Dialect(),
            "PolId=w01018;InfoId=i13004;i13004-Info=168.0",
        ),
        (
            "3020",
            {
                "PolId": "w01018",
                "InfoId": "i11001",
                "BeginTime": "20160801010522",
                "EndTime": "20160801085857",
            },
            Dialect(),
            "PolId=w01018;InfoId=i11001;BeginTime=20160801010522,EndTime=20160801085857",
        ),
        ("3020", {"PolId": "w01018", "InfoId": "i12001"}, NEW, "PolId=w01018;InfoId=i12001"),
    ],
)
def test_requests_are_written_as_their_edition_has_them(
    cn: str, given: dict[str, str], dialect: Dialect, area: str
) -> None:
    message = request(cn, given, st="32", mn=MN, pw="123456", qn=QN, dialect=dialect)
    assert message.area == area
    assert message.flag == {0: 1, 1: 5, 2: 9}[dialect.edition]


@pytest.mark.parametrize(
    ("cn", "given", "dialect", "code"),
    [
        ("2061", {"BeginTime": "20160801080000"}, Dialect(), "hj212.request_parameters"),
        ("1061", {"PolId": "w01018"}, Dialect(), "hj212.request_parameters"),
        ("3012", {"PolId": "w01018;CN=1072"}, Dialect(), "hj212.request_parameters"),
        ("3021", {"PolId": "w01018", "InfoId": "i13004"}, Dialect(), "hj212.request_parameters"),
        ("1063", {}, LEGACY, "hj212.request_unknown"),
        ("3014", {"PolId": "w01018"}, NEW, "hj212.request_unknown"),
        ("9014", {}, LEGACY, "hj212.request_unknown"),
        ("2081", {}, Dialect(), "hj212.request_unknown"),
        ("4711", {}, Dialect(), "hj212.request_unknown"),
    ],
)
def test_a_request_that_the_edition_does_not_have_is_refused(
    cn: str, given: dict[str, str], dialect: Dialect, code: str
) -> None:
    with pytest.raises(RefusedError) as error:
        request(cn, given, st="32", mn=MN, pw="123456", qn=QN, dialect=dialect)
    assert error.value.code == code


def test_times_are_written_in_the_local_time_of_china() -> None:
    at = datetime(2016, 8, 1, 0, 58, 57, 223_900, tzinfo=UTC)
    assert request_number(at) == QN
    assert interval(at, at) == {"BeginTime": "20160801085857", "EndTime": "20160801085857"}


@pytest.mark.parametrize(
    "message",
    [
        Message("32", "2011", "a&&b"),
        Message("32", "2011", "a\r\n"),
        Message("32", "2011", mn="A;CN=9014"),
        Message("32", "2011", mn="站"),
        Message("32", "2011", "x" * 951),
        Message("32", "2011", "x" * 940, mn="A" * 90),
    ],
)
def test_what_would_not_be_read_as_meant_is_not_written(message: Message) -> None:
    with pytest.raises(RefusedError) as error:
        write(message)
    assert error.value.code == "hj212.not_writable"


def test_2005_has_room_for_ten_bytes_more() -> None:
    assert len(write(Message("32", "2011", "x" * 960), LEGACY)) > 960


def test_no_frame_is_longer_than_its_length_can_say() -> None:
    assert framed(b"x" * 9999).startswith(b"##9999")
    with pytest.raises(RefusedError):
        framed(b"x" * 10_000)


def test_the_sample_block_of_2025() -> None:
    cipher = encrypted(b"DataTime=20240529085857", KEY)
    assert cipher[:16].hex() == "e43e159acfab242cb53155fb8b9281a1"
    assert cipher[16:] == b"9085857"
    assert decrypted(cipher, KEY) == b"DataTime=20240529085857"


def test_an_encrypted_frame_keeps_length_and_checksum_of_the_plain_one() -> None:
    dialect = replace(NEW, key=KEY)
    message = Message("32", "2011", AREA, QN, "123456", MN, 9)
    plain, cipher = write(message), write(message, dialect)
    assert len(plain) == len(cipher)
    assert (plain[:6], plain[-6:]) == (cipher[:6], cipher[-6:])
    assert AREA.encode() not in cipher
    frame, found = received(cipher)
    assert opened(frame, found, dialect) == Opened(segment(message))
    refused = opened(frame, found, NEW)
    assert isinstance(refused, Refusal)
    assert refused.code == "checksum_wrong"


def test_cipher_bytes_may_be_sent_as_they_are_printed() -> None:
    dialect = replace(NEW, key=KEY)
    plain = segment(Message("32", "2011", AREA, QN, "123456", MN, 9))
    start = plain.index(b"&&") + 2
    cipher = encrypted(plain[start:-2], KEY)
    whole = len(cipher) - len(cipher) % 16
    printed = ",".join(f"0x{byte:02X}" for byte in cipher[:whole])
    area = b"{" + printed.encode() + b"}" + cipher[whole:]
    octets = framed(plain[:start] + area + b"&&")
    octets = octets[:-6] + framed(plain)[-6:]
    frame, found = received(octets)
    assert opened(frame, found, dialect) == Opened(plain)


def test_a_station_that_should_encrypt_and_does_not_is_noted() -> None:
    frame, found = received(write(Message("32", "2011", AREA, QN, "123456", MN, 9)))
    result = opened(frame, found, replace(NEW, key=KEY))
    assert isinstance(result, Opened)
    assert result.tolerated == ("plain_but_must_be_encrypted",)


def test_what_need_not_be_encrypted_is_plain() -> None:
    octets = data_answer(HEAD, replace(NEW, key=KEY))
    frame, found = received(octets)
    assert opened(frame, found, replace(NEW, key=KEY)) == Opened(frame.segment)


def test_another_key_does_not_open_a_frame() -> None:
    octets = write(Message("32", "2011", AREA, QN, "123456", MN, 9), replace(NEW, key=KEY))
    frame, found = received(octets)
    refused = [opened(frame, found, replace(NEW, key=bytes([byte]) * 16)) for byte in (1, 2, 3)]
    assert {x.code for x in refused if isinstance(x, Refusal)} == {"checksum_wrong"}
    short = opened(frame, found, replace(NEW, key=b"short"))
    assert isinstance(short, Refusal)
    assert short.code == "key_not_16_bytes"


def test_a_key_does_not_show_in_a_dialect() -> None:
    assert "secret" not in repr(Dialect(key=b"secretsecretsecr"))


def test_the_exchange_of_a_key() -> None:
    message = request("1014", new_key(KEY, QN), st="32", mn=MN, pw="123456", qn=QN, dialect=NEW)
    assert message.area == f"SKCreateTime={QN},NewSK=0000000000000000"
    with pytest.raises(RefusedError):
        new_key(b"\x00" * 16, QN)
    with pytest.raises(RefusedError):
        new_key(b"0" * 15, QN)


def part(pno: int, pnum: int = 3) -> Head:
    return HEAD._replace(pnum=pnum, pno=pno)


def test_missing_parts_are_told_once_their_time_is_over() -> None:
    parts = Parts(wait_seconds=60.0)
    parts.add(part(1), 5, 0.0)
    parts.add(part(3), 5, 10.0)
    assert parts.expire(59.9) == []
    assert parts.expire(60.0) == [Missing(Packet(MN, "2051", 5, 3), (2,))]
    assert parts.expire(120.0) == []


def test_whole_packets_are_not_told_even_when_a_part_comes_again() -> None:
    parts = Parts(wait_seconds=60.0)
    for pno in (2, 1, 3, 3, 1):
        parts.add(part(pno), 5, 0.0)
    assert parts.expire(60.0) == []
    assert len(parts) == 0


def test_packets_are_told_apart_by_their_time() -> None:
    parts = Parts(wait_seconds=60.0)
    parts.add(part(1, 2), 5, 0.0)
    parts.add(part(2, 2), 6, 0.0)
    assert [missing.parts for missing in parts.expire(60.0)] == [(2,), (1,)]


def test_no_more_packets_are_kept_than_allowed() -> None:
    parts = Parts(most_packets=2)
    given_up = [parts.add(part(1, 2), time, 0.0) for time in range(4)]
    assert [[m.packet.data_time for m in each] for each in given_up] == [[], [], [0], [1]]
    assert len(parts) == 2


def test_frames_without_parts_pass() -> None:
    parts = Parts()
    assert parts.add(HEAD, 5, 0.0) == []
    assert parts.add(part(4, 3), 5, 0.0) == []
    assert len(parts) == 0
