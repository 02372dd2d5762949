"""Documented frames of the standards and logs of a simulator and a logger, all read and counted."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from shuzhi.gather.sensors.hj212 import (
    Batch,
    Dialect,
    Edition,
    Frame,
    Framer,
    Head,
    Refusal,
    head,
    parameters,
    read,
    request,
    segment,
)
from shuzhi.gather.sensors.hj212.batch import read_one_by_one

pytestmark = pytest.mark.real_data
_EDITION = {"HJ/T 212-2005 Annex C": 0, "HJ 212-2017 Annex C": 1}


def lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        pytest.skip(f"no {path.name} beside this checkout")
    octets = path.read_bytes()
    text = (gzip.decompress(octets) if path.suffix == ".gz" else octets).decode("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def raws(path: Path, key: str) -> list[bytes]:
    return [line[key].encode() for line in lines(path)]


def counted(batch: Batch) -> Counter[str]:
    return Counter(batch.findings["code"].to_pylist())


def test_every_documented_frame_is_read(shared: Path) -> None:
    given = raws(shared / "frames" / "annex_segments.jsonl", "framed")
    found = Framer().feed(b"\r\n".join(given), 0.0)
    assert [x.raw for x in found if isinstance(x, Frame)] == given
    batch = read(given, {})
    assert batch.frames["refusal"].null_count == batch.frames.num_rows == 118
    assert (batch.observations.num_rows, batch.items.num_rows) == (42, 90)
    # Most printed examples of 2005 announce parts (Flag=3) and have none; PolID is its spelling.
    assert counted(batch) == {
        "parts_against_flag": 19,
        "no_flag": 2,
        "name_spelled": 2,
        "blanks": 1,
        "factor_legacy": 1,
        "no_mn": 1,
    }


def test_every_documented_request_is_written_as_it_is_printed(shared: Path) -> None:
    written = 0
    for line in lines(shared / "frames" / "annex_segments.jsonl"):
        printed = line["segment"].encode()
        found = head(printed)
        assert isinstance(found, Head)
        edition = Edition(_EDITION.get(line["source"], 2))
        area = printed[found.area : -2]
        if found.st == "91" or not found.wants_answer or b"DataTime" in area:
            continue
        given = parameters(area)
        if found.cn == "1013":
            continue
        message = request(
            found.cn,
            given,
            st=found.st,
            mn=found.mn,
            pw=found.pw,
            qn=found.qn,
            dialect=Dialect(edition),
        )
        # The examples of 2005 have Flag=3, which announces parts that are not there.
        again = segment(message).replace(b"Flag=1", b"Flag=3" if edition == 0 else b"Flag=1")
        assert again == printed
        written += 1
    assert written == 78


def test_the_log_of_a_simulator(shared: Path) -> None:
    given = raws(shared / "frames" / "simulator_log.jsonl.gz", "frame")
    found = Framer().feed(b"".join(given), 0.0)
    assert [x.raw for x in found if isinstance(x, Frame)] == given
    batch = read(given, {})
    assert batch.frames.num_rows == 4503
    assert batch.frames["refusal"].null_count == 4503
    assert (batch.observations.num_rows, batch.items.num_rows) == (10_935, 189)
    assert counted(batch) == {"qn_not_a_time": 124, "command_unknown": 12}
    assert Counter(batch.observations["factor"].to_pylist()) == dict.fromkeys(
        ("w01018", "w21003", "w21011", "w21001", "w01001"), 2187
    )


def test_the_log_of_a_logger(shared: Path) -> None:
    given = raws(shared / "frames" / "logger_log_part.jsonl.gz", "frame")
    found = Framer().feed(b"\r\n".join(given), 0.0)
    assert len([x for x in found if isinstance(x, Frame)]) == 2499
    # One frame was altered after its length and checksum had been made.
    (refused,) = (x for x in found if isinstance(x, Refusal))
    assert (refused.code, b"MN=Abbc" in refused.raw) == ("frame_not_closed", True)
    batch = read(given, {})
    refusals = batch.frames["refusal"].drop_null().to_pylist()
    assert refusals == ["checksum_wrong"]
    assert batch.observations.num_rows == 5028
    assert Counter(batch.observations["field"].to_pylist()) == {
        "Rtd": 1656,
        "Cou": 843,
        "Min": 843,
        "Avg": 843,
        "Max": 843,
    }
    assert batch.observations["mark"].value_counts().to_pylist() == [
        {"values": "D", "counts": 5028}
    ]


@pytest.mark.parametrize("name", ["simulator_log.jsonl.gz", "logger_log_part.jsonl.gz"])
def test_all_at_once_says_what_one_by_one_says(shared: Path, name: str) -> None:
    given = raws(shared / "frames" / name, "frame")
    at_once, each = read(given, {}), read_one_by_one(given, range(len(given)), {})
    assert at_once.frames.to_pylist() == each.frames.to_pylist()
    assert at_once.observations.to_pylist() == each.observations.to_pylist()
    assert at_once.items.to_pylist() == each.items.to_pylist()
    assert counted(at_once) == counted(each)
