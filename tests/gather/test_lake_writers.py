"""Many writers, killed writers, full disks: what was answered stays, the rest leaves no trace."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from shuzhi.gather.lake import Lake, LakeSettings, Tx, open_lake
from shuzhi.gather.lake.durable import held
from shuzhi.kernel.errors import BrokenError

_COMMON = """
import sys
from pathlib import Path
import pyarrow as pa
from shuzhi.gather.lake import LakeSettings, Tx, open_lake
from shuzhi.kernel.errors import ShuzhiError

lake = open_lake(Path(sys.argv[1]), settings=LakeSettings(checkpoint_every_commits=3))
app_id = sys.argv[2]

def rows(batch):
    return pa.table({"app": [app_id] * 5, "batch": [batch] * 5, "row": list(range(5))})
"""
APPEND_FOR_EVER = (
    _COMMON
    + """
batch = (lake.committed("t", app_id) or 0) + 1
while True:
    lake.append("t", rows(batch), tx=Tx(app_id, batch))
    print(batch, flush=True)
    batch += 1
"""
)
APPEND_TWENTY = (
    _COMMON
    + """
for batch in range(1, 21):
    print(int(lake.append("t", rows(batch), tx=Tx(app_id, batch)).was_skipped), flush=True)
"""
)
APPEND_WITH_NO_ROOM = (
    _COMMON
    + """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
numbers = pa.table({"app": [app_id] * 200_000, "batch": range(200_000), "row": range(200_000)})
tries = [
    lambda: lake.append("t", numbers),
    lambda: lake.overwrite("t", numbers),
    lambda: lake.upsert("t", numbers, key=["row"]),
    lambda: lake.append("t", rows(1), note={"too": "long" * 100_000}),
]
for write in tries:
    try:
        print(write())
    except ShuzhiError as error:
        print(error)
"""
)


DIE_BEFORE_THE_ANSWER = (
    _COMMON
    + """
import os, signal
lake.append("t", rows(1), tx=Tx(app_id, 1) if sys.argv[3] == "tx" else None)
os.kill(os.getpid(), signal.SIGKILL)
"""
)


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )


def answers(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=60)
    return out.splitlines()


def stored(lake: Lake) -> Counter[tuple[str, int, int]]:
    found = lake.reader("t").read_all().to_pylist()
    return Counter((r["app"], r["batch"], r["row"]) for r in found)


def whole(app_id: str, last: int) -> Counter[tuple[str, int, int]]:
    return Counter((app_id, batch, row) for batch in range(1, last + 1) for row in range(5))


def test_two_killed_writers_lose_and_double_nothing(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    for lives_s in (0.1, 0.25, 0.4, 0.55):
        writers = [start(APPEND_FOR_EVER, tmp_path, app_id) for app_id in "ab"]
        firsts = [writer.stdout.readline() for writer in writers if writer.stdout]
        time.sleep(lives_s)
        for writer in writers:
            writer.kill()
        answered = {a: answers(w) for a, w in zip("ab", writers, strict=True)}
        kept = {a: lake.committed("t", a) or 0 for a in "ab"}
        said = {a: int([f, *answered[a]][-1]) for a, f in zip("ab", firsts, strict=True)}
        assert all(kept[a] - said[a] in (0, 1) for a in "ab")
        assert stored(lake) == whole("a", kept["a"]) + whole("b", kept["b"])
    assert min(kept.values()) >= 4
    assert lake.repair("t").is_whole
    lake.vacuum("t", keep_hours=0)
    assert stored(lake) == whole("a", kept["a"]) + whole("b", kept["b"])


@pytest.mark.parametrize(("counter", "times"), [("tx", 1), ("none", 2)])
def test_only_a_tx_keeps_a_write_from_being_made_again(
    tmp_path: Path, counter: str, times: int
) -> None:
    for _ in range(2):
        died = start(DIE_BEFORE_THE_ANSWER, tmp_path, "a", counter)
        assert (answers(died), died.returncode) == ([], -9)
    assert set(stored(open_lake(tmp_path)).values()) == {times}


def test_the_same_tx_from_two_processes_lands_once(tmp_path: Path) -> None:
    writers = [start(APPEND_TWENTY, tmp_path, "same") for _ in range(2)]
    skipped = [int(line) for writer in writers for line in answers(writer)]
    assert (len(skipped), sum(skipped)) == (40, 20)
    assert stored(open_lake(tmp_path)) == whole("same", 20)


def test_threads_of_one_process_take_turns(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)

    def write(number: int) -> int:
        return lake.append(
            "t", pa.table({"id": [number]}), tx=Tx(f"w{number % 2}", number)
        ).inserted

    with ThreadPoolExecutor(4) as pool:
        stored_or_skipped = list(pool.map(write, range(16)))
    ids = sorted(lake.reader("t").read_all()["id"].to_pylist())
    assert len(ids) == sum(stored_or_skipped)
    assert [i for i, n in enumerate(stored_or_skipped) if n] == ids
    assert lake.version("t") == len(ids) - 1


def test_an_upsert_waits_for_its_turn_and_sees_what_came_before(tmp_path: Path) -> None:
    lake, other = open_lake(tmp_path), open_lake(tmp_path)
    lake.append("t", pa.table({"id": [0], "n": [0]}))

    def add(number: int) -> None:
        mine = (lake, other)[number % 2]
        mine.upsert("t", pa.table({"id": [0, number], "n": [number, number]}), key=["id"])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(1, 9)))
    ids = sorted(lake.reader("t").read_all()["id"].to_pylist())
    assert ids == list(range(9))


def test_a_writer_from_outside_is_not_lost(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    lake.append("t", pa.table({"id": [1]}))
    write_deltalake(tmp_path / "t", pa.table({"id": [2]}), mode="append")
    lake.append("t", pa.table({"id": [3]}))
    lake.upsert("t", pa.table({"id": [2, 4]}), key=["id"])
    assert sorted(lake.reader("t").read_all()["id"].to_pylist()) == [1, 2, 3, 4]
    assert DeltaTable(tmp_path / "t").version() == 3


def test_a_table_that_stays_held_is_busy(tmp_path: Path) -> None:
    lake = open_lake(tmp_path, settings=LakeSettings(lock_wait_s=0.05))
    lake.append("t", pa.table({"id": [1]}))
    with (
        held(tmp_path / ".locks" / "t.lock", name="t", wait_s=0),
        pytest.raises(BrokenError) as busy,
    ):
        lake.append("t", pa.table({"id": [2]}))
    assert str(busy.value) == (
        "gather.lake_busy: Data set 't' could not be written: other writers were in the way for "
        "0.05 s. Try again; nothing of this write was stored."
    )
    assert lake.append("t", pa.table({"id": [2]})).version == 1


def test_compaction_lets_writers_in(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    for number in range(12):
        lake.append("t", pa.table({"id": [number]}))
    stop = threading.Event()

    def compact() -> int:
        done = 0
        while not stop.is_set():
            done += lake.compact("t").files_before > 0
        return done

    with ThreadPoolExecutor(1) as pool:
        compacting = pool.submit(compact)
        other = open_lake(tmp_path)
        for number in range(12, 30):
            other.append("t", pa.table({"id": [number]}))
        stop.set()
        assert compacting.result(timeout=30) > 0
    assert sorted(lake.reader("t").read_all()["id"].to_pylist()) == list(range(30))


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    """No room for data of three verbs; room for the data but not for the commit of the fourth."""
    lake = open_lake(tmp_path)
    lake.append("t", pa.table({"app": ["old"], "batch": [1], "row": [0]}))
    said = answers(start(APPEND_WITH_NO_ROOM, tmp_path, "new", 100_000))
    begin = f"gather.disk_full: There is no room to write in {tmp_path / 't'}: "
    middle = "bytes of this write had been written and more are needed; the disk has"
    assert [line.startswith(begin) and middle in line for line in said] == [True] * 4, said
    assert stored(lake) == {("old", 1, 0): 1}
    assert [str(p) for p in (tmp_path / "t").rglob("*.parquet")] == lake.files("t")
    assert lake.append("t", pa.table({"app": ["new"], "batch": [1], "row": [0]})).version == 1


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    lock = tmp_path / "t.lock"
    script = (
        "import sys, time; from pathlib import Path; from shuzhi.gather.lake.durable import held\n"
        "with held(Path(sys.argv[1]), name='t', wait_s=0):\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    holder = start(script, lock)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(BrokenError, match=r"gather.lake_busy"), held(lock, name="t", wait_s=0):
        pass
    os.kill(holder.pid, 9)
    holder.communicate(timeout=10)
    with held(lock, name="t", wait_s=0):
        assert lock.exists()
