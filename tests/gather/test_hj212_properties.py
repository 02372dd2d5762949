"""What holds for any HJ 212 frame, any stream and any bytes at all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shuzhi.gather.sensors.hj212 import (
    Batch,
    Checksum,
    Dialect,
    Edition,
    Frame,
    Framer,
    Head,
    Message,
    Opened,
    Refusal,
    framed,
    head,
    opened,
    read,
    read_area,
    segment,
    tables,
    write,
)
from shuzhi.gather.sensors.hj212.batch import read_one_by_one

_QUICK = settings(max_examples=200, deadline=None)
_SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_KNOWN = sorted(code for code in tables.factors() if not code.endswith("x"))
_FACTORS = [*_KNOWN, "011", "020", "02"]
_FIELDS = ["Rtd", "Min", "Avg", "Max", "Cou", "ZsRtd", "ZsAvg"]
_numbers = st.decimals(-999, 99_999, places=3).map(str) | st.integers(0, 999).map(str)
_times = st.datetimes(datetime(1970, 1, 1)).map(  # noqa: DTZ001
    lambda at: f"{at.year:04d}{at.month:02d}{at.day:02d}{at.hour:02d}{at.minute:02d}{at.second:02d}"
)
_odd = st.sampled_from(["--", "", "NaN", "1.2.3", "1-2", "-", ".", "+1", "St", "1e5", " 1", "-.5"])
_mark = st.sampled_from([*sorted(tables.marks()), "X", ""])
_odd_items = st.sampled_from(
    ["SB1-RS=1", "i12001-Info=1", "i11001-Info=//维护;x//", "Flag=N", "", "DataTime=19660801000000"]
)
_separators = st.sampled_from([";", ";", ";", ","])


@st.composite
def _groups(draw: st.DrawFn, *, is_usual: bool) -> str:
    """One factor with some of its fields and marks."""
    odd = st.nothing() if is_usual else st.sampled_from(["w77777", "W01018", "01018", "x"])
    factor = draw(st.sampled_from(_FACTORS) | odd)
    names = draw(st.lists(st.sampled_from(_FIELDS), min_size=1, max_size=4, unique=True))
    numbers = _numbers if is_usual else _numbers | _odd
    values = [f"{factor}-{name}={draw(numbers)}" for name in names]
    if draw(st.booleans()):
        mark = st.sampled_from("NDF") if is_usual else _mark
        values.append(f"{factor}-Flag={draw(mark)}")
    if draw(st.booleans()):
        values.append(f"{factor}-EFlag={draw(st.text('A0', max_size=3))}")
    if draw(st.integers(0, 3)) == 0:
        times = _times if is_usual else _times | st.just("2016")
        values.append(f"{factor}-SampleTime={draw(times)}")
    return ",".join(draw(st.permutations(values)))


@st.composite
def _areas(draw: st.DrawFn) -> str:
    is_usual = draw(st.booleans())
    parts = draw(st.lists(_groups(is_usual=is_usual), max_size=5))
    text = f"DataTime={draw(_times)}"
    if is_usual:
        return ";".join([text, *parts])[:900]
    parts += draw(st.lists(_odd_items, max_size=1))
    for part in parts:
        text += draw(_separators) + part
    return text[:900]


@st.composite
def _messages(draw: st.DrawFn) -> Message:
    is_split = draw(st.integers(0, 5)) == 0
    return Message(
        st=draw(st.sampled_from(["21", "22", "31", "32", "39", "45", "80"])),
        cn=draw(st.sampled_from(["2011", "2051", "2061", "2031", "3020", "9999"])),
        area=draw(_areas()),
        qn="20160801085857223",
        pw="123456",
        mn=draw(st.sampled_from(["A", "B-1", "C", "K", "010000A8900016F000169DC0"])),
        flag=draw(st.sampled_from([4, 5, 9])) | (2 if is_split else 0),
        pnum=2 if is_split else None,
        pno=1 if is_split else None,
        is_resent=draw(st.integers(0, 5)) == 0,
    )


_DIALECTS = {
    "A": Dialect(stamps_end=True, minute_interval=5, units={"w01018": "g/L"}),
    "B-1": Dialect(Edition.HJT212_2005, checksum=Checksum.MODBUS),
    "C": Dialect(is_strict=True),
    "K": Dialect(Edition.HJ212_2025, key=b"0123456789abcdef"),
}


def _raw(message: Message) -> bytes:
    dialect = _DIALECTS.get(message.mn, Dialect())
    return write(message, dialect).removesuffix(b"\r\n")


def _taken(stream: list[bytes]) -> list[Frame]:
    framer = Framer()
    found = [x for piece in stream for x in framer.feed(piece, 0.0)] + framer.close()
    return [x for x in found if isinstance(x, Frame)]


def _canonical(batch: Batch) -> list[Any]:
    tables_of = (batch.frames, batch.observations, batch.items, batch.findings)
    return [(t.schema, sorted(map(repr, t.to_pylist()))) for t in tables_of]


@_QUICK
@given(_messages())
def test_what_is_written_is_read_again(message: Message) -> None:
    dialect = _DIALECTS.get(message.mn, Dialect())
    (frame,) = _taken([write(message, dialect)])
    found = head(frame.segment)
    assert isinstance(found, Head)
    assert found[:6] == (
        message.qn, message.st, message.cn, message.pw, message.mn, message.flag,
    )  # fmt: skip
    assert (found.pnum, found.pno) == (message.pnum, message.pno)
    assert found.is_resent == message.is_resent
    result = opened(frame, found, dialect)
    assert isinstance(result, Opened)
    assert result.segment == segment(message)


@_QUICK
@given(_messages(), st.binary(min_size=16, max_size=16))
def test_what_is_encrypted_is_opened_again(message: Message, key: bytes) -> None:
    dialect = Dialect(Edition.HJ212_2025, key=key)
    (frame,) = _taken([write(message, dialect)])
    found = head(frame.segment)
    assert isinstance(found, Head)
    result = opened(frame, found, dialect)
    assert isinstance(result, Opened)
    assert result.segment == segment(message)


@_QUICK
@given(st.lists(_messages(), min_size=1, max_size=4), st.data())
def test_any_cut_of_the_stream_gives_the_same_frames(
    messages: list[Message], data: st.DataObject
) -> None:
    noise = st.sampled_from([b"\r\n", b"", b"\r", b"##", b"#", b"##00", b"##0009junk&&0000\r\n"])
    stream = b"".join(_raw(m) + data.draw(noise) for m in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    octets = [stream[n : n + 1] for n in range(len(stream))]
    assert _taken(pieces) == _taken([stream]) == _taken(octets)
    assert {frame.raw for frame in _taken([stream])} >= {_raw(m) for m in messages}


@_QUICK
@given(_messages().filter(lambda m: m.mn != "K"), st.integers(-16, 16), st.data())
def test_a_wrong_length_changes_no_plain_frame_whatever_the_cut(
    message: Message, off: int, data: st.DataObject
) -> None:
    raw = _raw(message)
    wrong = b"##%04d%b\r\n" % (len(raw) - 10 + off, raw[6:])
    stream = wrong + raw + b"\r\n"
    cut = data.draw(st.integers(0, len(stream)))
    whole = _taken([stream])
    assert [frame.segment for frame in whole] == [raw[6:-4], raw[6:-4]]
    assert _taken([stream[:cut], stream[cut:]]) == whole


@_QUICK
@given(
    st.binary(max_size=400) | st.text("#0123456789&CP=;\r\nAF").map(str.encode), st.integers(0, 400)
)
@example(b"##", 1)
@example(b"##0000&&FFFF", 3)
def test_any_bytes_give_frames_and_refusals(octets: bytes, cut: int) -> None:
    framer = Framer()
    found = framer.feed(octets[:cut], 0.0) + framer.feed(octets[cut:], 1.0) + framer.close()
    assert framer.pending == 0
    refused = [x.code for x in found if isinstance(x, Refusal)]
    assert set(refused) <= set(tables.findings())
    assert _taken([octets[:cut], octets[cut:]]) == _taken([octets])


@_QUICK
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_segment_and_any_area_are_read_or_refused(octets: bytes) -> None:
    known = tables.findings()
    found = head(octets)
    if isinstance(found, Refusal):
        assert found.code in known
    else:
        assert set(found.tolerated) <= set(known)
    usual = Head("", "32", "2011", "", "A", 4, None, None, False, 0)
    said = read_area(octets, usual, Dialect())
    assert {finding.code for finding in said.findings} <= set(known)


@_QUICK
@given(_messages(), st.data())
def test_a_changed_frame_is_refused_or_says_what_it_said(
    message: Message, data: st.DataObject
) -> None:
    """One changed byte always changes the checksum: the map that it goes through loses nothing."""
    message = Message(message.st, message.cn, message.area, message.qn, "1", "Z", 4)
    plain = segment(message)
    place = data.draw(st.integers(0, len(plain) - 1))
    other = data.draw(st.integers(1, 255))
    changed = plain[:place] + bytes([plain[place] ^ other]) + plain[place + 1 :]
    raw = framed(plain)[:6] + changed + framed(plain)[-6:-2]
    before = read([framed(plain)], {}).frames.to_pylist()
    after = read([raw], {}).frames.to_pylist()
    assert before[0]["refusal"] is None
    assert after[0]["refusal"] is not None


@_SLOW
@given(st.lists(_messages(), min_size=1, max_size=12), st.data())
def test_all_at_once_says_what_one_by_one_says(
    messages: list[Message], data: st.DataObject
) -> None:
    raws = [_raw(message) for message in messages]
    changes = data.draw(st.lists(st.tuples(st.integers(0), st.binary(min_size=1, max_size=2))))
    for place, octets in changes[:2]:
        n = place % len(raws)
        where = place % len(raws[n])
        raws[n] = raws[n][:where] + octets + raws[n][where + 1 :]
    dialects = _DIALECTS | {
        "010000A8900016F000169DC0": data.draw(st.sampled_from([*_DIALECTS.values()]))
    }
    assert _canonical(read(raws, dialects)) == _canonical(
        read_one_by_one(raws, range(len(raws)), dialects)
    )


@_SLOW
@given(st.lists(_areas(), min_size=1, max_size=12))
@example(["DataTime=20000101000000;W01018-Rtd=0,W01018-EFlag=;W01018-Min=0,W01018-EFlag="])
def test_areas_of_every_shape_are_read_alike_at_once_and_one_by_one(areas: list[str]) -> None:
    """Here every head and checksum is right, so that all depends on the data area."""
    raws = [
        framed(segment(Message("32", "2011", area, "20160801085857223", "1", "Z", 4)))[:-2]
        for area in areas
    ]
    assert _canonical(read(raws, {})) == _canonical(read_one_by_one(raws, range(len(raws)), {}))


@_QUICK
@given(st.lists(st.binary(max_size=120), max_size=8))
def test_batches_of_any_bytes_are_read(raws: list[bytes]) -> None:
    batch = read(raws, {})
    assert batch.frames.num_rows == len(raws)
    assert pa.compute.sum(pa.compute.is_valid(batch.frames["refusal"])).as_py() in (None, len(raws))
