"""Bad weather through a whole load: killed, out of room, in each other's way, gone while read."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shuzhi.gather.contracts import parse_contract, register, table_named
from shuzhi.gather.lake import open_lake
from shuzhi.gather.lake.query import workbench
from shuzhi.gather.sources import Gathering, RunReport, State, read_source, run_source, runs
from shuzhi.gather.sources.files import FileReader
from shuzhi.gather.sources.load import Loading, load_part
from shuzhi.gather.sources.model import FileSource
from shuzhi.kernel.control import Control, metadata, open_control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import new_run_id
from shuzhi.kernel.instant import Instant

NOW = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:meters
name: meters
version: 1.0.0
status: active
schema:
  - name: meters
    properties:
      - {name: meter, logicalType: integer, required: true KEY}
      - {name: used_m3, logicalType: number, logicalTypeOptions: {minimum: 0}}
      - {name: note, logicalType: string}
"""
SOURCE = """
name: NAME
dataset: meters
provider: water
kind: file
path: in/NAME/*.csv
format: csv
"""
# A run in a process of its own, on what the test laid out; it says when it holds the source.
RUN = """
import resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from shuzhi.gather.lake import open_lake
from shuzhi.gather.sources import Gathering, read_source, run_source
from shuzhi.gather.sources.files import FileReader
from shuzhi.gather.sources.load import Loading, load_part
from shuzhi.gather.sources.model import FileSource
from shuzhi.kernel.control import open_control
from shuzhi.kernel.errors import ShuzhiError

class Told:
    def started(self, label, total): print("started", total, flush=True)
    def advanced(self, amount): print("advanced", amount, flush=True)
    def finished(self): pass

folder, name, most_bytes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
if most_bytes:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
control = open_control(f"sqlite:///{folder / 'control.db'}")
clock = lambda: datetime(2026, 3, 2, 8, tzinfo=UTC)
gathering = Gathering(control, open_lake(folder / "lake"), folder / "scratch", str, clock)
try:
    report = run_source(gathering, read_source(folder / f"{name}.yaml"), folder, Told())
    print("done", report.outcome.inserted)
except ShuzhiError as error:
    print("error", error)
"""


class Silent:
    """Shows no progress."""

    def started(self, label: str, total: int | None) -> None: ...

    def advanced(self, amount: int) -> None: ...

    def finished(self) -> None: ...


class Doing(Silent):
    """Does something when the run has begun, or when its first part is stored."""

    def __init__(
        self, begun: Callable[[], object] | None = None, stored: Callable[[], object] | None = None
    ) -> None:
        self._begun = begun or (lambda: None)
        self._stored = iter([stored or (lambda: None)])

    def started(self, label: str, total: int | None) -> None:  # noqa: ARG002
        self._begun()

    def advanced(self, amount: int) -> None:  # noqa: ARG002
        next(self._stored, lambda: None)()


class Told(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.total: int | None = None
        self.done = 0
        self.is_finished = False

    def started(self, label: str, total: int | None) -> None:  # noqa: ARG002
        self.total = total

    def advanced(self, amount: int) -> None:
        self.done += amount

    def finished(self) -> None:
        self.is_finished = True


class Works:
    """A water works' folder with a contract and any number of sources."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self.control: Control = open_control(f"sqlite:///{folder / 'control.db'}")
        metadata.create_all(self.control.engine)
        raw = CONTRACT.replace(" KEY", key).encode()
        register(self.control, parse_contract(raw, file="meters"), now=NOW)

    def source(self, name: str, files: int, rows: int, bad_every: int = 0) -> None:
        """Lay out a source of `files` files with `rows` rows each, with no meter twice."""
        (self.folder / f"{name}.yaml").write_text(SOURCE.replace("NAME", name))
        incoming = self.folder / "in" / name
        incoming.mkdir(parents=True)
        first = sum(ord(sign) for sign in name) * 1_000_000
        for number in range(files):
            start = first + number * rows
            (incoming / f"{number:02}.csv").write_text(text(start, rows, bad_every))

    def run(self, name: str, progress: Silent | None = None) -> RunReport:
        lake, scratch = open_lake(self.folder / "lake"), self.folder / "scratch"
        gathering = Gathering(self.control, lake, scratch, str, lambda: NOW)
        found = read_source(self.folder / f"{name}.yaml")
        return run_source(gathering, found, self.folder, progress or Silent())

    def apart(self, name: str, most_bytes: int = 0) -> subprocess.Popen[str]:
        arguments = [str(self.folder), name, str(most_bytes)]
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", RUN, *arguments], stdout=subprocess.PIPE, text=True
        )

    def meters(self) -> list[int]:
        lake = open_lake(self.folder / "lake")
        found: list[int] = lake.reader("meters").read_all()["meter"].to_pylist()
        return sorted(found)

    def kept_out(self) -> list[int]:
        lake = open_lake(self.folder / "lake")
        return sorted(lake.reader("meters__quarantine").read_all()["row_number"].to_pylist())

    def left(self) -> list[Path]:
        """What lies in the lake's staging and the sources' scratch folders."""
        staged = self.folder.glob("lake/*/_staging/*")
        spooled = self.folder.glob("scratch/*.spool")
        return sorted([*staged, *spooled])


def text(start: int, rows: int, bad_every: int) -> str:
    def line(number: int) -> str:
        used = -1 if bad_every and number % bad_every == 0 else number % 97 / 4
        return f"{start + number},{used},note {number}"

    return "\n".join(["meter,used_m3,note", *map(line, range(rows))]) + "\n"


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return Works(tmp_path, ", primaryKey: true")


@pytest.fixture
def keyless(tmp_path: Path) -> Works:
    return Works(tmp_path, "")


def test_runs_that_are_killed_lose_and_double_nothing(keyless: Works) -> None:
    """Without a key nothing but the exactly-once append keeps rows from being stored twice."""
    keyless.source("city", files=12, rows=2000, bad_every=100)
    chance = random.Random(4)  # noqa: S311
    for _ in range(3):
        run = keyless.apart("city")
        told = [first_line(run) for _ in range(chance.randrange(1, 4))]
        threading.Event().wait(chance.uniform(0, 0.05))
        run.kill()
        run.communicate(timeout=30)
    report = keyless.run("city")
    assert told[0].startswith("started ")
    everything = {1_000_000 * sum(map(ord, "city")) + n for n in range(24_000)}
    bad = {m for m in everything if m % 2000 % 100 == 0}
    assert keyless.meters() == sorted(everything - bad)
    assert len(keyless.kept_out()) == len(bad)
    states = [run.state for run in runs(keyless.control)]
    assert sorted(states) == sorted([State.DONE, *[State.KILLED] * 3])
    assert report.outcome.parts == 12
    assert report.outcome.parts_known > 0
    # The control: parts under another source's name are others, and nothing else holds them back.
    again = (keyless.folder / "city.yaml").read_text().replace("name: city", "name: again")
    (keyless.folder / "again.yaml").write_text(again)
    keyless.run("again")
    assert keyless.meters() == sorted([*(everything - bad), *(everything - bad)])


def test_what_a_killed_run_left_in_scratch_goes_with_the_next(works: Works) -> None:
    works.source("city", files=1, rows=10)
    litter = works.folder / "scratch" / "city.spool" / "half-written.csv"
    litter.parent.mkdir(parents=True)
    litter.touch()
    works.run("city")
    assert works.left() == []


@pytest.mark.parametrize("most_bytes", [20_000, 120_000])
def test_a_full_disk_is_said_and_the_next_run_goes_on(works: Works, most_bytes: int) -> None:
    works.source("city", files=1, rows=60_000, bad_every=7)
    run = works.apart("city", most_bytes)
    said = run.communicate(timeout=60)[0].splitlines()[-1]
    # The store that would remember the run has no room either: nothing was begun.
    assert said.startswith("error kernel.disk_full: The control store has no room to write"), said
    assert [p for p in works.left() if p.is_file()] == []
    assert works.run("city").outcome.inserted == 60_000 - len(range(0, 60_000, 7))
    assert len(works.kept_out()) == len(range(0, 60_000, 7))


def test_a_second_run_of_the_same_source_is_refused(works: Works) -> None:
    works.source("city", files=1, rows=10)
    refused: list[RefusedError] = []

    def run_again() -> None:
        with pytest.raises(RefusedError) as refusal:
            works.run("city")
        refused.append(refusal.value)

    assert works.run("city", Doing(run_again)).outcome.inserted == 10
    assert str(refused[0]) == (
        "gather.source_running: Source 'city' is being run already. "
        "Wait until that run has ended, then run it again."
    )
    assert [run.state for run in runs(works.control)] == [State.DONE]


@pytest.mark.parametrize("key", [", primaryKey: true", ""])
def test_two_sources_of_one_data_set_both_land(tmp_path: Path, key: str) -> None:
    works = Works(tmp_path, key)
    for name in ("east", "wild"):
        works.source(name, files=4, rows=500)
    together = [works.apart(name) for name in ("east", "wild")]
    said = [run.communicate(timeout=60)[0].splitlines()[-1] for run in together]
    assert said == ["done 2000", "done 2000"]
    assert len(works.meters()) == len(set(works.meters())) == 4000


def test_a_file_that_goes_away_while_the_run_goes_on(works: Works) -> None:
    works.source("city", files=2, rows=10)
    second = works.folder / "in" / "city" / "01.csv"
    with pytest.raises(RefusedError) as gone:
        works.run("city", Doing(stored=second.unlink))
    assert str(gone.value) == (
        "gather.source_gone: 01.csv went away while it was read. "
        "Bring it back and run the source again; nothing of it was stored."
    )
    [failed] = runs(works.control)
    assert (failed.state, failed.outcome.inserted) == (State.FAILED, 10)
    second.write_text(text(1, 5, 0))
    assert works.run("city").outcome.inserted == 5


def test_a_file_that_is_written_to_while_it_is_read(works: Works) -> None:
    works.source("city", files=1, rows=10)
    [file] = (works.folder / "in" / "city").iterdir()
    source = read_source(works.folder / "city.yaml")
    assert isinstance(source, FileSource)
    lake = open_lake(works.folder / "lake")
    _, table = table_named(works.control, "meters")
    loading = Loading(lake, source, table, new_run_id(), NOW)
    with workbench(works.folder, None) as connection:
        parts = FileReader(source, works.folder, works.folder, connection).parts(None)
        part = next(parts)
        with file.open("a") as more:
            more.write("1,2,late\n")
        with pytest.raises(RefusedError) as changed:
            load_part(loading, part, 1, connection)
    assert str(changed.value) == (
        "gather.source_changed: 00.csv was changed while it was read. "
        "Run the source again when it is complete; nothing of it was stored."
    )
    assert not lake.exists("meters")
    assert works.left() == []


def test_progress_is_told_in_bytes_of_the_files(works: Works) -> None:
    works.source("city", files=3, rows=1000)
    size = sum(file.stat().st_size for file in (works.folder / "in" / "city").iterdir())
    for _ in range(2):
        told = Told()
        works.run("city", told)
        assert (told.total, told.done, told.is_finished) == (size, size, True)
