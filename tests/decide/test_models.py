"""Models: read strictly, built in order, only when something changed, each with its lineage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.decide.models import (
    Building,
    Model,
    ModelBuilt,
    ModelRun,
    State,
    ordered,
    parse_model,
    run_models,
)
from shuzhi.gather.lake import Lake, open_lake
from shuzhi.gather.lineage import trace
from shuzhi.kernel.control import Control
from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import DatasetName
from shuzhi.kernel.instant import Clock

HEADER = "/*\ntitle: {zh: 模型, en: A model}\n*/\n"
DAILY = """/*
title: {zh: 日均值, en: Daily means}
incremental: {dataset: readings, by: observed_at, grain: day, key: [station, day]}
*/
SELECT station, date_trunc('day', observed_at) AS day, AVG(value) AS mean, COUNT(*) AS readings
FROM readings GROUP BY station, date_trunc('day', observed_at)
"""


class Silent:
    """Progress that nobody watches."""

    def started(self, label: str, total: int | None) -> None:
        self.label, self.total = label, total

    def advanced(self, amount: int) -> None:
        self.amount = amount

    def finished(self) -> None:
        self.label = ""


def model(name: str, sql: str, header: str = HEADER) -> Model:
    return parse_model((header + sql).encode(), file=f"models/{name}.sql")


def readings(*rows: tuple[str, int, int, float]) -> pa.Table:
    return pa.table(
        {
            "station": [r[0] for r in rows],
            "observed_at": pa.array(
                [datetime(2026, 3, r[1], r[2], tzinfo=UTC) for r in rows],
                pa.timestamp("us", tz="UTC"),
            ),
            "value": [r[3] for r in rows],
        }
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = open_lake(tmp_path / "lake")
    lake.append("readings", readings(("a", 1, 0, 1.0), ("a", 1, 1, 3.0), ("b", 1, 0, 10.0)))
    return lake


@pytest.fixture
def building(lake: Lake, control: Control, clock: Clock) -> Building:
    return Building(control, lake, clock)


def build(building: Building, *models: Model) -> dict[str, ModelRun]:
    return {str(run.model): run for run in run_models(building, models, Silent())}


def rows(lake: Lake, query: str) -> list[tuple[Any, ...]]:
    with lake.duck() as connection:
        return connection.execute(query).fetchall()


def test_models_are_built_each_after_what_it_reads(building: Building, lake: Lake) -> None:
    highest = model("highest", "SELECT MAX(mean) AS mean FROM means")
    means = model("means", "SELECT station, AVG(value) AS mean FROM readings GROUP BY station")
    done = build(building, highest, means)
    assert [(str(n), r.state, r.rows) for n, r in done.items()] == [
        ("means", State.BUILT, 2),
        ("highest", State.BUILT, 1),
    ]
    assert rows(lake, "SELECT mean FROM highest") == [(10.0,)]


def test_nothing_changed_means_nothing_is_built(building: Building, lake: Lake) -> None:
    means = model("means", "SELECT station, AVG(value) AS mean FROM readings GROUP BY station")
    build(building, means)
    version = lake.version("means")
    assert build(building, means)["means"].state is State.UNCHANGED
    assert lake.version("means") == version
    lake.append("readings", readings(("c", 2, 0, 5.0)))
    assert build(building, means)["means"].rows == 3


def test_changed_sql_is_built_again_with_its_new_columns(building: Building, lake: Lake) -> None:
    build(building, model("means", "SELECT station, AVG(value) AS mean FROM readings GROUP BY 1"))
    more = "SELECT station, AVG(value) AS mean, COUNT(*) AS n FROM readings GROUP BY station"
    assert build(building, model("means", more))["means"].state is State.BUILT
    assert rows(lake, "SELECT station, n FROM means ORDER BY 1") == [("a", 2), ("b", 1)]


def test_an_incremental_model_equals_one_that_is_built_whole(
    building: Building, lake: Lake
) -> None:
    daily = parse_model(DAILY.encode(), file="daily.sql")
    whole = model("whole", DAILY.partition("*/")[2])
    build(building, daily)
    lake.append("readings", readings(("a", 1, 5, 8.0), ("a", 2, 0, 2.0), ("b", 3, 0, 4.0)))
    done = build(building, daily, whole)
    assert done["daily"].rows == 3
    both = "SELECT * FROM {} ORDER BY station, day"
    assert rows(lake, both.format("daily")) == rows(lake, both.format("whole"))


def test_a_model_by_day_computes_only_the_days_that_changed(building: Building, lake: Lake) -> None:
    by_day = model(
        "by_day",
        "SELECT day, SUM(n) AS n FROM counts GROUP BY day",
        HEADER.replace("*/", "incremental: {dataset: counts, by: day, grain: day, key: [day]}\n*/"),
    )
    first, second, third = (date(2026, 3, day) for day in (1, 2, 3))
    lake.append("counts", pa.table({"day": [first, second], "n": [1, 2]}))
    build(building, by_day)
    lake.append("counts", pa.table({"day": [second, third], "n": [3, 4]}))
    assert build(building, by_day)["by_day"].rows == 2
    assert rows(lake, "SELECT * FROM by_day ORDER BY day") == [(first, 1), (second, 5), (third, 4)]


def test_a_model_that_fails_holds_up_only_those_that_read_it(
    building: Building, lake: Lake
) -> None:
    lake.append("words", pa.table({"word": ["twelve"]}))
    done = build(
        building,
        model("numbers", "SELECT CAST(word AS DOUBLE) AS n FROM words"),
        model("sums", "SELECT SUM(n) AS n FROM numbers"),
        model("counts", "SELECT COUNT(*) AS n FROM words"),
        model("later", "SELECT x FROM nowhere"),
    )
    assert {name: run.state for name, run in done.items()} == {
        "counts": State.BUILT,
        "later": State.SKIPPED,
        "numbers": State.FAILED,
        "sums": State.SKIPPED,
    }
    assert "Could not convert string 'twelve'" in done["numbers"].reason
    assert done["sums"].reason == "numbers was not built"
    assert done["later"].reason == "there is no data set nowhere yet"
    assert not lake.exists("numbers")


def test_a_model_that_takes_too_long_is_stopped(lake: Lake, control: Control, clock: Clock) -> None:
    lake.append("many", pa.table({"n": range(40_000)}))
    hasty = Building(control, lake, clock, most_seconds=0.2)
    endless = "many a, many b, many c WHERE (a.n + b.n * c.n) % 7 = 8"
    slow = model("slow", f"SELECT COUNT(*) AS n FROM {endless}")
    done = build(hasty, slow)["slow"]
    assert (done.state, "it took longer than 0.2 s" in done.reason) == (State.FAILED, True)


def test_a_build_is_told_with_its_columns(building: Building) -> None:
    build(building, model("means", "SELECT station, AVG(value) AS mean FROM readings GROUP BY 1"))
    steps = trace(building.control, "means.mean").upstream
    assert [str(s.source) for s in steps] == ["readings.station", "readings.value"]


def test_a_build_is_announced(lake: Lake, control: Control, clock: Clock) -> None:
    heard: list[Event] = []
    told = Building(control, lake, clock, publish=heard.append)
    build(told, model("n", "SELECT COUNT(*) AS n FROM readings"))
    build(told, model("n", "SELECT COUNT(*) AS n FROM readings"))
    assert heard == [ModelBuilt(clock(), DatasetName("n"), 0)]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("SELECT 1 AS x", 1, "does not begin with a header: /* title: {zh: …, en: …} */"),
        ("/*\ntitle: {zh: a, en: b}\ncolour: red\n*/\nSELECT 1 AS x", 3, "unknown key"),
        (f"{HEADER}SELECT x FROM a; DROP TABLE a", 4, "one SELECT is needed"),
        (f"{HEADER}SELECT x,\n  random() AS r FROM a", 5, "the function random is not one"),
        (f"{HEADER}SELECT x,\n now() AS t FROM a", 5, "Take the time from a column"),
        (f"{HEADER}SELECT date_diff('day', x, y) AS d FROM a", 4, "Subtract the two times"),
        (f"{HEADER}SELECT x FROM it", 1, "reads 'it', which it makes itself"),
        (f"{HEADER}SELECT * FROM read_csv('/etc/passwd')", 4, ""),
        (f"{HEADER}SELECT getenv('HOME') AS h FROM a", 4, "the function getenv"),
    ],
)
def test_a_bad_model_is_refused_with_its_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(DocumentError) as refusal:
        parse_model(text.encode(), file="it.sql")
    assert refusal.value.findings[0].line == line
    assert problem in refusal.value.findings[0].problem


def test_a_circle_is_refused_with_its_way() -> None:
    with pytest.raises(RefusedError) as refusal:
        ordered([model("a", "SELECT x FROM b"), model("b", "SELECT x FROM a")])
    assert refusal.value.code == "decide.model_cycle"
    assert refusal.value.message == "Models read each other in a circle: a reads b reads a."


@given(st.lists(st.sets(st.integers(0, 7), max_size=3), min_size=1, max_size=8))
def test_every_model_comes_after_what_it_reads(reads: Sequence[set[int]]) -> None:
    # Reading only lower numbers, so that there is no circle.
    made = [
        Model(
            DatasetName(f"m{i}"),
            "",
            "",
            "",
            tuple(DatasetName(f"m{r}") for r in sorted(below) if r < i),
        )
        for i, below in enumerate(reads)
    ]
    place = {m.name: i for i, m in enumerate(ordered(reversed(made)))}
    assert all(place[r] < place[m.name] for m in made for r in m.reads)
