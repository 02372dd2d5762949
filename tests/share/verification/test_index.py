"""The index: as the lake has it, whole after a crash, and never believed when it is damaged."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shuzhi.gather.lake import Lake, open_lake
from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.files import sync_path
from shuzhi.share.verification import Done, Opened, index, parts
from shuzhi.share.verification.building import Builder, Wanted
from shuzhi.share.verification.files import Generation, IndexFolder
from shuzhi.share.verification.parts import CHUNK_ROWS, HIGH, write_part

WANTED = Wanted("people", "id", ("name",))


def built(lake: Lake, folder: Path, *, rebuild: bool = False) -> tuple[Opened, Done]:
    opened = Opened(folder / "verification", "ab" * 32, sync_path)
    builder = Builder(lake, opened.folder_of("people"), opened.secret)
    return opened, builder.refresh(WANTED, rebuild=rebuild).done


def names(opened: Opened, subject: str) -> list[str]:
    index = opened.index("people")
    assert index is not None
    return sorted(row.held("name") for row in index.find(subject).rows)


def table(rows: dict[str, str]) -> pa.Table:
    return pa.table(
        {"id": pa.array(rows, pa.string()), "name": pa.array(rows.values(), pa.string())}
    )


_IDS = st.sampled_from(["a", "b", "c", "d", "e"])


@given(
    steps=st.lists(
        st.tuples(st.dictionaries(_IDS, st.sampled_from("xyz"), min_size=1), st.sets(_IDS)),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=15, deadline=None)
def test_after_each_refresh_it_holds_what_the_lake_holds(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[dict[str, str], set[str]]]
) -> None:
    folder = tmp_path_factory.mktemp("index")
    lake = open_lake(folder / "lake")
    held: dict[str, str] = {}
    for rows, gone in steps:
        lost = pa.table({"id": pa.array(gone, pa.string())})
        lake.upsert("people", table(rows), key=["id"], gone=lost)
        held = {k: v for k, v in held.items() if k not in gone} | rows
        opened, _ = built(lake, folder)
        for subject in "abcde":
            assert names(opened, subject) == ([held[subject]] if subject in held else [])
        assert built(lake, folder)[1] is Done.NOTHING


def test_a_process_that_has_it_open_sees_the_next_generation_at_once(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    lake.append("people", table({"a": "x"}))
    opened, done = built(lake, tmp_path)
    assert (done, names(opened, "a")) == (Done.WHOLE, ["x"])
    lake.upsert("people", table({"a": "y"}), key=["id"])
    assert built(lake, tmp_path)[1] is Done.CHANGES
    assert names(opened, "a") == ["y"]
    lake.compact("people")
    assert built(lake, tmp_path)[1] is not Done.WHOLE
    assert names(opened, "a") == ["y"]


def test_a_generation_of_this_process_is_seen_at_once_and_one_of_another_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = open_lake(tmp_path / "lake")
    lake.append("people", table({"a": "x"}))
    opened, _ = built(lake, tmp_path)
    monkeypatch.setattr(index, "_BELIEVED_S", 600.0)
    assert names(opened, "a") == ["x"]
    lake.upsert("people", table({"a": "y"}), key=["id"])
    built(lake, tmp_path)
    assert names(opened, "a") == ["x"]
    Builder(lake, opened.folder_of("people"), opened.secret).refresh(WANTED, rebuild=True)
    assert names(opened, "a") == ["y"]
    lake.upsert("people", table({"a": "z"}), key=["id"])
    built(lake, tmp_path)
    monkeypatch.setattr(index, "_BELIEVED_S", 0.0)
    assert names(opened, "a") == ["z"]


@given(st.lists(st.none() | st.text(max_size=6), min_size=1), st.integers(0, 3))
def test_texts_are_read_as_arrow_reads_them(texts: list[str | None], start: int) -> None:
    for held in (texts, [text or "" for text in texts]):
        column = pa.array(held, pa.string()).slice(min(start, len(held) - 1))
        read = parts._values(column)
        assert [read(n) for n in range(len(column))] == column.to_pylist()


def test_a_build_that_ends_while_another_is_opened_is_opened_instead(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    lake.append("people", table({"a": "x"}))
    opened, _ = built(lake, tmp_path)
    lake.upsert("people", table({"a": "y"}), key=["id"])
    builds = iter([lambda: built(lake, tmp_path, rebuild=True)])

    class Overtaken(IndexFolder):
        """A build ends, and clears the files away, after it was read which they are."""

        def read(self) -> Generation | None:
            found = super().read()
            next(builds, lambda: None)()
            return found

    class Opening(Opened):
        """Opens that folder."""

        def folder_of(self, dataset: str) -> IndexFolder:
            return Overtaken(tmp_path / "verification" / dataset, sync_path)

    assert names(Opening(tmp_path / "verification", opened.secret, sync_path), "a") == ["y"]


def test_a_data_set_that_was_made_anew_is_read_anew(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    for name in "xyz":
        lake.upsert("people", table({"a": name, "b": name}), key=["id"])
    built(lake, tmp_path)
    shutil.rmtree(tmp_path / "lake" / "people")
    again = open_lake(tmp_path / "lake")
    again.append("people", table({"a": "w"}))
    opened, done = built(again, tmp_path)
    assert (done, names(opened, "a"), names(opened, "b")) == (Done.WHOLE, ["w"], [])


def test_many_changes_are_merged_into_a_new_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shuzhi.share.verification.building._LEAST_MERGED", 2)
    lake = open_lake(tmp_path / "lake")
    lake.append("people", table({"a": "x"}))
    built(lake, tmp_path)
    lake.append("people", table({"b": "x", "c": "x", "d": "x"}))
    opened, done = built(lake, tmp_path)
    assert (done, names(opened, "d")) == (Done.WHOLE, ["x"])


def test_a_build_that_is_cut_short_leaves_the_old_generation(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    lake.append("people", table({"a": "x"}))
    opened, _ = built(lake, tmp_path)
    lake.upsert("people", table({"a": "y"}), key=["id"])

    def cut(_path: Path) -> None:
        raise OSError("the power went")

    broken = Opened(tmp_path / "verification", "ab" * 32, cut)
    with pytest.raises(OSError, match="the power went"):
        Builder(lake, broken.folder_of("people"), broken.secret).refresh(WANTED)
    assert names(opened, "a") == ["x"]
    assert names(built(lake, tmp_path)[0], "a") == ["y"]
    assert len(list((tmp_path / "verification" / "people").glob("*.arrow"))) == 2


def test_only_its_owner_reads_the_files(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    lake.append("people", table({"a": "x"}))
    built(lake, tmp_path)
    folder = tmp_path / "verification" / "people"
    files = [p for p in folder.iterdir() if p.suffix in (".arrow", ".json")]
    assert {stat.S_IMODE(p.stat().st_mode) for p in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(b"people" in p.read_bytes() or b"name" in p.read_bytes() for p in files)


@pytest.mark.parametrize("name", ["*.arrow", "current.json"])
def test_what_was_altered_is_not_believed(tmp_path: Path, name: str) -> None:
    lake = open_lake(tmp_path / "lake")
    lake.append("people", table({"a": "xxxxxxxx"}))
    built(lake, tmp_path)
    (path,) = (tmp_path / "verification" / "people").glob(name)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"xxxxxxxx", b"xxxxyxxx").replace(b"people", b"peoplf"))
    with pytest.raises(BrokenError, match=r"index_damaged"):
        names(Opened(tmp_path / "verification", "ab" * 32, sync_path), "a")


def test_rows_of_one_subject_stay_in_one_chunk(tmp_path: Path) -> None:
    rows = pa.table({HIGH: pa.array([1, 2, 2, 2, 2, 2, 3], pa.uint64())})
    chunks = write_part(tmp_path / "x", rows.schema, rows.to_batches(max_chunksize=2), rows=3)
    assert [(chunk.first, chunk.rows) for chunk in chunks] == [(1, 1), (2, 5), (3, 1)]
    assert CHUNK_ROWS > 3
