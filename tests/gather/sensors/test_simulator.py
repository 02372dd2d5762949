"""Monitors that do not exist: what they say is whole and has the faults that are asked for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import pstdev
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from running import KEY, running

from shuzhi.gather.sensors.hj212 import read
from shuzhi.gather.sensors.simulator import (
    KINDS,
    Fault,
    FaultKind,
    Monitor,
    Plan,
    monitors,
    read_script,
    simulate,
)
from shuzhi.gather.sensors.simulator.frames import DAY, HOUR, MINUTES, PASSWORD, REAL_TIME, due
from shuzhi.gather.sensors.simulator.series import load_of, measured
from shuzhi.gather.sensors.stations import Station, password_hash
from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

NOON = Instant(datetime(2026, 3, 2, 4, tzinfo=UTC))
LATER = Instant(NOON + timedelta(hours=6))
GAS = KINDS["flue_gas"]
SO2, OXYGEN = GAS.courses[0], GAS.courses[3]


def _fault(kind: FaultKind, amount: float = 2.0, factor: str | None = "a21026") -> Fault:
    return Fault(kind, 0, NOON, LATER, factor, amount)


def _values(*faults: Fault, hours: int = 3, begins: Instant = NOON) -> list[float]:
    moments = [Instant(begins + timedelta(minutes=10 * i)) for i in range(6 * hours)]
    return [measured(GAS, SO2, 0, at, faults) for at in moments]


def _read(frames: list[bytes]) -> Any:
    return read([raw.removesuffix(b"\r\n") for raw in frames], {})


def _of(monitor: Monitor, cn: str, factor: str = "a21026", at: Instant = NOON) -> dict[str, Any]:
    rows = _read(monitor.frames(cn, at, at)).observations.to_pylist()
    return {r["field"]: r["number"] for r in rows if r["factor"] == factor}


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("cn", [REAL_TIME, MINUTES, HOUR, DAY])
def test_every_frame_is_taken_without_a_finding(kind: str, cn: str) -> None:
    monitor = Monitor(3, KINDS[kind])
    said = _read(monitor.frames(cn, NOON, NOON))
    assert [r["refusal"] for r in said.frames.to_pylist() if r["refusal"]] == []
    assert [r["code"] for r in said.findings.to_pylist()] == []
    assert {r["factor"] for r in said.observations.to_pylist()} == {
        course.factor for course in KINDS[kind].courses
    }


def test_a_station_says_in_its_name_that_it_is_simulated() -> None:
    assert [m.mn for m in monitors(2)] == ["SIM" + "0" * 21, "SIM" + "0" * 20 + "1"]


def test_the_same_moment_has_the_same_value_whenever_it_is_asked_for() -> None:
    assert _values() == _values()
    assert _values() != [measured(GAS, SO2, 1, NOON)] * 18


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(KINDS)),
    st.integers(0, 5_000),
    st.integers(0, 10**6).map(lambda m: Instant(NOON + timedelta(minutes=m))),
)
def test_values_are_possible(kind: str, seed: int, at: Instant) -> None:
    for course in KINDS[kind].courses:
        assert 0 <= measured(KINDS[kind], course, seed, at) <= course.most
    assert 0.35 <= load_of(KINDS[kind], seed, at) <= 1


def test_means_are_those_of_the_values() -> None:
    said = _of(Monitor(0, GAS), HOUR)
    moments = [Instant(NOON + timedelta(minutes=6 * i)) for i in range(10)]
    values = [measured(GAS, SO2, 0, at) for at in moments]
    assert said["Min"] == pytest.approx(min(values))
    assert said["Avg"] == pytest.approx(sum(values) / 10, abs=0.006)
    assert said["Max"] == pytest.approx(max(values))


def test_spans_begin_at_whole_hours_and_days_of_china() -> None:
    found = list(due(DAY, NOON, Instant(NOON + timedelta(days=2))))
    assert [f"{start:%d %H}" for start in found] == ["01 16", "02 16"]
    assert list(due(HOUR, NOON, Instant(NOON + timedelta(minutes=59)))) == []


def test_an_exceedance_is_as_many_times_the_value_as_was_asked() -> None:
    assert _values(_fault(FaultKind.EXCEEDANCE, 3)) == pytest.approx(
        [3 * v for v in _values()], abs=0.03
    )


def test_a_fault_is_at_work_in_its_time_only() -> None:
    before = Instant(NOON - timedelta(hours=3))
    fault = _fault(FaultKind.EXCEEDANCE)
    assert _values(fault, begins=before) == _values(begins=before)
    assert measured(GAS, SO2, 0, LATER, [fault]) == measured(GAS, SO2, 0, LATER)


def test_a_flat_line_is_flat_and_a_quiet_one_nearly() -> None:
    assert len(set(_values(_fault(FaultKind.FLAT_LINE)))) == 1
    assert (
        0 < pstdev(_values(_fault(FaultKind.TOO_QUIET), hours=6)) < 0.1 * pstdev(_values(hours=6))
    )


def test_a_copy_is_the_day_before_to_the_digit() -> None:
    yesterday = Instant(NOON - timedelta(days=1))
    assert _values(_fault(FaultKind.COPY)) == _values(begins=yesterday)


def test_what_is_clipped_stays_just_below_the_limit() -> None:
    limit = min(_values()) * 1.01
    assert max(_values(_fault(FaultKind.CLIPPED, limit))) <= 0.97 * limit + 0.01


def test_a_changed_slope_halves_every_value() -> None:
    assert _values(_fault(FaultKind.PARAMETER)) == pytest.approx(
        [v / 2 for v in _values()], abs=0.01
    )


def test_oxygen_can_be_more_than_air_has() -> None:
    fault = _fault(FaultKind.IMPOSSIBLE, factor="a19001")
    assert measured(GAS, OXYGEN, 0, NOON, [fault]) > 21


def test_what_is_detached_does_not_follow_the_load() -> None:
    night, day = (Instant(NOON + timedelta(hours=h)) for h in (15, 3))
    fault = Fault(FaultKind.DETACHED, 0, NOON, Instant(NOON + timedelta(days=1)))
    loads = [load_of(GAS, 0, at) for at in (night, day)]
    course = SO2
    usual = [measured(GAS, course, 0, at) for at in (night, day)]
    detached = [measured(GAS, course, 0, at, [fault]) for at in (night, day)]
    assert loads[1] - loads[0] > 0.2
    assert detached[1] - detached[0] < usual[1] - usual[0] - 1


@pytest.mark.parametrize(
    ("kind", "is_so"),
    [
        (FaultKind.DISORDER, lambda v: v["Min"] > v["Max"]),
        (FaultKind.NOT_RECOMPUTED, lambda v: v["Avg"] < v["Min"]),
        (FaultKind.DIGITS, lambda v: len(str(v["Avg"])) > 12),
    ],
)
def test_means_can_be_wrong(kind: FaultKind, is_so: Any) -> None:
    assert is_so(_of(Monitor(0, GAS, (_fault(kind),)), HOUR))
    assert not is_so(_of(Monitor(0, GAS), HOUR))


@pytest.mark.parametrize(("kind", "mark"), [(FaultKind.MARK_ABUSE, "C"), (FaultKind.RANGE, "T")])
def test_marks_can_be_wrong(kind: FaultKind, mark: str) -> None:
    monitor = Monitor(0, GAS, (_fault(kind),))
    rows = _read(monitor.frames(REAL_TIME, NOON, NOON)).observations.to_pylist()
    assert {r["mark"] for r in rows if r["factor"] == "a21026"} == {mark}
    assert {r["mark"] for r in rows if r["factor"] != "a21026"} == {"N"}


def test_a_factor_can_be_missing_a_clock_wrong_and_a_value_revised() -> None:
    gone = Monitor(0, GAS, (_fault(FaultKind.MISSING_FACTOR),))
    assert _of(gone, REAL_TIME) == {}
    late = Monitor(0, GAS, (_fault(FaultKind.CLOCK, 30, None),))
    (row,) = _read(late.frames(REAL_TIME, NOON, NOON)).frames.to_pylist()
    assert row["data_time"] == NOON + timedelta(minutes=30)
    revised = Monitor(0, GAS, (_fault(FaultKind.REVISION),))
    again = _read(revised.revised(HOUR, NOON, NOON)).observations.to_pylist()
    first = _of(revised, HOUR)["Avg"]
    assert next(
        r["number"] for r in again if (r["factor"], r["field"]) == ("a21026", "Avg")
    ) == pytest.approx(first / 2, abs=0.01)
    assert Monitor(0, GAS).revised(HOUR, NOON, NOON) == []


def test_a_script_is_read_strictly(tmp_path: Path) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text(
        "faults:\n  - {kind: flat_line, monitor: 3, after: 5 minutes, lasts: 1 hour}\n"
    )
    (fault,) = read_script(script, NOON)
    assert (fault.kind, fault.monitor) == (FaultKind.FLAT_LINE, 3)
    assert (fault.begins - NOON, fault.ends - fault.begins) == (
        timedelta(minutes=5),
        timedelta(hours=1),
    )
    script.write_text("faults: [{kind: gremlins, monitor: 3, lasts: 1 hour}]\n")
    with pytest.raises(DocumentError):
        read_script(script, NOON)


def _known(fleet: tuple[Monitor, ...]) -> list[Station]:
    hashed = password_hash(PASSWORD, KEY)
    return [Station(m.mn, m.kind.st, hashed) for m in fleet]


def test_a_fleet_sends_over_tcp_until_all_is_acknowledged(tmp_path: Path) -> None:
    fleet = monitors(8)
    plan = Plan(NOON, Instant(NOON + timedelta(minutes=45)), 1_800, timedelta(minutes=5))
    with running(tmp_path, _known(fleet)) as place:
        sent = asyncio.run(simulate(fleet, plan, "127.0.0.1", place.port))
        stored = place.frames()
    assert (sent.unanswered, sent.connections) == (0, 8)
    assert sent.frames == sent.acknowledged == len(stored)
    said = read(stored, {})
    by_command = dict.fromkeys((REAL_TIME, MINUTES), 0)
    for row in said.frames.to_pylist():
        assert row["refusal"] is None
        by_command[row["cn"]] += 1
    # Nine real-time values each; of the ten-minute spans the first began before the series.
    assert by_command[REAL_TIME] == 8 * 9
    assert by_command[MINUTES] == 8 * 4


def test_nothing_is_sent_where_nobody_listens() -> None:
    plan = Plan(NOON, Instant(NOON + timedelta(minutes=1)))
    with pytest.raises(RefusedError) as refused:
        asyncio.run(simulate(monitors(1), plan, "127.0.0.1", 1))
    assert refused.value.code == "gather.nobody_listens"


def test_a_monitor_answers_what_it_is_asked_for() -> None:
    (monitor,) = monitors(1)
    asked: list[bytes] = []
    history = (
        b"QN=20260302130000000;ST=31;CN=2061;PW=123456;MN=%b;Flag=5;"
        b"CP=&&BeginTime=20260302080000,EndTime=20260302100000&&" % monitor.mn.encode()
    )

    async def centre(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from shuzhi.gather.sensors.hj212 import framed

        writer.write(framed(history))
        while chunk := await reader.read(65_536):
            asked.append(chunk)

    async def run() -> int:
        server = await asyncio.start_server(centre, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        plan = Plan(NOON, Instant(NOON + timedelta(minutes=1)), 60, timedelta(minutes=1))
        task = asyncio.create_task(simulate([monitor], plan, "127.0.0.1", port))
        await asyncio.sleep(2)
        task.cancel()
        server.close()
        return port

    asyncio.run(run())
    said = b"".join(asked)
    assert b"CN=9011" in said
    assert b"QnRtn=1" in said
    assert said.count(b"CN=2061") == 3
    assert b"ExeRtn=1" in said
