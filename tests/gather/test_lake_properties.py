"""Whatever is done to a table in whatever order, it holds what a plain dict would hold."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shuzhi.gather.lake import LakeSettings, Tx, open_lake

Rows = dict[int, str | None]
texts = st.none() | st.sampled_from(["a", "b", "汉字", ""])
some_rows = st.dictionaries(st.integers(0, 12), texts, max_size=6)


def table(rows: Rows) -> pa.Table:
    keys, values = pa.array(list(rows), pa.int64()), pa.array(list(rows.values()), pa.string())
    return pa.table({"id": keys, "value": values})


class LakeLikeADict(RuleBasedStateMachine):
    """Keys are unique as long as appended ones are new, so a dict is a full model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.lake = open_lake(
            Path(self.folder.name),
            settings=LakeSettings(checkpoint_every_commits=3, file_rows=4, group_rows=2),
        )
        self.versions: list[Rows] = []
        self.loads = 0

    @initialize(rows=some_rows)
    def begin(self, rows: Rows) -> None:
        self.lake.append("t", table(rows))
        self.versions.append(rows)

    @property
    def now(self) -> Rows:
        return self.versions[-1]

    def _expect(self, version: int, rows: Rows) -> None:
        assert version - len(self.versions) in (0, -1)
        assert version == len(self.versions) or rows == self.now
        self.versions[version:] = [rows]

    @rule(rows=some_rows)
    def append(self, rows: Rows) -> None:
        fresh = {k + 100 * len(self.versions): v for k, v in rows.items()}
        self._expect(self.lake.append("t", table(fresh)).version, self.now | fresh)

    @rule(rows=some_rows)
    def load_twice(self, rows: Rows) -> None:
        fresh = {-k - 1 - 100 * len(self.versions): v for k, v in rows.items()}
        self.loads += 1
        for _ in range(2):
            commit = self.lake.append("t", table(fresh), tx=Tx("load", self.loads))
        assert commit.was_skipped
        self._expect(commit.version, self.now | fresh)

    @rule(rows=some_rows)
    def upsert(self, rows: Rows) -> None:
        known = {k: v for k, v in rows.items() if k in self.now}
        commit = self.lake.upsert("t", table(rows), key=["id"])
        assert commit.inserted == len(rows) - len(known)
        assert commit.updated == sum(self.now[k] != v for k, v in known.items())
        assert commit.unchanged == sum(self.now[k] == v for k, v in known.items())
        self._expect(commit.version, self.now | rows)

    @rule(rows=some_rows, gone=st.sets(st.integers(0, 12)))
    def upsert_with_keys_that_are_gone(self, rows: Rows, gone: set[int]) -> None:
        keys = pa.table({"id": pa.array(sorted(gone), pa.int64())})
        leaving = (gone & self.now.keys()) - rows.keys()
        commit = self.lake.upsert("t", table(rows), key=["id"], gone=keys)
        assert commit.removed == len(leaving)
        left = {k: v for k, v in self.now.items() if k not in leaving}
        self._expect(commit.version, left | rows)

    @rule(rows=some_rows)
    def overwrite(self, rows: Rows) -> None:
        commit = self.lake.overwrite("t", table(rows))
        assert (commit.inserted, commit.removed) == (len(rows), len(self.now))
        self._expect(commit.version, rows)

    @rule()
    def compact(self) -> None:
        self._expect(self.lake.compact("t").version, self.now)

    @rule()
    def clear_nothing_that_is_needed(self) -> None:
        assert self.lake.vacuum("t", keep_hours=1).files == ()

    @rule()
    def open_again(self) -> None:
        self.lake = open_lake(Path(self.folder.name), settings=LakeSettings(file_rows=4))

    @rule(data=st.data())
    def look_back(self, data: st.DataObject) -> None:
        version = data.draw(st.integers(0, len(self.versions) - 1))
        assert self._read(version) == sorted(self.versions[version].items(), key=str)

    @invariant()
    def holds_what_the_dict_holds(self) -> None:
        for rows in self.versions[-1:]:
            assert self._read(None) == sorted(rows.items(), key=str)
            assert self.lake.count("t") == len(rows)

    def _read(self, version: int | None) -> list[tuple[int, str | None]]:
        found = self.lake.reader("t", version=version).read_all().to_pylist()
        return sorted(((r["id"], r["value"]) for r in found), key=str)

    def teardown(self) -> None:
        self.folder.cleanup()


LakeLikeADict.TestCase.settings = settings(
    max_examples=8,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
test_the_lake_is_like_a_dict = LakeLikeADict.TestCase
