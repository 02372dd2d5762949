"""Files that several make at once: the first counts, and nobody sees one half written."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from shuzhi.gather.sensors.stations import password_key
from shuzhi.kernel.files import make_once, put_whole


def test_the_first_who_makes_a_file_counts(tmp_path: Path) -> None:
    file = tmp_path / "key"
    make_once(file, b"first")
    make_once(file, b"second")
    assert file.read_bytes() == b"first"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_all_who_make_a_file_at_once_find_the_same(tmp_path: Path) -> None:
    gate = Barrier(4)

    def make(number: int) -> bytes:
        gate.wait(20)
        make_once(tmp_path / "key", bytes([number]) * 50_000)
        return (tmp_path / "key").read_bytes()

    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(make, range(4)))
    assert [len(content) for content in found] == [50_000]
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "notice.yaml"
    put_whole(file, b"old")
    put_whole(file, b"new")
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [file]


def test_a_key_that_several_make_at_once_is_one(tmp_path: Path) -> None:
    gate = Barrier(4)

    def key(number: int) -> bytes:
        gate.wait(20)
        return password_key(tmp_path / f"stations{number // 4}")

    with ThreadPoolExecutor(4) as threads:
        keys = list(threads.map(key, range(4 * 25)))
    assert len(set(keys)) == 25


def test_what_cannot_be_put_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        put_whole(tmp_path / "folder", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
