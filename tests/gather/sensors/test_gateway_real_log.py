"""A real logger's log, with its re-sends and its back-fill newest first, through the whole way."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest
from running import Device, running, stations

from shuzhi.gather.lake import open_lake
from shuzhi.gather.sensors.gateway.limits import Limits
from shuzhi.gather.sensors.hj212 import Dialect as Usual
from shuzhi.gather.sensors.hj212 import Head, framed, head, read_area
from shuzhi.gather.sensors.landing import Landing
from shuzhi.gather.sensors.landing.tables import OBSERVATIONS

pytestmark = pytest.mark.real_data


def asked_for(segment: bytes) -> bytes:
    """Return the frame of a segment, asking for an acknowledgement as it did not."""
    return framed(segment.replace(b";Flag=4;", b";Flag=5;", 1))


def expected(segments: list[bytes]) -> list[tuple[object, ...]]:
    """The values of the log in plain Python: by key, a new revision when the value is another."""
    told: dict[tuple[object, ...], list[tuple[object, ...]]] = {}
    for segment in segments:
        said = head(segment)
        assert isinstance(said, Head)
        for value in read_area(segment[said.area : -2], said, Usual()).values:
            key = (said.mn, said.st, said.cn, value.data_time, value.factor, value.field)
            seen = told.setdefault(key, [])
            now = (value.number, value.mark)
            if (not seen or seen[-1][:2] != now) and (*now, said.qn) not in seen:
                seen.append((*now, said.qn))
    return sorted((*key, n) for key, seen in told.items() for n in range(len(seen)))


def test_a_real_log_is_taken_and_stored_once(shared: Path, tmp_path: Path) -> None:
    packed = (shared / "frames" / "logger_log_part.jsonl.gz").read_bytes()
    lines = [json.loads(line) for line in gzip.decompress(packed).splitlines()]
    segments = [line["frame"].encode()[6:-4] for line in lines if line["crc_ok"]]
    mns = {s.partition(b";MN=")[2].partition(b";")[0].decode() for s in segments}
    chance = random.Random(212)  # noqa: S311
    limits = Limits(frames_per_second=10**6, bytes_per_second=10**9)
    lake = open_lake(tmp_path / "lake")
    with running(tmp_path, stations(*mns), limits) as place, Device(place.port) as device:
        landing = Landing(lake, place.folder, dict)
        left = [asked_for(segment) for segment in segments]
        while left:
            some, left = left[: (cut := chance.randrange(1, 400))], left[cut:]
            device.send(b"".join(some))
            assert {device.hear_head().cn for _ in some} == {"9014"}
            landing.land(chance.randrange(1_000, 100_000))
        while landing.land():
            pass
    with lake.duck(only=[OBSERVATIONS.name]) as connection:
        stored = connection.sql(
            "SELECT mn, st, cn, epoch_us(data_time), factor, field, revision "
            f"FROM {OBSERVATIONS.name} ORDER BY ALL"
        ).fetchall()
    assert stored == expected(segments)
    assert len(stored) > 5_000
