"""A power cut at any moment leaves every write that was reported, whole and once.

The disk is played by what was synced: a file holds what it held when it was last synced, a folder
the names it had then. `eager` disks have also written names that nobody synced, with no content.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from shuzhi.gather.lake import Lake, LakeSettings, Tx, open_lake
from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.files import sync_path

SETTINGS = LakeSettings(checkpoint_every_commits=3)
Image = dict[str, bytes]


class Disk:
    """Keeps what a power cut would leave: contents by inode, names by folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.contents: dict[int, bytes] = {}
        self.names: dict[int, dict[str, int]] = {}
        self.cuts: list[tuple[int, Image, Image]] = []
        self.synced: list[str] = []
        self.acknowledged = 0

    def sync(self, path: Path) -> None:
        self.cuts.append((self.acknowledged, self.image(), self.image(eager=True)))
        self.synced.append(path.name)
        sync_path(path)
        inode = path.stat().st_ino
        if path.is_dir():
            self.names[inode] = {p.name: p.stat().st_ino for p in path.iterdir()}
        else:
            self.contents[inode] = path.read_bytes()

    def image(self, *, eager: bool = False) -> Image:
        found: Image = {}
        self._walk(self.root, "", found, eager)
        return found

    def _walk(self, folder: Path, prefix: str, found: Image, eager: bool) -> None:
        # Folders are only made, never moved, so that a live one tells what lies in it.
        durable = self.names.get(folder.stat().st_ino, {})
        live = {p.name: p.stat().st_ino for p in folder.iterdir()} if eager else {}
        for name, inode in (durable | live).items():
            if (folder / name).is_dir():
                self._walk(folder / name, f"{prefix}{name}/", found, eager)
            else:
                found[prefix + name] = self.contents.get(inode, b"")


def put(image: Image, folder: Path) -> Path:
    folder.mkdir()
    for name, raw in image.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    return folder


def rows(batch: int, *, note: str = "") -> pa.Table:
    return pa.table({"batch": [batch] * 3, "row": [0, 1, 2], "note": [note] * 3})


def work(disk: Disk, lake: Lake) -> None:
    """Ten writes of every kind; after each the disk is told that it was acknowledged."""
    steps: dict[int, Callable[[], object]] = {
        2: lambda: lake.compact("t"),
        4: lambda: lake.upsert("t", rows(1, note="changed"), key=["batch", "row"]),
        6: lambda: lake.overwrite("t", lake.reader("t").read_all()),
    }
    for batch in range(7):
        steps.get(batch, lambda: None)()
        lake.append("t", rows(batch), tx=Tx("load", batch))
        disk.acknowledged = batch + 1


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Disk:
    root = tmp_path_factory.mktemp("lake")
    disk = Disk(root)
    work(disk, open_lake(root, settings=SETTINGS, sync=disk.sync))
    return disk


def batches(lake: Lake) -> list[int]:
    names = ["t"][: len(lake.names())]
    return sorted(b for n in names for b in lake.reader(n).read_all()["batch"].to_pylist())


def whole(count: int) -> list[int]:
    return sorted(list(range(count)) * 3)


@pytest.mark.parametrize("kind", [1, 2], ids=["strict", "eager"])
def test_a_power_cut_at_any_sync_loses_and_doubles_nothing(
    disk: Disk, tmp_path: Path, kind: int
) -> None:
    assert len(disk.cuts) > 40
    for number, cut in enumerate(disk.cuts):
        acknowledged = cut[0]
        lake = open_lake(put(cut[kind], tmp_path / str(number)), settings=SETTINGS)
        resumed = lake.committed("t", "load")
        assert resumed in (acknowledged - 1, acknowledged) or acknowledged == 0
        assert batches(lake) in (whole(acknowledged), whole(acknowledged + 1))
        for batch in (acknowledged, acknowledged + 1):
            lake.append("t", rows(batch), tx=Tx("load", batch))
        assert batches(lake) == whole(acknowledged + 2)
        assert lake.repair("t").is_whole


class Careless(Disk):
    """A disk whose lake never syncs, as delta-rs by itself does not."""

    def sync(self, path: Path) -> None:
        self.cuts.append((self.acknowledged, self.image(), self.image(eager=True)))
        self.synced.append(path.name)


@pytest.mark.parametrize("kind", [1, 2], ids=["strict", "eager"])
def test_the_same_power_cuts_take_what_nobody_synced(tmp_path: Path, kind: int) -> None:
    disk = Careless(tmp_path / "lake")
    disk.root.mkdir()
    work(disk, open_lake(disk.root, settings=SETTINGS, sync=disk.sync))
    acknowledged, left = disk.cuts[-1][0], disk.cuts[-1][kind]
    assert acknowledged == 6
    assert not any(left.values())


def test_data_is_synced_before_the_commit_and_the_commit_before_the_answer(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    lake = open_lake(tmp_path, settings=SETTINGS, sync=disk.sync)
    lake.append("t", rows(0))
    disk.synced.clear()
    lake.append("t", rows(1))
    kinds = [Path(name).suffix or name for name in disk.synced]
    assert kinds == [".parquet", "t", ".json", "_delta_log"]


def test_a_checkpoint_is_synced_before_anything_relies_on_it(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    lake = open_lake(tmp_path, settings=LakeSettings(checkpoint_every_commits=1), sync=disk.sync)
    lake.append("t", rows(0))
    lake.append("t", rows(1))
    assert disk.synced[-3:] == [
        "00000000000000000001.checkpoint.parquet",
        "_last_checkpoint",
        "_delta_log",
    ]


def test_a_commit_of_a_dead_process_is_synced_before_it_is_confirmed(tmp_path: Path) -> None:
    open_lake(tmp_path).append("t", rows(0), tx=Tx("load", 1))
    disk = Disk(tmp_path)
    lake = open_lake(tmp_path, sync=disk.sync)
    assert lake.committed("t", "load") == 1
    assert disk.synced == ["00000000000000000000.json", "_delta_log"]


def test_a_commit_of_a_dead_process_is_synced_before_the_next_is_made(tmp_path: Path) -> None:
    open_lake(tmp_path).append("t", rows(0))
    disk = Disk(tmp_path)
    open_lake(tmp_path, sync=disk.sync).append("t", rows(1))
    commits = [name for name in disk.synced if name.endswith(".json")]
    assert commits == ["00000000000000000000.json", "00000000000000000001.json"]
    assert disk.synced.index(commits[0]) == 0


def test_a_new_lake_s_own_folder_is_synced(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    open_lake(tmp_path / "city" / "lake", sync=disk.sync)
    assert disk.synced == ["city", tmp_path.name]


@pytest.mark.parametrize("left", [b"", b"\0" * 300, b'{"commitInfo":{"times'])
def test_a_torn_commit_is_set_aside(tmp_path: Path, left: bytes) -> None:
    lake = open_lake(tmp_path)
    for batch in range(3):
        lake.append("t", rows(batch))
    torn = "00000000000000000002.json"
    (tmp_path / "t" / "_delta_log" / torn).write_bytes(left)
    repair = open_lake(tmp_path).repair("t")
    assert (repair.set_aside, repair.is_whole) == ((torn,), True)
    assert batches(open_lake(tmp_path)) == whole(2)
    assert (tmp_path / ".torn" / "t" / torn).read_bytes() == left


def test_a_torn_checkpoint_is_set_aside(tmp_path: Path) -> None:
    lake = open_lake(tmp_path, settings=SETTINGS)
    for batch in range(5):
        lake.append("t", rows(batch))
    (checkpoint,) = (tmp_path / "t" / "_delta_log").glob("*.checkpoint.parquet")
    checkpoint.write_bytes(checkpoint.read_bytes()[:500])
    with pytest.raises(BrokenError) as broken:
        open_lake(tmp_path).count("t")
    assert str(broken.value).startswith(
        "gather.lake_torn: The log of data set 't' cannot be read: "
    )
    assert broken.value.next_step.startswith("Run `shuzhi lake repair`")
    assert open_lake(tmp_path).repair("t").set_aside == (checkpoint.name, "_last_checkpoint")
    assert batches(open_lake(tmp_path)) == whole(5)


def test_lost_data_files_are_named(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    lake.append("t", rows(0))
    lake.append("t", rows(1))
    gone, cut = (Path(f) for f in lake.files("t"))
    gone.unlink()
    cut.chmod(0o644)
    cut.write_bytes(cut.read_bytes()[:-1])
    repair = lake.repair("t")
    assert (repair.missing, repair.short, repair.is_whole) == ((gone.name,), (cut.name,), False)
