"""What is new between two versions is told exactly, however the rows were written."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shuzhi.gather.lake import Lake, open_lake

Row = tuple[int, int]
_SCHEMA = pa.schema([("id", pa.int64()), ("value", pa.int64())])


def table(rows: list[Row]) -> pa.Table:
    return pa.table({"id": [r[0] for r in rows], "value": [r[1] for r in rows]}, _SCHEMA)


def rows_at(lake: Lake, version: int) -> Counter[Row]:
    found = lake.reader("t", version=version).read_all()
    return Counter(zip(found["id"].to_pylist(), found["value"].to_pylist(), strict=True))


def new_rows(lake: Lake, since: int | None, until: int) -> Counter[Row]:
    found = lake.difference("t", since=since, until=until)
    views = [replace(found.added, name="added"), replace(found.removed, name="removed")]
    with lake.duck(only=[], also=views) as connection:
        query = "SELECT id, value FROM added EXCEPT ALL SELECT id, value FROM removed"
        return Counter(connection.execute(query).fetchall())


WRITES: dict[str, Callable[[Lake, list[Row]], object]] = {
    "append": lambda lake, rows: lake.append("t", table(rows)),
    "overwrite": lambda lake, rows: lake.overwrite("t", table(rows)),
    "compact": lambda lake, _rows: lake.compact("t"),
}
ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=5)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(WRITES)), ROWS), min_size=1, max_size=6), st.data()
)
def test_new_rows_are_those_there_more_often_than_before(
    writes: list[tuple[str, list[Row]]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = open_lake(Path(folder))
        lake.append("t", table([(0, 0)]))
        for verb, rows in writes:
            WRITES[verb](lake, rows)
        until = data.draw(st.integers(0, lake.version("t")))
        since = data.draw(st.integers(0, until))
        assert new_rows(lake, since, until) == rows_at(lake, until) - rows_at(lake, since)
        assert new_rows(lake, None, until) == rows_at(lake, until)


def test_an_upsert_brings_the_rows_that_it_inserted_or_changed(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    lake.append("t", table([(1, 1), (2, 2), (3, 3)]))
    lake.upsert("t", table([(2, 2), (3, 9), (4, 4)]), key=["id"])
    assert new_rows(lake, 0, 1) == Counter([(3, 9), (4, 4)])


def test_compacting_brings_no_rows_and_reads_none(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    for number in range(3):
        lake.append("t", table([(number, 0)]))
    lake.compact("t")
    lake.append("t", table([(9, 9)]))
    found = lake.difference("t", since=2, until=4)
    assert (len(found.added.files), found.is_append) == (1, True)
    assert new_rows(lake, 2, 4) == Counter([(9, 9)])


def test_a_column_added_later_makes_no_row_new(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    lake.append("t", table([(1, 1), (2, 2)]))
    wide = pa.schema([*_SCHEMA, pa.field("note", pa.string())])
    lake.widen("t", wide)
    rows = pa.table({"id": [1, 2], "value": [1, 5], "note": [None, None]}, wide)
    lake.overwrite("t", rows)
    found = lake.difference("t", since=0, until=2)
    views = [replace(found.added, name="added"), replace(found.removed, name="removed")]
    with lake.duck(only=[], also=views) as connection:
        new = connection.execute("FROM added EXCEPT ALL FROM removed").fetchall()
    assert new == [(2, 5, None)]


@pytest.mark.parametrize("since", [None, 0])
def test_a_table_that_did_not_change_has_nothing_new(tmp_path: Path, since: int | None) -> None:
    lake = open_lake(tmp_path)
    lake.append("t", table([]))
    assert new_rows(lake, since, 0) == Counter()
