"""A process that dies at any moment loses no step of a correction, doubles none, halves none."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.beside import beside

from shuzhi.audit.outbox import outbox_table
from shuzhi.share.correction import DoubtState, doubt_file, doubts, replayed, steps_since, tick

# Doubts, corrects, loads and ticks until it is killed; each turn corrects the value anew.
WORKER = """
import sys
from datetime import UTC, datetime
import pyarrow as pa
from shuzhi.app import open_city
from shuzhi.app.running.catching_up import correct
from shuzhi.kernel.ids import PartyId
from shuzhi.share.agreements import Actor
from shuzhi.share.correction import DoubtState, Doubted, accept, submit

city = open_city(sys.argv[1])
water, ecology = (Actor("x", PartyId(party)) for party in ("water", "ecology"))
moment = pa.array([datetime(2026, 3, 2, tzinfo=UTC)], pa.timestamp("us", tz="UTC"))
for turn in range(int(sys.argv[2]), 1_000_000):
    key = (("station", "s1"), ("at", "2026-03-02T00:00:00Z"))
    what = Doubted("air", key, "pm10", str(100 + turn), str(101 + turn))
    held = submit(city.correction_office, what, by=water, origin=f"form:{turn}")
    print(turn, flush=True)
    if held.state is DoubtState.CHECKING:
        accept(city.correction_office, held.id, str(101 + turn), by=ecology)
    rows = pa.table({"station": ["s1"], "at": moment, "pm10": pa.array([101 + turn], pa.int64())})
    city.lake.upsert("air", rows, key=["station", "at"])
    correct(city)
"""


def killed_after(air: Any, first: int, turns: int) -> int:
    """Let a worker begin `turns` turns and kill it in the midst of the last; return that one."""
    command = [sys.executable, "-c", WORKER, str(air.folder), str(first)]
    store = beside(air.city.control)
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=store)  # noqa: S603
    assert worker.stdout is not None
    last = first
    for _ in range(turns):
        last = int(worker.stdout.readline())
    worker.kill()
    worker.wait()
    worker.stdout.close()
    return last


@pytest.fixture(scope="module")
def battered(new_air: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A city whose workers were killed again and again, each in another turn."""
    air = new_air(tmp_path_factory.mktemp("battered"))
    air.write([("s1", 0, 100)])
    turn = 0
    for turns in (1, 2):
        turn = killed_after(air, turn, turns)
    return air


def test_after_kills_every_doubt_is_whole_and_goes_on(battered: Any) -> None:
    office = battered.city.correction_office
    assert tick(office).refused == ()
    found = doubts(office, limit=500)
    assert [replayed(office, doubt.id) for doubt in found] == list(found)
    assert len(found) >= 2
    states = {doubt.state for doubt in found}
    assert states <= {
        DoubtState.CHECKING, DoubtState.CORRECTING, DoubtState.RECALLING, DoubtState.CLOSED,
    }  # fmt: skip
    held = [doubt for doubt in found if doubt.used is not None]
    assert held
    # Nobody received the value and nothing was decided by it, so that all is gone through.
    assert {doubt.state for doubt in held} == {DoubtState.CLOSED}
    assert all(doubt_file(office, doubt.id).listed == () for doubt in held)


def test_every_step_is_there_once_with_its_audit_entry(battered: Any) -> None:
    city = battered.city
    steps = [step for _, step in steps_since(city.correction_office, 0)]
    origins = [step.origin for step in steps if step.origin is not None]
    assert len(origins) == len(set(origins)) >= 2
    with city.control.transaction() as connection:
        contents = connection.scalars(select(outbox_table.c.content).order_by(outbox_table.c.no))
        entries = [json.loads(content) for content in contents]
    told = [(e["subject"], e["facts"]["step"]) for e in entries if e["kind"][:6] == "doubt."]
    assert told == [(f"doubt:{step.doubt}", step.number) for step in steps]
