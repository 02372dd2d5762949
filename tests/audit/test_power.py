"""A power cut at any moment loses no acknowledged entry and signs no size twice differently.

The disk is played by what was synced: a file holds what it held when it was last synced, a folder
the names it had then. `eager` disks have also written names that nobody synced, with no content,
and `rushed` ones have written everything, as after a kill.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from shuzhi.audit import Signer, found_log, open_log, verify_folder
from shuzhi.audit.checkpoint import open_checkpoint
from shuzhi.audit.merkle import consistency_path, proves_consistency
from shuzhi.kernel.files import sync_path

Image = dict[str, bytes]
BATCHES = (1, 3, 250, 2, 300, 1, 5)


class Disk:
    """Keeps what a power cut would leave: contents by inode, names by folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.contents: dict[int, bytes] = {}
        self.names: dict[int, dict[str, int]] = {root.stat().st_ino: {}}
        # What is open keeps its inode: the number of a removed file would be given again.
        self.held: dict[int, int] = {}
        self.cuts: list[tuple[int, dict[str, Image]]] = []
        self.shown: set[bytes] = set()
        self.acknowledged = 0

    def sync(self, path: Path) -> None:
        self.cut()
        sync_path(path)
        inode = self.hold(path)
        if path.is_dir():
            self.names[inode] = self.listed(path)
        else:
            self.contents[inode] = path.read_bytes()

    def cut(self) -> None:
        checkpoint = self.root / "log" / "checkpoint"
        self.shown |= {checkpoint.read_bytes()} if checkpoint.exists() else set()
        images = {
            "strict": self.image(),
            "eager": self.image(eager=True),
            "rushed": {
                p.relative_to(self.root).as_posix(): p.read_bytes()
                for p in self.root.rglob("*")
                if p.is_file()
            },
        }
        self.cuts.append((self.acknowledged, images))

    def hold(self, path: Path) -> int:
        inode = path.stat().st_ino
        if inode not in self.held:
            self.held[inode] = os.open(path, os.O_RDONLY)
        return inode

    def close(self) -> None:
        for descriptor in self.held.values():
            os.close(descriptor)

    def listed(self, folder: Path) -> dict[str, int]:
        for inode in (self.hold(p) for p in folder.iterdir() if p.is_dir()):
            self.names.setdefault(inode, {})
        return {p.name: self.hold(p) for p in folder.iterdir()}

    def image(self, *, eager: bool = False) -> Image:
        found: Image = {}
        self._walk(self.root.stat().st_ino, self.root, "", found, eager)
        return found

    def _walk(self, inode: int, folder: Path, prefix: str, found: Image, eager: bool) -> None:
        # A folder that was removed may still be there after the cut, with what was in it.
        live = self.listed(folder) if eager and folder.is_dir() else {}
        for name, child in (self.names[inode] | live).items():
            if child in self.names:
                self._walk(child, folder / name, f"{prefix}{name}/", found, eager)
            else:
                found[prefix + name] = self.contents.get(child, b"")


def put(image: Image, folder: Path) -> Path:
    folder.mkdir()
    for name, raw in image.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    return folder / "log"


def unsynced(path: Path) -> None:
    """Leave it to the system when a file reaches the disk."""
    del path


def entry(number: int) -> bytes:
    return b'{"n":%d}' % number


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory, signer: Signer) -> Iterator[Disk]:
    """A disk on which a log was founded and grew; what it held before each sync."""
    disk = Disk(tmp_path_factory.mktemp("disk"))
    log = found_log(disk.root / "log", signer, sync=disk.sync)
    for batch in BATCHES:
        log.append([entry(n) for n in range(log.size, log.size + batch)])
        disk.acknowledged = log.size
        disk.cut()
    log.close()
    yield disk
    disk.close()


@pytest.mark.parametrize("kind", ["strict", "eager", "rushed"])
def test_a_power_cut_loses_and_doubles_nothing(
    disk: Disk, tmp_path: Path, signer: Signer, kind: str
) -> None:
    begun = [(known, images[kind]) for known, images in disk.cuts if known]
    assert len(begun) > 50
    for number, (acknowledged, image) in enumerate(begun):
        log = open_log(put(image, tmp_path / str(number)), signer, sync=unsynced)
        assert log.size >= acknowledged
        assert list(log.reader.entries(0, log.size)) == [entry(n) for n in range(log.size)]
        report = verify_folder(log.folder, [signer.key])
        assert report.problems == ()
        assert log.append([b"after"]) == report.entries
        log.close()
        assert verify_folder(log.folder, [signer.key]).unfinished == ()


def test_a_log_that_was_never_acknowledged_can_be_founded_again(
    disk: Disk, tmp_path: Path, signer: Signer
) -> None:
    unborn = [images["strict"] for known, images in disk.cuts if not known]
    without = [image for image in unborn if "log/checkpoint" not in image]
    assert without
    for number, image in enumerate(without):
        log = found_log(put(image, tmp_path / str(number)), signer)
        log.close()
        assert verify_folder(log.folder, [signer.key]).is_whole


@pytest.mark.parametrize("kind", ["strict", "eager", "rushed"])
def test_no_size_is_signed_with_two_roots(
    disk: Disk, tmp_path: Path, signer: Signer, kind: str
) -> None:
    """Whoever saw a checkpoint before the cut finds that what is signed afterwards continues it."""
    begun = [images for acknowledged, images in disk.cuts if acknowledged]
    for number, images in enumerate(begun):
        shown = images["rushed"]["log/checkpoint"]
        log = open_log(put(images[kind], tmp_path / str(number)), signer, sync=unsynced)
        log.append([b"another", b"history"])
        now, _ = open_checkpoint(log.checkpoint(), [signer.key])
        head, _ = open_checkpoint(shown, [signer.key])
        path = consistency_path(head.size, now.size, log.reader.subtree(now.size))
        is_continued = proves_consistency(head.size, now.size, path, head.root, now.root)
        assert is_continued
        log.close()


def test_a_second_power_cut_while_the_first_is_mended_changes_nothing(
    disk: Disk, tmp_path: Path, signer: Signer
) -> None:
    decided = [i["strict"] for n, i in disk.cuts if n and i["strict"]["log/.unfinished/intent"]]
    for number, image in enumerate(decided[::6]):
        folder = put(image, tmp_path / str(number))
        second = Disk(folder.parent)
        for path in (folder.parent, *folder.parent.rglob("*")):
            second.sync(path)
        second.cuts.clear()
        with open_log(folder, signer, sync=second.sync) as mended:
            second.cut()
            size, shown = mended.size, mended.checkpoint()
        for again, (_, images) in enumerate(second.cuts):
            cut = images["strict"]
            with open_log(put(cut, tmp_path / f"{number}-{again}"), signer, sync=unsynced) as log:
                assert (log.size, log.checkpoint()) == (size, shown)
        second.close()


def test_each_checkpoint_was_shown_once_and_continues_the_last(
    disk: Disk, tmp_path: Path, signer: Signer
) -> None:
    heads = sorted(
        (open_checkpoint(raw, [signer.key])[0] for raw in disk.shown), key=lambda c: c.size
    )
    sizes = [head.size for head in heads]
    assert sizes == [0, *[sum(BATCHES[: n + 1]) for n in range(len(BATCHES))]]
    with open_log(put(disk.image(eager=True), tmp_path / "after"), signer) as log:
        for old, new in pairwise(heads[1:]):
            path = consistency_path(old.size, new.size, log.reader.subtree(new.size))
            assert proves_consistency(old.size, new.size, path, old.root, new.root)


# The intent is written in place: a cut may leave any beginning of it, or old bytes after new ones.
@pytest.mark.parametrize("kept", [0, 1, 64, 65, 80, 120])
def test_an_intent_that_was_cut_short_was_never_signed(
    tmp_path: Path, signer: Signer, disk: Disk, kept: int
) -> None:
    cuts = [images["rushed"] for _, images in disk.cuts]
    decided = [i for i in cuts if i.get("log/.unfinished/intent") and i.get("log/checkpoint")]
    image = dict(decided[-3])
    intent = image["log/.unfinished/intent"]
    image["log/.unfinished/intent"] = intent[:kept] + b"\x00" * (len(intent) - kept)
    published, _ = open_checkpoint(image["log/checkpoint"], [signer.key])
    with open_log(put(image, tmp_path / "cut"), signer) as log:
        assert log.size == published.size
        assert verify_folder(log.folder, [signer.key]).is_whole
