"""A process that dies at any moment loses no warning and doubles none, and tells every one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from shuzhi.audit.outbox import outbox_table
from shuzhi.decide.rules import tell, warnings

# Loads a batch, judges it and looks at silences until it is killed, or kills itself at a point.
WORKER = """
import os, signal, sys
from datetime import datetime, timedelta
from pathlib import Path
import pyarrow as pa
from shuzhi.decide.rules import Watch, WarningRaised, evaluate, look, parse_rule
from shuzhi.gather.lake import Tx, open_lake
from shuzhi.kernel.control import open_control
from shuzhi.kernel.law import Law

url, folder, point = sys.argv[1], Path(sys.argv[2]), sys.argv[4]
start = datetime.fromisoformat(sys.argv[3])
rules = [parse_rule((folder / n).read_bytes(), file=n) for n in ("high.yaml", "dead.yaml")]
lake = open_lake(folder / "lake")
turn = (lake.committed("readings", "load") or 0)
first = turn
heard = (folder / "heard.txt").open("a")

def die(where):
    if point == where and turn >= first + 3:
        os.kill(os.getpid(), signal.SIGKILL)

def clock():
    # It is asked after judging and before storing.
    die("storing")
    return start + timedelta(hours=turn)

def publish(event):
    die("telling")
    heard.write(f"{event.warning_id}\\n")
    heard.flush()
    os.fsync(heard.fileno())
    die("told")

watch = Watch(open_control(url), lake, Law({}), "Asia/Shanghai", clock, publish)
evaluate(watch, rules, "readings")
while True:
    turn += 1
    at = start + timedelta(hours=turn)
    rows = pa.table({"station": [f"s{turn}", "b"],
                     "observed_at": pa.array([at, at], pa.timestamp("us", tz="UTC")),
                     "value": [500.0, 1.0]})
    lake.append("readings", rows, tx=Tx("load", turn))
    evaluate(watch, rules, "readings")
    look(watch, rules)
    print(turn, flush=True)
"""


@pytest.fixture
def worker(bench: Any, tmp_path: Path) -> Any:
    """Run the worker until it has done some turns, or has killed itself at a point."""
    bench.stations("a", "b")
    bench.add(("b", 0, 1))
    bench.register(bench.rule("high_value"), bench.rule("dead_station"))
    (tmp_path / "high.yaml").write_text(bench.rule_text("high_value"), encoding="utf-8")
    (tmp_path / "dead.yaml").write_text(bench.rule_text("dead_station"), encoding="utf-8")
    url = str(bench.control.engine.url)

    def run(point: str = "", turns: int = 0) -> None:
        command = [sys.executable, "-c", WORKER, url, str(tmp_path), bench.noon.isoformat(), point]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(turns)]
        if not point:
            process.kill()
        assert process.wait(timeout=120) == -9
        assert all(line.strip().isdigit() for line in lines)

    return run


def require_whole(bench: Any, folder: Path) -> None:
    """Finish what was left, and require every warning once: stored, logged, and told."""
    heard = [int(line) for line in (folder / "heard.txt").read_text().split()]
    bench.judge(bench.rule("high_value"))
    tell(bench.watch)
    with bench.lake.duck() as lake:
        hot = lake.execute("SELECT count(*) FROM readings WHERE value > 100").fetchall()[0][0]
    found = warnings(bench.watch, limit=None)
    high = [w for w in found if w.rule_id == "high_value"]
    assert hot >= 3
    assert sorted(w.facts["station"] for w in high) == sorted({f"s{i + 1}" for i in range(hot)})
    assert [w.count for w in high] == [1] * hot
    assert {*heard, *bench.told()} == {w.id for w in found}
    with bench.control.transaction() as connection:
        entries = [json.loads(c) for c in connection.scalars(select(outbox_table.c.content))]
    raised = [int(e["subject"]) for e in entries if e["kind"] == "warning.raised"]
    assert sorted(raised) == sorted(w.id for w in found)


@pytest.mark.parametrize("point", ["storing", "telling", "told"])
def test_dying_at_a_point_loses_and_doubles_nothing(
    bench: Any, worker: Any, tmp_path: Path, point: str
) -> None:
    worker(point)
    worker(point)
    require_whole(bench, tmp_path)


def test_being_killed_at_any_moment_loses_and_doubles_nothing(
    bench: Any, worker: Any, tmp_path: Path
) -> None:
    for turns in (3, 1, 2):
        worker(turns=turns)
    require_whole(bench, tmp_path)
    (dead,) = [w for w in warnings(bench.watch, limit=None) if w.rule_id == "dead_station"]
    # Station a never came: one silence, each look of it counted once.
    assert (dead.facts["station"], dead.count) == ("a", bench.hours(dead.at, dead.last_at) + 1)
