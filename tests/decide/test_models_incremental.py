"""An incremental model is what building everything would give, whatever became of its input."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sqlalchemy import Connection, select

from shuzhi.decide.models import Building, Model, ModelRun, State, parse_model, run_models
from shuzhi.decide.models.store import build_table
from shuzhi.gather.lake import Lake, LakeSettings, open_lake
from shuzhi.gather.lineage.store import run_table
from shuzhi.kernel.control import Control, metadata, open_control
from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.instant import Clock, Instant

HEAD = "/*\ntitle: {{zh: 模型, en: A model}}\nincremental: {{dataset: readings, {}}}\n*/\n"
TOWNS = (
    HEAD.format("by: observed_at, grain: day, key: [town, day]")
    + """
SELECT COALESCE(s.town, '?') AS town, date_trunc('day', r.observed_at) AS day,
  SUM(r.value) AS total, COUNT(*) AS n, MAX(r.station) AS last
FROM readings AS r LEFT JOIN stations AS s ON r.station = s.station
GROUP BY COALESCE(s.town, '?'), day HAVING COUNT(*) < 4
"""
)
HIGH = (
    HEAD.format("by: observed_at, grain: hour, key: [id]")
    + """
SELECT id, station, observed_at, value FROM readings WHERE value > 5
"""
)
PLACES = (
    HEAD.format("by: observed_at, grain: month, key: [id]")
    + """
SELECT r.id AS id, CAST(r.observed_at AS DATE) AS day,
  ROW_NUMBER() OVER (PARTITION BY CAST(r.observed_at AS DATE) ORDER BY r.value, r.id) AS place
FROM stations AS s JOIN readings AS r ON r.station = s.station
"""
)
MODELS = tuple(
    parse_model(text.encode(), file=f"{name}.sql")
    for name, text in (("towns", TOWNS), ("high", HIGH), ("places", PLACES))
)
START = datetime(2026, 2, 27, tzinfo=UTC)
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("station", pa.string()),
        ("observed_at", pa.timestamp("us", tz="UTC")),
        ("value", pa.int64()),
        ("note", pa.string()),
    ]
)
Reading = tuple[str, int | None, int | None]
readings_of_four_days = st.tuples(
    st.sampled_from("abcd"), st.none() | st.integers(0, 4 * 24 * 60), st.none() | st.integers(0, 9)
)
some = st.lists(readings_of_four_days, max_size=5)
ids = st.integers(1, 30)


def table(rows: dict[int, Reading], note: str = "") -> pa.Table:
    return pa.table(
        [
            pa.array(list(rows), pa.int64()),
            [r[0] for r in rows.values()],
            pa.array(
                [None if r[1] is None else START + timedelta(minutes=r[1]) for r in rows.values()],
                SCHEMA.field("observed_at").type,
            ),
            pa.array([r[2] for r in rows.values()], pa.int64()),
            [note] * len(rows),
        ],
        schema=SCHEMA,
    )


def stations(*rows: tuple[str, str]) -> pa.Table:
    return pa.table({"station": [r[0] for r in rows], "town": [r[1] for r in rows]})


class Silent:
    """Progress that nobody watches."""

    def started(self, label: str, total: int | None) -> None:
        self.label, self.total = label, total

    def advanced(self, amount: int) -> None:
        self.amount = amount

    def finished(self) -> None:
        self.label = ""


def build(building: Building, *models: Model) -> dict[str, ModelRun]:
    return {str(run.model): run for run in run_models(building, models, Silent())}


def rows(lake: Lake, query: str) -> list[tuple[Any, ...]]:
    with lake.duck() as connection:
        return sorted(connection.execute(query).fetchall(), key=str)


def whole(lake: Lake, model: Model) -> list[tuple[Any, ...]]:
    """What the SQL gives over all rows that have a time."""
    timed = "(SELECT * FROM readings WHERE observed_at IS NOT NULL)"
    return rows(lake, model.sql.replace(" readings", f" {timed}"))


def is_whole(lake: Lake, *models: Model) -> bool:
    return all(rows(lake, f"FROM {m.name}") == whole(lake, m) for m in models)


def verbs(lake: Lake, name: str) -> list[str]:
    return [version.verb for version in reversed(lake.history(name))]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = open_lake(tmp_path / "lake")
    lake.append("stations", stations(("a", "north"), ("b", "north"), ("c", "south")))
    lake.append("readings", table({1: ("a", 10, 7), 2: ("b", 20, 9), 3: ("d", 1500, 8)}))
    return lake


@pytest.fixture
def building(lake: Lake, control: Control, clock: Clock) -> Building:
    return Building(control, lake, clock)


class InputOfAnyKind(RuleBasedStateMachine):
    """Rows come late or early, change, move in time, go; files are rewritten; builds are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        self.lake = open_lake(root / "lake", settings=LakeSettings(file_rows=3, group_rows=2))
        control = open_control(f"sqlite:///{root / 'control.db'}")
        metadata.create_all(control.engine)
        self.building = Building(control, self.lake, lambda: Instant(START))
        self.next = 1

    @initialize()
    def begin(self) -> None:
        self.lake.append("stations", stations(("a", "north"), ("b", "south")))
        self.lake.append("readings", table({}))

    @rule(fresh=some)
    def come(self, fresh: list[Reading]) -> None:
        self.lake.append("readings", table(dict(enumerate(fresh, self.next))))
        self.next += len(fresh)

    @rule(known=st.dictionaries(ids, readings_of_four_days, max_size=4))
    def are_corrected(self, known: dict[int, Reading]) -> None:
        there = {i: row for i, row in known.items() if i < self.next}
        self.lake.upsert("readings", table(there), key=["id"])

    @rule(gone=st.sets(ids, max_size=4))
    def go(self, gone: set[int]) -> None:
        keys = pa.table({"id": pa.array(sorted(gone), pa.int64())})
        self.lake.upsert("readings", table({}), key=["id"], gone=keys)

    @rule(again=some)
    def are_loaded_anew(self, again: list[Reading]) -> None:
        self.lake.overwrite("readings", table(dict(enumerate(again, 1))))
        self.next = len(again) + 1

    @rule(moved=st.sampled_from(["north", "south", "west"]))
    def station_moves(self, moved: str) -> None:
        self.lake.upsert("stations", stations(("b", moved)), key=["station"])

    @rule()
    def files_are_put_together(self) -> None:
        self.lake.compact("readings")

    @rule()
    def models_are_built(self) -> None:
        done = build(self.building, *MODELS)
        assert {run.reason for run in done.values()} == {""}
        assert is_whole(self.lake, *MODELS)

    def teardown(self) -> None:
        self.models_are_built()
        self.folder.cleanup()


InputOfAnyKind.TestCase.settings = settings(
    max_examples=8,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
test_whatever_becomes_of_the_input_the_answer_is_whole = InputOfAnyKind.TestCase


def test_only_what_changed_is_computed_and_written(building: Building, lake: Lake) -> None:
    build(building, *MODELS)
    lake.append("readings", table({4: ("a", 30, 6)}))
    done = build(building, *MODELS)
    assert [done[name].rows for name in ("towns", "high", "places")] == [1, 1, 3]
    assert verbs(lake, "towns") == ["overwrite", "upsert"]
    assert is_whole(lake, *MODELS)


def test_rows_that_come_much_too_late_are_found(building: Building, lake: Lake) -> None:
    lake.append("readings", table({4: ("a", 90 * 24 * 60, 6)}))
    build(building, *MODELS)
    lake.append("readings", table({5: ("a", -400 * 24 * 60, 6)}))
    assert build(building, *MODELS)["towns"].rows == 1
    assert is_whole(lake, *MODELS)


def test_a_row_from_the_future_hides_nothing_that_comes_after_it(
    building: Building, lake: Lake
) -> None:
    lake.append("readings", table({4: ("a", 70 * 365 * 24 * 60, 6)}))
    build(building, *MODELS)
    lake.append("readings", table({5: ("a", 40, 6)}))
    build(building, *MODELS)
    assert is_whole(lake, *MODELS)


def test_what_is_deleted_takes_its_answer_along(building: Building, lake: Lake) -> None:
    build(building, *MODELS)
    lake.upsert("readings", table({}), key=["id"], gone=pa.table({"id": [3]}))
    done = build(building, *MODELS)
    assert done["towns"].state is State.BUILT
    assert rows(lake, "SELECT town FROM towns") == [("north",)]
    assert verbs(lake, "towns")[-1] == "upsert"


def test_a_row_that_moves_to_another_day_changes_both(building: Building, lake: Lake) -> None:
    build(building, *MODELS)
    lake.upsert("readings", table({2: ("b", 1600, 9)}), key=["id"])
    build(building, *MODELS)
    assert is_whole(lake, *MODELS)
    assert len(rows(lake, "FROM towns")) == 3


def test_a_change_in_a_column_that_is_not_used_touches_nothing(
    building: Building, lake: Lake
) -> None:
    build(building, *MODELS)
    lake.upsert("readings", table({1: ("a", 10, 7)}, note="seen"), key=["id"])
    assert {run.state for run in build(building, *MODELS).values()} == {State.UNCHANGED}
    assert verbs(lake, "towns") == ["overwrite"]


def test_another_input_that_changed_makes_everything_anew(building: Building, lake: Lake) -> None:
    build(building, *MODELS)
    lake.overwrite("stations", stations(("a", "west")))
    done = build(building, *MODELS)
    assert done["high"].state is State.UNCHANGED
    assert verbs(lake, "towns") == ["overwrite", "overwrite"]
    assert is_whole(lake, *MODELS)


def test_files_that_were_only_put_together_change_nothing(building: Building, lake: Lake) -> None:
    lake.append("readings", table({4: ("a", 30, 6)}))
    build(building, *MODELS)
    lake.compact("readings")
    assert {run.state for run in build(building, *MODELS).values()} == {State.UNCHANGED}
    lake.append("readings", table({5: ("b", 40, 6)}))
    build(building, *MODELS)
    assert verbs(lake, "high") == ["overwrite", "upsert"]
    assert is_whole(lake, *MODELS)


def test_versions_that_were_cleared_make_everything_anew(building: Building, lake: Lake) -> None:
    build(building, *MODELS)
    old = lake.files("readings")
    lake.overwrite("readings", table({9: ("a", 5, 6)}))
    for file in old:
        Path(file).unlink()
    assert {run.state for run in build(building, *MODELS).values()} == {State.BUILT}
    assert is_whole(lake, *MODELS)


@pytest.mark.parametrize(
    ("old", "new", "columns"),
    [
        ("COUNT(*) AS n,", "", ["town", "day", "total", "last"]),
        ("COUNT(*) AS n,", "COUNT(*) AS counted,", ["town", "day", "total", "counted", "last"]),
        ("COUNT(*) AS n", "'x' AS n", ["town", "day", "total", "n", "last"]),
        ("HAVING COUNT(*) < 4", "HAVING COUNT(*) < 2", ["town", "day", "total", "n", "last"]),
    ],
)
def test_changed_sql_makes_everything_anew_with_its_own_columns(
    building: Building, lake: Lake, old: str, new: str, columns: list[str]
) -> None:
    build(building, *MODELS)
    lake.append("readings", table({4: ("a", 30, 6)}))
    changed = parse_model(TOWNS.replace(old, new).encode(), file="towns.sql")
    assert build(building, changed)["towns"].state is State.BUILT
    assert lake.schema("towns").names == columns
    assert is_whole(lake, changed)
    lake.append("readings", table({5: ("d", 40, 6)}))
    build(building, changed)
    assert verbs(lake, "towns")[-1] == "upsert"
    assert is_whole(lake, changed)


def test_an_input_that_got_other_columns_makes_everything_anew(
    building: Building, lake: Lake
) -> None:
    build(building, *MODELS)
    wide = table({6: ("a", 50, 8)}).append_column("height_m", pa.array([3.0]))
    lake.widen("readings", wide.schema)
    lake.append("readings", wide)
    assert build(building, *MODELS)["high"].state is State.BUILT
    assert verbs(lake, "high") == ["overwrite", "overwrite"]


@pytest.mark.parametrize("key", ["town", "total"])
def test_a_key_that_is_none_is_refused_before_anything_is_written(
    building: Building, lake: Lake, key: str
) -> None:
    bad = parse_model(TOWNS.replace("[town, day]", f"[{key}]").encode(), file="towns.sql")
    lake.append("readings", table({7: ("a", 3000, None), 8: ("a", 1600, 1)}))
    run = build(building, bad)["towns"]
    assert run.state is State.FAILED
    assert f"of its key ({key})" in run.reason
    assert not lake.exists("towns")


class Killed(BaseException):
    """What stands for the end of the process."""


class Dying(Control):
    """A control store whose process ends when it would write for the nth time."""

    def __init__(self, control: Control, lives: int) -> None:
        super().__init__(control.engine)
        self.lives = lives

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        if self.lives == 0:
            raise Killed
        self.lives -= 1
        with super().transaction() as connection:
            yield connection


@pytest.mark.parametrize("lives", range(5))
def test_a_build_that_is_killed_is_done_the_next_time(
    building: Building, lake: Lake, lives: int
) -> None:
    build(building, *MODELS)
    lake.upsert("readings", table({2: ("b", 1600, 9), 4: ("a", 30, 6)}), key=["id"])
    dying = Building(Dying(building.control, lives), lake, building.clock)
    with pytest.raises(Killed):
        build(dying, *MODELS)
    done = build(building, *MODELS)
    assert {run.reason for run in done.values()} == {""}
    assert is_whole(lake, *MODELS)
    assert {run.state for run in build(building, *MODELS).values()} == {State.UNCHANGED}
    with building.control.transaction() as connection:
        noted = {r.model: r.version for r in connection.execute(select(build_table))}
        told = [r.job for r in connection.execute(select(run_table))]
    assert noted == {name: lake.version(name) for name in noted}
    assert all(told.count(f"model:{name}") >= 2 for name in noted)


PLAIN = "SELECT station, date_trunc('day', observed_at) AS day, COUNT(*) AS n FROM readings"


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        (f"{PLAIN} GROUP BY station", "it does not group by observed_at or a date_trunc of it"),
        (
            f"{PLAIN.replace('day', 'month', 1)} GROUP BY ALL",
            "no column of its answer is observed_at or a date_trunc of it to one day or less",
        ),
        ("SELECT MAX(observed_at) AS day FROM readings", "it sums up over all rows"),
        ("SELECT station AS day FROM readings", "no column of its answer is observed_at"),
        (f"{PLAIN} GROUP BY 1, 2 LIMIT 9", "it has LIMIT, which is about all rows"),
        (f"{PLAIN} GROUP BY ROLLUP (station, 2)", "it groups in more than one way"),
        (f"{PLAIN} GROUP BY 1, 2 UNION ALL {PLAIN} GROUP BY 1, 2", "it is a union of queries"),
        (
            "SELECT observed_at AS day FROM readings "
            "WHERE value > (SELECT AVG(value) AS v FROM readings)",
            "it reads readings more than once",
        ),
        (
            "SELECT day FROM (SELECT observed_at AS day FROM readings LIMIT 5)",
            "it reads readings in a sub-query",
        ),
        (
            "SELECT r.observed_at AS day FROM stations AS s LEFT JOIN readings AS r ON true",
            "a LEFT JOIN brings rows that are not of readings",
        ),
        (
            "SELECT r.observed_at AS day FROM readings AS r FULL JOIN stations AS s ON true",
            "a FULL JOIN brings rows that are not of readings",
        ),
        (
            "SELECT observed_at AS day, LAG(value) OVER (ORDER BY observed_at) AS v FROM readings",
            "a window is not partitioned by observed_at",
        ),
        (
            "SELECT s.observed_at AS day FROM readings AS r JOIN stations AS s ON true",
            "no column of its answer is observed_at",
        ),
        (
            "SELECT DISTINCT ON (station) observed_at AS day FROM readings",
            "it has DISTINCT ON, which is about all rows",
        ),
    ],
)
def test_sql_that_cannot_be_built_by_grain_is_not_incremental(sql: str, problem: str) -> None:
    head = HEAD.format("by: observed_at, grain: day, key: [day]")
    with pytest.raises(DocumentError) as refusal:
        parse_model((head + sql).encode(), file="bad.sql")
    (finding,) = refusal.value.findings
    assert finding.line == 5
    assert finding.problem.startswith(f"it cannot be built by grain: {problem}"), finding.problem


class Late(Control):
    """A store that lets nobody in before `may_enter`; `is_asked` tells that somebody waits."""

    def __init__(self, control: Control) -> None:
        super().__init__(control.engine)
        self.is_asked, self.may_enter = Event(), Event()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self.is_asked.set()
        self.may_enter.wait(20)
        with super().transaction() as connection:
            yield connection


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_build_that_ends_after_a_newer_one_does_not_stay(
    building: Building, lake: Lake, model: Model
) -> None:
    late = Late(building.control)
    older = Thread(target=build, args=(replace(building, control=late), model))
    older.start()
    assert late.is_asked.wait(20)
    lake.append("readings", table({9: ("a", 30, 8)}))

    def let_older_end() -> None:
        late.may_enter.set()
        older.join(20)

    # The clock is asked when a build begins, and when its rows are written but it is not noted.
    moments = iter([lambda: None, let_older_end])

    def clock() -> Instant:
        next(moments, lambda: None)()
        return Instant(START)

    build(replace(building, clock=clock), model)
    assert not older.is_alive()
    build(building, model)
    assert is_whole(lake, model)
