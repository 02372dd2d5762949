"""A process that dies at any moment loses no case, doubles none, and breaks each clock once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from shuzhi.act.cases import Verb, Wanted, case, cases, replayed, steps_since, tick
from shuzhi.act.cases.store import step_table
from shuzhi.audit.outbox import outbox_table
from shuzhi.kernel.instant import Instant

# Opens, moves and ticks until it is killed; the clock runs an hour with every turn.
WORKER = """
import sys
from datetime import datetime, timedelta
from pathlib import Path
from shuzhi.act.cases import *
from shuzhi.kernel.control import open_control
from shuzhi.kernel.workdays import china_working_days

url, kind_file, start, first = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
now = [datetime.fromisoformat(start)]
kind = parse_case_kind(kind_file.read_bytes(), file="kind.yaml")
office = Office(open_control(url), {kind.id: kind}, china_working_days(), "Asia/Shanghai", "city",
                kind_file.parent / "evidence", lambda: now[0])
desk = Actor("d.chen", "city", frozenset(CaseRole))
bridge = Actor("h.wang", "bridge", frozenset(CaseRole))
for turn in range(first, first + 100_000):
    report = Report(kind.id, "urgent", desk, "bridge", origin=f"call:{turn % 400}")
    found = open_case(office, report).case_id
    for act_ in (Act(found, Verb.VERIFY, desk), Act(found, Verb.FILE, desk),
                 Act(found, Verb.DISPATCH, desk, orders=(Order("bridge", True),)),
                 Act(found, Verb.TAKE, bridge)):
        act_all(office, [act_])
    now[0] += timedelta(hours=1)
    tick(office)
    print(turn, flush=True)
"""


@pytest.fixture
def worker(town: Any, tmp_path: Path) -> Any:
    """A function that runs the worker for some turns and kills it in the middle of another."""
    kind_file = tmp_path / "kind.yaml"
    kind_file.write_text(town.kind_yaml, encoding="utf-8")
    url = str(town.office.control.engine.url)

    def run(start: Instant, first: int, turns: int) -> None:
        command = [sys.executable, "-c", WORKER, url, str(kind_file), start.isoformat(), str(first)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(turns)]
        process.kill()
        process.wait(timeout=30)
        assert json.loads(lines[-1]) == first + turns - 1

    return run


def test_a_killed_process_leaves_every_case_whole(town: Any, worker: Any) -> None:
    for round_ in range(3):
        worker(town.hand.now, round_ * 7, 12)
        town.hand.forward(hours=12)
    town.hand.forward(days=90)
    tick(town.office)
    assert (tick(town.office).broken, tick(town.office).escalated) == (0, 0)
    found = cases(town.office, Wanted(), limit=500).cases
    files = [case(town.office, c.id) for c in found]
    assert len(found) >= 26
    assert [replayed(town.office, f.case.id) for f in files] == [f.case for f in files]
    numbers = [[step.number for step in f.steps] for f in files]
    assert numbers == [list(range(1, f.case.version + 1)) for f in files]
    breaks = [
        (f.case.id, s.facts["clock"]) for f in files for s in f.steps if s.verb is Verb.BREAK_CLOCK
    ]
    # A process may be killed between two acts, and then a clock of either breaks; none does twice.
    assert len(set(breaks)) == len(breaks)
    assert {case_id for case_id, _ in breaks} == {c.id for c in found}


def test_every_step_has_its_audit_entry(town: Any, worker: Any) -> None:
    worker(town.hand.now, 0, 6)
    with town.office.control.transaction() as connection:
        steps = connection.scalar(select(func.count()).select_from(step_table))
        contents = connection.scalars(select(outbox_table.c.content).order_by(outbox_table.c.no))
        entries = [json.loads(content) for content in contents]
    told = [(e["subject"], e["facts"]["step"]) for e in entries]
    kept = [(f"case:{s.case_id}", s.number) for _, s in steps_since(town.office, 0)]
    assert steps == len(entries)
    assert told == kept


def test_an_audit_entry_says_what_was_done_but_not_what_was_written(town: Any) -> None:
    town.report(text="Mrs Li of 5 Weir Lane called", origin="call:1")
    with town.office.control.transaction() as connection:
        (content,) = connection.scalars(select(outbox_table.c.content))
    entry = json.loads(content)
    sha256 = entry["facts"].pop("step_sha256")
    assert len(sha256) == 64
    assert b"Li" not in content
    assert entry == {
        "kind": "case.opened",
        "at": "2026-03-02T01:00:00+00:00",
        "by": "d.chen",
        "subject": "case:1",
        "facts": {
            "kind": "river_pollution",
            "step": 1,
            "stage": "NEW",
            "party": "city",
            "responsible": "bridge",
        },
    }
