"""Every version stays readable until it is cleared; upkeep changes files and never rows."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from shuzhi.gather.lake import Commit, Lake, LakeSettings, open_lake
from shuzhi.kernel.errors import BrokenError, RefusedError
from shuzhi.kernel.ids import DatasetName

NAME = DatasetName("flights")


def rows(*ids: int) -> pa.Table:
    return pa.table({"id": pa.array(ids, pa.int64())})


def ids(lake: Lake, **at: object) -> list[int]:
    return sorted(lake.reader("flights", **at).read_all()["id"].to_pylist())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = open_lake(tmp_path, settings=LakeSettings(checkpoint_every_commits=3))
    lake.append("flights", rows(1))
    lake.append("flights", rows(2))
    return lake


def test_each_table_can_be_asked_at_a_version_of_its_own(lake: Lake) -> None:
    lake.append("planes", rows(7))
    lake.append("planes", rows(8))
    with lake.duck(only=["flights", "planes"], version={"flights": 0, "planes": 1}) as duck:
        counted = duck.execute("SELECT COUNT(*), (SELECT COUNT(*) FROM planes) FROM flights")
        assert counted.fetchall() == [(1, 2)]


def test_an_older_version_is_read_by_number(lake: Lake) -> None:
    lake.overwrite("flights", rows(9))
    assert (ids(lake, version=0), ids(lake, version=1), ids(lake)) == ([1], [1, 2], [9])
    assert (lake.count("flights", version=0), len(lake.files("flights", version=1))) == (1, 2)
    with lake.duck(only=["flights"], version=1) as duck:
        assert duck.execute("SELECT sum(id) FROM flights").fetchall() == [(3,)]


def test_an_older_version_is_read_by_moment(lake: Lake) -> None:
    newest, oldest = (v.committed_at for v in lake.history("flights"))
    assert ids(lake, version=oldest) == [1]
    assert ids(lake, version=newest - timedelta(milliseconds=1)) == [1]
    assert ids(lake, version=newest + timedelta(hours=1)) == [1, 2]
    with pytest.raises(RefusedError, match=r"gather.no_such_version: .* has no version at 20"):
        ids(lake, version=oldest - timedelta(milliseconds=1))


def test_every_version_says_when_it_was_committed(lake: Lake) -> None:
    told = {v.version: v.committed_at for v in lake.history("flights")}
    assert {v: lake.committed_at("flights", v) for v in (0, 1)} == told
    with pytest.raises(RefusedError, match="no version 2"):
        lake.committed_at("flights", 2)


def test_an_overwrite_may_bring_other_columns(lake: Lake) -> None:
    other = pa.table({"name": ["UA"], "id": pa.array([1.5])})
    with pytest.raises(RefusedError, match="do not fit data set"):
        lake.overwrite("flights", other)
    commit = lake.overwrite("flights", other, may_reshape=True)
    assert commit == Commit(NAME, 2, inserted=1, removed=2)
    assert lake.reader("flights").read_all().to_pylist() == [{"name": "UA", "id": 1.5}]
    assert (ids(lake, version=1), ids(lake, version=0)) == ([1, 2], [1])
    with lake.duck(only=["flights"]) as duck:
        assert duck.execute("SELECT * FROM flights").fetchall() == [("UA", 1.5)]


def test_a_table_that_was_reshaped_goes_on_as_it_is_now(lake: Lake, tmp_path: Path) -> None:
    lake.overwrite("flights", pa.table({"name": ["UA"]}), may_reshape=True)
    for name in ("AA", "DL", "B6", "WN"):
        lake.append("flights", pa.table({"name": [name]}))
    again = open_lake(tmp_path)
    assert again.count("flights") == 5
    assert again.compact("flights").files_after == 1
    with pytest.raises(RefusedError, match="do not fit data set"):
        again.append("flights", rows(1))


@pytest.mark.parametrize("version", [-1, 2, 99])
def test_a_version_that_never_was_is_refused(lake: Lake, version: int) -> None:
    with pytest.raises(RefusedError) as refused:
        ids(lake, version=version)
    assert str(refused.value) == (
        f"gather.no_such_version: Data set 'flights' has no version {version}. "
        "Choose one of its history."
    )


def test_history_says_what_was_done(lake: Lake) -> None:
    lake.upsert("flights", rows(2, 3), key=["id"], note={"run": "r-1"})
    lake.compact("flights")
    history = lake.history("flights")
    assert [(v.version, v.verb) for v in history] == [
        (3, "compact"),
        (2, "upsert"),
        (1, "append"),
        (0, "append"),
    ]
    assert history[1].note == {"run": "r-1"}
    assert history[1].counts == {"inserted": 1, "updated": 0, "unchanged": 1, "removed": 0}


def test_a_commit_bears_its_own_number_while_others_come(tmp_path: Path) -> None:
    writer, reader = open_lake(tmp_path), open_lake(tmp_path)
    writer.append("flights", rows(0), note={"n": "0"})

    def write() -> None:
        for number in range(1, 60):
            writer.append("flights", rows(number), note={"n": str(number)})

    with ThreadPoolExecutor() as pool:
        writing, read = pool.submit(write), 0
        while not writing.done():
            history = reader.history("flights")
            assert [v.note["n"] for v in history] == [str(v.version) for v in history]
            read += 1
        writing.result()
    assert read > 10


def test_what_was_appended_right_before_a_compaction_is_new(lake: Lake, tmp_path: Path) -> None:
    """A reader that knows of the compaction asks for the rows up to the commit before it."""
    lake.append("flights", rows(3))
    lake.compact("flights")
    new = open_lake(tmp_path).difference("flights", since=1, until=2)
    assert [f.rows for f in new.added.files] == [1]
    assert open_lake(tmp_path).difference("flights", since=2, until=3).added.files == ()


@pytest.mark.parametrize("raw", [b"", b"{", b'{"commitInfo":{"timest', b'["commitInfo"]'])
def test_a_torn_commit_has_no_history(lake: Lake, tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "flights" / "_delta_log" / f"{1:020}.json").write_bytes(raw)
    with pytest.raises(BrokenError, match=r"gather.lake_torn: .*0001\.json is torn"):
        lake.history("flights")


def test_a_commit_that_says_nothing_of_itself_has_the_time_of_its_file(
    lake: Lake, tmp_path: Path
) -> None:
    newest = tmp_path / "flights" / "_delta_log" / f"{1:020}.json"
    lines = newest.read_text(encoding="utf-8").splitlines()
    newest.write_text("\n".join(x for x in lines if "commitInfo" not in x), encoding="utf-8")
    os.utime(newest, (1_800_000_000, 1_800_000_000))
    found = lake.history("flights", limit=1)[0]
    assert (found.version, found.verb, found.committed_at.timestamp()) == (1, "unknown", 1.8e9)


def test_an_overwrite_counts_what_it_takes_away(lake: Lake) -> None:
    assert lake.overwrite("flights", rows(7)) == Commit(NAME, 2, inserted=1, removed=2)
    assert lake.overwrite("flights", rows()) == Commit(NAME, 3, removed=1)
    assert ids(lake) == []


def test_compaction_keeps_what_older_files_lack_null(lake: Lake) -> None:
    wide = pa.table({"id": pa.array([3], pa.int64()), "to": ["PEK"]})
    lake.widen("flights", wide.schema)
    lake.append("flights", wide)
    assert lake.compact("flights").files_before == 3
    read = lake.reader("flights").read_all().sort_by("id")
    assert read["to"].to_pylist() == [None, None, "PEK"]


def test_compaction_keeps_rows_and_older_versions(lake: Lake) -> None:
    done = lake.compact("flights")
    assert (done.version, done.files_before, done.files_after) == (2, 2, 1)
    assert (ids(lake), len(lake.files("flights"))) == ([1, 2], 1)
    assert ids(lake, version=0) == [1]
    assert lake.compact("flights").files_before == 0
    assert lake.version("flights") == 2


def test_large_files_are_left_alone(tmp_path: Path) -> None:
    lake = open_lake(tmp_path, settings=LakeSettings(file_rows=4, group_rows=2))
    for table in (rows(1, 2, 3), rows(4), rows(5), rows(6, 7, 8)):
        lake.append("flights", table)
    assert lake.compact("flights").files_before == 2
    assert (len(lake.files("flights")), ids(lake)) == (3, list(range(1, 9)))


def test_vacuum_keeps_what_the_hours_need(lake: Lake) -> None:
    lake.overwrite("flights", rows(3))
    assert lake.vacuum("flights", keep_hours=1).files == ()
    assert ids(lake, version=1) == [1, 2]


def test_vacuum_deletes_what_no_kept_version_needs(lake: Lake) -> None:
    lake.overwrite("flights", rows(3))
    cleared = lake.vacuum("flights", keep_hours=0)
    assert (len(cleared.files), cleared.bytes_freed > 0) == (2, True)
    assert ids(lake) == [3]
    with pytest.raises(RefusedError) as refused:
        ids(lake, version=1)
    assert str(refused.value) == (
        "gather.version_gone: Version 1 of data set 'flights' can no longer be read: 2 of its "
        "files were cleared. Read a newer version, and clear with a longer time to keep."
    )


def test_vacuum_sweeps_what_a_crash_left(lake: Lake, tmp_path: Path) -> None:
    orphan, fresh = tmp_path / "flights" / "part-x.parquet", lake.staging("flights") / "a.parquet"
    stale = lake.staging("flights") / "b.parquet"
    for path in (orphan, fresh, stale):
        path.write_bytes(b"left behind")
    for path in (orphan, stale):
        os.utime(path, (0, 0))
    assert sorted(lake.vacuum("flights", keep_hours=1).files) == ["b.parquet", "part-x.parquet"]
    assert (fresh.exists(), stale.parent.exists()) == (True, False)


def test_a_nullable_column_is_added_on_request(lake: Lake) -> None:
    wide = pa.schema([("id", pa.int64()), ("gate", pa.string())])
    assert lake.widen("flights", wide) == 2
    assert lake.widen("flights", wide) == 2
    lake.append("flights", pa.table({"id": [3], "gate": ["B2"]}))
    expected = [{"id": 1, "gate": None}, {"id": 2, "gate": None}, {"id": 3, "gate": "B2"}]
    assert lake.reader("flights").read_all().sort_by("id").to_pylist() == expected
    assert lake.schema("flights", version=1).names == ["id"]
    lake.compact("flights")
    assert lake.reader("flights").read_all().sort_by("id").to_pylist() == expected


def test_a_column_that_no_file_has_yet_is_there_to_ask_for(lake: Lake) -> None:
    lake.widen("flights", pa.schema([("id", pa.int64()), ("seen_at", pa.timestamp("us", "UTC"))]))
    with lake.duck() as duck:
        assert duck.sql("FROM flights").types == ["BIGINT", "TIMESTAMP WITH TIME ZONE"]
        assert duck.execute("SELECT id, seen_at FROM flights ORDER BY id").fetchall() == [
            (1, None),
            (2, None),
        ]


@pytest.mark.parametrize(
    ("wide", "problem"),
    [
        (pa.schema([("gate", pa.string())]), "column 'id' is missing"),
        (pa.schema([("id", pa.string())]), "column 'id' is string, the table has int64"),
        (
            pa.schema([("id", pa.int64()), ("tags", pa.list_(pa.string()))]),
            "a column of type list<element: string> cannot be added later: 'tags'",
        ),
    ],
)
def test_no_other_change_of_columns_is_allowed(lake: Lake, wide: pa.Schema, problem: str) -> None:
    with pytest.raises(RefusedError) as refused:
        lake.widen("flights", wide)
    assert refused.value.message == f"These rows do not fit data set 'flights': {problem}."


def test_only_a_table_that_exists_is_widened(lake: Lake) -> None:
    with pytest.raises(RefusedError, match=r"gather.no_such_dataset"):
        lake.widen("weather", pa.schema([("id", pa.int64())]))


def test_checkpoints_are_made_and_old_versions_read_across_them(lake: Lake, tmp_path: Path) -> None:
    for i in range(3, 9):
        lake.append("flights", rows(i))
    log = tmp_path / "flights" / "_delta_log"
    made = sorted(p.name[18:20] for p in log.glob("*.checkpoint.parquet"))
    assert made == ["03", "06"]
    assert [ids(open_lake(tmp_path), version=v)[-1] for v in range(8)] == list(range(1, 9))
    assert len(lake.history("flights")) == 8


def test_commits_older_than_the_log_is_kept_are_dropped(tmp_path: Path) -> None:
    settings = LakeSettings(checkpoint_every_commits=3, log_kept_days=0)
    lake = open_lake(tmp_path, settings=settings)
    for i in range(8):
        lake.append("flights", rows(i))
    log = tmp_path / "flights" / "_delta_log"
    assert (log / "00000000000000000000.json").exists() is False
    assert ids(open_lake(tmp_path, settings=settings)) == list(range(8))
    with pytest.raises(RefusedError, match=r"gather.no_such_version"):
        ids(lake, version=0)
