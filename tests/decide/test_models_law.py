"""Law in models: named in the header, judged by the law of each row's own day, told by lineage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from shuzhi.app.running.catching_up import NoProgress
from shuzhi.decide.models import Building, Model, ModelRun, State, parse_model, run_models
from shuzhi.gather.lake import Lake, open_lake
from shuzhi.gather.lineage import trace
from shuzhi.kernel.control import Control
from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.instant import Clock
from shuzhi.kernel.law import Law

LAW = """\
title: Noise
source: an example
parameters:
  - id: least_hours
    legal_basis: {law: GB 3096, article: table 1}
    description: {zh: 最少小时数, en: hours needed}
    unit: hours
    values:
      - {from: 2024-01-01, value: 2, verified: true}
      - {from: 2026-01-01, value: 1, verified: true}
  - id: from_2099
    legal_basis: {law: GB 3096, article: table 2}
    description: {zh: 以后, en: later}
    unit: hours
    values:
      - {from: 2099-01-01, value: 9, verified: true}
tables:
  - id: noise_grades
    legal_basis: {law: GB 3096, article: table 3}
    description: {zh: 等级, en: grades}
    columns: {grade: text, low: number, high: number}
    versions:
      - from: 2024-01-01
        verified: true
        rows: [[quiet, 0, 50], [loud, 50, 100]]
      - from: 2026-01-01
        verified: true
        rows: [[quiet, 0, 40.5], [loud, 40.5, 100]]
"""
DAYS = """/*
title: {zh: 日, en: Days}
parameters:
  needed: {law: least_hours, unit: hours, on: day}
*/
SELECT station, day, COUNT(*) >= :needed AS is_enough FROM readings GROUP BY station, day
"""
AT = """/*
title: {zh: 时, en: Hours}
parameters: {needed: {law: least_hours, unit: hours, at: r.observed_at}}
*/
SELECT r.observed_at AS observed_at, :needed AS needed FROM readings AS r
"""
GRADES = """/*
title: {zh: 等级, en: Grades}
tables: [noise_grades]
*/
SELECT r.day AS day, r.value AS value, g.grade AS grade FROM readings AS r
JOIN noise_grades AS g ON g.low < r.value AND r.value <= g.high AND g.valid_from <= r.day
  AND (g.valid_to IS NULL OR g.valid_to >= r.day)
"""


def parsed(text: str, name: str = "it") -> Model:
    return parse_model(text.encode(), file=f"models/{name}.sql")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = open_lake(tmp_path / "lake")
    # Years of China: the last instant of 2025 there is four in the afternoon in UTC.
    times = [(2023, 6, 1, 0), (2025, 6, 1, 0), (2025, 12, 31, 15), (2025, 12, 31, 16)]
    days = [date(2023, 6, 1), date(2025, 6, 1), date(2025, 12, 31), date(2026, 1, 1)]
    columns = {
        "station": ["a"] * 4,
        "observed_at": pa.array(
            [datetime(*time, tzinfo=UTC) for time in times], pa.timestamp("us", tz="UTC")
        ),
        "day": days,
        "value": [45.0] * 4,
    }
    lake.append("readings", pa.table(columns))
    return lake


@pytest.fixture
def building(lake: Lake, control: Control, clock: Clock, tmp_path: Path) -> Building:
    law = law_of(tmp_path, LAW)
    return Building(control, lake, clock, law=law, zone="Asia/Shanghai")


def law_of(folder: Path, text: str) -> Law:
    (folder / "law.yaml").write_text(text, encoding="utf-8")
    return Law.load(folder / "law.yaml")


def build(building: Building, *models: Model) -> Mapping[str, ModelRun]:
    return {str(run.model): run for run in run_models(building, models, NoProgress())}


def rows(lake: Lake, query: str) -> list[tuple[Any, ...]]:
    with lake.duck() as connection:
        return connection.execute(query).fetchall()


def test_a_day_is_judged_by_the_law_of_that_day(building: Building, lake: Lake) -> None:
    build(building, parsed(DAYS))
    assert rows(lake, "SELECT day, is_enough FROM it ORDER BY day") == [
        (date(2023, 6, 1), None),
        (date(2025, 6, 1), False),
        (date(2025, 12, 31), False),
        (date(2026, 1, 1), True),
    ]


def test_before_the_first_value_nothing_is_judged(building: Building, lake: Lake) -> None:
    build(building, parsed(DAYS.replace("law: least_hours", "law: from_2099")))
    assert rows(lake, "SELECT DISTINCT is_enough FROM it") == [(None,)]


def test_an_instant_is_of_the_day_that_the_zone_has(building: Building, lake: Lake) -> None:
    build(building, parsed(AT))
    needed = rows(lake, "SELECT needed FROM it ORDER BY observed_at")
    assert needed == [(None,), (2,), (2,), (1,)]
    build(replace(building, zone="UTC"), parsed(AT))
    assert rows(lake, "SELECT needed FROM it ORDER BY observed_at")[-1] == (2,)


def test_a_table_of_law_has_the_rows_of_each_day(building: Building, lake: Lake) -> None:
    build(building, parsed(GRADES))
    assert rows(lake, "SELECT day, grade FROM it ORDER BY day") == [
        (date(2025, 6, 1), "quiet"),
        (date(2025, 12, 31), "quiet"),
        (date(2026, 1, 1), "loud"),
    ]


@pytest.mark.parametrize(
    ("model", "old", "new"),
    [
        (DAYS, "from: 2026-01-01, value: 1", "from: 2026-01-01, value: 3"),
        (DAYS, "from: 2026-01-01, value: 1", "from: 2026-02-01, value: 1"),
        (GRADES, "[quiet, 0, 40.5]", "[silent, 0, 40.5]"),
    ],
)
def test_other_law_makes_a_model_stale(
    building: Building, tmp_path: Path, model: str, old: str, new: str
) -> None:
    build(building, parsed(model))
    assert build(building, parsed(model))["it"].state is State.UNCHANGED
    amended = replace(building, law=law_of(tmp_path, LAW.replace(old, new)))
    assert build(amended, parsed(model))["it"].state is State.BUILT


def test_words_about_law_make_nothing_stale(building: Building, tmp_path: Path) -> None:
    build(building, parsed(DAYS))
    reworded = replace(building, law=law_of(tmp_path, LAW.replace("hours needed", "least hours")))
    assert build(reworded, parsed(DAYS))["it"].state is State.UNCHANGED


def test_lineage_names_law(building: Building, control: Control) -> None:
    build(building, parsed(DAYS, "days"), parsed(GRADES, "grades"))
    assert {str(s.source) for s in trace(control, "days").upstream} == {
        "readings",
        "law:least_hours",
    }
    assert "law:noise_grades.grade" in {
        str(s.source) for s in trace(control, "grades.grade").upstream
    }
    assert [str(s.target) for s in trace(control, "law:least_hours").downstream] == ["days"]


def test_a_grain_is_computed_anew_by_law_too(building: Building, lake: Lake) -> None:
    header = "title: {zh: 日, en: Days}\n"
    by_day = "incremental: {dataset: readings, by: day, grain: day, key: [station, day]}\n"
    model = parsed(DAYS.replace(header, header + by_day))
    build(building, model)
    lake.append(
        "readings",
        pa.table(
            {
                "station": ["b"],
                "observed_at": pa.array([None], pa.timestamp("us", tz="UTC")),
                "day": [date(2026, 1, 2)],
                "value": [1.0],
            }
        ),
    )
    assert build(building, model)["it"].rows == 1
    assert rows(lake, "SELECT is_enough FROM it WHERE station = 'b'") == [(True,)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            DAYS.replace("law: least_hours", "law: most_hours"),
            "models/it.sql:4: there is no law parameter 'most_hours'.",
        ),
        (
            DAYS.replace("law: least_hours", "law: noise_grades"),
            "models/it.sql:4: there is no law parameter 'noise_grades'.",
        ),
        (
            DAYS.replace("unit: hours", "unit: days"),
            "models/it.sql:4: least_hours is in hours, and the model reckons in days.",
        ),
        (
            GRADES.replace("noise_grades", "smell_grades"),
            "models/it.sql:3: there is no table of law 'smell_grades'.",
        ),
    ],
)
def test_law_that_is_not_there_is_refused_with_its_line(
    building: Building, text: str, reason: str
) -> None:
    done = build(building, parsed(text))["it"]
    assert done.state is State.FAILED
    assert done.reason == f"{reason} Correct the model's header, or the law file."


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        (
            ":needed",
            ":need",
            6,
            "no value is called :need. The values that can stand here are: :needed.",
        ),
        (
            ":needed",
            "1",
            4,
            "is not named in the SQL; write :needed where it counts, or take it out",
        ),
        (", on: day", "", 4, "names the row's date under `on` or its instant under `at`"),
        (", on: day", ", on: day, at: day", 4, "names the row's date under `on` or its instant"),
        ("on: day", "on: day + 1", 4, "String should match pattern"),
        ("unit: hours, ", "", 4, "Field required"),
        (
            "*/",
            "tables: [noise_grades]\n*/",
            5,
            "names 'noise_grades', which the SQL does not read",
        ),
    ],
)
def test_a_header_that_cannot_be_right_is_refused_with_its_line(
    old: str, new: str, line: int, problem: str
) -> None:
    with pytest.raises(DocumentError) as refusal:
        parsed(DAYS.replace(old, new))
    assert refusal.value.findings[0].line == line
    assert problem in refusal.value.findings[0].problem
